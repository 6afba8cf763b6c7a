"""symbolify: trained model -> edge curves -> closed forms -> joint refit -> equations."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sciren.comparison import ResidualScale
from sciren.errors import TrainingError
from symbolic.curves.edge_errors import with_errors
from symbolic.curves.extract import extract
from symbolic.model.assembly import Fit, assemble_model
from symbolic.model.fit_record import FitRecord
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.options import SymbolicOptions, check_edges, options_of
from symbolic.search.candidate import Candidate, signature
from symbolic.search.class_slopes import with_class_slopes
from symbolic.search.climb import ScoredLatents, Search
from symbolic.search.competition import Competition
from symbolic.search.inside_bands import CurveBands, kept_inside
from symbolic.search.observations import (
    Sample,
    matched,
    observed,
    observed_by,
    sampled,
    shape_rules,
    units_of,
)
from symbolic.search.offsets import with_structures, without_offsets
from symbolic.search.path import collect, select, walk_down
from symbolic.search.refit import refitted
from symbolic.search.starting import fit_latent
from symbolic.search.step_places import with_steps_in_place
from symbolic.search.widening import (
    widened,
    with_further,
    without_needless_refusals,
)
from symbolic.terms.rebuild import Units

if TYPE_CHECKING:
    from sciren.data.table import Table
    from sciren.inference.intervals.bands import Band
    from sciren.model import ScIReN
    from sciren.solvers.process_term import ProcessTerm


def symbolify(
    model: "ScIReN",
    table: "Table",
    options: SymbolicOptions | Mapping[str, Any] | Sequence[str] | None = None,
    *,
    seed: int = 0,
    bands: "Sequence[Band]" = (),
    **keywords: Any,
) -> SymbolicModel:
    """Turn a trained model into equations.

    Args:
        model: trained; its encoder has at most one hidden layer.
        table: training rows with observed targets.
        options: what the user decides, see `SymbolicOptions`; a bare list of names means
            the families.
        seed: of the rows that the search sees, and of random starts.
        bands: of the curves, in which closed forms have to stay; a curve without a band is
            judged by its own errors alone.
        keywords: fields of the options by their names, such as ``pins={"ta": "exp"}``;
            they go before ``options``.
    Raises:
        TrainingError: the model has no edges, or its decoder does not act row by row.
        ConfigError: an option, a family or an edge that does not exist.
        ColumnError: the table is not one that the model can be compared with.
    """
    import torch

    decided = options_of(options, keywords)
    _check_rowwise(model)
    with torch.no_grad():
        return _symbolified(model, matched(model, table), decided, seed, bands)


def _symbolified(
    model: "ScIReN",
    table: "Table",
    options: SymbolicOptions,
    seed: int,
    bands: "Sequence[Band]",
) -> SymbolicModel:
    """The stages: curves, families, search, compositions, candidates, refit, equations."""
    # 1. Learned curves as arrays; now hidden nodes are known and keys can be checked.
    curves = extract(model, table)
    hidden_nodes = {latent.name: len(latent.nodes) for latent in curves}
    check_edges(options, table.feature_names, hidden_nodes)
    # 2. Rows: all of them for the last refit, a sample for the search.
    whole = observed(model, table)
    sample = sampled(whole, table, options.search_rows, seed)
    # 3. Closed forms of every curve, judged by what the data know about it.
    measured = with_errors(curves, sample.term, sample.scaled)
    fitted = [fit_latent(latent, table.feature_names, options) for latent in measured]
    # 4. Structures compete in joint refits, first
    # with the usual families, then with further ones.
    rules = shape_rules(model, table, options.shapes)
    pinned = _pinned(table.feature_names, model.latent_names, options)
    margin = options.domain_margin
    search = Search(sample.term, sample.scaled, fitted, pinned, rules, margin)
    best = search.run(model.constant_raw.detach())
    search.latents = with_further(fitted, table.feature_names, options)
    best = widened(search, best, options)
    units, others = units_of(model, table), _other_laws(model, sample)
    best = with_class_slopes(search, best, units, options, seed)
    # 5. A form that leaves the band of its curve goes. Compositions compete where curves are
    # refused or the residual is predictable; what is refused after that is looked at once
    # more.
    limits = CurveBands.of(bands, model.latent_names, units)
    best = kept_inside(search, best, limits)
    competition = Competition(search, model, sample.table, units, options, seed, others)
    best = without_needless_refusals(search, competition.run(best), limits)
    best = kept_inside(search, best, limits)
    # 6. The path from simple to accurate, and the model on it that the user wants.
    delta_bic = search.delta_bic(best)
    candidates, selected = _candidates(search, best, model, sample, units, options)
    if candidates[selected].signature != signature(best.structures):
        best = search.known[candidates[selected].signature]
        delta_bic = search.delta_bic(best)
    # 7. Steps are moved to where the rows put them; offsets that are zero within their
    # error go.
    plain = without_offsets(search, with_steps_in_place(search, best), units)
    if plain is not best:
        best = plain
        candidates = with_structures(search, candidates, selected, best)
    # 8. All constants on all rows, with errors; then raw units and tables.
    whole = observed_by(best.structures, model, table)
    how = {"rules": search.rules, "domain_margin": margin}
    last = refitted(model, whole, best.structures, best.constants, **how)
    fit = Fit(last, search.latents, delta_bic, whole)
    attempts, residual = tuple(competition.attempts), competition.residual
    record = FitRecord(options, compositions=attempts, residual=residual)
    symbolic = assemble_model(model, table, fit, record)
    return symbolic.with_candidates(candidates, selected)


def _check_rowwise(model: "ScIReN") -> None:
    if not model.decoder.rowwise:
        raise TrainingError(
            f"decoder {model.decoder.name!r} does not act row by row, so the constants "
            "of the formulas cannot be refitted through it"
        )


def _candidates(
    search: Search,
    best: ScoredLatents,
    model: "ScIReN",
    sample: Sample,
    units: Units,
    options: SymbolicOptions,
) -> tuple[tuple[Candidate, ...], int]:
    """Models from the simplest to the most accurate, and the row that is taken."""
    path = walk_down(search, best)
    candidates = collect(search, path, model, sample.table, units, options.complexity)
    return candidates, select(candidates, options.model_selection, best.structures)


def _other_laws(
    model: "ScIReN", sample: Sample
) -> "Callable[[str], ProcessTerm] | None":
    """Observed loss by noise law, where the training took the noise as constant."""
    # logarithms of targets already are a law of proportional errors
    scale = model.residual_scale or ResidualScale.fit(sample.table.targets)
    if model.noise != "constant" or scale.kind != "identity":
        return None
    return lambda law: observed(model, sample.table, law).term


def _pinned(
    features: Sequence[str], latents: Sequence[str], options: SymbolicOptions
) -> frozenset[tuple[int, int]]:
    """Edges (latent, feature), by their numbers, with a pinned family."""
    return frozenset(
        (k, i)
        for k, latent in enumerate(latents)
        for i, feature in enumerate(features)
        if options.pinned(feature, latent) is not None
    )
