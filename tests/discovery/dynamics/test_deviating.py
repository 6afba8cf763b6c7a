"""Deviations of groups in a run: modes, spread, storage, what a report shows."""

import json

import numpy as np
import pandas as pd
import pytest

from discovery import Discovery, load_config, run
from discovery.dynamics.deviating import GroupModes, LatentDeviation
from discovery.dynamics.spread import Spread
from discovery.runs.predict_file import predict
from discovery.uncertainty.record import Comparison
from symbolic.dynamics.latex import deviation_latex

MODEL = """
from sciren import Parameter, State, process_model

@process_model(
    parameters=[Parameter("k", low=0.01, high=0.9, per="group", start=0.3,
                          deviation="lognormal")],
    state=[State("store", start=10, unit="mm")], forcings=["rain"], targets=["q"],
    warmup=5,
)
def reservoir(s, p, f):
    q = p.k * s.store
    return {"store": s.store + f.rain - q}, {"q": q}
"""
CONFIG = """
data: {path: sites.csv, groups: site, time: day}
features: [x]
decoder: model.py:reservoir
forcings: {rain: p}
targets: [q]
split: {kind: group}
discovery: {families: [linear], bootstrap: 0}
out: run
"""
LAWS = {"k": LatentDeviation(True, 0.2, 0.1), "b": LatentDeviation(False, 3.0, 0.9)}
MODES = GroupModes(
    LAWS, {"s1": {"k": 0.5, "b": -1.0}},
    {"q": Spread(Comparison("identity", 1.0, 0.0), np.linspace(0, 1, 101))},
)  # fmt: skip
SPREAD, DAYS, SITES = 0.15, 60, 30


def test_known_groups_move_by_their_own_law_and_others_stay():
    values = {"k": np.array([0.3, 0.3]), "b": np.array([5.0, 5.0]), "c": np.ones(2)}
    moved = MODES.moved(values, ["s1", "s2"])
    np.testing.assert_allclose(moved["k"], [0.3 * np.exp(0.5), 0.3])
    np.testing.assert_allclose(moved["b"], [4.0, 5.0])
    np.testing.assert_allclose(moved["c"], [1.0, 1.0])
    table = np.column_stack([values[n] for n in ("k", "c")])
    only = GroupModes({"k": LAWS["k"]}, {"s1": {"k": 0.5}})
    assert only.numbers(("k", "c"), table, ["s1", "s2"])[0, 0] == moved["k"][0]


def test_what_is_stored_comes_back():
    again = GroupModes.from_json(json.loads(json.dumps(MODES.to_json())))
    assert again.laws == MODES.laws
    assert again.modes == MODES.modes
    np.testing.assert_array_equal(again.known(["s2", "s1"]), [False, True])


def test_laws_are_printed_as_factors_and_amounts():
    factor, amount = deviation_latex(LAWS)
    assert r"\, e^{u_{k,i}}" in factor
    assert r"N\left(0, 0.200^2\right)" in factor
    assert "b_{i} + u_{b,i}" in amount


def sites():
    rng = np.random.default_rng(5)
    x, u = rng.uniform(-1, 1, SITES), SPREAD * rng.normal(size=SITES)
    rain = rng.gamma(0.5, 8.0, (DAYS, SITES))
    store, q = np.full(SITES, 10.0), np.empty_like(rain)
    for t in range(DAYS):
        q[t] = (0.3 + 0.15 * x) * np.exp(u) * store
        store = store + rain[t] - q[t]
    stamps = pd.Timestamp("2001-01-01") + pd.to_timedelta(np.arange(DAYS), unit="D")
    return pd.DataFrame(
        {
            "site": np.repeat([f"s{n}" for n in range(SITES)], DAYS),
            "day": np.tile(stamps.strftime("%Y-%m-%d"), SITES),
            "x": np.repeat(x, DAYS), "p": rain.T.ravel(),
            "q": (q + 0.05 * rng.normal(size=q.shape)).T.ravel(),
            "clean": q.T.ravel(),
        }
    )  # fmt: skip


@pytest.mark.slow
def test_known_groups_run_at_their_modes_and_others_carry_the_spread(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "config.yaml").write_text(CONFIG)
    sites().to_csv(tmp_path / "sites.csv", index=False)
    folder = run(load_config(tmp_path / "config.yaml"), quiet=True)
    found = Discovery.load(folder)
    modes = found.series.deviations
    assert modes.laws["k"].spread == pytest.approx(SPREAD, rel=0.5)
    predict(folder, tmp_path / "sites.csv", tmp_path / "out.csv")
    rows, given = pd.read_csv(tmp_path / "out.csv"), sites()
    late, known = rows["warm_up"] == 0, rows["known"] == 1
    assert set(rows.loc[known, "site"]) == set(modes.modes)
    gap = (rows["q"] - given["clean"]).abs()
    assert gap[late & known].max() < 0.1 < gap[late & ~known].max()
    width = rows["q_high"] - rows["q_low"]
    assert width[known].max() < width[~known].min()
    inside = (given["q"] > rows["q_low"]) & (given["q"] < rows["q_high"])
    assert inside[late & known].mean() > 0.9
    assert r"e^{u_{k,i}}" in (folder / "equations.tex").read_text()
    (view,) = json.loads((folder / "views.json").read_text())["deviations"]
    assert len(view["u"]) == len(view["columns"]["x"]) == len(modes.modes)
    assert 'data-view="deviations"' in (folder / "report.html").read_text()
