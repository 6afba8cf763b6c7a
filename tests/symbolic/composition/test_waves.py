"""Features on a circle: waves in sums, products and nodes, and laws of the circle."""

import numpy as np
import pytest

from sciren.errors import ConfigError
from symbolic import compose
from symbolic.families.harmonics import Harmonics, harmonics
from symbolic.model.symbolic_model import SymbolicModel

YEAR = 365.25


def rows(seed=0, count=200):
    rng = np.random.default_rng(seed)
    doy, x = rng.uniform(0, 365, count), rng.normal(size=count)
    return rng, {"doy": doy, "x": x, "w": rng.normal(size=count)}


def wave(doy, place, times=1):
    return np.cos(2 * np.pi * times * (doy - place) / YEAR)


def composed(columns, truth, rng):
    y = truth + 0.1 * truth.std() * rng.normal(size=len(truth))
    return compose(columns, y, periodic={"doy": YEAR}, budget_s=4)


@pytest.mark.parametrize(
    ("truth", "structure"),
    [
        (lambda c: 1.5 * wave(c["doy"], 200) + c["x"], "harmonic(doy) + linear(x)"),
        (
            lambda c: wave(c["doy"], 200) + 0.6 * wave(c["doy"], 40, 2) + c["x"],
            "harmonics(doy) + linear(x)",
        ),
        (lambda c: c["x"] * wave(c["doy"], 120), "[harmonic(doy) * linear(x)]"),
    ],
)
def test_waves_are_found_and_stored(truth, structure, tmp_path):
    rng, columns = rows(1)
    found = composed(columns, truth(columns), rng)
    assert found.outcome == "found", str(found)
    assert found.structure == structure
    np.testing.assert_allclose(
        found.predict(columns), truth(columns), atol=0.1 * truth(columns).std()
    )
    assert f"/{YEAR}" in str(found.expression)  # the period as it was given
    assert found.verify().passed
    again = SymbolicModel.load(found.save(tmp_path / "wave.json"))
    assert str(again.equations["y"]) == str(found.model.equations["y"])


@pytest.mark.parametrize("count", [1, 2])
def test_waves_of_scaled_features_are_those_of_raw_ones(count):
    rng = np.random.default_rng(3)
    x, shift, scale = rng.uniform(0, 365, 40), 170.0, 104.3
    scaled = harmonics(YEAR / scale, count)
    c = np.array([*rng.uniform(0.1, 2, 2 * count), 0.7])
    raw, moved = scaled.in_raw(c, shift, scale)
    assert isinstance(raw, Harmonics)
    assert raw.period == YEAR
    np.testing.assert_allclose(
        raw.value(x, moved), scaled.value((x - shift) / scale, c), atol=1e-9
    )


@pytest.mark.parametrize(
    ("periodic", "message"),
    [
        ({"day": YEAR}, "'day', which is no feature"),
        ({"doy": -1.0}, "period of 'doy' is -1.0"),
        ({"doy": float("nan")}, "period of 'doy' is nan"),
    ],
)
def test_a_period_needs_a_feature_and_a_length(periodic, message):
    _, columns = rows()
    with pytest.raises(ConfigError, match=message):
        compose(columns, columns["x"], periodic=periodic)
