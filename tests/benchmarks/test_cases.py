from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from benchmarks.cases.case import case_rng
from benchmarks.cases.drawn import draw_structure, drawn_case
from benchmarks.cases.expressions import GROUPS, Leaf, Product, Sum, Unary, group_of
from benchmarks.cases.features import correlation_matrix, draw_features
from benchmarks.cases.hybrid import hybrid_case
from benchmarks.cases.membership import why_outside
from benchmarks.cases.named import named_case, named_formulas
from benchmarks.cases.processes import PROCESSES
from benchmarks.cases.realise import Node, Realiser, dull

X, Y, Z = sympy.symbols("x y z", real=True)
POSITIVE = {X: (1.0, 5.0), Y: (0.0, 2.0), Z: (1.0, 2.0)}


def edge(feature, function="exp"):
    return Unary(function, Leaf(feature))


def node(*features, function="log"):
    return Unary(function, Sum(tuple(edge(f) for f in features)))


def evaluated(case):
    values = sympy.lambdify(case.symbols, case.truth, "numpy")(*case.features.T)
    return np.broadcast_to(values, case.latent.shape)


@pytest.mark.parametrize("group", GROUPS)
def test_the_formula_of_a_case_gives_its_values_and_says_its_class(group):
    case = drawn_case(group, 0, "tuning")
    assert case.features.shape[0] == 2000
    assert 3 <= case.features.shape[1] <= 10
    np.testing.assert_allclose(evaluated(case), case.clean, rtol=1e-10, atol=1e-10)
    noise = np.std(case.target - case.clean) / case.clean.std()
    assert noise == pytest.approx(case.noise, rel=0.1)
    assert case.used <= set(case.names)
    ranges = {s: (v.min(), v.max()) for s, v in zip(case.symbols, case.features.T)}  # noqa: B905
    if group == "outside":
        return
    # two coefficients of one square may cancel in print, everything else must be inside
    assert why_outside(case.truth, ranges) == "" or "node" in group


def test_a_case_depends_on_its_seed_and_stream_only():
    one, again = drawn_case("node", 3, "tuning"), drawn_case("node", 3, "tuning")
    np.testing.assert_array_equal(one.target, again.target)
    others = [
        drawn_case("node", 3, "scoring"),
        drawn_case("node", 4, "tuning"),
        drawn_case("node", 3, "tuning", seed=1),
    ]
    for other in others:
        assert other.truth != one.truth


def test_tuning_and_scoring_streams_share_no_number():
    one, other = (case_rng(s, "sum", 0, 0).random(1000) for s in ("tuning", "scoring"))
    assert not set(one) & set(other)


@pytest.mark.parametrize("seed", range(20))
def test_correlations_of_features_stay_below_the_limit(seed):
    rng = np.random.default_rng(seed)
    matrix = correlation_matrix(7, rng)
    assert np.linalg.eigvalsh(matrix).min() > 0
    assert np.abs(matrix - np.eye(7)).max() <= 0.9 + 1e-12
    features = draw_features(500, 7, rng)
    assert np.isfinite(features).all()
    assert (features.std(0) > 0.1).all()


@pytest.mark.parametrize(
    ("terms", "group"),
    [
        ([edge(0), edge(1)], "sum"),
        ([node(0, 1)], "node"),
        ([node(0, 1), edge(2)], "node + rest"),
        ([node(0, 1), edge(1)], "node + own rest"),
        ([node(0, 1), node(1, 2), edge(3)], "two nodes"),
        ([node(0, 1), Product(edge(2), edge(3))], "two nodes"),
        ([node(0, 1), node(1, 2), node(2, 3)], "three nodes"),
        ([Product(edge(0), edge(1)), edge(0)], "products"),
        ([edge(0), edge(1, "sin")], "outside"),
        ([Unary("exp", Sum((node(0, 1), edge(2))))], "outside"),
        ([Product(node(0, 1), edge(2))], "outside"),
        ([edge(0)], None),
        ([edge(0), edge(0, "abs")], None),
        ([node(0, 0)], None),
        ([node(0, 1)] * 4, None),
    ],
)
def test_the_class_of_a_tree_follows_its_structure(terms, group):
    assert group_of(Sum(tuple(terms))) == group


def test_a_class_that_cannot_be_drawn_is_refused():
    with pytest.raises(RuntimeError, match="no tree of class"):
        draw_structure("no such class", 3, np.random.default_rng(0), trees=50)


