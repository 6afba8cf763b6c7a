"""The search for the selected edges, round by round: noise, price, tests, wider curves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sciren.inference.basis import CurveBasis
from sciren.inference.design import Design, Edge
from sciren.inference.elimination import backward
from sciren.inference.kind_bases import narrow_basis, smooth_basis
from sciren.inference.linearised import LinearisedFit, noise_variance
from sciren.inference.minima import Minimum, minima_of
from sciren.inference.noise import NoiseLaw, Whitening, estimate_law
from sciren.inference.observed import ObservedProcess
from sciren.inference.relationship import LEVEL
from sciren.inference.slow_noise import OwnMemory
from sciren.inference.solve import Fit, carried, redrawn, solve

COLUMNS = 3  # of the natural splines that carry the tests
WIDE = 8  # columns of a curve that three cannot hold
ALIKE = 0.1  # correlation of neighbours in the file from which its order is asked about
MOST_COLUMNS = 1 / 3  # of the observations, in the model with all edges
"""Chosen beforehand; `python -m benchmarks.belief selection` shows what they achieve."""

MANY_EDGES = 20
"""Offered edges from which they are dropped on the linear model of all, where a refit
agrees, and from which folds keep the features of all rows: one by one and in every fold
the tests would take longer than the training."""


def feature_bases(process: ObservedProcess) -> tuple[CurveBasis, ...]:
    """Return the basis of the tests for every feature.

    Curves are straight lines where `MOST_COLUMNS` has no room for a curve of every
    latent: ten people or sites are no more observations than that. So they are where
    groups deviate from what features say: a curve costs log(n) for each of its columns,
    more than forty people show of most relations. `Search.widen` bends what is not straight.
    """
    free = process.n_latents + process.n_constants
    room = MOST_COLUMNS * len(process) - free
    curved = room >= COLUMNS * process.n_latents and not deviates(process)
    columns = COLUMNS if curved else 1
    pairs = zip(process.kinds, process.features.T, strict=True)
    return tuple(narrow_basis(kind, x, columns) for kind, x in pairs)


def deviates(process: ObservedProcess) -> bool:
    """Whether rows are groups that deviate from what their features say."""
    parameters = process.term.model.decoder.parameters
    return any(parameter.deviation is not None for parameter in parameters)


class Known(NamedTuple):
    """What more rows of the same record have told.

    Attributes:
        law: of the noise; its few numbers weight rows and choose no edge.
        fit: minimum, where searches on some of the rows begin.
    """

    law: NoiseLaw
    fit: Fit


class Search:
    """Selected edges, their fit, and the law of the noise, round by round."""

    def __init__(
        self,
        process: ObservedProcess,
        offered: np.ndarray | None,
        power: float | None = None,
        start: np.ndarray | None = None,
        valleys: bool = True,
        known: Known | None = None,
    ) -> None:
        self.process, self.power, self.valleys = process, power, valleys
        # Columns that are few enough to be widened.
        self.narrow = 1 if deviates(process) else COLUMNS
        shape = (len(process.feature_names), process.n_latents)
        allowed = np.ones(shape, dtype=bool) if offered is None else offered
        self.offered: list[Edge] = [
            (int(i), int(k)) for i, k in zip(*np.nonzero(allowed), strict=True)
        ]
        self.whole = Design.of(process, self.offered, feature_bases(process))
        self.wide: tuple[CurveBasis, ...] | None = None
        self.kept: list[Edge] = []
        self.law = NoiseLaw.equal(process)
        self.whitening = Whitening.none(process)
        self.full: LinearisedFit | None = None
        self.correlation: float | None = None
        self.minima: tuple[Minimum, ...] = ()
        self.law_is_known = known is not None
        self.without_curves: Fit | None = None
        self.slow: tuple[Edge, ...] = ()
        if known is not None:
            self._continue(known)
            return
        none = self.whole.subset(())
        theta = None if start is None else np.asarray(start, dtype=float)
        self.fit = solve(self.process, none, self.whitening, start=theta)
        self.without_curves = self.fit

    def _continue(self, known: Known) -> None:
        """Begin at the fit of more rows, under their law of the noise."""
        fit = known.fit
        self.process = replace(self.process, ordered=fit.process.ordered)
        design = self.whole.subset(fit.design.edges)
        start = redrawn(fit, design, self.process)
        # Without a step: the fit as it is, seen on these rows. Its mean carries the scale.
        here = solve(self.process, design, self.whitening, start=start, steps=0)
        self.law = known.law
        self.whitening = self.law.whitening(self.process, here.mean)
        self.fit = solve(self.process, design, self.whitening, start=start, steps=0)

    def round(self) -> None:
        """Estimate the noise from the selected edges, and select anew."""
        if not self.law_is_known:
            before = self._learn_noise()
        else:
            before = self.fit if self.full is None else self.full.fit
        self._drop(before)

    def _drop(self, before: Fit) -> None:
        """Fit all edges on whitened rows, starting from a fit, and drop the idle ones."""
        # The Gram matrix of every subset comes from the fit of all.
        large = self._large(before)
        self.full = LinearisedFit.of(large, self.whole)
        # Price first, tests second: a test in a model with many idle edges has little
        # power.
        self.fit = self._dropped_by_tests(self._dropped_by_bic(self.full))
        self.kept = list(self.fit.design.edges)

    def _learn_noise(self) -> Fit:
        """Estimate the law of the noise; return the fit of all edges that it is from."""
        # Scale from the selected model, residual from the one with all edges, which has
        # no feature missing that could look like memory.
        mean = self.fit.mean
        large = self._large(self.fit if self.full is None else self.full.fit)
        if self.full is None and self.valleys:  # later rounds go on in the deepest
            large, _ = minima_of(large, noise_variance(large))
        self._look_at_file_order(large)
        self.law = estimate_law(
            self.process, large.residual, mean, large.jacobian, self.power
        )
        self.whitening = self.law.whitening(self.process, mean)
        return large

    def deepest(self) -> bool:
        """Go to the lowest minimum of the selected edges; whether it was another."""
        assert self.full is not None
        if not self.valleys:
            return False
        before = self.fit
        self.fit, self.minima = minima_of(before, self.full.variance)
        return self.fit is not before

    def yield_to_slow_noise(self) -> None:
        """Keep nothing where constant latents with their own memory explain as much."""
        if not self.kept or not self.process.ordered:
            return
        assert self.full is not None
        # one scale for both: only then are their likelihoods comparable
        mean = self.fit.mean
        selected = OwnMemory.of(self.fit, self.law, mean)
        constant = OwnMemory.of(self._constant_latents(), self.law, mean)
        if selected.bic < constant.bic:
            return
        self.slow, self.kept = tuple(self.kept), []
        self.fit, self.law = constant.fit, constant.law
        self.whitening = self.fit.whitening
        self.full = LinearisedFit.of(self._large(self.full.fit), self.whole)

    def _dropped_by_bic(self, full: LinearisedFit) -> Fit:
        """Drop edges while that costs no more than log(n) a column."""
        penalty = float(np.log(len(full.response)))
        if self.process.n_latents == 1 or len(self.offered) >= MANY_EDGES:
            numbers = backward(full.model, full.fitted, full.variance, penalty)
            small = self._refitted(full.fit, [self.offered[n] for n in numbers])
            # The linear model promised a rise within the price; the refit has to
            # confirm it.
            rise = (small.loss - full.fit.loss) / full.variance
            if rise <= penalty * (full.fit.design.size - small.design.size):
                # of several latents the linear model keeps some that stand in for others
                alone = self.process.n_latents == 1
                return small if alone else self._one_by_one(full, penalty, small)
        return self._one_by_one(full, penalty, full.fit)

    def _one_by_one(self, full: LinearisedFit, penalty: float, fit: Fit) -> Fit:
        """Drop edges of a fit by refits, where a linear model of all subsets misleads."""
        needed = set[Edge]()
        while True:
            here = LinearisedFit.of(fit, variance=full.variance)
            # Linear anew around every fit, because with several latents a dropped curve
            # is partly taken over by the others, far from where the first fit stood.
            full_fit = here.model.fit(here.fitted)
            costs = {
                edge: full_fit.rise(number) / full.variance - penalty * basis.size
                for number, (edge, basis) in enumerate(
                    zip(fit.design.edges, fit.design.bases, strict=True)
                )
                if edge not in needed
            }
            if not costs:
                return fit
            edge = min(costs, key=lambda candidate: costs[candidate])
            fewer = self._refitted(fit, [e for e in fit.design.edges if e != edge])
            rise = (fewer.loss - fit.loss) / full.variance
            if rise <= penalty * (fit.design.size - fewer.design.size):
                fit = fewer
            else:
                needed.add(edge)

    def _dropped_by_tests(self, fit: Fit) -> Fit:
        """Drop edges that a robust test does not see, the least visible first."""
        assert self.full is not None
        while fit.design.edges:
            here = LinearisedFit.of(fit, variance=self.full.variance)
            p_values = here.test.p_values(here.fitted)
            worst = max(p_values, key=lambda number: p_values[number])
            # Benjamini and Hochberg 1995: the largest of k p-values against level k / m.
            share = len(p_values) / len(self.offered)
            if p_values[worst] <= LEVEL * share:
                break
            edges = fit.design.edges
            fit = self._refitted(fit, [e for n, e in enumerate(edges) if n != worst])
        return fit

    def _refitted(self, fit: Fit, edges: Sequence[Edge]) -> Fit:
        return self._solved(fit, self.whole.subset(edges))

    def _solved(self, before: Fit, design: Design) -> Fit:
        """Fit a design from another fit, and from constant latents if that ends too high.

        Constant latents are a special case of every design. A curve that holds a latent on
        its bound in many rows feels neither level nor coefficients there any more, so that
        a search from such a place can end above them.
        """
        start = carried(before, design)
        fit = solve(self.process, design, self.whitening, start=start)
        constant = self._constant_latents()
        if fit.loss <= constant.loss:
            return fit
        start = carried(constant, design)
        other = solve(self.process, design, self.whitening, start=start)
        return min(fit, other, key=lambda candidate: candidate.loss)

    def _constant_latents(self) -> Fit:
        """Fit levels and constants alone under the present law of the noise."""
        known = self.without_curves
        if known is None or known.whitening is not self.whitening:
            start = None if known is None else known.theta
            none = self.whole.subset(())
            known = solve(self.process, none, self.whitening, start=start)
            self.without_curves = known
        return known

    def _large(self, before: Fit) -> Fit:
        """Fit all edges, or as many of the strongest as the observations allow."""
        design = self.whole
        if design.size > MOST_COLUMNS * len(self.process):
            design = design.subset(self._strongest())
        return self._solved(before, design)

    def _strongest(self) -> list[Edge]:
        """Return selected edges and those that explain most alone, up to the limit."""
        alone = LinearisedFit.of(self.fit, self.whole)
        always = [n for n, edge in enumerate(self.offered) if edge in self.kept]
        rss = {
            number: alone.model.rss([*always, number])
            for number in alone.model.blocks
            if number not in always
        }
        room = MOST_COLUMNS * len(self.process) - self.fit.design.size
        taken = list(always)
        for number in sorted(rss, key=lambda number: rss[number]):
            room -= self.whole.bases[number].size
            if room < 0:
                break
            taken.append(number)
        return [self.offered[number] for number in sorted(taken)]

    def _look_at_file_order(self, large: Fit) -> None:
        """Take the order of the file for time where neighbours there are alike."""
        process = self.process
        if process.ordered or process.groups is not None or process.sorted_by_target:
            return
        self.correlation = neighbour_correlation(process, large.residual)
        # Three standard errors of a lag-one correlation above what is asked about.
        if self.correlation > ALIKE + 3 / np.sqrt(len(process)):
            self.process = process.in_file_order()

    def widen(self) -> bool:
        """Give more columns to edges whose curve three cannot hold; whether any was.

        The selected edges are refitted with one of them, or of the others, in eight
        columns (lines of groups that deviate in three); what that gains must pay log(n)
        for each column and be seen by the robust test at the level of one in all edges.
        """
        narrow = [
            n for n, basis in enumerate(self.whole.bases) if basis.size <= self.narrow
        ]
        if self.wide is None:
            pairs = zip(self.process.kinds, self.process.features.T, strict=True)
            bent, columns = (
                (narrow_basis, COLUMNS)
                if self.narrow < COLUMNS
                else (smooth_basis, WIDE)
            )
            self.wide = tuple(bent(kind, x, columns) for kind, x in pairs)
        edges = [self.offered[number] for number in narrow]
        more = [self.wide[feature] for feature, _ in edges]
        size = self.fit.design.size + max((wider.size for wider in more), default=0)
        if not narrow or size > MOST_COLUMNS * len(self.process):
            return False
        bases = list(self.whole.bases)
        for number, basis in zip(narrow, more, strict=True):
            if self._pays(self.offered[number], basis):
                bases[number] = basis
        changed = any(a is not b for a, b in zip(bases, self.whole.bases, strict=True))
        if changed:
            whole = self.whole
            self.whole = replace(whole, bases=tuple(bases))
        return changed

    def narrow_again(self) -> None:
        """Ask about dropped edges with wide curves once more, with narrow ones.

        Eight columns cost log(n) each. An edge that was widened beside others may need
        three of them alone, and lose its place for the other five to a neighbour. The
        narrow curves stand where BIC, and the tests, come out better with them.
        """
        narrow = feature_bases(self.process)
        bases = tuple(
            basis if edge in self.kept else narrow[edge[0]]
            for edge, basis in zip(self.offered, self.whole.bases, strict=True)
        )
        if all(
            narrower.size == wider.size
            for narrower, wider in zip(bases, self.whole.bases, strict=True)
        ):
            return
        assert self.full is not None
        before = self.whole, self.full, self.fit, self.kept
        # one variance for both, or that of the fit with more columns would decide
        variance = self.full.variance
        price = self._bic(variance)
        self.whole = replace(self.whole, bases=bases)
        self._drop(self.full.fit)
        if self._bic(variance) >= price:
            self.whole, self.full, self.fit, self.kept = before

    def _bic(self, variance: float) -> float:
        """Return BIC of the selected fit, up to what all fits of these rows share."""
        rows = len(self.process)
        return self.fit.loss / variance + float(np.log(rows)) * self.fit.design.size

    def _pays(self, edge: Edge, basis: CurveBasis) -> bool:
        """Whether a wider basis of one edge is worth its columns."""
        assert self.full is not None
        small = self.fit.design
        kept = [*small.edges, *([] if edge in small.edges else [edge])]
        basis_of = dict(zip(small.edges, small.bases, strict=True))
        width = basis_of[edge].size if edge in basis_of else 0
        if basis.size <= max(width, self.narrow):
            return False
        bases = tuple(basis if other == edge else basis_of[other] for other in kept)
        wide = LinearisedFit.of(
            self.fit, replace(small, edges=tuple(kept), bases=bases)
        )
        rss, numbers = float(self.fit.loss), range(len(kept))
        # BIC under the noise of the model with all edges, which no choice has narrowed.
        gain = (rss - wide.model.rss(numbers)) / self.full.variance
        if gain <= np.log(len(wide.response)) * (basis.size - width):
            return False
        # A wider curve of a kept edge is a matter of fit alone; a new edge also has to be
        # seen by the robust test, at a level shared with all that are offered.
        if edge in basis_of:
            return True
        number = kept.index(edge)
        p_value = wide.test.p_values(numbers, [number])[number]
        return p_value < LEVEL / len(self.offered)


def neighbour_correlation(process: ObservedProcess, residual: np.ndarray) -> float:
    """Return the lag-one correlation of residuals (m,) in the order of the rows."""
    together = process.segments[1:] == process.segments[:-1]
    # What a bad fit leaves to all rows alike is no memory.
    residual = residual - residual.mean()
    product = residual[1:] * residual[:-1]
    variance = float(residual @ residual) / len(residual)
    if not together.any() or variance <= 0:
        return 0.0
    return float(product[together].mean()) / variance
