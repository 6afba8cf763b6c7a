"""Which features act on which latent: kept, undecided or excluded, without a random split.

1. Fit the selected edges; their mean carries the scale of the noise.
2. Fit all edges; their residual gives growth, memory and shared parts of the noise.
3. Fit all edges on whitened rows and linearise: one Gram matrix holds every subset.
4. Drop edges while that costs no more than log(n) a column (BIC), then while a robust
   Wald test (HC3; few cosines in time order) does not see them.
5. Repeat until the selected edges repeat, in the deepest valley of every constant; edges
   that were dropped with wider curves are asked about once more without.
6. In time order keep nothing where slow noise explains as much (`slow_noise`).

The same data always give the same answer. Nearly all false discoveries come from rows
that are weighted wrongly or taken as independent, not from the rule: the whitening
matters most (measured: benchmarks.belief selection).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

from sciren.inference.design import Edge
from sciren.inference.linearised import LinearisedFit
from sciren.inference.minima import Minimum
from sciren.inference.noise import NoiseLaw, Whitening
from sciren.inference.observed import ObservedProcess
from sciren.inference.relationship import LEVEL
from sciren.inference.search import MANY_EDGES, Known, Search
from sciren.inference.solve import Fit

Status = Literal["kept", "undecided", "excluded"]
Answer = TypeVar("Answer")

ROUNDS = 3  # of noise and selection in turn, unless the kept edges repeat before
EXCHANGE = 6.0  # rise of the residual sum over the variance below which a swap is open
"""Chosen beforehand; `python -m benchmarks.belief selection` shows what they achieve."""


@dataclass(frozen=True, eq=False)
class Selection:
    """What the data say about every offered edge.

    Attributes:
        status: edge (feature, latent) -> kept, undecided or excluded.
        pairs: (kept edge, other edge, cost of the swap): the data cannot tell which.
        p_values: edge -> robust p-value of the kept ones in the selected model, of the
            others when added to it.
        gains: edge -> rise of the residual sum over the variance without it (kept), or
            its fall with it (others), less log(n) a column: above zero BIC wants it.
        inclusion: edge -> share of resamples of blocks that kept it; empty unless asked.
        law: of the noise;  whitening: the law on these rows.
        fit: the selected edges;  full: all offered ones, linearised.
        minima: others that compete with that of the fit, by the constants.
        power: growth of the noise with the mean that the user knows, or None.
        slow: edges that were selected but explain no more than slow noise does: undecided.
        correlation: of neighbouring residuals in the order of the file where neither
            time nor groups are known, else None. Above 0.1 that order was taken for time.
    """

    status: Mapping[Edge, Status]
    pairs: tuple[tuple[Edge, Edge, float], ...]
    p_values: Mapping[Edge, float]
    gains: Mapping[Edge, float]
    law: NoiseLaw
    whitening: Whitening
    fit: Fit
    full: LinearisedFit
    inclusion: Mapping[Edge, float]
    minima: tuple[Minimum, ...]
    correlation: float | None
    slow: tuple[Edge, ...] = ()
    power: float | None = None
    _answers: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, question: Hashable, answer: Callable[[], Answer]) -> Answer:
        """Return an answer that follows from the selection, computed when first asked.

        Args:
            question: names the answer, with all that it depends on beside the selection.
            answer: computes it.
        """
        if question not in self._answers:
            self._answers[question] = answer()
        return self._answers[question]

    def answers(self, process: ObservedProcess, power: float | None = None) -> bool:
        """Whether ``select(process, power=power)`` would return this selection again."""
        every = len(process.feature_names) * process.n_latents == len(self.status)
        return every and power == self.power and process.same_as(self.fit.process)

    def edges(self, status: Status = "kept") -> tuple[Edge, ...]:
        """Return the edges of one status."""
        return tuple(edge for edge, decided in self.status.items() if decided == status)

    @property
    def few(self) -> bool:
        """Whether so few edges were offered that every fold can select among all."""
        return len(self.status) < MANY_EDGES

    @property
    def kept(self) -> tuple[Edge, ...]:
        """The kept edges."""
        return self.edges()

    def mask(self, *statuses: Status) -> np.ndarray:
        """Return (d, L) bool, true for edges of these statuses (default: kept)."""
        process = self.fit.process
        result = np.zeros((len(process.feature_names), process.n_latents), dtype=bool)
        for edge, status in self.status.items():
            result[edge] = status in (statuses or ("kept",))
        return result

    def name(self, edge: Edge) -> str:
        """Return "feature -> latent"."""
        process = self.fit.process
        return f"{process.feature_names[edge[0]]} -> {process.latent_names[edge[1]]}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one mapping an edge: feature, latent, status, p, gain, inclusion, pairs."""
        process = self.fit.process
        either: dict[Edge, list[str]] = {}
        for edge, other, _ in self.pairs:
            either.setdefault(edge, []).append(self.name(other))
            either.setdefault(other, []).append(self.name(edge))
        return [
            {
                "feature": process.feature_names[edge[0]],
                "latent": process.latent_names[edge[1]],
                "status": status,
                "p_value": self.p_values[edge],
                "gain": self.gains[edge],
                "inclusion": self.inclusion.get(edge, np.nan),
                "cannot_tell_from": ", ".join(either.get(edge, [])),
            }
            for edge, status in self.status.items()
        ]


