"""Compute the uncertainty of a trained model on the rows that may choose."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from discovery.uncertainty.record import Comparison, Uncertainty
from discovery.verdict.edge_limit import most_edges

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Table
    from sciren.inference.conformal import ObservationLaw
    from sciren.inference.design import Edge
    from sciren.inference.intervals.bands import Band
    from sciren.inference.intervals.constants import Intervals
    from sciren.inference.intervals.observations import HeldOutMean
    from sciren.inference.observed import ObservedProcess
    from sciren.inference.selection import Selection
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel


def infer(
    model: "ScIReN",
    tables: "Sequence[Table]",
    equations: "SymbolicModel | None" = None,
    selection: "Selection | None" = None,
) -> Uncertainty:
    """Return intervals, bands, laws of predictions and the reach of the data.

    Args:
        model: trained; its decoder, bounds and scale are used, not its encoder.
        tables: parts whose rows may choose (training and validation).
        equations: whose features count as selected.
        selection: what `selected` returns for them, where it is known already.
    Raises:
        TrainingError: nothing is observed, or the process has no finite value.
    """
    from discovery.uncertainty.coefficients import coefficient_rows
    from sciren.inference.intervals.bands import selected_bands
    from sciren.inference.intervals.constants import find_intervals
    from sciren.inference.intervals.means import MeanLaw
    from sciren.inference.intervals.observations import hold_out

    # 1. Which features act, under the estimated law of the noise. 2. Intervals with all
    # that may act and with the selected. 3. Bands of curves. 4. Laws of new
    # observations from held-out errors. 5. Where the training rows lie.
    selection = selection or selected(model, tables)
    process = selection.fit.process
    # What the equations hold counts as selected even where tests would drop it:
    # intervals are those of the result that is reported.
    held = edges_of(equations)
    intervals = find_intervals(selection, held)
    bands = selected_bands(selection, intervals.recommended.estimated, intervals.soft)
    laws = _observation_laws(process, model, equations, hold_out(selection, held))
    scale = process.term.observations.scale
    comparisons = {
        name: Comparison(scale.kind, float(scale.sd[k]), float(scale.offset[k]))
        for k, name in enumerate(process.target_names)
    }
    return Uncertainty(
        _constants(intervals, model),
        tuple(_band(band, process, equations) for band in bands),
        MeanLaw.of(intervals, held if equations is not None else None),
        laws,
        comparisons,
        _reach(process, selection, equations),
        process.latent_names,
        process.constant_names,
        process.in_logs,
        coefficients=()
        if equations is None
        else coefficient_rows(equations, model, selection),
    )  # fmt: skip


def selected(
    model: "ScIReN", tables: "Sequence[Table]", tested: "Selection | None" = None
) -> "Selection":
    """Select features on the rows that may choose, under the estimated law of the noise.

    Args:
        model: its process, bounds and scale are used.
        tables: parts whose rows may choose.
        tested: selection of the training; it is the answer where it was of these rows.
    """
    from sciren.inference.selection import select

    # From the declared starts, as the training: the same rows give the same selection
    # also where that of the training is no longer at hand.
    process = _process(model, tables).from_declared_starts()
    # A user who declares proportional noise fixes its growth; else it is estimated.
    power = 1.0 if model.noise == "proportional" else None
    if tested is not None and tested.answers(process, power):
        return tested
    return select(process, power=power)


def _process(model: "ScIReN", tables: "Sequence[Table]") -> "ObservedProcess":
    from sciren.data import Table
    from sciren.inference.observed import ObservedProcess

    # of a very long record stretches are looked at: its intervals are then too wide
    return ObservedProcess.of(model, Table.concatenate(list(tables))).stretches()


def bands_of_curves(model: "ScIReN", selection: "Selection") -> "tuple[Band, ...]":
    """Return a band for every curve of a trained model, before it has closed forms.

    Args:
        model: its edges that are not left out; none inside hidden layers, where a curve
            has no scale of its own.
        selection: on the rows that may choose.
    """
    from sciren.edges import edge_layers
    from sciren.inference.intervals.bands import selected_bands
    from sciren.inference.intervals.double_selection import edges_of_constants

    layers = edge_layers(model.encoder)
    if len(layers) != 1:
        return ()
    alive = (layers[0].mask != 0).tolist()
    held = [edge for edge in selection.status if alive[edge[0]][edge[1]]]
    # The other edges are those of `infer`, so that a form is accepted by the band that
    # is drawn.
    needed = {*held, *selection.kept, *edges_of_constants(selection)}
    estimated = tuple(edge for edge in selection.status if edge in needed)
    soft = tuple(edge for edge in selection.status if edge not in needed)
    bands = selected_bands(selection, estimated, soft)
    return tuple(
        band for band, edge in zip(bands, estimated, strict=True) if edge in set(held)
    )


def bands_of_equations(
    model: "ScIReN",
    tables: "Sequence[Table]",
    equations: "SymbolicModel | None",
) -> "pd.DataFrame":
    """Return bands of the curves of the equations, whose edges are taken as given.

    They cost seconds where tests of every edge that was offered would cost minutes: behind
    an expensive process, or with very many edges.

    Args:
        model, tables: as of `infer`.
        equations: whose edges have curves.
    Returns:
        Columns as `Discovery.bands`; no rows where the process does not act row by row,
        or rows are too few.
    """
    from discovery.uncertainty.record import bands_table
    from sciren.inference.intervals.bands import curve_bands
    from sciren.inference.noise import Whitening
    from sciren.inference.skill.held_out import UNFIT

    edges = edges_of(equations)
    if not model.decoder.rowwise or len(edges) >= most_edges(model):
        return bands_table((), equations)
    try:
        process = _process(model, tables)
        bands = curve_bands(process, Whitening.none(process), edges)
    except UNFIT:
        bands = ()
    rows = (asdict(band) | {"source": band.feature} for band in bands)
    return bands_table(rows, equations)


def _band(
    band: "Band", process: "ObservedProcess", equations: "SymbolicModel | None"
) -> dict[str, Any]:
    """Return a band as plain data, with the closed forms inside it."""
    from discovery.uncertainty.families import departure_of, families_inside

    place = process.feature_names.index(band.feature)
    distance = None if equations is None else departure_of(band, equations)
    return {
        "latent": band.latent,
        "source": band.feature,
        "factor": band.factor,
        "level": band.level,
        "families": families_inside(band, process.kinds[place]),
        "inside": None if distance is None else distance.inside,
        "widths": 0.0 if distance is None else distance.widths,
        "share": 0.0 if distance is None else distance.share,
        "x": band.x.tolist(),
        "estimate": band.estimate.tolist(),
        "low": band.low.tolist(),
        "high": band.high.tolist(),
    }


def _observation_laws(
    process: "ObservedProcess",
    model: "ScIReN",
    equations: "SymbolicModel | None",
    held: "HeldOutMean",
) -> dict[str, dict[str, "ObservationLaw"]]:
    """Return the laws of new observations by what predicts: network, equations."""
    from discovery.results.scoring import equation_targets
    from sciren.inference.intervals.observations import observation_laws

    table = process.table
    # Means on the scale of the comparison, one for every observed (row, target) pair.
    predictions = {"network": model.predict(table).targets}
    if equations is not None:
        predictions["equations"] = equation_targets(equations, model, table)
    names, scale = process.target_names, process.term.observations.scale
    by_means = {}
    for using, targets in predictions.items():
        compared = scale.transform(targets).cpu().numpy()[process.rows, process.targets]
        laws = observation_laws(held, compared)
        by_means[using] = dict(zip(names, laws, strict=True))
    return by_means


def edges_of(equations: "SymbolicModel | None") -> "tuple[Edge, ...]":
    """Return the edges (feature, latent) of the equations; a latent's own, however deep."""
    if equations is None:
        return ()
    pairs = [
        (edge.source, latent)
        for latent, structure in enumerate(equations.structures)
        for edge in structure.all_edges
    ]
    return tuple(dict.fromkeys(pairs))


