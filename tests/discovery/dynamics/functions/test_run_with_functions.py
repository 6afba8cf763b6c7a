"""Latents of rows, of groups and of a state in one model, from a configuration to commands."""

import numpy as np
import pandas as pd
import pytest

from discovery import Discovery, load_config, run
from discovery.runs.check import check
from discovery.runs.explain import explain
from discovery.runs.predict_file import predict
from discovery.verdict.runs import verify_run
from sciren.datasets.catchments import autoregressive, weather
from sciren.errors import ConfigError

MODEL = """
from sciren import Balance, Parameter, State, process_model
from sciren.functions import minimum

@process_model(
    parameters=[
        Parameter("evap", low=0, high=2, start=0.5),
        Parameter("drain", low=0, unit="mm d-1", inputs=["state.soil"], range=(0, 200),
                  start=1),
        Parameter("leak", low=0, high=0.2, unit="d-1", per="group", start=0.05),
    ],
    state=[State("soil", start=60, low=0, unit="mm")], warmup=30,
    forcings=["rain", "pet"], targets=["q"],
    balance=Balance(["soil"], ["rain"], ["q", "et", "lost"],
                    lambda s, p, f: {"et": p.evap * f.pet * minimum(s.soil / 120, 1),
                                     "lost": p.leak * s.soil}),
)
def store(s, p, f):
    et = p.evap * f.pet * minimum(s.soil / 120, 1)
    return {"soil": s.soil + f.rain - et - p.leak * s.soil - p.drain}, {"q": p.drain}
"""
SHARED = MODEL.replace(
    'Parameter("leak", low=0, high=0.2, unit="d-1", per="group", start=0.05)',
    'Parameter("leak", low=0, high=0.2, unit="d-1", kind="constant", start=0.05)',
).replace(
    """Parameter("drain", low=0, unit="mm d-1", inputs=["state.soil"], range=(0, 200),
                  start=1)""",
    'Parameter("k", low=0, high=0.5, kind="constant", start=0.1)',
).replace("p.drain", "p.k * s.soil")  # fmt: skip
CONFIG = """
data: {path: sites.csv, groups: site, time: day}
features: [v, junk, x]
decoder: model.py:store
forcings: {rain: p, pet: pet}
targets: [q]
split: {kind: group, fractions: [0.5, 0.2, 0.3]}
train: {residual: log}
out: run
"""
DAYS, SITES = 200, 20


def sites(shared=False, days=DAYS, count=SITES):
    """evap = 0.4 + 0.6 v of the row, leak = 0.02 + 0.04 x of the site, drainage a power."""
    rng = np.random.default_rng(3)
    rain, pet = weather(rng, days, count)
    v = 0.5 + 0.4 * np.sin(np.arange(days)[:, None] / 30 + np.arange(count))
    v = v + 0.05 * rng.normal(size=v.shape)
    x = rng.uniform(size=count)
    leak = np.full(count, 0.03) if shared else 0.02 + 0.04 * x
    soil, q = np.full(count, 60.0), np.empty((days, count))
    for t in range(days):
        q[t] = 0.05 * soil if shared else 2e-4 * soil**2.2
        et = (0.4 + 0.6 * v[t]) * pet[t] * np.minimum(soil / 120, 1)
        soil = np.maximum(soil + rain[t] - et - leak * soil - q[t], 0)
    noise = np.exp(0.03 * autoregressive(rng, days, count, 0.6))
    stamps = pd.Timestamp("2001-01-01") + pd.to_timedelta(np.arange(days), unit="D")
    return pd.DataFrame(
        {
            "site": np.repeat([f"s{n:02d}" for n in range(count)], days),
            "day": np.tile(stamps.strftime("%Y-%m-%d"), count),
            "x": np.repeat(x, days), "v": v.T.ravel(), "p": rain.T.ravel(),
            "junk": autoregressive(rng, days, count, 0.9).T.ravel(),
            "pet": pet.T.ravel(), "q": (q * noise).T.ravel(), "clean": q.T.ravel(),
        }
    )  # fmt: skip


