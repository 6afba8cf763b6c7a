"""An unknown function of a state from a configuration to a run folder, and commands on it."""

import json

import numpy as np
import pandas as pd
import pytest

from discovery import Discovery, load_config, run
from discovery.runs.check import check
from discovery.runs.explain import explain
from discovery.runs.predict_file import predict
from discovery.verdict.runs import verify_run
from sciren.errors import ConfigError

MODEL = """
from sciren import Balance, Parameter, State, process_model

@process_model(
    parameters=[
        Parameter("drain", low=0, unit="mm d-1", inputs=["state.soil"], range=(0, 120),
                  start=2),
        Parameter("loss", low=0, high=0.5, kind="constant", start=0.1, unit="d-1"),
    ],
    state=[State("soil", start=40, low=0, unit="mm")], forcings=["rain"], targets=["q"],
    warmup=5, balance=Balance(["soil"], ["rain"], ["q", "et"],
                              lambda s, p, f: {"et": p.loss * s.soil}),
)
def store(s, p, f):
    return {"soil": s.soil + f.rain - p.loss * s.soil - p.drain}, {"q": p.drain}
"""
CONFIG = """
data: {path: sites.csv, groups: site, time: day}
features: []
decoder: model.py:store
forcings: {rain: p}
targets: [q]
split: {kind: group, fractions: [0.25, 0.25, 0.5]}
out: run
"""
DAYS, SITES, K, B, LOSS = 150, 12, 2e-4, 2.5, 0.05


def sites():
    rng = np.random.default_rng(3)
    rain = rng.gamma(0.5, 9.0, (DAYS, SITES))
    soil, q = np.full(SITES, 40.0), np.empty_like(rain)
    for t in range(DAYS):
        q[t] = K * soil**B
        soil = soil + rain[t] - LOSS * soil - q[t]
    stamps = pd.Timestamp("2001-01-01") + pd.to_timedelta(np.arange(DAYS), unit="D")
    noisy = q + 0.05 * rng.normal(size=q.shape)
    return pd.DataFrame(
        {
            "site": np.repeat([f"s{n}" for n in range(SITES)], DAYS),
            "day": np.tile(stamps.strftime("%Y-%m-%d"), SITES),
            "x": np.repeat(np.arange(SITES), DAYS), "p": rain.T.ravel(),
            "q": noisy.T.ravel(), "clean": q.T.ravel(),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("store")
    (place / "model.py").write_text(MODEL)
    (place / "config.yaml").write_text(CONFIG)
    sites().to_csv(place / "sites.csv", index=False)
    return place


@pytest.fixture(scope="module")
def made(folder, with_pictures):
    with with_pictures():
        return run(load_config(folder / "config.yaml"), quiet=True)


@pytest.mark.slow
def test_the_law_comes_back_with_errors_that_hold_it(made):
    found = Discovery.load(made)
    law = found.series.law.functions["drain"]
    (soil,) = law.free_symbols
    for value in (20.0, 35.0):
        assert float(law.subs(soil, value)) == pytest.approx(K * value**B, rel=0.03)
    rows = found.constants.set_index("constant")
    assert abs(rows.loc["p", "estimate"] - B) < 4 * rows.loc["p", "error"]
    assert abs(rows.loc["loss", "estimate"] - LOSS) < 4 * rows.loc["loss", "error"]
    assert rows.loc["p", "source"] == "state.soil"


@pytest.mark.slow
def test_free_runs_of_other_groups_are_judged_against_a_constant(made):
    found = Discovery.load(made)
    assert found.consistency == "PASS"
    assert found.verdict.headline == "supported", found.verdict.sentences()
    scores = found.scores["test"]
    assert scores["equation"]["q"]["median_nse"] > 0.99
    assert scores["constant latents"]["q"]["median_nse"] < 0.9
    assert "curve of the state" in scores


@pytest.mark.slow
def test_the_folder_prints_draws_and_codes_the_function(made):
    text = (made / "equations.tex").read_text()
    assert r"\mathrm{drain}_{i,t} &= " in text
    assert r"\mathrm{soil}_{i,t+1}" in text
    assert "drain" not in (made / "code/equations.c").read_text().split("*/")[-1]
    views = json.loads((made / "views.json").read_text())
    (curve,) = views["curves"]
    assert (curve["source"], curve["target"]) == ("soil", "drain")
    assert (made / "figures/edges.png").is_file()
    assert "drain is known where soil has been" in (made / "report.html").read_text()


@pytest.mark.slow
def test_it_predicts_groups_that_it_has_not_seen(made, folder):
    given = sites().assign(site=lambda f: "new " + f["site"])
    given.drop(columns="q").to_csv(folder / "new.csv", index=False)
    predict(made, folder / "new.csv", folder / "out.csv", overwrite=True)
    found = pd.read_csv(folder / "out.csv")
    late = found["warm_up"] == 0
    assert (found["q"] - given["clean"])[late].abs().max() < 0.2
    inside = (sites()["q"] > found["q_low"]) & (sites()["q"] < found["q_high"])
    assert 0.9 < inside[late].mean() < 1


@pytest.mark.slow
@pytest.mark.usefixtures("pictures")
def test_verify_computes_it_again(made):
    again = verify_run(made, quiet=True)
    assert again.same, again.text()
    assert "free run, mass balance" in again.text()


def test_check_tells_the_steps_and_features_are_refused(folder):
    text = check(load_config(folder / "config.yaml", ["out=other"]), quiet=True)
    assert "steps: curve of the state, closed forms" in text
    with pytest.raises(
        ConfigError, match="is a function of a state and the same in all"
    ):
        check(
            load_config(folder / "config.yaml", ["out=o", "features=[x]"]), quiet=True
        )


@pytest.mark.slow
def test_explain_takes_other_families_and_leaves_the_first_run(made):
    again = explain(made, ["discovery.families=[linear]"], True, "lines")
    found = Discovery.load(again)
    assert found.candidates["family"].unique().tolist() == ["linear"]
    assert found.verdict.headline == "not supported"
    assert "leaves" in " ".join(found.notes)
    assert Discovery.load(made).verdict.headline == "supported"
