"""The rows that a trained model is compared with, as the search and the refit need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sciren.comparison import ResidualScale
from sciren.errors import ColumnError, TrainingError, closest_names
from sciren.inference.noise import NoiseLaw
from sciren.solvers.process_term import ProcessTerm
from sciren.solvers.whitened import WhitenedTerm
from sciren.training.noise import noise_weights
from symbolic.options import SymbolicOptions
from symbolic.terms.rebuild import Units
from symbolic.terms.shape_rules import ShapeRules
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.data.table import Table
    from sciren.model import ScIReN


@dataclass(frozen=True)
class Observed:
    """Rows with their scaled features and observed loss."""

    term: ProcessTerm
    scaled: "Tensor"


@dataclass(frozen=True)
class Sample(Observed):
    """Rows that the search sees, with the table that they came from."""

    table: "Table"


def matched(model: "ScIReN", table: "Table") -> "Table":
    """Return the table with its targets in the decoder's order.

    Raises:
        ColumnError: features in another order, or a target or forcing is missing.
        TrainingError: no rows, or a forcing with missing values.
    """
    model.check_features(table)
    if len(table) == 0:
        raise TrainingError("the table has no rows; check the split")
    decoder = model.decoder
    for kind, wanted, present in (
        ("forcing", decoder.forcings, table.forcings),
        ("target", decoder.targets, table.target_names),
    ):
        for name in wanted:
            if name not in present:
                raise ColumnError(
                    f"decoder {decoder.name!r} needs {kind} {name!r}, which the table "
                    f"does not have. {closest_names(name, present)} "
                    f"Map it with {kind}s={{decoder's name: column}}"
                )
    for name in decoder.forcings:
        if not bool(table.forcings[name].isfinite().all()):
            raise TrainingError(
                f"forcing {name!r} has missing values in the table; drop these rows"
            )
    # The decoder gives targets in its own order; from here on columns are compared by place.
    order = [table.target_names.index(name) for name in decoder.targets]
    return replace(table, targets=table.targets[:, order], target_names=decoder.targets)


def observed(model: "ScIReN", table: "Table", law: str | None = None) -> Observed:
    """Compare with a table as training did (residual, violation, noise law).

    Rows count under the law of the noise that the selection of features estimated, where
    there is one: growth with the mean, memory in time order, shared parts of groups.

    Args:
        law: weights alone, of a law of `sciren.training.noise`.
    """
    # a trained model keeps the scale of its training
    # rows, so that losses mean the same on any table
    scale = model.residual_scale or ResidualScale.fit(table.targets)
    noise = noise_weights(model, table, law)
    term = ProcessTerm(model, table, scale, model.violation_weight, noise_weights=noise)
    scaled = model.scaled(table.features)
    if law is None and model.noise_law is not None:
        noise_law = NoiseLaw.from_json(model.noise_law)
        if not noise_law.plain:
            # The selected curves, as training left them, carry the size of the noise.
            raw = model.raw_latents(scaled)
            term = WhitenedTerm.of_model(term, table, raw, noise_law)
    return Observed(term, scaled)


def levels_alone(structures: Sequence[LatentStructure]) -> bool:
    """Return whether no latent has a feature."""
    return not any(structure.all_edges for structure in structures)


def observed_by(
    structures: Sequence[LatentStructure], model: "ScIReN", table: "Table"
) -> Observed:
    """Compare with a table as the last refit of these closed forms does.

    Levels alone are fitted as they are compared, by plain squares. Under a law with memory or
    with shared parts of groups the changes from row to row decide and levels weigh little;
    where the process is wrong both disagree, and levels of groups left out are missed.
    """
    plain = model.noise if levels_alone(structures) else None
    return observed(model, table, plain)


def sampled(whole: Observed, table: "Table", most: int, seed: int) -> Sample:
    """Return at most some rows, at random or in stretches of a series.

    A search refits them hundreds of times.
    """
    rows = rows_for_search(len(table), most, seed)
    if len(table) > most and isinstance(whole.term, WhitenedTerm):
        rows = whole.term.rows_in_stretches(most)
    part = table if len(rows) == len(table) else table.take(rows)
    return Sample(whole.term.take(rows), whole.scaled[rows], part)


def rows_for_search(count: int, limit: int, seed: int) -> "Tensor":
    """Choose at most `limit` rows, spread over the table, seeded."""
    import torch

    if count <= limit:
        # all rows in their order, so that a small table needs no seed
        return torch.arange(count)
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(count, generator=generator)[:limit].sort().values


def units_of(model: "ScIReN", table: "Table") -> Units:
    """Scaling of the features and their range on a table."""
    # Copies, because buffers of the model are shared
    # memory and would move with further training.
    x = table.features.numpy()
    return Units(
        tuple(table.feature_names),
        model.feature_shift.numpy().copy(),
        model.feature_scale.numpy().copy(),
        x.min(0),
        x.max(0),
        dict(model.kinds),
    )


def constraints_of(model: "ScIReN") -> dict[str, tuple[str, float, float, float]]:
    """Latent -> (constraint, low, high, temperature)."""
    return {
        name: (
            constraint.name,
            float(model.low[k]),
            float(model.high[k]),
            # only a sigmoid has one
            float(getattr(constraint, "temperature", 1.0)),
        )
        for k, (name, constraint) in enumerate(
            zip(model.latent_names, model.constraints, strict=True)
        )
    }


def raw_process_constants(model: "ScIReN", values: Mapping[str, float]) -> "Tensor":
    """Return process constants (K,) on their training scale, in the decoder's order.

    Args:
        values: constant -> physical value; others are not looked at.
    """
    physical = [values[name] for name in model.decoder.constant_names]
    return model.constant_scale.to_raw(model.constant_raw.detach().new_tensor(physical))


def shape_rules(
    model: "ScIReN", table: "Table", shapes: Mapping[str, str]
) -> ShapeRules | None:
    """Return the required shapes by numbers of latent and feature, if there are any."""
    options = SymbolicOptions(shapes=shapes)
    rules = {
        (k, i): rule
        for k, latent in enumerate(model.latent_names)
        for i, feature in enumerate(table.feature_names)
        if (rule := options.shape(feature, latent)) is not None
    }
    if not rules:
        return None
    z = model.scaled(table.features).numpy()
    shift, scale = model.feature_shift.numpy(), model.feature_scale.numpy()
    return ShapeRules(rules, z.min(0), z.max(0), shift, scale)


def columns_of(table: "Table") -> dict[str, np.ndarray]:
    """Feature columns of a table by name."""
    return dict(zip(table.feature_names, table.features.numpy().T, strict=True))
