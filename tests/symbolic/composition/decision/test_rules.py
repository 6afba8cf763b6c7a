"""The rules behind an outcome, one by one."""

import numpy as np
import pytest

from symbolic.composition.decision.open_lines import largest_bends, open_lines
from symbolic.composition.decision.rival_families import KNOTS, RIVAL_FAMILIES, Place
from symbolic.composition.decision.rivals import rivals
from symbolic.composition.decision.simpler import (
    exchanged_curves,
    nodes_of_lines,
    plainer_models,
    plainest,
)
from symbolic.composition.decision.size import information, refitted, size
from symbolic.composition.decision.support import patchwork, supported
from symbolic.composition.fitting.edge_families import NAMED
from symbolic.composition.fitting.model import Model, Node, Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.search import ScoredModel, Search

LINE = Term(0, "linear", (1.0,))
KINK = Term(0, "abs", (1.0, 0.1))
CURVE = Term(0, "exp", (1.0, 0.5))
OTHER = Term(1, "linear", (1.0,))


def regression(y=None, rows=200, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, 2))
    values = z[:, 0] if y is None else y(z, rng)
    return Regression.of(z, (values - values.mean()) / values.std())


def scored(model, rss=1.0, criterion=0.0):
    return ScoredModel(model, rss, criterion=criterion)


@pytest.mark.parametrize(
    ("model", "features"),
    [
        (Model((LINE, OTHER)), ()),
        (Model((LINE, KINK)), ()),  # a line beside one kink
        (Model((CURVE, KINK)), (0,)),
        (Model((), (Node("log", 1.0, (1.0,), (KINK,)),)), (0,)),
        (
            Model((), (Node("exp", 1.0, (1.0,), (Term(0, "quadratic", (1.0, 0.0)),)),)),
            (),
        ),
        (Model((), (Node("log", 1.0, (1.0,), (KINK, OTHER)),)), ()),
        (Model((CURVE,), (Node("log", 1.0, (1.0,), (KINK, OTHER)),)), (0,)),
        (Model((), (Node("product", 1.0, (1.0, 1.0), (CURVE, OTHER)),)), ()),
        (Model((CURVE,), (Node("product", 1.0, (1.0, 1.0), (LINE, OTHER)),)), ()),
        (Model((CURVE,), (Node("exp", 1.0, (1.0,), (LINE, OTHER)),)), (0,)),
        (Model((LINE,), (Node("exp", 1.0, (1.0,), (LINE, OTHER)),)), ()),
    ],
)
def test_a_patchwork_bends_one_feature_twice(model, features):
    assert patchwork(model) == features


def test_a_kink_needs_a_twentieth_of_the_rows_on_either_side():
    rows = regression()
    quantiles = np.quantile(rows.columns[0].z, [0.02, 0.04, 0.06, 0.5, 0.94, 0.97])
    kinks = [Model((Term(0, "abs", (1.0, float(q))),)) for q in quantiles]
    kept = [supported(rows, scored(model, 100.0)) for model in kinks]
    assert kept == [False, False, True, True, True, False]
    node = Node("abs", 1.0, (5.0,), (LINE,))  # folds beyond all rows
    assert not supported(rows, scored(Model((), (node,)), 100.0))


def test_a_steep_end_needs_rows_where_they_are_few():
    rows = regression()
    kept = [
        supported(rows, scored(Model((Term(0, "exp", (1.0, rate)),)), rss))
        for rate, rss in ((0.5, 100.0), (9.0, 100.0), (9.0, 1e-6))
    ]
    # data without noise would show that so steep a curve is wrong
    assert kept == [True, False, True]


def test_a_node_of_lines_is_offered_that_the_search_passed_by():
    rows = regression(
        lambda z, rng: (
            np.exp(0.5 * z[:, 0] + 0.4 * z[:, 1]) + 0.1 * rng.normal(size=200)
        )
    )
    start = refitted(rows, Model((Term(0, "quadratic", (0.1, 1.0)), OTHER)))
    offered = list(nodes_of_lines(Search(rows, NAMED), start))
    assert {form.model.nodes[0].kind for form in offered} == {"exp", "log", "quadratic"}
    best = min(offered, key=lambda form: form.criterion)
    assert best.model.nodes[0].kind == "exp"
    assert best.criterion < start.criterion
    alone = refitted(rows, Model((LINE,)))
    assert not list(nodes_of_lines(Search(rows, NAMED), alone))


