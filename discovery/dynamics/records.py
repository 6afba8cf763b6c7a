"""What a run on series remembers about its data."""

from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.tables.records import PARTS

if TYPE_CHECKING:
    from discovery.tables.study import SeriesStudy
    from sciren.data import FeatureScaling, SeriesTable


def series_record(
    study: "SeriesStudy", scaling: "FeatureScaling | None"
) -> dict[str, Any]:
    """Return the content of ``data.json`` of a study on series.

    Args:
        study: its series.
        scaling: of the static features, as the network stores it; None without network.
    """
    table = study.table
    record: dict[str, Any] = {
        "source": study.source,
        "sha256": study.fingerprint,
        "rows": int(table.lengths.sum()),
        "dropped": {},
        "groups": len(table),
        "features": list(table.static_names),
        "forcings": dict(table.forcing_columns),
        "targets": {n: table.target_columns.get(n, n) for n in table.target_names},
        "units": dict(table.units),
        "ranges": _ranges(table),
        "split": {
            name: _part(part, study.decoder.warmup)
            for name, part in zip(PARTS, study.split, strict=True)
        },
        "read": study.read,
        "kept": study.kept,
        "truth": dict(study.formulas),
        "manifest": "manifest.json",
    }
    if scaling is not None:
        record["scaling"] = {
            "kind": scaling.kind,
            "shift": scaling.shift.tolist(),
            "scale": scaling.scale.tolist(),
        }
    return record


def _ranges(table: "SeriesTable") -> dict[str, list[float]]:
    """Return column -> lowest and highest value of static features and forcings."""
    ranges = {
        name: [float(values.min()), float(values.max())]
        for name, values in zip(table.static_names, table.static.T, strict=True)
    }
    for name, values in table.forcings.items():
        # Padding holds anything and would widen the ranges.
        inside = values[table.active]
        column = table.forcing_columns.get(name, name)
        ranges[column] = [float(inside.min()), float(inside.max())]
    return ranges


def _part(part: "SeriesTable", warmup: int) -> dict[str, Any]:
    """Rows that count, groups, observations and times of a part."""
    counted = part.active & part.counted
    times = part.time[counted]
    observed = part.compared(warmup).sum((0, 1)).tolist()
    return {
        "rows": int(counted.sum()),
        "blocks": len(part),
        "observed": dict(zip(part.target_names, observed, strict=True)),
        "first": times.min() if len(times) else None,
        "last": times.max() if len(times) else None,
        "groups": list(part.groups),
        # Rows before a period bring the state to its course and are not counted.
    } | ({} if np.all(part.active == part.counted) else {"run in": True})
