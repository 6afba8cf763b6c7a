"""Which features act on which latent: kept, undecided or excluded, without a random split.

1. Fit the selected edges; their mean carries the scale of the noise.
2. Fit all edges; their residual gives growth, memory and shared parts of the noise.
3. Fit all edges on whitened rows and linearise: one Gram matrix holds every subset.
4. Drop edges while that costs no more than log(n) a column (BIC), then while a robust
   Wald test (HC3; few cosines in time order) does not see them.
5. Repeat until the selected edges repeat.

The same data always give the same answer. Nearly all false discoveries come from rows
that are weighted wrongly or taken as independent, not from the rule: the whitening
matters most (measured: benchmarks.belief selection).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from sciren.inference.basis import CurveBasis, natural_splines
from sciren.inference.design import Design, Edge
from sciren.inference.elimination import GramModel, backward
from sciren.inference.noise import NoiseLaw, Whitening, estimate_law
from sciren.inference.observed import ObservedProcess
from sciren.inference.solve import Fit, carried, solve
from sciren.inference.wald import RobustTest

Status = Literal["kept", "undecided", "excluded"]

COLUMNS = 3  # of the natural splines that carry the tests
ROUNDS = 3
LEVEL = 0.05  # of the Wald tests
EXCHANGE = 6.0  # rise of the residual sum over the variance below which a swap is open
MOST_COLUMNS = 1 / 3  # of the observations, in the model with all edges
"""Measured: benchmarks.belief selection."""


@dataclass(frozen=True, eq=False)
class LinearisedFit:
    """The model with all edges on whitened observations, linear around its minimum.

    Attributes:
        fit: the minimum.
        columns: (m, P) whitened sensitivities;  response: (m,) whitened observations in
            the linear model, y* = residual + J theta.
        model: normal equations, blocks numbered as the edges of the design.
        variance: of the noise, from the model with all edges.
    """

    fit: Fit
    columns: np.ndarray
    response: np.ndarray
    model: GramModel
    variance: float

    @property
    def test(self) -> RobustTest:
        """Wald tests in its submodels."""
        process = self.fit.process
        rank = process.time_rank() if process.ordered else None
        return RobustTest(self.columns, self.response, self.model, rank)

    @classmethod
    def of(cls, fit: Fit) -> "LinearisedFit":
        """Linearise a fit."""
        white = fit.whitening.whiten(np.column_stack((fit.jacobian, fit.residual)))
        columns = np.ascontiguousarray(white[:, :-1])
        response = white[:, -1] + columns @ fit.theta
        blocks = {
            number: np.arange(block.start, block.stop)
            for number, block in enumerate(fit.design.blocks)
        }
        model = GramModel.of(columns, response, fit.design.positions(()), blocks)
        rss = model.rss(tuple(blocks))
        free = max(len(response) - fit.design.size, 1)
        return cls(fit, columns, response, model, rss / free)


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
        correlation: of neighbouring residuals in the order of the file where neither
            time nor groups are known, else None.
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
    correlation: float | None

    def edges(self, status: Status = "kept") -> tuple[Edge, ...]:
        """Return the edges of one status."""
        return tuple(edge for edge, found in self.status.items() if found == status)

    @property
    def kept(self) -> tuple[Edge, ...]:
        """The kept edges."""
        return self.edges()

    def mask(self, *statuses: Status) -> np.ndarray:
        """Return (d, L) bool, true for edges of these statuses (default: kept)."""
        process = self.fit.process
        found = np.zeros((len(process.feature_names), process.n_latents), dtype=bool)
        for edge, status in self.status.items():
            found[edge] = status in (statuses or ("kept",))
        return found

    def name(self, edge: Edge) -> str:
        """Return "feature -> latent"."""
        process = self.fit.process
        return f"{process.feature_names[edge[0]]} -> {process.latent_names[edge[1]]}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one mapping an edge: feature, latent, status, p, gain, inclusion, pairs."""
        process = self.fit.process
        either: dict[Edge, list[str]] = {}
        for one, other, _ in self.pairs:
            either.setdefault(one, []).append(self.name(other))
            either.setdefault(other, []).append(self.name(one))
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


def feature_bases(
    process: ObservedProcess, columns: int = COLUMNS
) -> tuple[CurveBasis, ...]:
    """Return the basis of the tests for every feature."""
    return tuple(natural_splines(x, columns) for x in process.features.T)


def select(
    process: ObservedProcess,
    offered: np.ndarray | None = None,
    power: float | None = None,
    start: np.ndarray | None = None,
) -> Selection:
    """Select edges on all rows; the same data always give the same edges.

    Args:
        process: observations that may choose (training and validation rows, no test).
        offered: (d, L) bool, edges that may act; default all.
        power: growth of the noise with the mean, where the user knows it.
        start: (L + K,) levels and constants to begin with; default declared starts.
    Raises:
        TrainingError: the process has no finite value at the start.
    """
    search = _Search(process, offered, power, start)
    seen: list[frozenset[Edge]] = [frozenset()]
    for _ in range(ROUNDS):
        search.round()
        if frozenset(search.kept) in seen:
            break
        seen.append(frozenset(search.kept))
    return search.result()


