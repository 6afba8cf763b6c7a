"""What compose says under noise: found, a set, refused, or nothing to find."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from sciren import Q10Respiration
from symbolic import compose


def features(seed, rows=200, count=4):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(rows, count))


def noisy(rng, truth, share):
    return truth + share * (truth.std() or 1.0) * rng.normal(size=len(truth))


@pytest.mark.parametrize("law", ["normal", "t2", "constant"])
def test_pure_noise_holds_nothing_to_find(law):
    found = 0
    for seed in range(6):
        rng, x = features(seed, 80)
        y = rng.standard_t(2, size=80) if law == "t2" else rng.normal(size=80)
        y = 5 + 0.1 * y if law == "constant" else y
        result = compose(x, y, seed=seed)
        found += result.outcome != "nothing to find"
        assert result.accepted == (result.outcome == "found")
        if result.outcome == "nothing to find":
            assert not result.expression.free_symbols
            assert "no relation" in result.reason or "constant" in result.reason
            assert result.next_step
            assert str(result).startswith("nothing to find")
    assert found <= 1


def test_a_series_that_follows_nothing_holds_nothing():
    rng, x = features(0, 200)
    y = rng.normal(size=200)
    for series in (x, y):
        for row in range(1, 200):
            series[row] = 0.9 * series[row - 1] + 0.44 * series[row]
    assert compose(x, y).outcome == "nothing to find"


def test_nothing_to_find_behind_a_process_keeps_its_constant():
    rng, x = features(1, 300)
    ta = rng.uniform(0, 25, 300)
    reco = 2.0 * 1.8 ** ((ta - 15) / 10) * (1 + 0.1 * rng.normal(size=300))
    result = compose(x, reco, process=Q10Respiration(), forcings={"ta": ta})
    assert result.outcome == "nothing to find"
    assert float(result.expression) == pytest.approx(2.0, rel=0.03)
    assert result.constants_of_process["q10"].value == pytest.approx(1.8, rel=0.05)


def test_constants_behind_a_constant_latent_are_those_of_least_squares():
    rng, x = features(3, 300)
    ta = rng.uniform(0, 30, 300)
    reco = 2.0 * 1.8 ** ((ta - 15) / 10) + 0.3 * rng.normal(size=300)
    result = compose(x, reco, process=Q10Respiration(), forcings={"ta": ta})
    assert result.reason.startswith("no relation")
    assert result.noise == "constant"
    fitted, spread = curve_fit(
        lambda t, rb, q10: rb * q10 ** ((t - 15) / 10), ta, reco, [2.0, 1.5]
    )
    q10 = result.constants_of_process["q10"]
    assert float(result.expression) == pytest.approx(fitted[0], rel=1e-5)
    assert q10.value == pytest.approx(fitted[1], rel=1e-5)
    # no less than that of least squares, and little more where ta goes with no feature
    assert 0.99 < q10.error / np.sqrt(spread[1, 1]) < 1.1


@pytest.mark.parametrize(
    ("truth", "names"),
    [
        (lambda x: 2 * x[:, 0] + x[:, 1], {"x0", "x1"}),
        (lambda x: x[:, 0] ** 2 - x[:, 1], {"x0", "x1"}),
        (lambda x: np.abs(x[:, 0] - 0.3) + 0.5 * x[:, 1], {"x0", "x1"}),
        (lambda x: x[:, 0] * x[:, 1], {"x0", "x1"}),
        (lambda x: x[:, 0] * x[:, 1] * x[:, 2], {"x0", "x1", "x2"}),
    ],
)
def test_plain_forms_are_found_at_ten_per_cent_noise(truth, names):
    rng, x = features(3, 400)
    result = compose(x, noisy(rng, truth(x), 0.1))
    assert result.outcome in ("found", "not distinguishable")
    assert set(result.features) == names
    assert result.explained == pytest.approx(0.99, abs=0.005)


@pytest.mark.parametrize(
    "truth",
    [
        lambda x: 1 / (1 + np.exp(-3 * x[:, 0])) + 0.3 * x[:, 1],
        lambda x: np.sin(3 * x[:, 0]),
        lambda x: np.sqrt(x[:, 0] ** 2 + x[:, 1] ** 2),
        lambda x: x[:, 0] / (1 + x[:, 0] ** 2),
    ],
)
def test_truths_outside_the_families_are_not_accepted(truth):
    rng, x = features(4, 300)
    result = compose(x, noisy(rng, truth(x), 0.1), budget_s=5)
    assert not result.accepted
    assert result.reason


def test_forms_that_noise_makes_equal_are_named_together():
    sets = 0
    for seed in range(4):
        rng, x = features(50 + seed, 100)
        result = compose(x, noisy(rng, np.exp(0.8 * x[:, 0]), 0.3), budget_s=5)
        if result.outcome == "not distinguishable":
            sets += 1
            named = len(result.equals) + len(result.rivals)
            assert f"{1 + named} forms fit equally well" in result.reason
            assert " or " in str(result)
    assert sets >= 1


def test_the_same_call_says_the_same():
    rng, x = features(7, 150)
    y = noisy(rng, np.exp(0.5 * x[:, 0]) + x[:, 1], 0.2)
    first, second = compose(x, y), compose(x, y)
    assert str(first) == str(second)
    assert first.expression == second.expression
