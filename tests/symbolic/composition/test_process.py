"""Processes: slopes, continuation, inversion, checks; formulas found through them."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import ConfigError, DataError, ShapeError
from symbolic.composition import compose
from symbolic.composition.fitting.linearised import error_scale, is_proportional
from symbolic.composition.fitting.through_process import Process, Range, checked_process


def q10(latent, forcings, constants):
    return latent * constants["q10"] ** ((forcings["ta"] - 15.0) / 10.0)


def decay(latent, forcings, constants):
    return constants["initial"] * np.exp(-latent * forcings["years"])


def saturating(seed=0, n=50):
    years = np.random.default_rng(seed).uniform(0.5, 3.0, n)
    ranges = {"initial": Range(1.0, 50.0, 1000.0)}
    return Process(decay, {"years": years}, ranges, 0.0, np.inf)


@given(latent=st.floats(0.01, 4.0), initial=st.floats(5.0, 200.0))
def test_inversion_gives_the_latent_back(latent, initial):
    process = saturating()
    values = np.full(50, latent)
    seen = process.evaluate(values, {"initial": initial})
    back = process.invert(seen, {"initial": initial})
    np.testing.assert_allclose(back, values, rtol=1e-6)


@given(latent=st.floats(-3.0, 4.0))
def test_the_continuation_is_smooth_and_linear_below_the_bound(latent):
    process = saturating()
    values, constants = np.full(50, latent), {"initial": 20.0}
    step = 1e-4
    up, down = (process.evaluate(values + s, constants) for s in (step, -step))
    slope = process.slope(values, constants)
    np.testing.assert_allclose((up - down) / (2 * step), slope, rtol=1e-3, atol=1e-6)


def test_derivatives_by_constants_agree_with_differences():
    process, values = saturating(), np.full(50, 0.7)
    exact = decay(values, process.forcings, {"initial": 30.0})  # d by log initial
    found = process.by_constant("initial", values, {"initial": 30.0})
    np.testing.assert_allclose(found, exact, rtol=1e-6)


def test_constants_stay_in_their_range():
    process = saturating()
    assert process.moved({"initial": 900.0}, {"initial": 5.0})["initial"] == 1000.0


def test_an_additive_constant_moves_by_differences():
    def shifted(latent, forcings, constants):
        return latent + constants["b"]

    process = Process(shifted, {}, {"b": Range(-5.0, 0.0, 5.0)})
    assert process.moved({"b": -1.0}, {"b": 0.5})["b"] == -0.5
    ones = process.by_constant("b", np.zeros(3), {"b": 0.0})
    np.testing.assert_allclose(ones, 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("spec", "low", "start", "high"),
    [
        (2.0, 0.1, 2.0, 40.0),
        ((1.0, 4.0), 1.0, 2.0, 4.0),
        ((0.0, 3.0, np.inf), 0.15, 3.0, 60.0),
        ((-1.0, 3.0), -1.0, 1.0, 3.0),
        ((-np.inf, -1.0, np.inf), -21.0, -1.0, 19.0),
    ],
)
def test_ranges_of_constants(spec, low, start, high):
    known = checked_process(q10, {}, {"q10": spec}, None, 5).ranges["q10"]
    assert (known.low, known.start, known.high) == pytest.approx((low, start, high))


def test_unusable_processes_are_errors():
    with pytest.raises(ConfigError, match="constant 'q10' needs a start"):
        checked_process(q10, {}, {"q10": (3.0, 2.0, 1.0)}, None, 5)
    with pytest.raises(ConfigError, match="constant 'q10' needs a start"):
        checked_process(q10, {}, {"q10": (1, 2, 3, 4)}, None, 5)
    with pytest.raises(DataError, match="forcing 'ta' has 3 rows, the target has 5"):
        checked_process(q10, {"ta": np.zeros(3)}, {}, None, 5)
    with pytest.raises(DataError, match="forcing 'ta' has missing values"):
        checked_process(q10, {"ta": np.full(5, np.nan)}, {}, None, 5)
    model = SimpleNamespace(
        name="m", latent_names=("a", "b"), targets=("y",), forcings=("ta",)
    )
    with pytest.raises(ConfigError, match="composed for one latent seen in one target"):
        checked_process(model, {}, {}, None, 5)


def case(cases, noise, seed=1):
    x = cases.rows(seed=seed, n=800)
    rb = 2.0 + np.exp(0.4 * x[:, 0] - 0.3 * np.log(x[:, 1] + 0.3))
    generator = np.random.default_rng(seed)
    ta = generator.uniform(-5, 25, len(x))
    clean = q10(rb, {"ta": ta}, {"q10": 1.9})
    return x, rb, ta, clean * (1.0 + noise * generator.normal(size=len(x)))


def test_a_latent_without_noise_is_found_exactly(cases):
    x, rb, ta, seen = case(cases, 0.0)
    found = compose(
        x, seen, process=q10, forcings={"ta": ta}, constants={"q10": (1.0, 5.0)},
        bounds=(0.0, np.inf),
    )  # fmt: skip
    assert found.accepted, str(found)
    assert found.constants_of_process["q10"].value == pytest.approx(1.9, rel=1e-6)
    np.testing.assert_allclose(found.predict(x), rb, rtol=1e-5)
    np.testing.assert_allclose(found.observe(x, {"ta": ta}), seen, rtol=1e-5)


def test_a_latent_under_proportional_noise_keeps_its_form(cases):
    x, rb, ta, seen = case(cases, 0.05)
    found = compose(
        x, seen, process=q10, forcings={"ta": ta}, constants={"q10": 1.5},
        bounds=(0.0, np.inf),
    )  # fmt: skip
    assert found.noise == "proportional"
    q = found.constants_of_process["q10"]
    assert abs(q.value - 1.9) < 4.0 * q.error
    assert set(found.features) == {"x0", "x1"}
    assert np.std(found.predict(x) / rb - 1.0) < 0.02


def test_a_start_of_another_length_is_an_error(cases):
    x, _, ta, seen = case(cases, 0.05)
    with pytest.raises(ShapeError, match="start has 3 rows"):
        compose(
            x, seen, process=q10, forcings={"ta": ta}, constants={"q10": 1.5},
            start=np.ones(3),
        )  # fmt: skip


def test_observing_needs_a_process(cases):
    x = cases.rows()
    found = compose(x, cases.formulas["sum"](x), max_rung=1)
    with pytest.raises(ValueError, match="no process was given"):
        found.observe(x, {})


@given(factor=st.floats(0.1, 100.0))
def test_the_noise_law_does_not_depend_on_the_unit(factor):
    generator = np.random.default_rng(0)
    predicted = np.exp(generator.normal(size=400))
    residual = 0.05 * predicted * generator.normal(size=400)
    assert is_proportional(factor * residual, factor * predicted)
    assert not is_proportional(generator.normal(size=400), predicted)
    np.testing.assert_allclose(
        error_scale(factor * predicted), factor * error_scale(predicted)
    )
