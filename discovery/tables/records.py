"""What a run remembers about its data and how well each model does."""

from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.agreement import Agreement
from sciren.errors import ShapeError

if TYPE_CHECKING:
    from discovery.tables.study import Study
    from sciren.data import FeatureScaling, Split, Table

PARTS = ("train", "valid", "test")


def data_record(
    table: "Table",
    split: "Split",
    scaling: "FeatureScaling",
    source: str,
    fingerprint: str,
) -> dict[str, Any]:
    """Return the content of ``data.json``.

    Args:
        table: all rows that can be used.
        split: its parts.
        scaling: of the features, as the model stores it.
        source: file or generator, for the reader.
        fingerprint: hash of the file or of the rows.
    """
    return {
        "source": source,
        "sha256": fingerprint,
        "rows": len(table),
        "dropped": dict(table.dropped),
        "features": list(table.feature_names),
        "forcings": dict(table.forcing_columns),
        "targets": {
            name: table.target_columns.get(name, name) for name in table.target_names
        },
        "units": dict(table.units),
        # Later predictions are told from extrapolations by these.
        "ranges": table.column_ranges(),
        "scaling": {
            "kind": scaling.kind,
            "shift": scaling.shift.tolist(),
            "scale": scaling.scale.tolist(),
        },
        "split": {
            name: _part_record(part) for name, part in zip(PARTS, split, strict=True)
        },
    }


def _part_record(part: "Table") -> dict[str, Any]:
    record: dict[str, Any] = {
        "rows": len(part),
        "blocks": len(np.unique(part.blocks.numpy())),
        "observed": dict(
            zip(part.target_names, part.observed.sum(0).tolist(), strict=True)
        ),
    }
    if part.time is not None:
        record["first"], record["last"] = part.time.min(), part.time.max()
    return record


def study_record(study: "Study", scaling: "FeatureScaling") -> dict[str, Any]:
    """Return the content of ``data.json`` for a configured study."""
    record = data_record(
        study.table, study.split, scaling, study.source, study.fingerprint
    )
    counts: dict[str, Any] = {"read": study.read, "kept": study.kept}
    if study.magnitudes.of:
        counts["magnitudes"] = dict(study.magnitudes.of)
    return (
        record | counts | {"truth": dict(study.formulas), "manifest": "manifest.json"}
    )


def scores(
    observed: np.ndarray,
    predicted: np.ndarray,
    names: tuple[str, ...],
    weights: np.ndarray | None = None,
) -> dict[str, dict[str, float]]:
    """Return r2, rmse, bias and number of observations of each target.

    They are those of `sciren.agreement.Agreement`.

    Args:
        observed: (n, t), nan = not observed.
        predicted: (n, t).
        names: of the targets.
        weights: (n,) of the rows; default equal.
    Returns:
        Target -> score; r2 is nan where the observations do not vary.
    Raises:
        ShapeError: observed and predicted differ in shape.
    """
    if observed.shape != predicted.shape:
        raise ShapeError(
            f"observations have shape {observed.shape}, predictions {predicted.shape}"
        )
    agreement = {
        name: Agreement.of(observed[:, k], predicted[:, k], weights)
        for k, name in enumerate(names)
    }
    return {
        name: {
            "r2": measures.r2,
            "rmse": measures.rmse,
            "bias": measures.bias,
            "n": measures.rows,
        }
        for name, measures in agreement.items()
    }
