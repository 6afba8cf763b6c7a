"""Discrete-continuous search: families by moves, constants by refits on the data.

    criterion = N log max(rss / N, floor) + k log N + margins of nonlinear nodes

N counts rows, because residuals are those of observations; the floor is that of
rounding for data without noise; the margin keeps an unneeded outer function away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from symbolic.composition.fitting.edge_families import edge_family
from symbolic.composition.fitting.levenberg import Fit, Levenberg, fit
from symbolic.composition.fitting.model import (
    Model,
    Node,
    Place,
    Term,
    factor_value,
    term_value,
)
from symbolic.composition.fitting.naming import Named, Namer
from symbolic.composition.fitting.regression import Budget, Regression
from symbolic.composition.fitting.term_slope import slope_by_term
from symbolic.terms import criterion as terms
from symbolic.terms.criterion import (
    COMPLEXITY_PENALTY,
    NODE_PENALTY,
    PRODUCT_PENALTY,
    Scored,
    Size,
)

Array = np.ndarray

SWEEPS = 8  # over all terms, ended earlier where nothing helps


@dataclass(frozen=True)
class ScoredModel(Scored):
    """A fitted model of the search with its weighted sum of squares."""

    model: Model
    rss: float


def criterion(regression: Regression, fitted: Fit) -> float:
    """Criterion of a fitted model; lower is better."""
    n, model = len(regression), fitted.model
    products = sum(node.kind == "product" for node in model.nodes)
    penalty = PRODUCT_PENALTY * products
    penalty += NODE_PENALTY * (len(model.nodes) - products)
    forms = sum(edge_family(term.family).complexity for term in model.terms())
    size = Size(
        model.size + regression.linear_size, penalty + COMPLEXITY_PENALTY * forms
    )
    return terms.criterion(n, fitted.rss / n, size)


def freed(regression: Regression, model: Model, place: Place) -> Model:
    """Give the factor at a place its offset back, so that it can change its family."""
    h, k = place
    if h < 0 or model.nodes[h].kind != "product" or not model.nodes[h].anchored[k]:
        return model
    node = model.nodes[h]
    places = range(len(node.terms))
    # the mean of each factor as it stands becomes its offset
    free = [factor_value(regression.columns, node, i).mean() for i in places]
    flags = [flag and i != k for i, flag in enumerate(node.anchored)]
    head = tuple(float(v) for v, flag in zip(free, flags, strict=True) if not flag)
    changed = Node(node.kind, node.sign, head, node.terms, tuple(flags))
    return model.with_node(h, changed)


class Search:
    """Greedy search over the families of all terms, with joint refits.

    Args:
        regression: rows;  families: closed forms that may be used.
        budget: no further step is begun when it is spent.
    """

    def __init__(
        self,
        regression: Regression,
        families: Sequence[str],
        budget: Budget | None = None,
    ) -> None:
        self.regression, self.budget = regression, budget or Budget(np.inf)
        self.namer = Namer(regression, families)
        self.families = tuple(families)
        self.known: dict[object, ScoredModel] = {}

    # -- scoring --------------------------------------------------------------------
    def score(
        self,
        model: Model,
        iterations: int = 30,
        best: float = np.inf,
        beat: float = np.inf,
    ) -> ScoredModel:
        """Refit and score a model; equal structures keep the better constants.

        Args:
            best: sum of squares far above which a fit is given up.
            beat: criterion that the model has to come below to be of use.
        """
        key = model.key
        earlier = self.known.get(key)
        start = Levenberg(self.regression, model)
        # known constants are at a minimum and the new start is no better: nothing to learn
        if (
            earlier is not None
            and earlier.converged
            and start.rss >= 0.999 * earlier.rss
        ):
            return earlier
        hopeless = max(2.0 * best, 1e-8 * len(self.regression))
        goal = self._goal(model, beat)
        fitted = start.run(iterations, hopeless, goal=goal).fit()
        scored = ScoredModel(
            fitted.model,
            fitted.rss,
            criterion=criterion(self.regression, fitted),
            converged=fitted.converged,
        )
        if earlier is None or scored.criterion < earlier.criterion:
            self.known[key] = scored
        return self.known[key]

    def _goal(self, model: Model, beat: float) -> float:
        """Sum of squares at which a model has a criterion."""
        if not np.isfinite(beat):
            return np.inf
        n = len(self.regression)
        free = criterion(self.regression, Fit(model, n, np.empty((0, 0)), True))
        # N log(rss / N) + rest = beat, solved for rss
        return n * float(np.exp(min((beat - free) / n, 50.0)))

    def retry(self, model: Model, iterations: int = 30) -> ScoredModel:
        """Refit from these constants, even where the structure is known."""
        # forgotten for a moment, so that `score` does not answer from memory
        earlier = self.known.pop(model.key, None)
        scored = self.score(model, iterations)
        if earlier is not None and earlier.criterion < scored.criterion:
            self.known[model.key] = scored = earlier
        return scored

    # -- curves ---------------------------------------------------------------------
    def curve(self, model: Model, place: Place) -> tuple[Array, Array]:
        """Values of a term, and weights with which its error reaches the residual."""
        columns, weight = self.regression.columns, self.regression.weight**2
        values = term_value(columns, model.term(place))
        if place[0] < 0:
            return values, weight
        # an error e of the term moves the node by its slope times e: its square is the weight
        return values, weight * slope_by_term(columns, model, place) ** 2

    def names(self, model: Model, place: Place) -> list[Named]:
        """Families ranked on the present curve of a term."""
        values, weight = self.curve(model, place)
        return self.namer.rank(model.term(place).feature, values, weight)

    def loosened(self, model: Model, place: Place, iterations: int = 6) -> Fit:
        """Refit with a spline in place of one term: the most that another family could gain."""
        term = model.term(place)
        values = term_value(self.regression.columns, term)
        basis = self.regression.columns[term.feature].basis
        beta = basis.T @ values / len(values)
        free = Term(term.feature, "spline", tuple(beta.tolist()))
        return fit(self.regression, model.with_term(place, free), iterations)

    # -- from splines to names ------------------------------------------------------
    def named(self, model: Model, at_once: bool = False) -> ScoredModel:
        """Name all spline terms at once, then one by one where that is not as good."""
        direct = model
        # names of one curve do not wait for those of the others: usually right, and fast
        ranked = {
            place: self.names(model, place)
            for place in model.places()
            if model.term(place).family == "spline"
        }
        for place, names in ranked.items():
            direct = direct.with_term(place, names[0].term)
        candidate = self.score(direct, 12 if at_once else 30)
        # the splines themselves are the measure of what names lose
        if at_once or candidate.rss <= 1.3 * fit(self.regression, model, 2).rss:
            return candidate
        return min(
            candidate, self._one_by_one(model), key=lambda scored: scored.criterion
        )

    def _one_by_one(self, model: Model) -> ScoredModel:
        """Name the clearest curve, refit the others as splines, and so on."""
        while model.has_splines:
            open_places = [
                place
                for place in model.places()
                if model.term(place).family == "spline"
            ]
            names = {place: self.names(model, place)[0] for place in open_places}
            place = min(names, key=lambda name: names[name].misfit)
            model = model.with_term(place, names[place].term)
            model = fit(self.regression, model, 8).model
        # other constants than the ones that were named at once
        return self.retry(model)

    # -- moves ----------------------------------------------------------------------
    def climb(self, best: ScoredModel) -> ScoredModel:
        """Change, simplify or drop one term at a time until nothing helps."""
        for _ in range(SWEEPS):
            moved = self._sweep(best)
            if moved.criterion >= best.criterion - 1e-6:
                return best
            best = moved
        return best

    def _sweep(self, best: ScoredModel) -> ScoredModel:
        order = best.model.places()
        for place in order:
            if place not in best.model.places():
                break  # a term was dropped and places have moved: sweep again
            if self.budget.over():
                break
            for model in self._alternatives(best, place):
                scored = self.score(model, best=best.rss, beat=best.criterion)
                if scored.criterion < best.criterion - 1e-6:
                    dropped = len(scored.model.places()) < len(best.model.places())
                    best = scored
                    if dropped:
                        return best
        return best

    def _alternatives(self, best: ScoredModel, place: Place) -> Iterator[Model]:
        """Yield models that differ in one term, the promising ones only."""
        model, rows = freed(self.regression, best.model, place), len(self.regression)
        term = model.term(place)
        simplest = self.names(model, place)
        lines = [named.term for named in simplest if named.term.family == "linear"]
        if term.family != "linear" and lines:
            # the line first: it is the plainest, and most edges are one
            yield model.with_term(place, lines[0])
        fewer = model.with_term(place, None)
        if fewer.places():
            yield fewer
        # As a spline the term shows how much any other family could gain; families that leave
        # more than that are not refitted.
        free = self.loosened(model, place)
        gain = best.rss - free.rss
        allowance = best.rss * 40.0 / rows
        for rank, name in enumerate(self.names(free.model, place)):
            if name.term.family == term.family:
                continue
            if name.misfit <= gain + allowance or (rank == 0 and gain > 0):
                yield free.model.with_term(place, name.term)

    # -- enumeration ----------------------------------------------------------------
    def enumerate(self, model: Model, best: ScoredModel) -> ScoredModel:
        """Try the product of the best families of all spline terms of a model."""
        places = model.places()
        # the number of families falls with the terms: 25
        # combinations for two, 27 for three, 2^k beyond
        count = {1: 5, 2: 5, 3: 3}.get(len(places), 2)
        options = [self.names(model, place)[:count] for place in places]
        for combination in product(*options):
            if self.budget.over():
                break
            direct = model
            for place, naming in zip(places, combination, strict=True):
                direct = direct.with_term(place, naming.term)
            # six steps tell a hopeless combination
            started = Levenberg(self.regression, direct).run(6)
            if started.rss > 25.0 * best.rss + 0.05 * len(self.regression):
                continue
            scored = self.retry(started.fit().model)
            best = min(best, scored, key=lambda candidate: candidate.criterion)
        return best
