"""Nodes of spline inner functions beside an unknown additive part.

The additive part is fine splines, with kinks where the data show one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from symbolic.composition.fitting.levenberg import Fit, Levenberg, fit, model_value
from symbolic.composition.fitting.model import KINDS, Model, Node, Term
from symbolic.composition.fitting.regression import (
    Regression,
    pair_products,
    polynomials,
    spline_basis,
)
from symbolic.composition.fitting.spline_models import (
    best_splines,
    linear_index,
    spread_rows,
)
from symbolic.composition.interactions import Group, Grouping, Screen
from symbolic.composition.starts import (
    additive_index,
    interaction_indices,
    least_squares,
)

Array = np.ndarray

FUNCTIONS = 14
"""Splines of the additive part are finer than those inside nodes: they take what is left."""

KINKS = 40
"""Places of a kink that are tried between the ends of a feature."""

CLEAR = 0.05
"""Share of the sum of squares by which a kink must lower it."""


class AdditivePart:
    """Columns of an additive part.

    Args:
        regression: rows.
        screened: pairs beside which kinks are looked for; None for splines alone.
    """

    def __init__(self, regression: Regression, screened: Screen | None = None) -> None:
        self.regression = regression
        self._fine: dict[int, Array] = {}
        if screened is not None:
            self._add_kinks(screened)

    def columns(self, features: Sequence[int]) -> Array:
        """Columns of some features side by side (n, m)."""
        for i in features:
            if i not in self._fine:
                self._fine[i] = spline_basis(self.regression.columns[i].z, FUNCTIONS)
        parts = [self._fine[i] for i in features]
        return np.hstack(parts) if parts else np.empty((len(self.regression), 0))

    def beside(self, features: Sequence[int]) -> Regression:
        """Return the regression with an additive part of some features projected out."""
        return self.regression.beside(self.columns(features))

    def _add_kinks(self, screened: Screen) -> None:
        """Add two folds on either side of the clearest kink of a feature, and again.

        Cubic splines miss a kink by some per cent, under which small terms and the
        kinds of nodes cannot be told apart.
        """
        selected = screened.selected
        z = [column.z for column in self.regression.columns]
        products = [
            pair_products(polynomials(z[i]), polynomials(z[j]))
            for i, j in screened.pairs
        ]
        # one kink a round, the clearest: a fold that is
        # missing looks like several small ones nearby
        for _ in range(len(selected)):
            flexible = np.hstack([self.columns(selected), *products])
            beside = self.regression.beside(flexible)
            total = float(beside.target @ beside.target)
            kinks = [(*_clearest(beside, i), i) for i in selected]
            gain, kink, step, feature = max(kinks, default=(0.0, 0.0, 0.0, -1))
            if gain < CLEAR * total:
                break
            # two folds beside the place span every kink
            # between them, so the place needs no refinement
            folds = [np.abs(z[feature] - kink - side * step) for side in (-1, 1)]
            added = np.stack([fold - fold.mean() for fold in folds], axis=1)
            self._fine[feature] = np.hstack([self._fine[feature], added])


def _clearest(regression: Regression, feature: int) -> tuple[float, float, float]:
    """Squares that the best kink of a feature explains, its place and half a step."""
    column = regression.columns[feature]
    places = np.linspace(column.low, column.high, KINKS + 2)[1:-1]
    folds = np.abs(column.z[:, None] - places) * regression.weight[:, None]
    folds = regression.without(folds)
    # what is already spanned has nothing left after the projection and gains nothing
    size = np.maximum((folds**2).sum(0), 1e-9 * len(regression))
    gains = (folds.T @ regression.target) ** 2 / size
    best = int(np.argmax(gains))
    return float(gains[best]), float(places[best]), 0.5 * float(places[1] - places[0])


OPTIONS = 3  # kinds of a node that are named, work limit under `benchmarks.recovery`

MOST_PROJECTED = 0.6
"""Columns beside a node, of the rows: with more, what is left of a node of nine splines
for each feature is chance (60 rows hold two additive features, 150 rows six)."""

PREFERRED = 0.93
"""Factor on the sum of squares of a product: beside additive terms it stands for squares and
exponentials of the same two features as well, and is the easiest to name."""

ROWS = 800  # of the starts of a node, which are fitted to all rows afterwards

FINEST = 2e-3
"""Residual deviation below which splines of nodes tell no grouping from another."""


@dataclass(frozen=True)
class Option:
    """One node of splines that could stand for a group."""

    node: Node
    rss: float


def node_options(
    additive: AdditivePart,
    selected: Sequence[int],
    grouping: Grouping,
    k: int,
    generator: np.random.Generator,
    before: Sequence[Sequence[Option]] = (),
) -> list[Option]:
    """Fit each kind of node to one group alone, the others as products, best first.

    Args:
        before: options of earlier groups; nodes of those that hold all features of this
            group are subtracted, since products of the latter are their own as well.
    Returns:
        Nothing where the rows are too few for what stands beside the node.
    """
    # Products of polynomials stand for the other groups, whose
    # nodes are not known yet; pairs inside this group are left to
    # its node, unless they belong to a smaller group of their own.
    group = grouping[k]
    others = [
        pair_products(polynomials(additive.regression.columns[i].z), _poly(additive, j))
        for h, other in enumerate(grouping)
        if h != k
        for i, j in _pairs(other)
        if not {i, j} <= set(group) or set(other) < set(group)
    ]
    beside = additive.regression.beside(
        np.hstack([additive.columns(selected), *others])
    )
    if beside.projected.shape[1] > MOST_PROJECTED * len(beside):
        return []
    # Earlier groups that contain this one have taken its products as well: their nodes are
    # subtracted, because projecting their products out would leave this group nothing.
    hiding = [h for h in range(len(before)) if set(group) <= set(grouping[h])]
    if hiding:
        hidden = Model(nodes=tuple(before[h][0].node for h in hiding))
        value = model_value(additive.regression, hidden)
        beside = replace(beside, y=beside.y - value)
    # races of starts need no more rows than that
    few = beside.take(spread_rows(beside, ROWS, generator))
    starts = node_starts(few, group, generator)
    options = []
    for kind in KINDS:
        fitted = best_splines(
            few, group, kind, starts, invert=False, keep=5, finalists=2
        )
        options.append(Option(fitted.model.nodes[0], fitted.rss))
    if len(group) == 2:
        fitted = product_splines(few, group)
        options.append(Option(fitted.model.nodes[0], PREFERRED * fitted.rss))
    options.sort(key=lambda fit: fit.rss)
    # six times the best sum of squares: splines inside nodes are coarse, and the true kind is
    # not always the first
    return [fit for fit in options if fit.rss <= 6.0 * options[0].rss][:OPTIONS]


def node_starts(
    regression: Regression, group: Group, generator: np.random.Generator
) -> list[Array]:
    """Return indices that a node of a group may start from, as spline coefficients (m,) each.

    From products of its pairs, both signs, from an additive fit, and two at random.
    """
    bare = regression.beside(np.empty((len(regression), 0)))
    starts = [*interaction_indices(regression, group, 3)]
    starts.append(additive_index(bare, bare.splines(group)))
    for _ in range(2):
        slopes = generator.normal(size=len(group))
        starts.append(linear_index(regression, group, slopes))
    return starts


def product_splines(regression: Regression, group: Group) -> Fit:
    """Fit u(x_i) v(x_j): the leading term of the products' coefficients, then all."""
    i, j = group
    first_basis, second_basis = (
        polynomials(regression.columns[i].z),
        _poly_of(regression, j),
    )
    # u(x_i) v(x_j) with polynomials p, q has coefficients of rank one: y = sum_ab B_ab p_a q_b,
    # B = s1 u1 v1' + ..., and the leading term is the start.
    columns = pair_products(first_basis, second_basis)
    columns = regression.without(columns * regression.weight[:, None])
    beta = least_squares(columns, regression.target, 1e-6)
    left, size, right = np.linalg.svd(
        beta.reshape(first_basis.shape[1], second_basis.shape[1])
    )
    root = np.sqrt(max(size[0], 1e-12))
    terms = tuple(
        # coefficients in a basis of unit mean square are means of products with it
        Term(feature, "spline", tuple((basis.T @ (p @ v) / len(regression)).tolist()))
        for feature, basis, p, v in (
            (i, regression.columns[i].basis, first_basis, root * left[:, 0]),
            (j, regression.columns[j].basis, second_basis, root * right[0]),
        )
    )
    node = Node("product", 1.0, (0.0, 0.0), terms)
    return fit(regression, Model(nodes=(node,)), 15)


