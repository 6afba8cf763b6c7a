"""compose: known formulas are found, others are refused, and laws hold."""

import numpy as np
import pandas as pd
import pytest
import sympy

from sciren.errors import ConfigError, DataError, ShapeError
from symbolic.composition import compose
from symbolic.composition.inputs import ROWS_EACH, checked, narrowed


def error(found, x, y):
    return float(np.abs(found.predict(x) - y).max() / y.std())


@pytest.mark.parametrize("name", ["sum", "exp", "quadratic", "log", "abs"])
def test_members_without_noise_are_found_exactly(cases, name):
    x = cases.rows(seed=1)
    y = cases.formulas[name](x)
    found = compose(x, y, max_rung=1)
    assert found.accepted, str(found)
    assert error(found, x, y) < 1e-6
    expected = {"sum": {"x0", "x1"}, "abs": {"x0", "x2"}}.get(name, {"x0", "x1"})
    assert set(found.features) == expected


def test_the_expression_is_what_is_predicted(cases):
    x = cases.rows(seed=2)
    y = cases.formulas["exp"](x)
    found = compose(x, y + 0.01 * np.random.default_rng(0).normal(size=len(y)))
    symbols = [sympy.Symbol(f"x{i}", real=True) for i in range(x.shape[1])]
    printed = sympy.lambdify(symbols, found.expression)(*x.T)
    np.testing.assert_allclose(printed, found.predict(x), rtol=1e-9)


def test_names_and_order_of_columns_do_not_matter(cases):
    x = cases.rows(seed=3)
    y = cases.formulas["log"](x)
    frame = pd.DataFrame(x, columns=["ta", "sw", "vpd", "swc"])
    found = compose(frame, y, max_rung=1)
    turned = compose(frame[["swc", "vpd", "sw", "ta"]], y, max_rung=1)
    assert found.structure == turned.structure == "log[linear(sw) + square(ta)]"
    np.testing.assert_allclose(found.predict(frame), turned.predict(frame), rtol=1e-6)


@pytest.mark.parametrize("factor", [1e-4, -250.0])
def test_scaling_the_target_scales_the_formula(cases, factor):
    x = cases.rows(seed=4)
    y = cases.formulas["exp"](x)
    found, scaled = compose(x, y, max_rung=1), compose(x, factor * y + 7.0, max_rung=1)
    assert found.structure == scaled.structure
    np.testing.assert_allclose(
        scaled.predict(x), factor * found.predict(x) + 7.0, rtol=1e-6, atol=1e-9
    )


def test_the_same_seed_gives_the_same_answer(cases):
    x = cases.rows(seed=5)
    y = cases.formulas["quadratic"](x)
    one, other = compose(x, y, seed=3, max_rung=1), compose(x, y, seed=3, max_rung=1)
    assert one.expression == other.expression
    assert one.constants == other.constants


def test_what_is_outside_the_class_is_refused(cases):
    x = cases.rows(seed=6)
    y = np.sin(2.0 * x[:, 0] + x[:, 1]) * x[:, 2] + np.tanh(3 * x[:, 1] * x[:, 0])
    found = compose(x, y, max_rung=1)
    assert not found.accepted
    assert "a reference outside the class predicts" in found.reason
    assert str(found).startswith("refused: ")


def test_errors_of_constants_shrink_with_the_noise(cases):
    x = cases.rows(seed=7)
    y = cases.formulas["sum"](x)
    noise = np.random.default_rng(1).normal(size=len(y))
    small, large = (compose(x, y + s * noise, max_rung=1) for s in (0.002, 0.02))
    ratio = [
        b.error / a.error for a, b in zip(small.constants, large.constants, strict=True)
    ]
    np.testing.assert_allclose(ratio, 10.0, rtol=0.3)


def test_constants_lie_within_their_errors(cases):
    x = cases.rows(seed=8, n=300, d=2)
    y = 0.7 * x[:, 0] + 2.0 * np.log(x[:, 1] + 0.5) - 1.0
    rows = np.random.default_rng(2).normal(size=(8, len(y)))
    inside = 0
    for noise in rows:
        found = compose(x, y + 0.02 * noise, max_rung=1, families=["linear", "log"])
        slope = next(
            constant for constant in found.constants if constant.name == "a_x0"
        )
        inside += abs(slope.value - 0.7) < 2.0 * slope.error
    assert inside >= 6


def test_an_error_proportional_to_the_output_is_noticed(cases):
    x = cases.rows(seed=9)
    y = np.exp(1.0 + 0.8 * x[:, 0])
    noisy = y * (1.0 + 0.05 * np.random.default_rng(3).normal(size=len(y)))
    assert compose(x, noisy, max_rung=1).noise == "proportional"
    even = y + 0.05 * y.mean() * np.random.default_rng(4).normal(size=len(y))
    assert compose(x, even, max_rung=1).noise == "constant"


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"families": ["spline"]}, ConfigError, "family 'spline' cannot be composed"),
        ({"families": ["constant"]}, ConfigError, "no family to build from"),
        ({"max_rung": 3}, ConfigError, "max_rung is 1 or 2, not 3"),
        ({"rung": 1}, TypeError, "'rung'"),
        ({"weight": np.ones(3)}, ShapeError, "3 weights do not fit"),
        ({"weight": np.zeros(600)}, DataError, "weights must be finite"),
        ({"names": ["a"]}, ShapeError, "with 1 names do not fit"),
    ],
)
def test_wrong_settings_are_errors(cases, change, kind, message):
    x = cases.rows()
    with pytest.raises(kind, match=message):
        compose(x, x[:, 0], **change)


def test_a_misspelt_keyword_is_told():
    with pytest.raises(TypeError, match=r"compose\(\).*'family'.*families"):
        compose(np.zeros((3, 1)), np.zeros(3), family=["exp"])


def test_unusable_rows_are_errors(cases):
    x = cases.rows()
    with pytest.raises(DataError, match="20 rows are too few"):
        compose(x[:20], x[:20, 0])
    with pytest.raises(ShapeError, match="a single feature is"):
        compose(x[:, 0], x[:, 0])
    gap = x.copy()
    gap[7, 2] = np.nan
    with pytest.raises(DataError, match="x2 is nan in row 7"):
        compose(gap, x[:, 0])
    flat = x.copy()
    flat[:, 3] = 2.0
    with pytest.raises(DataError, match=r"x3 has the value 2\.0 in every row"):
        compose(flat, x[:, 0])


def test_more_columns_than_rows_are_narrowed_to_what_a_search_can_hold():
    rng = np.random.default_rng(1000)
    x = rng.normal(size=(60, 80))
    y = 2 * x[:, 7] + x[:, 3] * x[:, 60] + 0.1 * rng.normal(size=60)
    narrow = narrowed(checked(x, y))
    assert len(narrow.names) <= 60 // ROWS_EACH
    assert {3, 7, 60} <= set(narrow.places or ())
    few = checked(x[:, :5], y)
    assert narrowed(few) is few
    found = compose(x, 2 * x[:, 7] + 0.1 * rng.normal(size=60), budget_s=1)
    assert found.features == ("x7",)
    np.testing.assert_allclose(found.predict(x), 2 * x[:, 7], atol=0.3)


def test_a_feature_of_two_values_takes_part_as_a_line():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    x[:, 1] = rng.integers(0, 2, 300)
    y = x[:, 0] * x[:, 1] + x[:, 2]
    found = compose(x, y + 0.05 * y.std() * rng.normal(size=300), budget_s=4)
    assert found.accepted
    assert found.structure == "[linear(x0) * linear(x1)] + linear(x2)"
