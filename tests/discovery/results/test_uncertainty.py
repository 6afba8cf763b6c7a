"""Resampled constants are weighted least squares, and intervals cover the truth."""

import numpy as np
import pandas as pd
import pytest
import torch

from discovery.results.equation_problem import equation_problem
from discovery.results.identification import KEPT, OFFERED, Identification
from discovery.results.uncertainty import (
    bootstrap_equations,
    constant_rows,
    network_constants,
    with_verdicts,
)
from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit
from sciren.solvers.bootstrap import bootstrap_constants, one_step_bootstrap
from symbolic import symbolify


@pytest.fixture(scope="module")
def line():
    """Plain regression y = 1 + 2 a - 3 b in blocks of four rows, and its equations."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(-1, 1, (240, 2)), columns=["a", "b"])
    frame["y"] = 1 + 2 * frame.a - 3 * frame.b + 0.3 * rng.normal(size=240)
    frame["site"] = np.arange(240) // 4
    table = Table.from_frame(frame, ["a", "b"], (), ["y"], groups="site")
    model = ScIReN(KANEncoder(2, 1))
    fit(model, table, table, TrainConfig(select=False))
    return table, model, symbolify(model, table, ["linear"])


@pytest.fixture(scope="module")
def respiration():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.uniform(0, 1, 300), "ta": rng.uniform(-5, 25, 300)})
    clean = (1 + 2 * frame.a) * 1.6 ** ((frame.ta - 15) / 10)
    frame["reco"] = clean + 0.1 * rng.normal(size=300)
    table = Table.from_frame(frame, ["a"], ["ta"], ["reco"])
    model = ScIReN(KANEncoder(1, 1), "auto", Q10Respiration())
    fit(model, table, table, TrainConfig(select=False, profile_points=5))
    return table, model, symbolify(model, table, ["linear"])


def weights_of(table, replicates, seed):
    generator = torch.Generator().manual_seed(seed)
    count = int(table.blocks.max()) + 1
    drawn = torch.randint(count, (replicates, count), generator=generator)
    times = torch.zeros(replicates, count, dtype=torch.float64)
    times.scatter_add_(1, drawn, torch.ones_like(times))
    return times[:, table.blocks].numpy()


@pytest.mark.parametrize("many", [0, 10**9], ids=["one step", "refit"])
def test_every_resample_of_a_linear_model_is_weighted_least_squares(
    line, monkeypatch, many
):
    table, model, equations = line
    monkeypatch.setattr("sciren.solvers.bootstrap.MANY", many)
    draws = bootstrap_equations(equations, model, table, 25, seed=3)
    design = np.column_stack((np.ones(len(table)), table.features.numpy()))
    for k, weight in enumerate(weights_of(table, 25, 3)):
        root = np.sqrt(weight)[:, None]
        y = table.targets.numpy() * root
        offset, a, b = np.linalg.lstsq(design * root, y, rcond=None)[0][:, 0]
        found = [draws.encoder["y", name][k] for name in ("y_0", "a_a", "a_b")]
        np.testing.assert_allclose(found, [offset, a, b], rtol=1e-6)


def test_one_step_is_close_to_a_refit_where_the_process_is_not_linear(respiration):
    table, model, equations = respiration
    problem, theta = equation_problem(equations, model, table)
    quick = one_step_bootstrap(problem, theta[None], 100, 0)
    whole = bootstrap_constants(problem, problem.with_term, theta[None], 100, 0)
    error = whole.std(0)
    assert ((quick - whole).abs() < 0.3 * error).all()
    assert ((quick.std(0) / error - 1).abs() < 0.1).all()


def test_each_resample_keeps_the_better_minimum(respiration):
    table, model, equations = respiration
    problem, theta = equation_problem(equations, model, table)
    far = theta + 0.05
    alone = one_step_bootstrap(problem, theta[None], 20, 0)
    both = one_step_bootstrap(problem, torch.stack([far, theta]), 20, 0)
    again = one_step_bootstrap(problem, torch.stack([theta, theta]), 20, 0)
    torch.testing.assert_close(again, alone)
    assert ((both - alone).abs().amax(1) < 0.05).all()


def test_other_minima_are_started_from_too(respiration):
    table, model, equations = respiration
    alone = bootstrap_equations(equations, model, table, 20, 0)
    several = bootstrap_equations(equations, model, table, 20, 0, [{"q10": 4.0}])
    np.testing.assert_allclose(several.process["q10"], alone.process["q10"], rtol=1e-4)


def test_intervals_cover_and_errors_are_robust(respiration):
    table, model, equations = respiration
    draws = bootstrap_equations(equations, model, table, 200, 0)
    rows = constant_rows(equations, draws).set_index("constant")
    truth = {"q10": 1.6, "rb_0": 1.0, "a_a": 2.0}
    for name, value in truth.items():
        row = rows.loc[name]
        assert row["low"] < row["estimate"] < row["high"]
        assert abs(row["estimate"] - value) < 4 * row["error"]
    plain = constant_rows(equations, None).set_index("constant")
    assert plain.loc["q10", "method"] == "curvature, robust errors"
    np.testing.assert_allclose(rows["error"], plain["error"], rtol=0.3)
    assert rows.loc["q10", "method"] == "block bootstrap, 200 resamples"
    assert rows.loc["rb_0", "unit"] == "umol m-2 s-1"


def identification(model, identified=True, reason="", minima=((1.5, 0.0),)):
    return Identification(
        "q10", "", model, 1.5, 0.1, 1.3, 1.7, minima, identified, reason
    )


def test_process_constants_are_judged_and_others_are_not(respiration):
    _, model, equations = respiration
    rows = constant_rows(equations, None)
    judged = with_verdicts(rows, [identification(KEPT)], model).set_index("constant")
    assert judged.loc["q10", "identified"]
    assert judged.loc["a_a", "identified"] is None
    doubt = identification(OFFERED, False, "the profile has 2 minima, at 1.5 and 5")
    judged = with_verdicts(rows, [identification(KEPT), doubt], model)
    assert not judged["identified"][0]
    expected = "with all offered features the profile has 2 minima, at 1.5 and 5"
    assert judged["reason"][0] == expected


def test_a_constant_that_nothing_holds_has_no_error_of_zero(respiration):
    _, model, equations = respiration
    rows = constant_rows(equations, None)
    rows.loc[rows["constant"] == "q10", ["error", "low", "high"]] = [0.0, 1.5, 1.5]
    sure = with_verdicts(rows, [identification(KEPT)], model).set_index("constant")
    assert sure.loc["q10", "error"] == 0.0
    doubt = identification(KEPT, False, "the profile is flat")
    judged = with_verdicts(rows, [doubt], model).set_index("constant")
    assert judged.loc["q10", ["error", "low", "high"]].isna().all()
    assert judged.loc["a_a", "error"] == sure.loc["a_a", "error"]


def test_a_network_without_equations_has_the_constants_of_its_profile(respiration):
    _, model, _ = respiration
    rows = network_constants(model, [identification(KEPT), identification(OFFERED)])
    assert rows["estimate"].tolist() == [model.constants()["q10"]]
    assert rows["low"].tolist() == [1.3]
    assert rows["method"].tolist() == ["profile, kept features"]
    judged = with_verdicts(network_constants(model, []), [], model)
    assert judged["reason"].tolist() == ["no profile was computed"]