def placed(folder, model, frame, config=CONFIG):
    (folder / "model.py").write_text(model)
    (folder / "config.yaml").write_text(config)
    frame.to_csv(folder / "sites.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return placed(tmp_path_factory.mktemp("three"), MODEL, sites())


@pytest.fixture(scope="module")
def made(folder, with_pictures):
    with with_pictures():
        return run(load_config(folder / "config.yaml"), quiet=True)


def test_check_tells_what_changes_in_time(folder):
    text = check(load_config(folder / "config.yaml", ["out=o"]), quiet=True)
    assert (
        "steps: curves of evap, drain, closed forms, every group fitted alone" in text
    )
    assert "(changes in time)" in text
    assert "not identified" not in text


def test_check_tells_which_latents_no_data_could_tell_apart(folder):
    gain = 'Parameter("gain", low=0.2, high=3, per="group", start=1),'
    model = MODEL.replace("p.evap", "p.evap * p.gain").replace(
        'Parameter("leak"', f'{gain}\n        Parameter("leak"'
    )
    (folder / "doubled.py").write_text(model)
    changes = ["out=o", f"decoder={folder}/doubled.py:store"]
    text = check(load_config(folder / "config.yaml", changes), quiet=True)
    assert "not identified: evap and gain stand in for each other" in text


@pytest.mark.parametrize(
    ("features", "message"),
    [("[]", "name columns that change in time"), ("[x]", "are constant in every group"),
     ("[v]", "say nothing about groups that are left out")],
)  # fmt: skip
def test_features_that_no_latent_can_use_are_refused(folder, features, message):
    with pytest.raises(ConfigError, match=message):
        check(load_config(folder / "config.yaml", ["out=o", f"features={features}"]),
              quiet=True)  # fmt: skip


@pytest.mark.slow
def test_all_three_laws_come_back(made):
    found = Discovery.load(made)
    law, constants = found.series.law, found.series.relations.constants
    evap, drain = (_numbers(law.functions[n], constants) for n in ("evap", "drain"))
    for value in (0.2, 0.5, 0.8):
        assert float(evap.subs(_symbol(evap), value)) == pytest.approx(
            0.4 + 0.6 * value, rel=0.03
        )
    for value in (40.0, 80.0):
        expected = 2e-4 * value**2.2
        assert float(drain.subs(_symbol(drain), value)) == pytest.approx(
            expected, rel=0.03
        )
    leak = found.series.relations.equations["leak"]
    for value in (0.2, 0.8):
        assert float(leak.subs(_symbol(leak), value)) == pytest.approx(
            0.02 + 0.04 * value, rel=0.05
        )
    assert "evap does without junk." in found.notes


def _numbers(formula, constants):
    known = {s: constants[s.name] for s in formula.free_symbols if s.name in constants}
    return formula.subs(known)


def _symbol(formula):
    (symbol,) = formula.free_symbols
    return symbol


@pytest.mark.slow
def test_the_run_is_judged_by_other_groups(made):
    found = Discovery.load(made)
    assert found.consistency == "PASS"
    # bands of a relation from ten groups may doubt its form, which is no fault of these
    assert found.verdict.headline in ("supported", "partly supported")
    said = " ".join(found.verdict.sentences())
    assert "Closed forms of evap, drain fit as well as free curves" in said
    assert found.scores["test"]["equation"]["q"]["median_nse"] > 0.98


@pytest.mark.slow
def test_the_folder_prints_draws_and_codes_the_functions(made):
    text = (made / "equations.tex").read_text()
    assert r"\mathrm{evap}_{i,t} &= " in text
    assert r"v_{i,t}" in text
    assert (made / "figures/functions.png").is_file()
    assert (made / "code/equations.py").is_file()
    assert "evap does without junk" in (made / "report.html").read_text()


@pytest.mark.slow
def test_it_predicts_sites_that_it_has_not_seen(made, folder):
    given = sites().assign(site=lambda f: "new " + f["site"])
    given.drop(columns=["q", "junk"]).to_csv(folder / "new.csv", index=False)
    predict(made, folder / "new.csv", folder / "out.csv", overwrite=True)
    found = pd.read_csv(folder / "out.csv")
    late = found["warm_up"] == 0
    relative = (found["q"] / given["clean"] - 1)[late].abs()
    assert relative.median() < 0.03
    predict(
        made, folder / "new.csv", folder / "net.csv", using="network", overwrite=True
    )
    network = pd.read_csv(folder / "net.csv")
    assert (network["q"] / found["q"] - 1)[late].abs().median() < 0.02


@pytest.mark.slow
@pytest.mark.usefixtures("pictures")
def test_verify_computes_it_again(made):
    again = verify_run(made, quiet=True)
    assert again.same, again.text()
    assert "free run, mass balance" in again.text()


@pytest.mark.slow
def test_explain_takes_other_families(made):
    again = explain(made, ["discovery.families=[linear]"], True, "lines")
    assert Discovery.load(again).verdict.headline != "supported"


@pytest.mark.slow
def test_without_latents_of_groups_all_share_formulas_and_constants(tmp_path):
    config = CONFIG.replace("[v, junk, x]", "[v, junk]")
    placed(tmp_path, SHARED, sites(shared=True, count=10), config)
    made = run(load_config(tmp_path / "config.yaml"), quiet=True)
    found = Discovery.load(made)
    rows = found.constants.set_index("constant")
    for name, true in (("leak", 0.03), ("k", 0.05), ("evap_0", 0.4)):
        assert abs(rows.loc[name, "estimate"] - true) < 4 * rows.loc[name, "error"], (
            rows
        )
    assert found.verdict.headline == "supported", found.verdict.sentences()
    assert verify_run(made, quiet=True).same


@pytest.mark.slow
def test_a_later_period_is_enough_where_groups_have_numbers_of_their_own(tmp_path):
    periods = 'train: ["2001-01", "2001-04"], valid: "2001-05", test: "2001-06"'
    split = "{kind: time, " + periods + "}"
    config = CONFIG.replace("[v, junk, x]", "[v, junk]")
    config = config.replace("{kind: group, fractions: [0.5, 0.2, 0.3]}", split)
    placed(tmp_path, MODEL, sites(count=6), config)
    found = Discovery.load(run(load_config(tmp_path / "config.yaml"), quiet=True))
    assert "No relation is claimed" in " ".join(found.verdict.sentences())
    assert found.scores["test"]["equation"]["q"]["median_nse"] > 0.9
