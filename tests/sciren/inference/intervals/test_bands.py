"""Laws of the simultaneous factor, and bands of few values of a feature."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

from sciren import KANEncoder, ScIReN, Table
from sciren.decoders import IdentityDecoder
from sciren.inference.intervals.bands import curve_bands, simultaneous_factor
from sciren.inference.observed import ObservedProcess
from sciren.inference.selection import select


def test_one_point_is_the_ordinary_quantile():
    one = simultaneous_factor(np.ones((1, 1)), np.eye(1), draws=200_000)
    assert one == pytest.approx(norm.ppf(0.975), abs=0.02)
    student = simultaneous_factor(
        np.ones((1, 1)), np.eye(1), freedom=6.0, draws=200_000
    )
    assert student == pytest.approx(t.ppf(0.975, 6), abs=0.04)


def test_independent_points_are_sidak():
    found = simultaneous_factor(np.eye(10), np.eye(10), draws=100_000)
    assert found == pytest.approx(norm.ppf(0.5 + 0.5 * 0.95**0.1), abs=0.03)


def test_points_that_move_together_need_no_more_than_one():
    curve = np.linspace(-1, 1, 60)[:, None]
    found = simultaneous_factor(curve, np.array([[3.0]]), draws=100_000)
    assert found == pytest.approx(norm.ppf(0.975), abs=0.02)


def test_the_factor_has_no_unit():
    rng = np.random.default_rng(0)
    curve = rng.normal(size=(30, 5))
    assert simultaneous_factor(curve, np.eye(5)) == pytest.approx(
        simultaneous_factor(1e6 * curve, 4.0 * np.eye(5))
    )


def test_nothing_uncertain_needs_no_band():
    assert simultaneous_factor(np.ones((4, 2)), np.zeros((2, 2))) == 0.0


def test_between_few_values_of_a_feature_a_band_holds_a_straight_line():
    held = [_holds_a_line(seed) for seed in range(100, 112)]
    assert sum(held) >= 10, held


def _holds_a_line(seed):
    """Whether the band of 14 values with five rows each holds the line behind them."""
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.uniform(size=14), 5)
    frame = pd.DataFrame({"x": x, "y": 2 * x + 0.05 * rng.normal(size=70)})
    table = Table.from_frame(frame, features=["x"], targets=["y"])
    model = ScIReN(KANEncoder(1, 1, seed=0), decoder=IdentityDecoder(["y"]))
    process = ObservedProcess.of(model, table)
    selection = select(process)
    (band,) = curve_bands(process, selection.whitening, [(0, 0)], [], selection.fit)
    return band.holds(2 * band.x - 2 * x.mean())