def _constants(
    intervals: "Intervals", model: "ScIReN"
) -> tuple[Mapping[str, Any], ...]:
    from sciren.inference.intervals.constants import RECOMMENDED

    units = {parameter.name: parameter.unit for parameter in model.decoder.parameters}
    return tuple(
        {
            "constant": constant.constant, "method": constant.method, "estimate": constant.estimate,
            "error": constant.error, "low": constant.low, "high": constant.high,
            "unit": units[constant.constant], "recommended": constant.method == RECOMMENDED,
            "depends": constant.depends, "reason": constant.reason,
        }
        for constant in intervals.constants()
    )  # fmt: skip


def _reach(
    process: "ObservedProcess",
    selection: "Selection",
    equations: "SymbolicModel | None",
) -> Any:
    from sciren.inference.intervals.reach import Reach

    table, names = process.table, process.feature_names
    columns = {name: process.features[:, k] for k, name in enumerate(names)}
    # Only columns that enter a prediction can take a row outside; equations, where
    # there are any, say which.
    used = {names[feature] for feature, _ in selection.kept}
    if equations is not None:
        used = {names[feature] for feature, _ in edges_of(equations)}
    for name, values in table.forcings.items():
        # A forcing with several values a row (layers, months) has no single range.
        if values.dim() == 1:
            column = table.forcing_columns.get(name, name)
            columns[column] = values.cpu().numpy()
            used.add(column)
    # Features that stand in for one another did so within the training data only;
    # `Reach` watches their relation too.
    exchangeable = [
        (names[edge[0]], names[other[0]]) for edge, other, _ in selection.pairs
    ]
    return Reach.of(columns, tuple(used), exchangeable, table.kinds)


def _obstacle(model: "ScIReN", table: "Table") -> str | None:
    """Return why the data cannot be asked about single edges, or None."""
    edges = len(table.feature_names) * len(model.latent_names)
    if not model.decoder.rowwise:
        return f"decoder {model.decoder.name!r} does not act row by row"
    if edges >= most_edges(model):
        return (
            f"there are {edges} edges, and from {most_edges(model)} on tests of single edges "
            "take too long"
        )
    return None


def selected_or_reason(
    model: "ScIReN", tables: "Sequence[Table]", tested: "Selection | None" = None
) -> "tuple[Selection | None, str]":
    """Return the selection, or None and the reason why the data cannot be asked.

    Args:
        model, tables, tested: as of `selected`.
    """
    from sciren.inference.skill.held_out import UNFIT

    reason = _obstacle(model, tables[0])
    if reason is None:
        try:
            return selected(model, tables, tested), ""
        except UNFIT as error:
            reason = str(error)
    return None, reason


def inferred_or_reason(
    model: "ScIReN",
    tables: "Sequence[Table]",
    equations: "SymbolicModel | None" = None,
    selection: "Selection | None" = None,
) -> tuple[Uncertainty | None, str]:
    """Return the uncertainty, or None and the reason why there is none."""
    from sciren.inference.skill.held_out import UNFIT

    reason = _obstacle(model, tables[0])
    if reason is None:
        try:
            return infer(model, tables, equations, selection), ""
        except UNFIT as error:
            reason = str(error)
    return None, reason
