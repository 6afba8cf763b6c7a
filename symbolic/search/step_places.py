"""Where a step stands: between the two rows that leave the smallest loss.

A threshold has no derivative by its place, so a joint refit leaves it where the learned
curve, which is smooth, had put it. Its place is searched among the gaps between the rows,
with forecasts of what a refit of all other constants comes to (`symbolic.search.forecast`):
first over all rows, then between the neighbours of the best.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from symbolic.search.climb import ScoredLatents, Search
from symbolic.search.forecast import Forecast
from symbolic.search.refit import refit
from symbolic.terms.structure import LatentStructure
from symbolic.terms.support import enough

FAMILY = "threshold"
PLACES = 60  # forecast at once, a millisecond each
ROUNDS = 3  # of a scan and a refit, ended where nothing is gained


def with_steps_in_place(search: Search, best: ScoredLatents) -> ScoredLatents:
    """Return the structures with every direct threshold where the rows put it."""
    for k, structure in enumerate(best.structures):
        for number, edge in enumerate(structure.edges):
            if edge.form is not None and edge.form.family == FAMILY:
                best = _placed(search, best, k, number)
    return best


def _placed(search: Search, best: ScoredLatents, k: int, number: int) -> ScoredLatents:
    gaps = _supported_gaps(search.features[:, best.structures[k].edges[number].source])
    if not len(gaps):
        return best
    for _ in range(ROUNDS):
        forecast = Forecast(search.term, search.scaled, best.structures, best.constants)
        structure = best.structures[k]

        # As defaults, because the names mean something else in the next round.
        def loss(
            at: float, around: Forecast = forecast, own: LatentStructure = structure
        ) -> float:
            return around.after(k, _moved(own, number, at))

        place = _lowest(gaps, loss)
        trial = _refitted(search, best, k, _moved(structure, number, place))
        if trial.loss >= best.loss:
            break
        best = trial
    return best


def _supported_gaps(z: np.ndarray) -> np.ndarray:
    """Middles between neighbouring values with enough rows on either side.

    All places between two neighbours give the same predictions; beyond the outermost rows a
    step would stand for a few errors.
    """
    values, counts = np.unique(z, return_counts=True)
    above = len(z) - np.cumsum(counts)[:-1]
    held = np.array([enough(int(rows), len(z)) for rows in above], dtype=bool)
    return (0.5 * (values[1:] + values[:-1]))[held]


def _lowest(gaps: np.ndarray, loss: Callable[[float], float]) -> float:
    """Return the place with the smallest loss: on a grid of rows, then between its neighbours."""
    low, high = 0, len(gaps) - 1
    while True:
        tried = np.unique(np.linspace(low, high, PLACES).astype(int))
        losses = [loss(float(gaps[at])) for at in tried]
        best = int(np.argmin(losses))
        if len(tried) > high - low:  # every gap was tried
            return float(gaps[tried[best]])
        low, high = tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)]


def _moved(structure: LatentStructure, number: int, place: float) -> LatentStructure:
    edge = structure.edges[number]
    moved = replace(edge, constants=(edge.constants[0], place))
    edges = (*structure.edges[:number], moved, *structure.edges[number + 1 :])
    return replace(structure, edges=edges)


def _refitted(
    search: Search, best: ScoredLatents, k: int, changed: LatentStructure
) -> ScoredLatents:
    structures = (*best.structures[:k], changed, *best.structures[k + 1 :])
    result = refit(
        search.term, search.scaled, structures, best.constants, 15, 1e-9, False,
        search.rules, search.domain_margin,
    )  # fmt: skip
    # families and so the size of the equation are the same: only the loss has changed
    tiny = np.finfo(float).tiny  # a step without noise leaves nothing
    fall = np.log(max(result.loss, tiny)) - np.log(max(best.loss, tiny))
    criterion = best.criterion + search.count * float(fall)
    return replace(
        best,
        structures=result.structures,
        constants=result.constants,
        loss=result.loss,
        criterion=criterion,
    )