class _Search:
    """Selected edges, their fit, and the law of the noise, round by round."""

    def __init__(
        self,
        process: ObservedProcess,
        offered: np.ndarray | None,
        power: float | None,
        start: np.ndarray | None,
    ) -> None:
        self.process, self.power = process, power
        shape = (len(process.feature_names), process.n_latents)
        allowed = np.ones(shape, dtype=bool) if offered is None else offered
        bases = feature_bases(process)
        self.offered: list[Edge] = [
            (int(i), int(k)) for i, k in zip(*np.nonzero(allowed), strict=True)
        ]
        self.whole = Design.of(process, self.offered, bases)
        self.kept: list[Edge] = []
        self.law = NoiseLaw.equal(process)
        self.whitening = Whitening.none(process)
        none = self.whole.subset(())
        theta = None if start is None else np.asarray(start, dtype=float)
        self.fit = solve(process, none, self.whitening, start=theta)
        self.full: LinearisedFit | None = None

    def round(self) -> None:
        """Estimate the noise from the selected edges, and select anew."""
        process = self.process
        before = self.fit if self.full is None else self.full.fit
        large = solve(
            process, self.whole, self.whitening, start=carried(before, self.whole)
        )
        mean = self.fit.mean
        self.law = estimate_law(
            process, large.residual, mean, large.jacobian, self.power
        )
        self.whitening = self.law.whitening(process, mean)
        large = solve(process, self.whole, self.whitening, start=large.theta)
        self.full = LinearisedFit.of(large)
        self.kept = [self.offered[number] for number in _selected(self.full)]
        small = self.whole.subset(self.kept)
        self.fit = solve(process, small, self.whitening, start=carried(large, small))

    def result(self) -> Selection:
        """Sort every offered edge into the three words."""
        full = self.full
        assert full is not None
        numbers = {edge: number for number, edge in enumerate(self.offered)}
        kept = [numbers[edge] for edge in self.kept]
        p_values = _p_values(full, kept)
        gains = _gains(full, kept)
        pairs = _exchanges(full, kept)
        open_to_swap = {other for _, other, _ in pairs}
        status: dict[Edge, Status] = {}
        for edge, number in numbers.items():
            maybe = p_values[number] < LEVEL or number in open_to_swap
            status[edge] = (
                "kept" if number in kept else "undecided" if maybe else "excluded"
            )
        name = self.offered
        return Selection(
            status=status,
            pairs=tuple((name[a], name[b], cost) for a, b, cost in pairs),
            p_values={name[number]: p for number, p in p_values.items()},
            gains={name[number]: gain for number, gain in gains.items()},
            law=self.law,
            whitening=self.whitening,
            fit=self.fit,
            full=full,
            inclusion={},
            correlation=None,
        )


def _selected(full: LinearisedFit) -> list[int]:
    """Drop blocks by BIC, then by the robust test."""
    model, offered = full.model, tuple(full.model.blocks)
    price = float(np.log(len(full.response)))
    kept = backward(model, offered, full.variance, price)
    test = full.test
    while kept:
        p_values = test.p_values(kept)
        worst = max(p_values, key=lambda block: p_values[block])
        if p_values[worst] <= LEVEL * len(kept) / len(offered):
            break
        kept = [block for block in kept if block != worst]
    return kept


def _p_values(full: LinearisedFit, kept: Sequence[int]) -> dict[int, float]:
    """Robust p-values of the kept blocks, and of every other when added to them."""
    test = full.test
    found = test.p_values(kept)
    for block in full.model.blocks:
        if block not in found:
            found |= test.p_values([*kept, block], [block])
    return found


def _gains(full: LinearisedFit, kept: Sequence[int]) -> dict[int, float]:
    """How much more BIC gives for a block than it costs."""
    model = full.model
    price = np.log(len(full.response))
    here = model.rss(kept)
    found = {}
    for block, columns in model.blocks.items():
        if block in kept:
            gain = model.rss([one for one in kept if one != block]) - here
        else:
            gain = here - model.rss([*kept, block])
        found[block] = float(gain / full.variance - price * len(columns))
    return found


def _exchanges(
    full: LinearisedFit, kept: Sequence[int]
) -> list[tuple[int, int, float]]:
    """Pairs of a kept block and another that could stand in its place."""
    model = full.model
    here = model.rss(kept)
    found = []
    for mine in kept:
        rest = [one for one in kept if one != mine]
        for other in model.blocks:
            if other in kept:
                continue
            cost = (model.rss([*rest, other]) - here) / full.variance
            if cost < EXCHANGE:
                found.append((mine, other, float(cost)))
    return found


def with_inclusion(selection: Selection, shares: Mapping[Edge, float]) -> Selection:
    """Return the selection with the shares of resamples that kept each edge."""
    return replace(selection, inclusion=dict(shares))
