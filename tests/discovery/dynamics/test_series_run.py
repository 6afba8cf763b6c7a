"""Series from a configuration to a run folder, and every command on it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from discovery import Discovery, load_config, run
from discovery.report.compare import compare
from discovery.report.run_report import write_report
from discovery.report.summary import summary
from discovery.runs.check import check
from discovery.runs.explain import explain
from discovery.runs.predict_file import predict
from discovery.verdict.runs import control_run, verify_run
from sciren.errors import ConfigError, DataError

MODEL = """
from sciren import Balance, Parameter, State, process_model

@process_model(
    parameters=[Parameter("k", low=0.01, high=0.9, per="group", start=0.3)],
    state=[State("store", start=10, unit="mm")], forcings=["rain"], targets=["q"],
    warmup=5, balance=Balance(["store"], ["rain"], ["q"]),
)
def reservoir(s, p, f):
    q = p.k * s.store
    return {"store": s.store + f.rain - q}, {"q": q}
"""
CONFIG = """
data: {path: sites.csv, groups: site, time: day}
features: FEATURES
decoder: model.py:reservoir
forcings: {rain: p}
targets: [q]
split: SPLIT
discovery: {families: [linear], bootstrap: 0}
out: run
"""
PERIODS = '{kind: time, train: "2001-01", valid: "2001-02", test: "2001-03"}'


def sites(count=6, days=80):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, count)
    rain = rng.gamma(0.5, 8.0, (days, count))
    store, q = np.full(count, 10.0), np.empty_like(rain)
    for t in range(days):
        q[t] = (0.3 + 0.2 * x) * store
        store = store + rain[t] - q[t]
    stamps = pd.Timestamp("2001-01-01") + pd.to_timedelta(np.arange(days), unit="D")
    return pd.DataFrame(
        {
            "site": np.repeat([f"s{n}" for n in range(count)], days),
            "day": np.tile(stamps.strftime("%Y-%m-%d"), count),
            "x": np.repeat(x, days), "p": rain.T.ravel(),
            "q": (q + 0.05 * rng.normal(size=q.shape)).T.ravel(), "clean": q.T.ravel(),
        }
    )  # fmt: skip


def written(folder, features="[]", split=PERIODS, count=6):
    (folder / "model.py").write_text(MODEL)
    text = CONFIG.replace("FEATURES", features).replace("SPLIT", split)
    (folder / "config.yaml").write_text(text)
    sites(count).to_csv(folder / "sites.csv", index=False)
    return folder / "config.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("series")


@pytest.fixture(scope="module")
def own(folder):
    """Return a run of groups that have numbers of their own."""
    return run(load_config(written(folder)), quiet=True)


def test_a_run_holds_scores_of_groups_a_verdict_and_code(own):
    metrics = json.loads((own / "metrics.json").read_text())
    score = metrics["test"]["equation"]["q"]
    assert score["median_nse"] > 0.99
    assert {"median_kge", "median_bias", "r2", "n"} <= set(score)
    groups = pd.read_csv(own / "groups.csv")
    assert set(groups["part"]) == {"train", "test"}
    assert len(groups) == 2 * 2 * 6  # parts, models, groups
    found = Discovery.load(own)
    assert found.verdict.headline == "partly supported"
    assert "No relation is claimed" in found.verdict.sentences()[0]
    assert found.consistency == "PASS"
    assert r"\mathrm{store}_{i,t+1}" in (own / "equations.tex").read_text()
    assert "void run(int rows" in (own / "code/equations.c").read_text()
    views = json.loads((own / "views.json").read_text())
    assert set(views["states"][0]["states"]) == {"store"}
    assert views["series"]["q"][0]["low"][0] < views["series"]["q"][0]["high"][0]
    assert 'data-view="states"' in (own / "report.html").read_text()


def test_numbers_of_time_ask_for_their_unit(tmp_path):
    config = written(tmp_path, "[x]")
    table = pd.read_csv(tmp_path / "sites.csv")
    table["day"] = table.groupby("site").cumcount()
    table.to_csv(tmp_path / "sites.csv", index=False)
    split = "split={kind: group, fractions: [0.6, 0.2, 0.2]}"
    with pytest.raises(DataError, match=r"name their unit, units: \{day: d\}"):
        check(load_config(config, [split]), quiet=True)
    told = check(load_config(config, [split, "units={day: d}"]), quiet=True)
    assert "nothing was trained" in told


def test_one_group_is_a_calibration_judged_by_a_later_period(tmp_path):
    """Numbers that one group would share with itself are no other model to beat."""
    alone = run(load_config(written(tmp_path, count=1)), quiet=True)
    found = Discovery.load(alone)
    assert found.verdict.headline == "partly supported"
    assert set(found.scores["test"]) == {"equation"}
    said = " ".join(found.verdict.sentences())
    assert "constant latents" not in said
    assert "than that of the mean" in said
    (line,) = [row for row in summary(alone).splitlines() if row.startswith("k is ")]
    assert "95 % interval" in line


def test_a_calibration_without_skill_is_not_supported(tmp_path):
    config = written(tmp_path, count=1)
    table = pd.read_csv(tmp_path / "sites.csv")
    noise = np.random.default_rng(3)
    table["q"] = noise.permutation(table["q"].to_numpy())
    table.to_csv(tmp_path / "sites.csv", index=False)
    found = Discovery.load(run(load_config(config), quiet=True))
    assert found.verdict.headline == "not supported"


def test_a_later_period_that_is_too_short_asks_for_a_longer_one(tmp_path):
    config = written(tmp_path, count=1)
    table = pd.read_csv(tmp_path / "sites.csv")
    table.loc[table["day"] < "2001-03-09"].to_csv(tmp_path / "sites.csv", index=False)
    verdict = Discovery.load(run(load_config(config), quiet=True)).verdict
    later = next(r for r in verdict.reasons if r.subject == "a later period")
    # The process is right: nothing is to be looked for in it.
    assert not later.holds
    assert "over 99% smaller" in later.sentence
    assert later.next_step.startswith("Compare in a longer later period: 4 blocks")


def test_a_target_without_observations_in_a_part_is_named(tmp_path):
    config = written(tmp_path, count=2)
    model = tmp_path / "model.py"
    text = model.read_text().replace('targets=["q"]', 'targets=["q", "level"]')
    model.write_text(text.replace('{"q": q}', '{"q": q, "level": s.store}'))
    config.write_text(config.read_text().replace("[q]", "[q, level]"))
    table = pd.read_csv(tmp_path / "sites.csv")
    table["level"] = (table["clean"] + 1).where(table["day"] < "2001-03")
    table.to_csv(tmp_path / "sites.csv", index=False)
    with pytest.raises(
        DataError, match="test has no observed 'level' after the first 5"
    ):
        check(load_config(config), quiet=True)


def test_its_numbers_are_near_the_truth_with_errors_that_hold_it(own):
    truth = sites().groupby("site")["x"].first() * 0.2 + 0.3
    rows = Discovery.load(own).constants.set_index("source")
    gap = (rows["estimate"] - truth).abs()
    assert (gap < 5 * rows["error"]).all()
    assert rows["identified"].all()


def test_predictions_follow_the_file_and_hold_what_is_observed(own, folder):
    text = predict(own, folder / "sites.csv", folder / "out.csv", overwrite=True)
    assert "site, day, q, q_low, q_high, store, k, warm_up, outside" in text
    found, given = pd.read_csv(folder / "out.csv"), sites()
    assert (found["site"] == given["site"]).all()
    late = found["warm_up"] == 0
    assert (found["q"] - given["clean"])[late].abs().max() < 0.05
    inside = (given["q"] > found["q_low"]) & (given["q"] < found["q_high"])
    assert 0.9 < inside[late].mean() < 1
    strange = given.assign(site=given["site"].replace("s1", "elsewhere"))
    strange.to_csv(folder / "strange.csv", index=False)
    with pytest.raises(DataError, match="group 'elsewhere' has no numbers"):
        predict(own, folder / "strange.csv", folder / "o.csv")
    with pytest.raises(ConfigError, match="no network was trained"):
        predict(own, folder / "sites.csv", folder / "o.csv", using="network")


def test_every_command_reads_it(own):
    assert write_report(own).is_file()
    assert "median" not in compare([own]).text()
    with pytest.raises(DataError, match="no placebos yet"):
        control_run(own, 2, quiet=True)


def test_verify_computes_it_again(own):
    found = verify_run(own, quiet=True)
    assert found.same, found.text()
    assert "free run, mass balance" in found.text()


def test_check_tells_groups_parts_and_steps(folder, own):
    text = check(load_config(folder / "config.yaml", ["out=other"]), quiet=True)
    assert "6 groups, train 6 with 186 rows" in text
    assert "states: store" in text
    assert "steps: every group fitted alone, free runs, verdict, report" in text


REFUSED = [
    ("data.time=null", "key 'data.time': process model 'reservoir' carries a state"),
    ("split={kind: random}", "'split.kind': random deals single rows"),
    ("controls=true", "key 'controls': does not exist yet"),
    (
        "split.fractions=[0.6,0.2,0.2]",
        "nothing is known about groups that are left out",
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_what_series_cannot_use_is_refused_before_data_are_read(
    change, message, folder, own
):
    changes = ["out=other", change]
    if "random" in change:
        changes.append("features=[x]")
    with pytest.raises(ConfigError, match=message.replace("[", r"\[")):
        check(load_config(folder / "config.yaml", changes), quiet=True)


def test_groups_by_time_are_read_from_netcdf_and_parquet(folder, own):
    frame = sites().assign(day=lambda f: pd.to_datetime(f["day"]))
    grid = frame.set_index(["site", "day"])[["p", "q"]].to_xarray()
    grid.to_netcdf(folder / "sites.nc", engine="h5netcdf")
    frame.to_parquet(folder / "sites.parquet")
    for name in ("sites.nc", "sites.parquet"):
        changes = [f"data.path={folder / name}", "out=o"]
        text = check(load_config(folder / "config.yaml", changes), quiet=True)
        assert "480 rows; 6 groups, train 6 with 186 rows" in text


def test_ragged_series_of_netcdf_leave_out_what_holds_nothing(folder, own):
    frame = sites().assign(day=lambda f: pd.to_datetime(f["day"]))
    short = frame[(frame["site"] != "s2") | (frame["day"] < "2001-03-10")]
    grid = short.set_index(["site", "day"])[["p", "q"]].to_xarray()
    grid.to_netcdf(folder / "ragged.nc", engine="h5netcdf")
    config = load_config(
        folder / "config.yaml", [f"data.path={folder / 'ragged.nc'}", "out=o"]
    )
    assert f"{len(short)} rows; 6 groups" in check(config, quiet=True)


@pytest.mark.slow
def test_relations_go_from_configuration_to_predictions_of_other_groups(tmp_path):
    both = PERIODS.replace("}", ", fractions: [0.5, 0.25, 0.25]}")
    config = load_config(written(tmp_path, "[x]", both, count=24))
    folder = run(config, quiet=True)
    found = Discovery.load(folder)
    assert found.verdict.headline == "supported", found.verdict.sentences()
    assert found.scores["test"]["equation"]["q"]["median_nse"] > 0.99
    predict(folder, tmp_path / "sites.csv", tmp_path / "e.csv")
    predict(folder, tmp_path / "sites.csv", tmp_path / "n.csv", using="network")
    both_ways = [pd.read_csv(tmp_path / name)["q"] for name in ("e.csv", "n.csv")]
    np.testing.assert_allclose(*both_ways, rtol=0.05, atol=0.05)
    assert verify_run(folder, quiet=True).same
    again = explain(folder, quiet=True, name="again")
    assert (
        Path(again / "verdict.json").read_bytes()
        == (folder / "verdict.json").read_bytes()
    )