def test_size_grows_with_every_step_away_from_a_line():
    models = [Model(), Model((LINE,)), Model((Term(0, "quadratic", (1.0, 1.0)),)),
              Model((CURVE,)), Model((KINK,)), Model((KINK, OTHER))]  # fmt: skip
    sizes = [size(model) for model in models]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == len(sizes)


def test_every_plainer_form_is_smaller_or_as_large():
    rows = regression()
    model = Model((KINK, OTHER), (Node("exp", 1.0, (1.0,), (LINE, OTHER)),))
    simpler = list(plainer_models(rows, model))
    assert len(simpler) > 4
    assert all(size(one) <= size(model) + 1 for one in simpler)


def test_the_plainest_within_two_units_is_taken():
    def at(model, criterion):
        return scored(model, criterion=criterion)

    line, curve = Model((LINE,)), Model((CURVE,))
    assert plainest([at(curve, 0.0), at(line, 1.9)]).model == line
    assert plainest([at(curve, 0.0), at(line, 2.1)]).model == curve
    # a form with more constants is never plainer
    assert plainest([at(line, 0.0), at(curve, -1.0)]).model == line


def test_information_is_rows_times_signal_over_noise():
    rows = regression(lambda z, rng: z[:, 0] + 0.1 * rng.normal(size=len(z)), 1000)
    fitted = refitted(rows, Model((LINE,)))
    assert information(rows, fitted.rss) == pytest.approx(1000 * 100, rel=0.15)
    assert refitted(rows, Model()).rss == pytest.approx(1000, rel=1e-6)


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        ("logistic", lambda x: 1 / (1 + np.exp(-4 * x))),
        ("sine", lambda x: np.sin(3 * x)),
        ("bell", lambda x: np.exp(-3 * (x - 0.3) ** 2)),
        ("cubic", lambda x: x**3 - x),
        ("reciprocal", lambda x: 10 / (x + 4)),
    ],
)
def test_a_rival_that_is_the_truth_beats_the_best_of_the_families(family, shape):
    rows = regression(
        lambda z, rng: shape(z[:, 0]) + 0.02 * rng.normal(size=len(z)),
        400,
    )
    for name in ("exp", "quadratic", "abs"):
        start = (1.0, 0.1)
        fitted = refitted(rows, Model((Term(0, name, start),)))
        gains = {r.family: r.gain for r in rivals(rows, fitted.model, fitted.rss)}
        assert gains[family] > 2
        # measured against the best fit of a family, so never below a small shortfall
        assert max(gains.values()) <= gains[family] + 40


def test_a_right_curve_has_no_better_rival():
    rows = regression(
        lambda z, rng: np.exp(0.7 * z[:, 0]) + 0.05 * rng.normal(size=len(z)), 400
    )
    fitted = refitted(rows, Model((CURVE,)))
    assert all(r.gain < 2 for r in rivals(rows, fitted.model, fitted.rss))
    assert not list(rivals(rows, Model((LINE,)), 1.0))  # lines have no rivals


def product(curve, rows=300):
    """Rows of a product with the second feature, and a node to be fitted to them."""
    data = regression(
        lambda z, rng: curve(z[:, 0]) * (z[:, 1] + 0.5) + 0.05 * rng.normal(size=rows),
        rows,
    )
    return data, lambda term: refitted(
        data, Model((), (Node("product", 1.0, (0.1, 0.5), (term, OTHER)),))
    )


def test_a_factor_that_is_an_imitation_has_a_better_rival():
    data, fitted = product(lambda x: np.tanh(2 * x))
    kink = fitted(Term(0, "abs", (1.0, -1.0)))
    gains = {r.family: r.gain for r in rivals(data, kink.model, kink.rss)}
    assert gains["logistic"] > 100
    # a tanh is a logistic: what it leaves is the noise, as a fit of its own would
    left = 300 * 0.05**2 / np.var(data_of_product(np.tanh, 2))
    assert gains["logistic"] == pytest.approx(
        300 * np.log(kink.rss / left) - np.log(300), rel=0.05
    )