def select(
    process: ObservedProcess,
    offered: np.ndarray | None = None,
    power: float | None = None,
    start: np.ndarray | None = None,
    valleys: bool = True,
) -> Selection:
    """Select edges on all rows; the same data always give the same edges.

    Args:
        process: observations that may choose (training and validation rows, no test).
        offered: (d, L) bool, edges that may act; default all.
        power: growth of the noise with the mean, where the user knows it.
        start: (L + K,) levels and constants to begin with; default declared starts.
        valleys: whether other minima of the constants are looked for; without, the
            search ends in the valley of its start.
    Raises:
        TrainingError: the process has no finite value at the start.
    """
    # The empty set counts as seen: a search that keeps nothing twice has ended.
    search = Search(process, offered, power, start, valleys)
    visited: list[frozenset[Edge]] = [frozenset()]
    for _ in range(ROUNDS):
        search.round()
        wider = search.widen()
        if not wider and frozenset(search.kept) in visited:
            break
        visited.append(frozenset(search.kept))
    search.narrow_again()
    # Edges and noise were those of the valley that was left: they are asked about anew,
    # and after that the valley once more.
    if search.deepest():
        search.round()
        search.deepest()
    search.yield_to_slow_noise()
    return _sorted(search)


@dataclass(frozen=True, eq=False)
class Reselection:
    """What some of the rows select anew.

    Attributes:
        offered, kept: edges (feature, latent) that were asked about, and that stay.
        fit: the kept edges, fitted to these rows.
    """

    offered: tuple[Edge, ...]
    kept: tuple[Edge, ...]
    fit: Fit


def select_again(
    selection: Selection, process: ObservedProcess, also: Sequence[Edge] = ()
) -> Reselection:
    """Select anew on some of the rows, from where all of them led.

    Edges, curves and constants are those of these rows. Only the law of the noise stays:
    a few numbers that weight rows and choose nothing (coverage with it: `python -m
    benchmarks.belief prediction`). Where all rows have one valley, a part of them is not
    asked for others: that search is most of the cost of a selection, and folds are many.
    Where `MANY_EDGES` were offered, only those that all rows keep are asked again.

    Args:
        selection: on all rows.
        process: some of these rows.
        also: edges to offer beside those that were offered then.
    """
    shape = (len(process.feature_names), process.n_latents)
    offered = np.zeros(shape, dtype=bool)
    asked = selection.status if selection.few else selection.kept
    for edge in (*asked, *also):
        offered[edge] = True
    known = Known(selection.law, selection.fit)
    valleys = bool(selection.minima)
    search = Search(process, offered, valleys=valleys, known=known)
    for _ in range(ROUNDS):
        search.round()
        # With a law that stays, only wider curves can change the answer.
        if not search.widen():
            break
    search.narrow_again()
    if search.deepest():
        search.round()
        search.deepest()
    return Reselection(tuple(search.offered), tuple(search.kept), search.fit)


def _sorted(search: Search) -> Selection:
    """Sort every offered edge into the three words."""
    full = search.full
    assert full is not None
    numbers = {edge: number for number, edge in enumerate(search.offered)}
    kept = [numbers[edge] for edge in search.kept]
    # Gains and swaps are read around the selected fit, not around the one with all
    # edges, whose constants may lie elsewhere.
    here = LinearisedFit.of(search.fit, search.whole, full.variance)
    p_values = _p_values(here, kept)
    gains = _gains(here, kept)
    pairs = _exchanges(here, kept)
    open_to_swap = {other for _, other, _ in pairs}
    status: dict[Edge, Status] = {}
    for edge, number in numbers.items():
        # Wanted by BIC alone is neither shown nor excluded.
        maybe = (
            p_values[number] < LEVEL
            or gains[number] > 0
            or number in open_to_swap
            or edge in search.slow
        )
        status[edge] = (
            "kept" if number in kept else "undecided" if maybe else "excluded"
        )
    name = search.offered
    return Selection(
        status=status,
        pairs=tuple((name[a], name[b], cost) for a, b, cost in pairs),
        p_values={name[number]: p for number, p in p_values.items()},
        gains={name[number]: gain for number, gain in gains.items()},
        law=search.law,
        whitening=search.whitening,
        fit=search.fit,
        full=full,
        inclusion={},
        minima=search.minima,
        correlation=search.correlation,
        power=search.power,
        slow=search.slow,
    )


def _p_values(full: LinearisedFit, kept: Sequence[int]) -> dict[int, float]:
    """Robust p-values of the kept blocks, and of every other when added to them."""
    test = full.test
    p_values = test.p_values(kept)
    for block in full.model.blocks:
        if block not in p_values:
            p_values |= test.p_values([*kept, block], [block])
    return p_values


def _gains(full: LinearisedFit, kept: Sequence[int]) -> dict[int, float]:
    """How much more BIC gives for a block than it costs."""
    model = full.model
    penalty = np.log(len(full.response))
    here = model.rss(kept)
    gains = {}
    for block, columns in model.blocks.items():
        if block in kept:
            gain = model.rss([other for other in kept if other != block]) - here
        else:
            gain = here - model.rss([*kept, block])
        gains[block] = float(gain / full.variance - penalty * len(columns))
    return gains


def _exchanges(
    full: LinearisedFit, kept: Sequence[int]
) -> list[tuple[int, int, float]]:
    """Pairs of a kept block and another that could stand in its place."""
    model = full.model
    here = model.rss(kept)
    exchanges = []
    for mine in kept:
        # A swap costs little where the other explains what this one does.
        others = [block for block in kept if block != mine]
        for other in model.blocks:
            if other in kept:
                continue
            cost = (model.rss([*others, other]) - here) / full.variance
            if cost < EXCHANGE:
                exchanges.append((mine, other, float(cost)))
    return exchanges
