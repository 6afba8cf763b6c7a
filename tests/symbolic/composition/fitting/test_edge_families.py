"""Inner functions: exact derivatives, smooth limits, domains."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic.composition import compose
from symbolic.composition.fitting.columns import pole_gaps
from symbolic.composition.fitting.edge_families import (
    NAMED,
    edge_family,
    log_bounds,
)
from symbolic.composition.fitting.regression import Regression


def column(seed=0, n=80):
    z = np.random.default_rng(seed).normal(size=(n, 1))
    return Regression.of((z - z.mean()) / z.std(), np.zeros(n)).columns[0]


def evaluated(name, one, constants):
    family = edge_family(name)
    out = np.empty((len(one.z), len(constants)), order="F")
    return family.evaluate(one, np.array(constants), out), out


@pytest.mark.parametrize("name", NAMED)
@given(a=st.floats(-3, 3), inner=st.floats(-0.25, 0.25))
def test_derivatives_agree_with_differences(name, a, inner):
    one = column()
    constants = [a, inner][: edge_family(name).size]
    _, exact = evaluated(name, one, constants)
    for k in range(len(constants)):
        step = 1e-6
        up, down = list(constants), list(constants)
        up[k] += step
        down[k] -= step
        rise = evaluated(name, one, up)[0] - evaluated(name, one, down)[0]
        difference = rise / (2 * step)
        away = np.abs(one.z - inner) > 1e-5 if name == "abs" else slice(None)
        np.testing.assert_allclose(difference[away], exact[away, k], atol=2e-4)


@pytest.mark.parametrize("name", ["exp", "log"])
def test_weak_curvature_tends_to_a_line(name):
    one = column()
    value, _ = evaluated(name, one, [1.7, 1e-7])
    np.testing.assert_allclose(value, 1.7 * one.z, atol=1e-5)


@pytest.mark.parametrize("name", ["linear", "quadratic", "exp", "log"])
def test_inner_functions_are_zero_at_zero(name):
    one = Regression.of(np.array([[-1.0], [0.0], [1.0]]), np.zeros(3), functions=4)
    constants = [0.8, 0.3][: edge_family(name).size]
    assert evaluated(name, one.columns[0], constants)[0][1] == 0.0


@given(q=st.floats(-100, 100))
def test_the_pole_of_a_log_stays_off_the_data(q):
    one = column()
    held = edge_family("log").retract(one, np.array([1.0, 0.1]), np.array([1.0, q]))
    low, high = log_bounds(one)
    assert low <= held[1] <= high
    assert (1.0 + held[1] * one.z > 0).all()


@given(seed=st.integers(0, 50), low=st.floats(0.01, 5.0))
def test_a_pole_may_lie_among_crowded_rows_and_no_nearer(seed, low):
    width = low * 4.0
    z = low + width * np.random.default_rng(seed).uniform(size=2000)
    below, above = pole_gaps(z)
    assert 0 < below <= 2e-3 * np.ptp(z)
    assert 0 < above <= 2e-3 * np.ptp(z)
    spacing = (np.sort(z)[20] - z.min()) / 20
    assert below <= max(0.05 * spacing, 1e-7 * width) * (1 + 1e-9)
    tails = np.concatenate([z, [z.max() + 5 * width]])
    assert pole_gaps(tails)[1] == pytest.approx(2e-3 * np.ptp(tails))


@pytest.mark.parametrize("high", [4.0, 100.0])
def test_a_square_root_of_data_from_zero_is_found(high):
    x = np.random.default_rng(1).uniform(0.0, high, size=(400, 2))
    found = compose(x, np.sqrt(x[:, 0]))
    assert found.accepted, str(found)
    np.testing.assert_allclose(found.predict(x), np.sqrt(x[:, 0]), atol=1e-6)


@given(b=st.floats(-1e3, 1e3), v=st.floats(-1e3, 1e3))
def test_exponents_and_kinks_stay_on_the_data(b, v):
    one, old = column(), np.array([1.0, 0.1])
    rate = edge_family("exp").retract(one, old, np.array([1.0, b]))[1]
    assert np.abs(rate * one.z).max() <= 40.0 + 1e-9
    kink = edge_family("abs").retract(one, old, np.array([1.0, v]))[1]
    assert one.low < kink < one.high


@pytest.mark.parametrize("name", ["exp", "log", "abs"])
def test_grids_of_starts_are_inside_the_domain(name):
    one, family = column(), edge_family(name)
    inner = family.grid(one)
    shapes = family.shapes(one, np.arange(len(one.z)), inner)
    assert np.isfinite(shapes).all()
    for k in (0, len(inner) // 2, len(inner) - 1):
        value, _ = evaluated(name, one, [1.0, *inner[k]])
        np.testing.assert_allclose(shapes[k], value, atol=1e-9)
