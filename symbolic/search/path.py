"""The path of candidates: from the simplest model to the most accurate one.

The search scores many sets of closed forms. From its result, edges are dropped and
families simplified one at a time, each time where the criterion suffers least, until
constant latents are left; every step starts from the constants before it. What no other
model beats in both complexity and loss is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.agreement import r2
from sciren.errors import ConfigError, closest_names
from symbolic.search.candidate import Candidate, family_label, size_of
from symbolic.search.climb import Change, ScoredLatents, Search, signature
from symbolic.search.observations import constraints_of
from symbolic.terms.bounded import spans_of
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from sciren.data.table import Table
    from sciren.model import ScIReN
    from symbolic.terms.rebuild import Units

Structures = tuple[LatentStructure, ...]

MOVES = 8  # simplifications that are tried in one step, with up to as many edges
LEAST_MOVES = 2  # however many edges there are
STEPS = 24  # simplifications in a row
KEPT = 40  # candidates whose formulas are written
WITHIN = 1.5
"""Factor of the smallest loss that "best" may lose for a simpler model."""
SELECTIONS = ("bic", "best", "accuracy")


def walk_down(search: Search, best: ScoredLatents) -> list[ScoredLatents]:
    """Simplify one edge after another until nothing is left; the first is ``best``.

    With many edges fewer simplifications are tried in a step, and constant latents
    follow where the steps end before.
    """
    path = [best]
    for _ in range(STEPS):
        tried = [
            search.score(change.structures, path[-1].constants)
            for change in _cheapest(search, path[-1])
        ]
        if not tried:
            break
        # The smallest criterion of the simpler ones, even where it is worse than the step
        # before: the path has to lead all the way down.
        path.append(min(tried, key=lambda scored: scored.criterion))
    # The steps may have run out; the mean alone is the honest lower end of any comparison.
    if any(structure.all_edges or structure.nodes for structure in path[-1].structures):
        flat = _constant_latents(search, path[-1].structures)
        path.append(search.score(flat, path[-1].constants))
    return path


def _constant_latents(search: Search, structures: Structures) -> Structures:
    z = search.scaled.cpu().numpy()
    return tuple(
        LatentStructure(structure.name, float(np.mean(structure.value(z))))
        for structure in structures
    )


def _cheapest(search: Search, best: ScoredLatents) -> list[Change]:
    """Simplifications of the edges that move their latent least, and of all families."""
    changes = [
        change
        for change in search.changes(best.structures)
        # a change of family that is no simplification was judged by the search already
        if size_of(change.structures) < size_of(best.structures)
    ]
    # What moves its latent least is missed least: the standard deviation of an edge's values on
    # the rows ranks the edges without a refit.
    weight = {}
    for k, structure in enumerate(best.structures):
        for number, edge in enumerate(structure.all_edges):
            values = edge.value(search.scaled[:, edge.source].cpu().numpy())
            weight[k, number] = float(np.std(values))
    changes.sort(key=lambda change: weight[change.latent, change.edge])
    changes += _without_nodes(best.structures)
    # A refit costs about in proportion to the edges, so the tries fall as 8 * 8 / edges: a step
    # costs about the same for any number of them.
    return changes[: max(LEAST_MOVES, MOVES * MOVES // max(len(weight), MOVES))]


def _without_nodes(structures: Structures) -> list[Change]:
    """Hidden nodes of one edge left, without the node: the last step of a latent."""
    changes = []
    for k, structure in enumerate(structures):
        for h, node in enumerate(structure.nodes):
            if len(node.edges) > 1:
                continue
            nodes = structure.nodes[:h] + structure.nodes[h + 1 :]
            # a log node may have held the offset
            # (`with_offset_in_log`), which is free again without it
            less = replace(structure, nodes=nodes, offset_free=True)
            changes.append(
                Change((*structures[:k], less, *structures[k + 1 :]), k, 0, "dropped")
            )
    return changes


def collect(
    search: Search, path: Sequence[ScoredLatents], model: "ScIReN", table: "Table",
    units: "Units", weights: Mapping[str, float] | None = None,
) -> tuple[Candidate, ...]:  # fmt: skip
    """Return the candidates that nothing scored beats, simplest first.

    Args:
        search: with everything that it scored.
        path: scored models that are kept in any case; the first is the search's result.
        model, table: rows on which R2 is measured.
        units: of the features.
        weights: feature or family -> weight of its nodes in the complexity.
    """
    must = {signature(scored.structures) for scored in path}
    pool = {
        signature(scored.structures): scored
        for scored in (*search.known.values(), *path)
    }
    # Writing a formula is slow, so candidates compete twice: by a quick count of nodes here,
    # and by the nodes of their printed equations below.
    first = signature(path[0].structures)
    front = _front(pool.values(), lambda scored: size_of(scored.structures), must)
    front = _thinned(front, first)
    made = [_candidate(scored, model, table, units, weights) for scored in front]
    kept = _front(made, lambda candidate: candidate.complexity, {first})
    return tuple(_with_scores(kept))


def _front(pool: Iterable[Any], size: Any, must: set[str]) -> list[Any]:
    """Members that no smaller one fits better than, smallest first; `must` stays."""
    front, least = [], np.inf
    # In order of size, then loss: a member is on the
    # front where it beats the smallest loss so far.
    for member in sorted(pool, key=lambda candidate: (size(candidate), candidate.loss)):
        if not np.isfinite(member.loss):
            continue
        if member.loss < least or signature(member.structures) in must:
            front.append(member)
        least = min(least, member.loss)
    return front


def _thinned(front: list[Any], first: str) -> list[Any]:
    """At most `KEPT` members spread over the front; both ends and the first stay."""
    if len(front) <= KEPT:
        return front
    # evenly over the front, in numbers: both ends are among them
    places = set(np.linspace(0, len(front) - 1, KEPT - 1).round().astype(int).tolist())
    places |= {
        k for k, scored in enumerate(front) if signature(scored.structures) == first
    }
    return [front[k] for k in sorted(places)]


def _candidate(
    scored_latents: ScoredLatents, model: "ScIReN", table: "Table", units: "Units",
    weights: Mapping[str, float] | None,
) -> Candidate:  # fmt: skip
    physical = model.constant_scale.to_physical(scored_latents.constants).tolist()
    z = model.scaled(table.features).numpy()
    raw = np.stack(
        # (n, L) raw latents
        [structure.value(z) for structure in scored_latents.structures],
        axis=1,
    )
    latents = model.constrain(scored_latents.constants.new_tensor(raw))
    values = scored_latents.constants.new_tensor(physical)
    targets = model.decoder.evaluate(latents, values, table.forcings)
    names = model.decoder.constant_names
    made = Candidate(
        scored_latents.structures,
        dict(zip(names, physical, strict=True)),
        spans_of(scored_latents.structures, z),
        float(scored_latents.loss),
        float(scored_latents.criterion),
        _mean_r2(table.targets.numpy(), targets.numpy()),
        0.0,
        0.0,
        family_label(scored_latents.structures, units.names),
    )
    return replace(made, complexity=made.nodes(units, constraints_of(model), weights))


def _mean_r2(observed: np.ndarray, predicted: np.ndarray) -> float:
    """R2 of the observed targets, their mean over those that vary."""
    # rows where a formula has no finite value are left out, so one pole does not hide the rest
    held = np.where(np.isfinite(predicted), observed, np.nan)
    scores = [r2(held[:, k], predicted[:, k]) for k in range(held.shape[1])]
    finite = [score for score in scores if np.isfinite(score)]
    return float(np.mean(finite)) if finite else float("nan")


def _with_scores(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Give every candidate what it gains for its complexity against the one before.

    score = -d log(loss) / d complexity, zero for the simplest one.
    """
    scored = []
    for place, candidate in enumerate(candidates):
        before = candidates[place - 1] if place else candidate
        more = candidate.complexity - before.complexity
        # 1e-300 keeps the logarithm of a loss of zero, on exact data, finite
        gain = np.log(max(before.loss, 1e-300) / max(candidate.loss, 1e-300))
        scored.append(replace(candidate, score=float(gain / more) if more > 0 else 0.0))
    return scored