def data_of_product(function, rate):
    z = np.random.default_rng(0).normal(size=(300, 2))
    return function(rate * z[:, 0]) * (z[:, 1] + 0.5)


def test_a_right_factor_has_no_better_rival():
    data, fitted = product(lambda x: np.exp(0.7 * x))
    right = fitted(CURVE)
    listed = list(rivals(data, right.model, right.rss))
    assert {r.features for r in listed} == {(0,)}  # the line beside it has none
    assert all(r.gain < 2 for r in listed)


def inside(outer, curve, start, kind, rows=400):
    """Rows of a function of a curve and a line, and a node of these two fitted to them."""
    data = regression(
        lambda z, rng: (
            outer(curve(z[:, 0]) + 0.6 * z[:, 1]) + 0.02 * rng.normal(size=rows)
        ),
        rows,
    )
    # the argument of a log is written as one plus the sum
    terms = [term.scaled(0.25 if kind == "log" else 1.0) for term in (start, OTHER)]
    node = Node(kind, 1.0, (1.0,), tuple(terms))
    return data, refitted(data, Model((), (node,)))


OUTER_FUNCTIONS = {
    "exp": np.exp,
    "quadratic": lambda s: (s + 1.0) ** 2,
    "abs": lambda s: np.abs(s + 1.0),
    "log": lambda s: np.log(s + 4.0),
}


@pytest.mark.parametrize("kind", OUTER_FUNCTIONS)
def test_an_imitation_inside_a_node_has_a_better_rival(kind):
    start = Term(0, "abs", (1.0, -1.0))
    data, kink = inside(OUTER_FUNCTIONS[kind], lambda x: np.tanh(2 * x), start, kind)
    gains = {r.family: r.gain for r in rivals(data, kink.model, kink.rss)}
    assert gains["logistic"] > 20
    assert gains["logistic"] > max(gains["cubic"], gains["exp of reciprocal"])


@pytest.mark.parametrize("kind", OUTER_FUNCTIONS)
def test_a_right_curve_inside_a_node_has_no_better_rival(kind):
    data, right = inside(
        OUTER_FUNCTIONS[kind], lambda x: np.exp(0.7 * x) - 1.0, CURVE, kind
    )
    listed = list(rivals(data, right.model, right.rss))
    assert {r.features for r in listed} == {(0,)}
    assert all(r.gain < 2 for r in listed)


def test_the_only_curve_of_a_node_has_no_rivals():
    data, _ = product(lambda x: x)
    alone = Model((), (Node("exp", 1.0, (1.0,), (KINK,)),))
    assert not list(rivals(data, alone, 1.0))


def test_knots_change_nothing_where_rows_have_few_values():
    rng = np.random.default_rng(3)
    x, weight = np.sort(rng.uniform(-1, 1, 90)), rng.uniform(0.5, 2.0, 90)
    basis = np.linalg.qr(np.stack([weight, weight * x], axis=1))[0]
    y = rng.normal(size=90)
    y = y - basis @ (basis.T @ y)
    logistic = next(f for f in RIVAL_FAMILIES if f.name == "logistic")
    inner = np.array([0.2, 0.3])
    columns = logistic.columns(x, inner) * weight[:, None]
    free = columns - basis @ (basis.T @ columns)
    beta = np.linalg.lstsq(free, y)[0]
    left = float(np.sum((y - free @ beta) ** 2))
    assert Place(x, weight, y, basis).left(logistic, inner) == pytest.approx(left)
    # more rows than knots: straight lines between them are good to a hundredth of a percent
    more = [np.repeat(values, 9, axis=0) for values in (x, weight, y, basis / 3)]
    more[0] = np.clip(more[0] + 1e-7 * np.arange(810), -1, 1)
    shifted = Place(*more)
    assert len(np.unique(shifted.x)) > KNOTS
    assert shifted.left(logistic, inner) == pytest.approx(9 * left, rel=1e-3)


