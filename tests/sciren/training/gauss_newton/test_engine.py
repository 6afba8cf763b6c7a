"""The Gauss-Newton engine on small studies with known answers."""

import itertools
import math

import pytest
import torch

from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import KANEncoder, MLPEncoder
from sciren.errors import TrainingError
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.processes import SHELF
from sciren.solvers.effort import Effort
from sciren.training.config import TrainConfig
from sciren.training.fitting import fit
from sciren.training.gauss_newton import solver
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.engine import ALL_FEATURES
from sciren.training.gauss_newton.hidden import HiddenProblem
from sciren.training.gauss_newton.solver import StageSolver
from sciren.training.gauss_newton.starts import level
from sciren.training.history import History
from sciren.training.preparation import prepare
from sciren.training.progress import Silence


def trained(
    make,
    truth="sum",
    encoder=None,
    rows=400,
    noise=0.05,
    seed=0,
    weights="constant",
    **settings,
):
    """Model and history of one run on respiration, with validation rows and rb there."""
    train, _ = make.respiration(rows, seed, truth, noise)
    valid, rb = make.respiration(rows // 2, seed + 50, truth, noise)
    encoder = KANEncoder(3, 1, grid=(6,)) if encoder is None else encoder
    model = ScIReN(encoder, "auto", Q10Respiration())
    settings = {"smooth": 1e-2, "noise": weights} | settings
    history = fit(model, train, valid, TrainConfig(**settings))
    return model, history, valid, rb


def r2(found, truth):
    return 1 - float((found - truth).var() / truth.var())


def kept(model):
    """Names of the features that still have an edge."""
    mask = model.encoder.spline_layers[0].mask.bool().any(1).tolist()
    return [name for name, on in zip(model.feature_names, mask, strict=True) if on]


@pytest.fixture(scope="module")
def summed(make):
    """A sum of two curves, trained with the usual settings."""
    return trained(make)


@pytest.fixture(scope="module")
def climbed(make):
    """An absolute value, for which the ladder climbs."""
    return trained(make, "kink", rows=500, ladder=True, starts=6)


# -- what it finds ------------------------------------------------------------------
def test_a_sum_is_recovered_with_its_constant_and_edges(summed):
    model, history, valid, rb = summed
    assert kept(model) == ["a", "b"]
    assert model.constants()["q10"] == pytest.approx(1.5, abs=0.03)
    assert r2(model.latents(valid)[:, 0], rb) > 0.99
    assert history.engine == "gauss-newton"
    assert history.ladder == []
    assert model.encoder.hidden == ()


def test_the_ladder_climbs_for_an_absolute_value(climbed):
    model, history, valid, rb = climbed
    assert model.encoder.hidden[0] >= 1
    assert kept(model) == ["a", "b"]
    assert model.constants()["q10"] == pytest.approx(1.5, abs=0.03)
    assert r2(model.latents(valid)[:, 0], rb) > 0.95
    first, second, *_ = history.ladder
    assert (first["hidden_nodes"], second["hidden_nodes"]) == (0, 1)
    assert first["accepted"]
    assert second["accepted"]
    assert second["gain"] > 0.5
    assert second["valid_loss"] < 0.2 * first["valid_loss"]


def test_the_ladder_stays_down_for_a_sum(make):
    settings = {"ladder": True, "starts": 4, "profiles": False}
    model, history, *_ = trained(make, rows=1500, **settings)
    assert model.encoder.hidden == ()
    assert [step["accepted"] for step in history.ladder] == [True, False]
    assert math.isnan(history.ladder[1]["train_loss"])  # the starts already told


def test_a_stage_without_a_clear_gain_on_validation_is_refused(make):
    settings = {"ladder": True, "starts": 4, "rows": 300}
    settings |= {"profiles": False}
    model, history, *_ = trained(make, "kink", ladder_gain=0.999, **settings)
    assert model.encoder.hidden == ()
    assert not history.ladder[1]["accepted"]


def test_a_hidden_layer_that_is_asked_for_is_solved_as_asked(make):
    encoder = KANEncoder(3, 1, hidden=(2,), grid=(5, 12))
    model, history, valid, rb = trained(make, "sum", encoder, starts=2, rows=300)
    assert model.encoder.hidden == (2,)
    assert model.encoder.grid == (5, 12)
    assert r2(model.latents(valid)[:, 0], rb) > 0.95
    assert history.ladder == []
    assert {row["stage"] for row in history.rows} >= {"2 hidden, starts", "2 hidden"}


def two_latents(make, rows, seed=0):
    """y1 = |a + b| s, y2 = |a - b| t: a hidden node for each latent."""
    x = make.normals(rows, 2, seed=seed)
    s, t = (1 + make.normals(rows, seed=seed + k).abs() for k in (1, 2))
    latents = torch.stack(
        ((x[:, 0] + x[:, 1]).abs() + 0.2, (x[:, 0] - x[:, 1]).abs() + 0.2), 1
    )
    targets = latents * torch.stack((s, t), 1)
    targets = targets * (1 + 0.03 * make.normals(rows, 2, seed=seed + 3))
    return Table(x, {"s": s, "t": t}, targets, ("a", "b"), ("y1", "y2")), latents


@process_model(
    [Parameter("u", low=0.0), Parameter("v", low=0.0)], ["s", "t"], ["y1", "y2"]
)
def pair(p, f):
    return {"y2": p.v * f.t, "y1": p.u * f.s}


@pytest.mark.parametrize("shared", [False, True])
def test_every_latent_gets_hidden_nodes_of_its_own(make, shared):
    train, _ = two_latents(make, 250)
    valid, latents = two_latents(make, 200, seed=9)
    model = ScIReN(KANEncoder(2, 2, grid=5, shared=shared), "auto", pair)
    history = fit(model, train, valid, TrainConfig(ladder=True, starts=4, smooth=1e-2))
    assert history.ladder[1]["accepted"]
    nodes = model.encoder.hidden[0]
    assert nodes >= 1
    outer = model.encoder.spline_layers[1].mask
    assert outer.shape == (2 * nodes, 2)
    assert outer[:nodes, 0].all()
    assert not outer[:nodes, 1].any()
    found = model.latents(valid)
    for k in range(2):
        assert r2(found[:, k], latents[:, k]) > 0.95


def test_proportional_noise_makes_better_constants(make):
    errors = {"constant": 0.0, "proportional": 0.0}
    for seed, noise in itertools.product(range(4), errors):
        model, history, *_ = trained(
            make, noise=0.2, seed=seed, rows=300, weights=noise, profile_points=5
        )
        errors[noise] += abs(model.constants()["q10"] - 1.5)
        assert model.noise == noise
        assert history.summaries["q10"].estimate == pytest.approx(
            model.constants()["q10"], rel=1e-4
        )
    assert errors["proportional"] < 0.7 * errors["constant"]


def test_robust_noise_forgives_gross_errors(make):
    train, _ = make.respiration(500, noise=0.05)
    valid, rb = make.respiration(300, seed=9, noise=0.05)
    for table in (train, valid):
        table.targets[::20] *= 8.0  # every twentieth is grossly wrong
    found = {}
    for noise in ("constant", "robust"):
        model = ScIReN(KANEncoder(3, 1, grid=5), "auto", Q10Respiration())
        history = fit(model, train, valid, TrainConfig(noise=noise, profiles=False))
        found[noise] = 1 - r2(model.latents(valid)[:, 0], rb)
        said = [m for m in history.messages if m.startswith("Robust weights")]
        assert bool(said) == (noise == "robust")
    assert 5 <= float(said[0].split()[2]) < 15  # gross errors and a normal tail
    assert found["robust"] < 0.02
    assert found["robust"] < 0.2 * found["constant"]
    assert kept(model) == ["a", "b"]
    assert model.constants()["q10"] == pytest.approx(1.5, abs=0.03)


# -- constants ----------------------------------------------------------------------
@process_model(
    [Parameter("a"), Parameter("k", low=-3, high=3, start=-1.0, kind="constant")],
    ["t"],
    ["y"],
)
def cubic(p, f):
    """The effect k^3 - 3 k has a local optimum at -1 and the true one near 2.1."""
    return p.a + (p.k**3 - 3 * p.k) * f.t


@pytest.mark.parametrize("hidden", [(), (1,)])
@pytest.mark.parametrize("searched", [True, False])
def test_the_model_takes_the_best_minimum_that_its_profile_knows(
    make, hidden, searched, monkeypatch
):
    if not searched:
        nothing = lambda problem, theta, points, ranges: theta  # noqa: E731
        monkeypatch.setattr(solver, "search_constants", nothing)
        monkeypatch.setattr(level, "better_start", lambda null, theta: theta)
    x, t = make.normals(250, 2), make.normals(250, seed=3)
    y = (x[:, 0] + x[:, 1]).abs() + 2.5 * t + 0.4 * make.normals(250, seed=4)
    table = Table(x, {"t": t}, y.unsqueeze(1), ("a", "b"), ("y",))
    model = ScIReN(KANEncoder(2, 1, hidden=hidden), None, cubic)
    config = TrainConfig(starts=2, smooth=1e-3, profile_points=11)
    history = fit(model, table, table, config)
    assert model.constants()["k"] == pytest.approx(2.07, abs=0.15)
    summary = history.summaries["k"]
    assert model.constants()["k"] == pytest.approx(summary.estimate, rel=1e-4)
    said = "The profile led to a better minimum, taken over."
    assert (said in history.messages) == (not searched)
    points = [row for row in history.profiles if row["constant"] == "k"]
    assert len(points) == 12


@pytest.mark.parametrize("study", ["summed", "climbed"])
def test_the_summary_speaks_of_the_models_own_constants(request, study):
    model, history, *_ = request.getfixturevalue(study)
    summary = history.summaries["q10"]
    assert summary.estimate == pytest.approx(model.constants()["q10"], rel=1e-3)
    assert summary.identified
    assert {row["constant"] for row in history.profiles} == set(history.summaries)


def concurvity(make, rows=300, seed=0):
    """The feature ta and q10 explain the same; without it q10 is sharp."""
    ta = 10 + 8 * make.normals(rows, seed=seed)
    rb = 2.0 * 1.02 ** (ta - 10)  # rb drifts with temperature
    reco = rb * 1.5 ** ((ta - 15) / 10) * (1 + 0.05 * make.normals(rows, seed=seed + 1))
    x = torch.stack((ta, make.normals(rows, seed=seed + 2)), 1)
    return Table(x, {"ta": ta}, reco.unsqueeze(1), ("ta", "b"), ("reco",))


def test_what_selection_alone_pins_down_is_not_identified(make):
    train, valid = concurvity(make), concurvity(make, seed=30)
    model = ScIReN(KANEncoder(2, 1, grid=5), "auto", Q10Respiration())
    history = fit(model, train, valid, TrainConfig())
    summary = history.summaries["q10"]
    assert not summary.identified
    if not model.encoder.spline_layers[0].mask[0].any():  # ta was dropped
        assert summary.reason.startswith("with all offered features ")
        assert not history.summaries["q10" + ALL_FEATURES].identified


def test_profiles_on_some_rows_say_so_and_keep_the_models_estimate(
    make, summed, monkeypatch
):
    few = Effort(rows=150, steps=20, tolerance=1e-7)
    monkeypatch.setattr(AdditiveProblem, "profile_effort", few)
    model, history, *_ = trained(make)
    assert any("computed on 150 of the training rows" in m for m in history.messages)
    summary = history.summaries["q10"]
    assert summary.estimate == pytest.approx(model.constants()["q10"])
    # Chi-square is scaled to all rows, as is the error.
    plain = summed[1].summaries["q10"]
    assert summary.error == pytest.approx(plain.error, rel=0.5)


# -- edges --------------------------------------------------------------------------
def test_every_edge_stays_without_selection(make):
    model, history, *_ = trained(make, select=False, profiles=False)
    assert kept(model) == ["a", "b", "c"]
    assert history.selection == []


def test_hidden_candidates_may_compete_on_some_of_the_rows(make, monkeypatch):
    monkeypatch.setattr(solver, "FEW_ROWS", 250)
    few = Effort(rows=150, steps=6, tolerance=1e-4)
    monkeypatch.setattr(HiddenProblem, "profile_effort", few)
    settings = {"ladder": True, "starts": 4, "profile_points": 5}
    model, history, valid, rb = trained(make, "kink", rows=500, **settings)
    assert kept(model) == ["a", "b"]
    assert r2(model.latents(valid)[:, 0], rb) > 0.95
    assert history.selection[-1]["edges"] >= 1


def test_stored_edges_are_centred_on_the_training_rows(make, summed):
    model, *_ = summed
    train, _ = make.respiration(400)
    layer = model.encoder.spline_layers[0]
    edges = layer.edges(model.scaled(train.features)).detach()
    assert float(edges.mean(0).abs().max()) < 1e-10


NOISE = {"base": "identity", "start": "noise"}


@pytest.mark.parametrize(
    ("hidden", "settings"),
    [((), {}), ((), {"outside": "zero"}), ((), NOISE), ((1,), {}), ((1,), NOISE)],
    ids=str,
)
def test_the_stored_model_is_the_solved_one(make, hidden, settings):
    encoder = KANEncoder(3, 1, hidden=hidden, grid=6, **settings)
    model, history, *_ = trained(
        make, "kink", encoder, select=False, starts=2, rows=200, noise=0.02,
        profiles=False,
    )  # fmt: skip
    train, _ = make.respiration(200, truth="kink", noise=0.02)
    gap = (model.predict(train).targets - train.targets) / train.targets.std(
        correction=0
    )
    assert float(gap.pow(2).mean()) == pytest.approx(history.rows[-1]["data"], rel=1e-6)


def test_smoothing_is_chosen_on_validation_unless_it_is_given(make, summed):
    *_, history = trained(make, smooth_choices=(1e-3, 10.0))[:2]
    (line,) = [m for m in history.messages if m.startswith("Smoothing was chosen")]
    assert "0.001: " in line
    assert ", 10: " in line
    *_, history = summed[:2]
    assert not any("Smoothing" in message for message in history.messages)


def test_few_noisy_rows_still_show_a_product(make):
    """With loose curves alone validation refuses every hidden node of these rows."""
    names, columns = ["a", "b", "c"], make.normals(500, 3, seed=4)
    product = columns[:, 0] * columns[:, 1]
    seen = product + 0.5 * make.normals(500, seed=5)
    frame = dict(zip([*names, "y"], (*columns.numpy().T, seen.numpy()), strict=True))
    table = Table.from_frame(frame, features=names, targets=["y"])
    train, valid, test = (
        table.take(slice(150)),
        table.take(slice(150, 250)),
        table.take(slice(250, 500)),
    )

    def scored(**settings):
        model = ScIReN(KANEncoder(3, 1), "auto")
        fit(model, train, valid, TrainConfig(ladder=True, starts=16, **settings))
        return r2(model.predict(test).targets.squeeze(), product[250:])

    assert scored() > 0.8
    assert scored(smooth_hidden_choices=()) < 0.2


# -- the record ---------------------------------------------------------------------
def test_every_step_is_recorded_term_by_term_and_none_rises(climbed):
    _, history, *_ = climbed
    frame = history.frame()
    assert list(frame.columns) == [
        "stage",
        "step",
        "total",
        "data",
        "violation",
        "smooth",
    ]
    assert (frame[["data", "violation", "smooth"]] >= 0).all().all()
    sums = frame[["data", "violation", "smooth"]].sum(axis=1)
    assert sums.to_numpy() == pytest.approx(frame["total"].to_numpy())
    for _, rows in frame.groupby("stage", sort=False):
        runs = (rows["step"].diff() != 1).cumsum()
        for _, run in rows.groupby(runs):
            pairs = itertools.pairwise(run["total"])
            assert all(after <= before * (1 + 1e-12) for before, after in pairs)


def test_progress_hears_every_stage(make):
    heard = []

    class Ear(Silence):
        def update(self, stage, step, total, values):
            heard.append((stage, step, total, set(values)))

    train, _ = make.respiration(200)
    model = ScIReN(KANEncoder(3, 1, grid=4), "auto", Q10Respiration())
    fit(model, train, train, TrainConfig(smooth=1e-3), progress=Ear())
    assert {stage for stage, *_ in heard} == {"additive, smooth 0.001"}
    assert all(step <= total and values == {"loss"} for _, step, total, values in heard)


@pytest.mark.parametrize("scale", ["data", "unit"])
def test_the_unit_of_the_latents_is_by_choice(make, scale):
    model, *_ = trained(make, latent_scale=scale, profiles=False)
    assert (model.output_scale.tolist() == [1.0]) == (scale == "unit")
    assert model.constants()["q10"] == pytest.approx(1.5, abs=0.03)


def test_only_spline_networks_can_be_solved(make):
    train, _ = make.respiration(50)
    model = ScIReN(MLPEncoder(3, 1), "auto", Q10Respiration())
    config = TrainConfig()
    data = prepare(model, train, train, config)
    with pytest.raises(
        TrainingError, match="the Gauss-Newton engine needs a KANEncoder"
    ):
        StageSolver(model, data, config, History("gauss-newton"), Silence())


def test_a_search_that_ends_without_values_says_which_start_to_change(make):
    x = make.normals(60, 2)
    table = Table(x, {}, 1e30 * torch.exp(x[:, :1]), ("a", "b"), ("y",))
    model = ScIReN(KANEncoder(2, 1), None, SHELF["log_link"])
    with pytest.raises(TrainingError, match=r"began at z = 0.*targets another unit"):
        fit(model, table, table, TrainConfig(starts=1))