def joint_splines(
    regression: Regression, options: Sequence[Sequence[Option]], keep: int = 3
) -> list[Fit]:
    """Fit all combinations of options together, best first.

    Args:
        regression: rows, the additive part projected out.
        options: nodes of each group;  keep: fits that run to the end.
    """
    if len(options) == 1:
        models = [Model(nodes=(option.node,)) for option in options[0][:keep]]
        fits = [fit(regression, model, 10) for model in models]
    else:
        # the product of the sums of squares ranks
        # combinations before any of them is fitted together
        combined = sorted(
            product(*options),
            key=lambda combination: np.prod([option.rss for option in combination]),
        )
        models = [
            Model(nodes=tuple(option.node for option in combination))
            for combination in combined
        ]
        # four steps tell the promising ones apart; only they run on
        races = [Levenberg(regression, model).run(4) for model in models[:6]]
        races.sort(key=lambda race: race.rss * preference(race.model))
        fits = [race.run(10).fit() for race in races[:keep]]
    return sorted(fits, key=lambda fitted: fitted.rss * preference(fitted.model))


def preference(model: Model) -> float:
    """Factor on the sum of squares of nodes of splines: products come first."""
    return PREFERRED ** sum(node.kind == "product" for node in model.nodes)


def with_additive_part(
    additive: AdditivePart, model: Model, features: Sequence[int], iterations: int = 4
) -> Fit:
    """Refit nodes together with an additive part of splines.

    Args:
        model: its nodes are the start, its additive terms are replaced.
        features: of the additive part;  iterations: most steps.
    """
    regression = additive.regression
    bare = replace(model, additive=())
    if not features:
        return fit(regression, bare, iterations)
    # the additive part starts at what the nodes leave
    value = model_value(regression, bare) if bare.nodes else np.zeros(len(regression))
    left = replace(regression, y=regression.y - value)
    beta = additive_index(left, left.splines(features))
    terms, at = [], 0
    for i in features:
        end = at + regression.columns[i].basis.shape[1]
        terms.append(Term(i, "spline", tuple(beta[at:end].tolist())))
        at = end
    return fit(regression, Model(tuple(terms), bare.nodes), iterations)


def _pairs(group: Group) -> list[tuple[int, int]]:
    return [(i, j) for k, i in enumerate(group) for j in group[:k]]


def _poly(additive: AdditivePart, feature: int) -> Array:
    return polynomials(additive.regression.columns[feature].z)


def _poly_of(regression: Regression, feature: int) -> Array:
    return polynomials(regression.columns[feature].z)