def realised(tree, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.uniform(-1, 1, size=(400, 3))
    return features, Realiser(features, ("x1", "x2", "x3"), rng).realise(tree)


def test_terms_curves_and_products_that_do_not_matter_are_dull():
    _, good = realised(Sum((edge(0, "quadratic"), edge(1, "abs"))), seed=3)
    assert dull(good) == ""
    features = np.random.default_rng(0).uniform(-1, 1, size=(400, 2))

    def built(tree, value, *children):
        values = value(*(child.values for child in children))
        return Node(tree, X, values, children, value)

    one = Node(Leaf(0), X, features[:, 0], (), lambda: features[:, 0])
    two = Node(Leaf(1), Y, features[:, 1], (), lambda: features[:, 1])
    small = built(Sum((Leaf(0), Leaf(1))), lambda u, v: u + 0.05 * v, one, two)
    assert "below 1 %" in dull(small)
    straight = built(Unary("exp", Leaf(0)), lambda v: np.exp(0.01 * v), one)
    assert "straight line" in dull(straight)
    plane = built(Product(Leaf(0), Leaf(1)), lambda u, v: (u + 90) * (v + 90), one, two)
    assert "nearly a sum" in dull(plane)
    foreign = built(Unary("tanh", Leaf(0)), lambda v: np.tanh(0.2 * v + 0.4), one)
    assert dull(foreign)
    inner = built(Unary("exp", Leaf(0)), np.exp, one)
    squared = built(Unary("quadratic", inner.tree), lambda v: v**2, inner)
    assert "one family describes" in dull(squared)
    far = built(Unary("exp", Leaf(0)), lambda v: np.exp(300 * v), one)
    assert "far from the mean" in dull(far)
    flat = built(Unary("exp", Leaf(0)), lambda v: 0 * v, one)
    assert "not finite" in dull(flat)


@pytest.mark.parametrize(
    "expression",
    [
        sympy.exp(X) + 2 * Y,
        sympy.log(X + sympy.exp(Y) + 2),
        (X - Y) ** 2 + sympy.Abs(Z - 1),
        X * sympy.log(Y + 1) + Z**2,
        3 * X**2 * Z / sympy.sqrt(Y + 1),
        X * Y * (1 / Z - 1 / (Z + 1)),
        sympy.sqrt(X),
        sympy.log(X**2 + 1) + sympy.log(X + 1),
        X**4 - 2 * X**3 + X + Y**2,
    ],
)
def test_formulas_inside_the_class(expression):
    assert why_outside(expression, POSITIVE) == ""


@pytest.mark.parametrize(
    "expression",
    [
        sympy.sin(X),
        sympy.sqrt(X + Y),
        sympy.exp(X * Y),
        X**Y,
        X**3 - 2 * X**2,
        X**5 + X**4,
        X * Y * Z + X * Y * sympy.sin(Z),
        sympy.log(X + Y) * Z,
        (X - 3) ** 3 * Y,
        X * Y + X * Z + Y * Z + sympy.exp(X + Y),
    ],
)
def test_formulas_outside_the_class(expression):
    assert why_outside(expression, POSITIVE | {X: (-1.0, 5.0)})


def test_named_formulas_are_read_and_sorted():
    formulas = {formula.name: formula for formula in named_formulas()}
    assert len(formulas) == 100 + 12 + 15
    inside = {name for name, formula in formulas.items() if not formula.outside}
    assert {"Nguyen-7", "Keijzer-7", "I.12.1", "I.11.19", "II.36.38"} <= inside
    assert {"Nguyen-2", "Nguyen-12", "Keijzer-12"} <= inside
    assert not {"Nguyen-5", "Keijzer-13", "I.6.2", "I.12.11", "III.10.19"} & inside
    case = named_case(formulas["I.13.4"], "tuning")
    np.testing.assert_allclose(evaluated(case), case.clean)
    assert case.inside
    assert case.used == {"m", "v", "u", "w"}
    assert len(case.names) == 6


@pytest.mark.parametrize("name", PROCESSES)
def test_a_hybrid_case_is_its_process_of_its_formula(name):
    case = hybrid_case(name, 0, "tuning")
    latent = evaluated(case)
    np.testing.assert_allclose(latent, case.latent, rtol=1e-9)
    assert latent.min() > 0
    decoder = case.process
    p = SimpleNamespace(**{decoder.latent_names[0]: latent} | dict(case.constants))
    seen = decoder(p, SimpleNamespace(**case.forcings))
    np.testing.assert_allclose(seen, case.clean, rtol=1e-9)
    relative = case.target / case.clean - 1
    assert relative.std() == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("name", PROCESSES)
def test_processes_respond_to_the_latent_in_one_direction(name):
    """What is seen must tell the latent: monotone in it for every forcing."""
    process = PROCESSES[name]
    low = {k: v[0] for k, v in process.forcings.items()}
    high = {k: v[1] for k, v in process.forcings.items()}
    latent = process.scale * np.linspace(0.2, 2.5, 50)
    for forcing in (low, high):
        for constant in process.constant:
            values = {
                process.decoder.latent_names[0]: latent,
                process.constant_name: constant,
            }
            seen = process.decoder(
                SimpleNamespace(**values), SimpleNamespace(**forcing)
            )
            slope = np.diff(seen)
            assert (slope > 0).all() or (slope < 0).all()