def select(
    candidates: Sequence[Candidate],
    rule: str | int,
    structures: Sequence[LatentStructure],
) -> int:
    """Return the row of the candidate that a rule chooses.

    Args:
        candidates: simplest first.
        rule: "bic": the result of the search, which has the smallest criterion among
            the models that keep every edge that the data notice; "accuracy": the
            smallest loss; "best": the simplest within 1.5 times the smallest loss; or
            the number of a row.
        structures: of the search's result, which "bic" names by its families.
    Raises:
        ConfigError: another rule, or no such row.
    """
    losses = [candidate.loss for candidate in candidates]
    # True is an int in Python, but no row
    if isinstance(rule, int) and not isinstance(rule, bool):
        if not 0 <= rule < len(candidates):
            raise ConfigError(
                f"model_selection = {rule}: there are candidates 0 to "
                f"{len(candidates) - 1}; see the table of candidates"
            )
        return rule
    if rule == "accuracy":
        return int(np.argmin(losses))
    if rule == "best":
        limit = WITHIN * min(losses)
        return next(k for k, loss in enumerate(losses) if loss <= limit)
    if rule == "bic":
        own = signature(structures)
        return next(
            k for k, candidate in enumerate(candidates) if candidate.signature == own
        )
    raise ConfigError(
        f"model_selection = {rule!r} is no rule and no row. "
        f"{closest_names(str(rule), SELECTIONS)}"
    )
