"""Views say of the data what is true of them, and of rows no more than a sample."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from discovery.results.views.collect import ROWS, VIEWS, sampled_rows
from discovery.results.views.curves import stored_curves
from discovery.results.views.groups import group_views, kling_gupta
from discovery.results.views.plain import brief, milliseconds, spread
from discovery.results.views.predictions import Predictions
from discovery.results.views.reach import reach_views
from discovery.results.views.residuals import grouped_means, residual_views
from discovery.results.views.series import POINTS, series_views
from discovery.results.views.truth import truth_views
from sciren import KANEncoder, ScIReN, Table
from sciren.decoders import Q10Respiration


def predictions(rows=4000, shift=0.0, seed=0, **fields):
    """Rows of half hours with a residual that is one above x = 0.8, in January too."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=rows)
    start = np.datetime64("2020-01-01T00:00", "ns")
    time = start + np.arange(rows) * np.timedelta64(30, "m")
    predicted = 3 + 2 * x
    observed = predicted + 0.1 * rng.normal(size=rows) + (x > 0.8) + shift
    found: dict = {
        "part": np.repeat(["train", "test"], [rows // 2, rows - rows // 2]),
        "columns": {"x": x},
        "roles": {"x": "feature"},
        "units": {"x": "m"},
        "observed": {"y": observed},
        "predicted": {"network": {"y": predicted}, "equation": {"y": predicted}},
        "blocks": np.arange(rows) // 48,
        "time": time,
    }
    return Predictions(**(found | fields))


def view(found, name):
    return next(one for one in residual_views(found)["y"] if one["name"] == name)


def test_a_residual_shows_where_it_is_and_nowhere_else():
    one = view(predictions(), "x")
    x, mean = np.array(one["x"]), np.array(one["mean"])
    assert np.all(np.abs(mean[x < 0.75]) < 0.05)
    assert np.all(mean[x > 0.85] > 0.9)
    assert sum(one["n"]) == 4000


def test_every_class_is_a_group_of_its_own_under_its_name():
    use = np.arange(4000) % 30 + 1.0
    roles, classes = {"use": "feature"}, {"use": {1.0: "wood"}}
    found = predictions(columns={"use": use}, roles=roles, classes=classes)
    one = view(found, "use")
    assert len(one["x"]) == 30
    assert one["labels"][:2] == ["wood", "other"]
    assert reach_views(found) == []


def test_hour_and_month_are_views_where_there_is_a_time():
    names = {one["name"]: one["kind"] for one in residual_views(predictions())["y"]}
    assert names == {"x": "feature", "month": "season", "hour of the day": "hour"}
    assert len(view(predictions(), "hour of the day")["x"]) == 24
    alone = residual_views(predictions(time=None))["y"]
    assert [one["name"] for one in alone] == ["x"]


def test_intervals_of_means_hold_zero_as_often_as_they_say():
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(200):
        blocks = np.repeat(np.arange(60), 10)
        residual = rng.normal(size=60)[blocks] + rng.normal(size=600)
        one = grouped_means(np.zeros(600), residual, blocks)
        inside.append(one["low"][0] <= 0 <= one["high"][0])
    assert 0.90 <= np.mean(inside) <= 0.99


def test_a_group_inside_one_block_has_no_interval():
    one = grouped_means(np.zeros(9), np.arange(9.0), np.zeros(9, dtype=int))
    assert one["low"] == [None]
    assert one["mean"] == [4.0]


def test_a_series_is_thinned_without_losing_its_mean():
    found = predictions(20_000)
    (one,) = series_views(found)["y"]
    assert len(one["time"]) <= POINTS + 1
    assert np.mean(one["observed"]) == pytest.approx(
        found.observed["y"].mean(), rel=1e-3
    )
    assert one["time"] == sorted(one["time"])
    assert series_views(predictions(time=None)) == {}


def test_a_perfect_series_has_an_efficiency_of_one_and_a_shift_costs_some():
    y = np.random.default_rng(0).gamma(2.0, size=500)
    assert kling_gupta(y, y) == pytest.approx(1)
    assert kling_gupta(y, 1.5 * y) == pytest.approx(1 - np.sqrt(0.5**2 + 0.5**2))
    assert np.isnan(kling_gupta(y, np.full(500, 2.0)))


def test_the_worst_site_comes_first():
    label = np.array(["a", "b"])[(np.arange(4000) >= 2000).astype(int)]
    found = predictions(
        group=label, places={"lon": np.ones(4000), "lat": np.zeros(4000)}
    )
    found.observed["y"][2000:] += 5
    rows = group_views(found)["y"]
    assert [row["group"] for row in rows] == ["b", "a"]
    assert rows[0]["bias"] == pytest.approx(-5, abs=0.3)
    assert rows[0]["lon"] == 1
    assert group_views(predictions()) == {}


def test_the_share_outside_is_that_of_rows_beyond_training():
    x = np.concatenate([np.linspace(0, 1, 2000), np.linspace(0, 2, 2000)])
    (one,) = reach_views(predictions(columns={"x": x}))
    assert one["outside"] == pytest.approx(0.5, abs=0.01)
    assert sum(one["train"]) == pytest.approx(1)


def test_a_run_keeps_a_sample_of_its_rows_and_no_more():
    rows = sampled_rows(predictions(20_000))
    assert len(rows["columns"]["x"]) == ROWS
    assert rows["all"] == 20_000
    json.dumps(rows, allow_nan=False)


def test_rows_without_any_observation_are_not_in_the_sample():
    """A season of days has one event: a sample of all days would hold hardly any."""
    seldom = np.full(27_000, np.nan)
    seldom[::200] = 100.0
    rows = sampled_rows(predictions(27_000, observed={"y": seldom}))
    assert rows["observed"]["y"] == [100.0] * 135
    assert (rows["all"], len(rows["part"])) == (135, 135)
    blind = sampled_rows(predictions(2000, observed={"y": np.full(2000, np.nan)}))
    assert blind["all"] == 2000


def test_a_known_truth_is_shown_beside_the_estimates():
    rng = np.random.default_rng(0)
    rb = rng.uniform(1, 3, 1500)
    frame = pd.DataFrame({"x": rb, "ta": 15.0, "reco": rb})
    table = Table.from_frame(frame, ["x"], ["ta"], ["reco"]).take(slice(None, 1200))
    model = ScIReN(KANEncoder(1, 1, seed=0), "auto", Q10Respiration())
    found = SimpleNamespace(network=lambda: model, equations=None)
    (one,) = truth_views(found, table, {"rb": rb})
    assert one["true"] == brief(rb[:1200][spread(1200, 1000)])
    assert list(one["models"]) == ["network"]
    assert len(one["models"]["network"]) == 1000
    assert truth_views(found, table, {}) == []


def test_numbers_are_short_and_missing_ones_none():
    assert brief([1 / 3, np.nan, np.inf, 2.0]) == [0.3333333, None, None, 2.0]
    assert milliseconds(np.array(["1970-01-02"], dtype="datetime64[ns]")) == [
        86_400_000
    ]
    assert spread(10, 3).tolist() == [0, 4, 9]
    assert spread(3, 10).tolist() == [0, 1, 2]


def test_a_finished_run_holds_its_views(finished):
    stored = json.loads((finished / "runs" / "light_use" / VIEWS).read_text())
    assert set(stored["rows"]["columns"]) == {"ta", "vpd", "par"}
    assert stored["rows"]["roles"]["par"] == "forcing"
    assert {one["source"] for one in stored["curves"]} >= {"ta", "vpd"}
    assert stored["model"] == "equation"


def test_slopes_of_classes_come_back_with_their_curve():
    view = {
        "layer": 0, "source": "par", "target": "rb", "unit": "", "x": [0.0, 1.0],
        "spline": [0.0, 1.0], "formula": [0.0, 1.0], "edges": [0.0, 0.5, 1.0],
        "density": [0.5, 0.5], "importance": 1.0, "family": "linear", "label": "",
        "refused": False, "by_class": {"DBF": [0.0, 2.0], "ENF": [0.0, None]},
    }  # fmt: skip
    (curve,) = stored_curves([view])
    assert curve.by_class["DBF"].tolist() == [0.0, 2.0]
    assert np.isnan(curve.by_class["ENF"][1])
