"""From series of groups to a recurrence with relations that predicts, prints and stores."""

import numpy as np
import pandas as pd
import pytest

from discovery import SeriesEquations, discover
from discovery.dynamics import discover_series
from sciren import (
    Balance,
    History,
    KANEncoder,
    Parameter,
    ScIReN,
    SeriesTable,
    State,
    fit,
    process_model,
    split_series,
)
from sciren.errors import FormatError, TrainingError

COLUMNS = {
    "group": "site", "time": "t", "time_unit": "d", "static": ["x", "z"],
    "forcings": {"rain": "p"}, "targets": ["q"],
}  # fmt: skip


@process_model(
    parameters=[Parameter("k", low=0.01, high=0.9, per="group", start=0.3)],
    state=[State("store", start=10)],
    forcings=["rain"],
    targets=["q"],
    warmup=5,
    balance=Balance(["store"], ["rain"], ["q"]),
)
def reservoir(s, p, f):
    q = p.k * s.store
    return {"store": s.store + f.rain - q}, {"q": q}


def simulated(seed=0, sites=24, days=80):
    rng = np.random.default_rng(seed)
    x, z = rng.uniform(-1, 1, (2, sites))
    k = 0.3 + 0.2 * x
    rain = rng.gamma(0.5, 8.0, (days, sites))
    store, q = np.full(sites, 10.0), np.empty_like(rain)
    for t in range(days):
        q[t] = k * store
        store = store + rain[t] - q[t]
    noisy = q + 0.05 * rng.normal(size=q.shape)
    return pd.DataFrame(
        {
            "site": np.repeat([f"s{n}" for n in range(sites)], days),
            "t": np.tile(np.arange(days), sites), "x": np.repeat(x, days),
            "z": np.repeat(z, days), "p": rain.T.ravel(), "q": noisy.T.ravel(),
            "clean": q.T.ravel(),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def frame():
    return simulated()


@pytest.fixture(scope="module")
def result(frame):
    table = SeriesTable.from_frame(frame, **COLUMNS)
    split = split_series(table, (0.6, 0.2, 0.2), seed=1)
    model = ScIReN(KANEncoder(2, 1), "auto", reservoir)
    history = fit(model, split.train, split.valid)
    return discover(
        model, *split, history=history, families=["linear", "exp"], bootstrap=0
    )


def test_the_relation_comes_back_and_every_check_passes(result):
    edges = result.equations.relations.edges
    closed = edges[edges["status"] == "closed"]
    assert closed[["source", "latent", "family"]].to_numpy().tolist() == [
        ["x", "k", "linear"]
    ]
    checks = result.verification.frame()
    assert (checks["verdict"] == "PASS").all(), checks.to_string()
    assert result.verification.passed
    medians = result.medians.set_index(["part", "model"])["nse"]
    assert medians["test", "equation"] > 0.99 > medians["test", "constant latents"]


def test_constants_are_those_of_the_printed_relations(result):
    """The refit through the simulation moves them, and checks are those after it."""
    printed = result.equations.relations.table.set_index(["latent", "name"])["value"]
    found = result.second_level.constants
    listed = found[found["latent"] != ""].set_index(["latent", "constant"])
    pd.testing.assert_series_equal(
        listed["estimate"], printed, check_names=False, check_index_type=False
    )
    assert (listed["low"] < listed["estimate"]).all()
    assert (listed["estimate"] < listed["high"]).all()
    assert result.verdict.faithful == (result.second_level.consistency == "PASS")


def test_predictions_follow_the_rows_of_the_table_and_mark_the_warm_up(result, frame):
    shuffled = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    predicted = result.predict(shuffled.drop(columns="q"))
    assert (predicted["site"] == shuffled["site"]).all()
    assert (predicted["t"] == shuffled["t"]).all()
    assert (predicted["warm_up"] == (shuffled["t"] < 5)).all()
    error = np.abs(predicted["q"] - shuffled["clean"]).max()
    assert error < 0.02 * frame["clean"].max()


def test_stored_equations_predict_the_same_without_the_process(result, frame, tmp_path):
    loaded = SeriesEquations.load(result.equations.save(tmp_path / "equations.json"))
    pd.testing.assert_frame_equal(loaded.predict(frame), result.predict(frame))
    assert loaded.latex() == result.latex()
    assert loaded.verification is not None
    assert loaded.verification.verdict == "PASS"
    assert [path.name for path in tmp_path.iterdir()] == ["equations.json"]


def test_equations_print_as_one_aligned_block(result):
    text = result.latex()
    assert text.startswith("\\begin{aligned}\n\\mathrm{store}_{i,t+1} &= ")
    assert "k_{i} &= " in text


def test_code_holds_relations_and_the_run(result, frame):
    module = {}
    exec(compile(result.equations.to_code(), "model.py", "exec"), module)
    site = frame[frame["site"] == "s3"]
    k = module["k"](site["x"].iloc[0])
    _, outputs = module["run"](site["p"].to_numpy(), float(k))
    expected = result.predict(frame)["q"][frame["site"] == "s3"]
    np.testing.assert_allclose(outputs[:, 0], expected, rtol=1e-10)


def test_a_history_of_rows_and_files_that_are_none_are_refused(frame, tmp_path):
    table = SeriesTable.from_frame(frame, **COLUMNS)
    model = ScIReN(KANEncoder(2, 1), "auto", reservoir)
    with pytest.raises(TrainingError, match="pass history="):
        discover_series(model, table, history=History("gauss-newton"))
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(FormatError, match="no file of the format"):
        SeriesEquations.load(bad)
