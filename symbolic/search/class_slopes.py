"""A slope for each class: the interaction of classes with one numeric feature.

    latent = ... + e_k + (b + s_k) (x - m)      for a row of class k

e_k and s_k have mean zero over the training rows and are drawn to it where rows are few; m
is a round number near the mean of x. Where x has a bent curve of its own that curve stays,
and only the departures s_k (x - m) are added.

An interaction has to win twice: by the criterion by which all structures compete, refitted
through the process on the rows of the search, and in rows that did not fit it, over five
folds of blocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sciren.data.kinds import Categorical
from symbolic.families.class_effects import ClassEffects, class_effects
from symbolic.families.variants import form_named, of_raw
from symbolic.options import SymbolicOptions
from symbolic.search.climb import Change, ScoredLatents, Search
from symbolic.search.held_out import preferred_held_out
from symbolic.search.refit import refit
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Product
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure


@dataclass(frozen=True)
class _Pair:
    """A latent, and the numbers of a class column and of a numeric feature."""

    latent: int
    classes: int
    numeric: int


def with_class_slopes(
    search: Search,
    best: ScoredLatents,
    units: Units,
    options: SymbolicOptions,
    seed: int = 0,
) -> ScoredLatents:
    """Return the best structures, slopes for each class included.

    Args:
        search: that named the edges; it scores the interactions.
        units: of the features, with their kinds.
        options: families and shapes that the user fixed are left alone.
        seed: of the folds.
    """
    pairs = list(_pairs(search, units, options))
    refused: set[_Pair] = set()
    # one pair at a time, the best forecast first; each is asked once, so this ends
    while True:
        ranked = _ranked(search, best, units, [p for p in pairs if p not in refused])
        if not ranked:
            return best
        pair = ranked[0]
        scored = _scored(search, best, pair, units)
        refused.add(pair)
        if scored.criterion < best.criterion and preferred_held_out(
            search, scored, best, seed
        ):
            # beside slopes for each class other edges may need another family, or none
            best = search.climb(scored)
            best = _joined(search, best)


def _pairs(search: Search, units: Units, options: SymbolicOptions) -> Iterator[_Pair]:
    """Yield what may interact: the user has not fixed either edge."""
    kinds = [units.kinds.get(name) for name in units.names]
    ruled = set(search.rules.rules) if search.rules is not None else set()
    for k, latent in enumerate(search.latents):
        free = [
            # a feature of one value has no slope, and a
            # slope that the user ruled out is none to offer
            i
            for i, name in enumerate(units.names)
            if (k, i) not in search.keep | ruled
            and np.ptp(search.features[:, i]) > 0
            and not {"linear", "classes"} & set(options.forbidden(name, latent.name))
        ]
        if "linear" not in options.allowed_families:
            continue
        for i in free:
            for j in free:
                if isinstance(kinds[i], Categorical) and kinds[j] is None:
                    yield _Pair(k, i, j)


def _ranked(
    search: Search, best: ScoredLatents, units: Units, pairs: list[_Pair]
) -> list[_Pair]:
    """Return the pairs whose slopes are forecast to win, the best first."""
    gains = []
    for pair in pairs:
        if _interacts(best.structures[pair.latent], pair):
            continue
        changed = _structures(search, best, pair, units)
        change = Change(changed, pair.latent, 0, "slopes")
        gains.append((search.foreseen(best, change), pair))
    gains.sort(key=lambda entry: entry[0])
    # what is not even forecast to win is not refitted
    return [pair for gain, pair in gains if gain < 0]


def _interacts(structure: LatentStructure, pair: _Pair) -> bool:
    """Whether the slopes are there, or the feature is part of a node already."""
    inside = {edge.source for node in structure.nodes for edge in node.edges}
    return pair.numeric in inside


def _structures(
    search: Search,
    best: ScoredLatents,
    pair: _Pair,
    units: Units,
    weights: tuple[float, float] = (0.0, 0.0),
) -> tuple[LatentStructure, ...]:
    """Return the structures with slopes for each class that are all alike.

    Args:
        weights: by which effects, where they are new, and slopes are drawn to zero.
    """
    k, i, j = pair.latent, pair.classes, pair.numeric
    structure = best.structures[k]
    kind = units.kinds[units.names[i]]
    assert isinstance(kind, Categorical)
    # shares of the rows, by which the effects have mean zero
    shares = kind.one_hot(search.features[:, i]).mean(0)
    zeros = (0.0,) * (kind.size - 1)
    shift, scale = float(units.shift[j]), float(units.scale[j])
    # x - m = (shift - m) + scale z with m round: the line of the raw feature about m
    start = shift - _round_middle(shift, scale)
    line = of_raw(form_named("linear"), start, scale)
    edges, offset, slope = structure.edges, structure.offset, 0.0
    own = [edge for edge in edges if edge.source == j]
    # a bent curve stays and only departures are added;
    # a line moves into the node as the mean slope b
    bent = any(edge.form is None or edge.form.family != "linear" for edge in own)
    if not bent and own:
        # the line a z of scaled features is (a / scale)
        # (x - shift): slope and offset in terms of x - m
        slope = own[0].constants[0] / scale
        offset -= slope * start
        edges = tuple(edge for edge in edges if edge.source != j)
    if not any(edge.source == i for edge in edges):
        edges = (*edges, EdgeTerm(i, class_effects(kind, shares, weights[0]), zeros))
    slopes = EdgeTerm(i, class_effects(kind, shares, weights[1]), zeros)
    node = Product(
        (
            Factor(slopes, slope, anchored=bent),
            Factor(EdgeTerm(j, line, (1.0,)), anchored=True),
        )
    )
    changed = replace(
        structure, offset=offset, edges=edges, nodes=(*structure.nodes, node)
    )
    return (*best.structures[:k], changed, *best.structures[k + 1 :])


def _round_middle(shift: float, scale: float) -> float:
    """Return a round number near the mean, with as few digits as its deviation needs."""
    return float(np.round(shift, -int(np.floor(np.log10(scale)))))


def _scored(
    search: Search, best: ScoredLatents, pair: _Pair, units: Units
) -> ScoredLatents:
    """Refit with slopes that nothing draws, choose how far they are drawn, and score."""
    k, i = pair.latent, pair.classes
    # 1. Slopes that nothing draws, and their spread over
    # the rows. 2. The same structure drawn by it, scored.
    loose = _structures(search, best, pair, units)
    first = refit(
        search.term, search.scaled, loose, best.constants, 15, 1e-7, False,
        search.rules, search.domain_margin,
    )  # fmt: skip
    fitted = first.structures[k]
    # effects that were there before keep the weight that they were chosen with
    new = not any(edge.source == i for edge in best.structures[k].edges)
    edges = tuple(
        _drawn(edge, first.loss) if new and edge.source == i else edge
        for edge in fitted.edges
    )
    *others, node = fitted.nodes
    assert isinstance(node, Product)
    slopes, line = node.factors
    drawn = replace(slopes, edge=_drawn(slopes.edge, first.loss))
    changed = replace(fitted, edges=edges, nodes=(*others, Product((drawn, line))))
    structures = (*first.structures[:k], changed, *first.structures[k + 1 :])
    return search.score(structures, first.constants)


def _drawn(edge: EdgeTerm, noise: float) -> EdgeTerm:
    """Draw the classes of an edge to their mean by noise / variance over the rows."""
    form = edge.form
    assert isinstance(form, ClassEffects)
    # no bounds: the variance has the unit of the latent, whatever that is
    variance = float(np.array(form.shares) @ form.effects(edge.full) ** 2)
    weight = noise / variance if variance > 0 else 0.0
    return replace(edge, form=replace(form, weight=weight))


def _joined(search: Search, best: ScoredLatents) -> ScoredLatents:
    """Take a line beside departures of the classes into their slopes."""
    structures = tuple(_with_line_inside(structure) for structure in best.structures)
    if structures == best.structures:
        return best
    return search.score(structures, best.constants)


def _with_line_inside(structure: LatentStructure) -> LatentStructure:
    for h, node in enumerate(structure.nodes):
        if not (isinstance(node, Product) and node.of_classes):
            continue
        # the sum of b (x - m) and s_k (x - m) is (b + s_k) (x - m): a line beside departures
        # has no constant of its own
        slopes, line = node.factors
        own = [edge for edge in structure.edges if edge.source == line.edge.source]
        if not slopes.anchored or not own:
            continue
        if own[0].form is None or own[0].form.family != "linear":
            continue
        assert line.edge.form is not None
        assert line.edge.form.variant.raw is not None
        # the scaled line about the same m as that of the node
        start, scale = line.edge.form.variant.raw
        slope = own[0].constants[0] / scale
        product = Product((replace(slopes, offset=slope, anchored=False), line))
        return replace(
            structure,
            offset=structure.offset - slope * start,
            edges=tuple(edge for edge in structure.edges if edge is not own[0]),
            nodes=(*structure.nodes[:h], product, *structure.nodes[h + 1 :]),
        )
    return structure
