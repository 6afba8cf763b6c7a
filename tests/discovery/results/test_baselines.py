"""Baselines are what they claim: the best constants, and a black box."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.signal import lfilter

from discovery.results.baselines import (
    CONSTANT,
    PERCEPTRON,
    baselines,
    constant_latents,
)
from discovery.results.scoring import (
    equation_targets,
    latent_scores,
    long_scores,
    predictors,
    target_scores,
)
from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit
from sciren import split_random as split
from sciren.decoders import process_model
from sciren.inference.noise import NoiseLaw
from sciren.parameters import Parameter
from symbolic import symbolify, verify

QUICK = TrainConfig(select=False, profile_points=5, epochs=6)


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.uniform(0, 1, 500), "ta": rng.uniform(-5, 25, 500)})
    frame["rb"] = 1 + 2 * frame.a
    frame["reco"] = frame.rb * 1.6 ** ((frame.ta - 15) / 10)
    frame.loc[3, "reco"] = np.nan
    parts = split(Table.from_frame(frame, ["a"], ["ta"], ["reco"]))
    model = ScIReN(KANEncoder(1, 1), "auto", Q10Respiration())
    fit(model, parts.train, parts.valid, QUICK)
    return frame, parts, model


def sites(seed, groups=6, rows=80, memory=0.9):
    """Sites with levels of their own, slow noise, and a response that the process lacks."""
    rng = np.random.default_rng(seed)
    frames = []
    for site in range(groups):
        slow = lfilter([1.0], [1.0, -memory], rng.normal(size=rows))
        ta = 12 + 6 * np.sin(np.arange(rows) / 9) + rng.normal(size=rows)
        reco = (3 + 0.8 * rng.normal()) * 1.5 ** ((ta - 15) / 10)
        reco = reco * (1 + 0.5 * np.tanh((ta - 12) / 4)) + 0.2 * slow
        times = pd.date_range("2000-01-01", periods=rows, freq="h")
        columns = {"x": rng.normal(size=rows), "ta": ta, "reco": reco, "time": times}
        frames.append(pd.DataFrame(columns).assign(site=site))
    frame = pd.concat(frames, ignore_index=True)
    return Table.from_frame(frame, ["x"], ["ta"], ["reco"], groups="site", time="time")


def test_an_equation_without_features_is_constant_latents_whatever_the_noise():
    table = sites(0)
    held = np.isin(table.groups, [4, 5])
    train, model = table.take(~held), ScIReN(KANEncoder(1, 1), "auto", Q10Respiration())
    fit(model, train, table.take(held), TrainConfig(profiles=False))
    assert not NoiseLaw.from_json(model.noise_law).plain
    equations = symbolify(model, train, compose=0)
    assert not any(part.all_edges for part in equations.structures)
    told = equation_targets(equations, model, table)
    torch.testing.assert_close(
        told, constant_latents(model, train)(table), rtol=1e-6, atol=0
    )
    assert next(
        c for c in verify(equations, model, train).checks if c.name == "stationary"
    ).passed


def test_no_other_constants_fit_better(study):
    _, parts, model = study
    table = parts.train
    predicted = constant_latents(model, table)(table)[:, 0]
    tau = (table.forcings["ta"] - 15) / 10
    base = predicted / predicted[0] ** 0
    rate = torch.log(base / base[0]) / (tau - tau[0]).where(tau != tau[0], 1.0)
    q10 = float(rate[1:].median().exp())
    rb = float((predicted / q10**tau).median())

    def loss(rb, q10):
        gap = rb * q10**tau - table.targets[:, 0]
        return float(gap.square().nanmean())

    best = loss(rb, q10)
    for factor in (0.98, 1.02):
        assert loss(rb * factor, q10) > best
        assert loss(rb, q10 * factor) > best


def test_constant_latents_of_plain_regression_are_the_mean():
    frame = pd.DataFrame({"a": np.linspace(0, 1, 40), "y": np.linspace(0, 3, 40) ** 2})
    table = Table.from_frame(frame, ["a"], (), ["y"])
    model = ScIReN(KANEncoder(1, 1))
    fit(model, table, table, QUICK)
    predicted = constant_latents(model, table)(table)
    assert predicted.numpy() == pytest.approx(frame.y.mean())


def test_every_model_is_scored_on_every_part(study):
    _, parts, model = study
    tables = dict(zip(("train", "valid", "test"), parts, strict=True))
    models = predictors(model, None) | baselines(model, parts, QUICK)
    assert list(models) == ["network", CONSTANT, PERCEPTRON]
    found = target_scores(tables, models)
    for part in found.values():
        assert part["network"]["reco"]["r2"] > part[CONSTANT]["reco"]["r2"]
    assert found["train"]["network"]["reco"]["r2"] > 0.9999
    counts = sum(found[part]["network"]["reco"]["n"] for part in tables)
    assert counts == 499
    frame = long_scores(found)
    assert len(frame) == 9
    assert list(frame.columns[:4]) == ["split", "model", "target", "r2"]


def test_baselines_repeat(study):
    _, parts, model = study
    one, other = (baselines(model, parts, QUICK) for _ in range(2))
    for name in one:
        assert torch.equal(one[name](parts.test), other[name](parts.test))


def test_latents_are_scored_where_the_truth_is_known(study):
    frame, parts, model = study
    truth = {"rb": frame.rb.to_numpy()}
    found = latent_scores({"test": parts.test}, truth, model, None)
    assert found["test"]["network"]["rb"]["r2"] > 0.999
    assert latent_scores({"test": parts.test}, {}, model, None) == {}


def test_a_process_model_that_mixes_rows_has_no_constant_baseline(study):
    _, parts, _ = study

    @process_model(
        [Parameter("rate")], forcings=["ta"], targets=["reco"], rowwise=False
    )
    def total(p, f):
        return p.rate + 0 * f.ta.sum()

    model = ScIReN(KANEncoder(1, 1), "auto", total)
    fit(model, parts.train, parts.valid, QUICK.replace(engine="first-order", epochs=2))
    assert list(baselines(model, parts, QUICK)) == [PERCEPTRON]
