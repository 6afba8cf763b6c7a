"""Days of budburst: published vectors, limits, and slopes by the threshold."""

from types import SimpleNamespace

import numpy as np
import pytest

from sciren.processes import SHELF
from sciren.processes.phenology import share_before


def day_of(name, days, p):
    """Run a season of a cosine and return the day of the crossing, day 1 the first of January."""
    model = SHELF[name]
    known = {q.name: float(q.initial) for q in model.parameters} | p
    state = {s.name: 0.0 for s in model.states}
    for d in days:
        f = SimpleNamespace(ta=6 - 9 * np.cos(2 * np.pi * (d - 20) / 365))
        state = model.called(SimpleNamespace(**state), SimpleNamespace(**known), f)
    return float(state["day"]) + days[0] - 1


SEASONS = {
    "thermal_time": (range(1, 300), {"t_base": 5.0, "f_crit": 120.0}, 144.03299469168175),
    "sequential_phenology": (
        range(-60, 300),
        {"t_base": 0.0, "f_crit": 200.0, "c_req": 60.0},
        123.87260133153458,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEASONS)
def test_the_interpolated_day_is_that_of_the_reference(name):
    days, p, expected = SEASONS[name]
    assert day_of(name, days, p) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", SEASONS)
def test_a_season_without_the_stage_is_as_long_as_its_rows(name):
    days, p, _ = SEASONS[name]
    assert day_of(name, days, p | {"f_crit": 1e9}) == days[-1]


def test_without_chilling_the_sequence_is_thermal_time():
    days, p, expected = SEASONS["thermal_time"]
    assert day_of("sequential_phenology", days, p | {"c_req": 0.0}) == pytest.approx(
        expected
    )


def test_the_share_of_a_step_before_a_crossing_is_linear():
    shares = share_before(np.array([0.0, 8.0, 9.0, 10.0, 12.0]), 4.0, 10.0)
    np.testing.assert_allclose(shares, [1.0, 0.5, 0.25, 0.0, 0.0])
    assert share_before(3.0, 0.0, 10.0) == 1.0