def test_other_families_take_the_place_of_each_curve():
    fitted = refitted(regression(lambda z, _: np.exp(0.5 * z[:, 0])), Model((CURVE,)))
    search = Search(regression(lambda z, _: np.exp(0.5 * z[:, 0])), NAMED)
    others = {
        form.model.additive[0].family for form in exchanged_curves(search, fitted)
    }
    assert others == set(NAMED) - {"exp"}
    line = refitted(regression(), Model((LINE,)))
    assert not list(exchanged_curves(search, line))


@pytest.mark.parametrize("vertex", [0.0, 0.8])
def test_a_parabola_about_zero_has_one_constant_where_the_rows_allow_it(vertex):
    rng = np.random.default_rng(5)
    x = 3.0 + rng.normal(size=(300, 1))  # zero is far from the mean
    y = (x[:, 0] - vertex) ** 2
    y = y + 0.1 * y.std() * rng.normal(size=300)
    rows = Regression.of(
        (x - 3.0) / 1.0, (y - y.mean()) / y.std(), origin=np.array([-3.0])
    )
    parabola = refitted(rows, Model((Term(0, "quadratic", (1.0, 1.0)),)))
    steps = [refitted(rows, model) for model in plainer_models(rows, parabola.model)]
    square = next(s for s in steps if "square" in {t.family for t in s.model.terms()})
    assert square.model.size == 1
    assert (square.criterion < parabola.criterion) == (vertex == 0.0)
    assert plainest([square, parabola]) is (square if vertex == 0 else parabola)


def test_a_line_is_open_where_few_or_noisy_rows_would_not_show_its_bend():
    def bend(rows, noise):
        data = regression(lambda z, rng: z[:, 0] + noise * rng.normal(size=rows), rows)
        line = refitted(data, Model((LINE,)))
        return data, line, largest_bends(data, line.model, line.rss)[0]

    few, many = bend(60, 1.0), bend(6000, 1.0)
    # errors fall with the root of the rows
    assert few[2] > 0.15 > many[2]
    assert few[2] / many[2] == pytest.approx(10, rel=0.6)
    curve = open_lines(few[0], few[1].model, few[1].rss)
    assert curve is not None
    assert (curve.features, curve.family) == ((0,), "curve")
    assert open_lines(many[0], many[1].model, many[1].rss) is None
    assert open_lines(few[0], Model((KINK,)), few[1].rss) is None  # no line


def test_a_bend_of_the_data_lies_inside_its_interval():
    held = 0
    for seed in range(40):
        data = regression(
            lambda z, rng: (
                z[:, 0] + 0.1 * (z[:, 0] ** 2 - 1) + 0.3 * rng.normal(size=len(z))
            ),
            150,
            seed,
        )
        line = refitted(data, Model((LINE,)))
        held += largest_bends(data, line.model, line.rss)[0] > 0.1 * np.sqrt(2)
    assert held >= 36  # one-sided 97.5 %


def test_a_line_that_may_be_an_s_is_open():
    def named(curve, rows, noise, degree):
        data = regression(
            lambda z, rng: curve(z[:, 0]) + noise * rng.normal(size=rows), rows, seed=2
        )
        line = refitted(data, Model((LINE,)))
        return open_lines(data, line.model, line.rss, degree)

    def saturating(x):  # departs from its line by 6 %, nearly all of it an S
        values = np.exp(-8 / (np.clip(x, -2.9, 2.9) + 4))
        return values / values.std()

    assert named(saturating, 300, 0.2, degree=2) is None
    s_shaped = named(saturating, 300, 0.2, degree=3)
    assert s_shaped is not None
    assert s_shaped.features == (0,)
    assert named(lambda x: x, 300, 0.1, degree=3) is None


def test_a_line_of_two_values_cannot_bend():
    data = regression()
    z = np.where(data.columns[0].z > 0, 1.0, -1.0)[:, None]
    two = Regression.of(z, z[:, 0] + 0.1 * data.y)
    line = refitted(two, Model((LINE,)))
    assert largest_bends(two, line.model, line.rss) == {}
