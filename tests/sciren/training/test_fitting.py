"""fit: the choice of the engine, repeats, and every reason not to train."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from sciren import functions as fn
from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.encoders import AdditiveEncoder, KANEncoder, LinearEncoder, MLPEncoder
from sciren.errors import ColumnError, ConfigError, DataError, TrainingError
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.training.config import TrainConfig
from sciren.training.devices import device_named
from sciren.training.engines import choose_engine, gauss_newton_obstacle
from sciren.training.fitting import fit

Q = Parameter("q10", low=0.0, start=1.5, kind="constant")


def respiration_model(encoder=None, decoder=None):
    encoder = KANEncoder(3, 1, grid=4) if encoder is None else encoder
    return ScIReN(encoder, "auto", decoder or Q10Respiration())


@pytest.fixture
def tables(make):
    return make.respiration(200)[0], make.respiration(100, seed=1)[0]


def states(model):
    return {name: part.clone() for name, part in model.state_dict().items()}


# -- the engine ---------------------------------------------------------------------
@process_model([Parameter("rb", low=0.0), Q], ["ta"], ["reco"], rowwise=False)
def mixes_rows(p, f):
    return p.rb * p.q10 ** ((f.ta - f.ta.mean()) / 10)


OBSTACLES = [
    (KANEncoder(3, 1, hidden=(2, 2)), None, "the encoder has 2 hidden layers"),
    (
        KANEncoder(3, 1, base="silu"),
        None,
        "the edges have a silu base, which splines do not hold",
    ),
    (
        KANEncoder(3, 1, hidden=(1,), outside="zero"),
        None,
        "curves of hidden nodes cannot end at zero outside their knots",
    ),
    (
        KANEncoder(3, 1, grid=1000),
        None,
        "it has 3009 coefficients, more than 3000",
    ),
    (MLPEncoder(3, 1), None, "the encoder is a MLPEncoder, not a KANEncoder"),
    (LinearEncoder(3, 1), None, "the encoder is a LinearEncoder, not a KANEncoder"),
    (AdditiveEncoder(3, 1), None, "the encoder is a AdditiveEncoder, not a KANEncoder"),
    (
        KANEncoder(3, 1),
        mixes_rows,
        "decoder 'mixes_rows' does not act row by row",
    ),
]


@pytest.mark.parametrize(("encoder", "decoder", "reason"), OBSTACLES)
def test_auto_says_why_it_takes_first_order(encoder, decoder, reason):
    model = respiration_model(encoder, decoder)
    found = choose_engine(model, TrainConfig())
    assert found == ("first-order", f"first-order, because {reason}")
    assert gauss_newton_obstacle(model, 3000) == reason
    asked = TrainConfig(engine="first-order")
    assert choose_engine(model, asked) == ("first-order", "first-order was asked for")


@pytest.mark.parametrize(("encoder", "decoder", "reason"), OBSTACLES)
def test_gauss_newton_is_refused_where_it_cannot_work(tables, encoder, decoder, reason):
    model = respiration_model(encoder, decoder)
    before = states(model)
    with pytest.raises(
        TrainingError, match="engine 'gauss-newton' cannot train"
    ) as caught:
        fit(model, *tables, TrainConfig(engine="gauss-newton"))
    assert f"this model: {reason}. Use engine 'auto' or" in str(caught.value)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_shared_hidden_nodes_and_a_ladder_have_obstacles_of_their_own(make):
    shared = ScIReN(KANEncoder(2, 2, hidden=(2,), shared=True), "auto", make.exchange)
    assert gauss_newton_obstacle(shared, 3000) == "the latents share hidden nodes"
    ending = respiration_model(KANEncoder(3, 1, outside="zero"))
    assert gauss_newton_obstacle(ending, 3000) is None
    assert "cannot end at zero" in str(gauss_newton_obstacle(ending, 3000, ladder=True))


@pytest.mark.parametrize("encoder", [KANEncoder(3, 1), KANEncoder(3, 1, hidden=(2,))])
def test_row_wise_models_of_moderate_size_are_solved(encoder):
    model = respiration_model(encoder)
    assert choose_engine(model, TrainConfig()) == (
        "gauss-newton",
        "gauss-newton solves a row-wise model of this size directly",
    )
    asked = TrainConfig(engine="gauss-newton")
    assert choose_engine(model, asked) == (
        "gauss-newton",
        "gauss-newton was asked for",
    )


def test_the_history_says_which_engine_and_why(tables):
    history = fit(respiration_model(), *tables, TrainConfig(smooth=1e-3))
    assert history.engine == "gauss-newton"
    assert (
        history.reason == "gauss-newton solves a row-wise model of this size directly"
    )
    model = respiration_model(MLPEncoder(3, 1))
    history = fit(model, *tables, TrainConfig(epochs=2))
    assert history.engine == "first-order"
    assert "MLPEncoder" in history.reason
    (said,) = [m for m in history.messages if "profile" in m]
    assert said.startswith(
        "The constants have no profile, because the encoder is a MLP"
    )


# -- repeats ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ladder": True, "starts": 3, "start_rows": 60, "profile_points": 7},
        {"bootstrap": 5},
        {"engine": "first-order", "epochs": 2},
    ],
    ids=str,
)
def test_the_same_seed_gives_the_same_bits(tables, settings):
    found = []
    for _ in range(2):
        torch.rand(3)  # whatever the global generator does
        model = respiration_model()
        history = fit(model, *tables, TrainConfig(seed=4, **settings))
        found.append((states(model), history.profiles, history.rows))
    (one, profiles, rows), (two, others, more) = found
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert profiles == others
    assert rows == more


def test_no_global_state_is_touched(tables):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    config = TrainConfig(ladder=True, starts=2, profile_points=5)
    fit(respiration_model(), *tables, config)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_default_dtype() == dtype
    assert torch.get_num_threads() == threads


def test_tables_are_left_as_they_were(tables):
    copies = [replace(table, features=table.features.clone()) for table in tables]
    targets = [table.targets.clone() for table in tables]
    fit(respiration_model(), *tables)
    for table, copy, y in zip(tables, copies, targets, strict=True):
        assert torch.equal(table.features, copy.features)
        assert torch.equal(table.targets, y)


# -- what it learns -----------------------------------------------------------------
def test_plain_regression_needs_no_decoder(make):
    x = make.normals(300, 3)
    y = torch.stack((x[:, 0] + x[:, 1] ** 2, 5 + 100 * x[:, 2]), 1)
    table = Table(x, {}, y, ("a", "b", "c"), ("u", "v"))
    model = ScIReN(KANEncoder(3, 2))
    history = fit(model, table, table)
    gap = model.predict(table).targets - y
    assert bool((gap.std(0) < 0.05 * y.std(0)).all())
    mask = model.encoder.spline_layers[0].mask.bool()
    assert mask.T.tolist() == [[True, True, False], [False, False, True]]
    assert model.target_names == ("u", "v")
    assert history.summaries == {}
    assert history.profiles == []


def test_several_targets_and_gaps_share_their_latents(make):
    train, valid = make.exchanged(300), make.exchanged(200, seed=5)
    model = ScIReN(KANEncoder(2, 2, grid=5), "auto", make.exchange)
    config = TrainConfig(smooth=1e-3, profile_points=5)
    history = fit(model, train, valid, config)
    found = model.predict(valid).targets
    for k in range(2):
        seen = valid.observed[:, k]
        gap = found[seen, k] - valid.targets[seen, k]
        assert float(gap.var() / valid.targets[seen, k].var()) < 0.05
    assert set(history.summaries) >= {"k", "shift"}


def test_the_order_of_targets_and_their_names_do_not_matter(make):
    train = make.exchanged(100)
    turned = replace(
        train, targets=train.targets.flip(1), target_names=train.target_names[::-1]
    )
    found = []
    for table in (train, turned):
        model = ScIReN(KANEncoder(2, 2, grid=4), "auto", make.exchange)
        fit(model, table, table, TrainConfig(smooth=1e-2, profiles=False))
        found.append(states(model))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_observations_without_weight_do_not_count(tables):
    train, valid = tables
    weights = torch.ones(200, dtype=torch.float64)
    weights[:50] = 0
    wild = train.targets.clone()
    wild[:50] *= 100
    spoiled = replace(train, targets=wild, weights=weights)
    # The scale of the comparison is learned on all rows; the constant cares little.
    model = respiration_model()
    fit(model, spoiled, valid, TrainConfig(smooth=1e-3, profiles=False))
    assert model.constants()["q10"] == pytest.approx(1.5, abs=0.05)


def test_residuals_of_logs_serve_noise_that_multiplies(make):
    errors = {"identity": 0.0, "log": 0.0}
    for seed in range(3):
        train, _ = make.respiration(200, seed, noise=0.0)
        shaken = train.targets * torch.exp(0.4 * make.normals(200, 1, seed=seed + 7))
        table = replace(train, targets=shaken)
        for kind in errors:
            model = respiration_model()
            config = TrainConfig(residual=kind, smooth=1e-2, profiles=False)
            fit(model, table, table, config)
            errors[kind] += abs(model.constants()["q10"] - 1.5)
    assert errors["log"] < 0.7 * errors["identity"]


# -- every error --------------------------------------------------------------------
def row_mean(p, f):
    return p.rb - p.rb.mean() + f.ta


def row_sum(p, f):
    return fn.exp(f.ta / 100) * p.rb.cumsum(0)


def neighbour(p, f):
    return p.rb * f.ta.roll(1)


@pytest.mark.parametrize("function", [row_mean, row_sum, neighbour])
def test_a_decoder_that_mixes_rows_unsaid_is_caught(tables, function):
    declared = process_model([Parameter("rb", low=0.0)], ["ta"], ["reco"])(function)
    message = f"decoder '{function.__name__}' gives other values when rows are left out"
    with pytest.raises(TrainingError, match=message):
        fit(respiration_model(decoder=declared), *tables)


@pytest.mark.parametrize("rows", [2, 3, 9])
def test_few_rows_are_enough_to_catch_it(make, rows):
    train, _ = make.respiration(rows)
    declared = process_model([Parameter("rb", low=0.0)], ["ta"], ["reco"])(row_mean)
    with pytest.raises(TrainingError, match="declare it with rowwise=False"):
        fit(respiration_model(decoder=declared), train, train)


def test_a_decoder_without_values_at_its_start_is_refused(tables):
    @process_model([Parameter("rb"), Q], ["ta"], ["reco"])
    def logs(p, f):
        return fn.log(p.rb - 5) * p.q10

    message = (
        r"decoder 'logs' gives no finite value in 200 of 200 training rows at the "
        r"start \(rb = 0, q10 = 1.5\); give its parameters other start values"
    )
    with pytest.raises(TrainingError, match=message):
        fit(respiration_model(decoder=logs), *tables)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (
            {"q11": (0.3, 5.0)},
            "profile_range names 'q11', which is no constant of decoder 'q10'. "
            "Closest names: q10.",
        ),
        (
            {"q10": (0.0, 5.0)},
            r"profile_range of 'q10' is 0 to 5, outside its bounds 0 to inf \(above zero",
        ),
        ({"q10": (-1.0, 5.0)}, "profile_range of 'q10' is -1 to 5, outside its bounds"),
    ],
)
def test_ranges_of_profiles_must_suit_a_constant(tables, ranges, message):
    with pytest.raises(ConfigError, match=message):
        fit(respiration_model(), *tables, TrainConfig(profile_range=ranges))


def test_ranges_of_profiles_stay_inside_both_bounds(make):
    model = ScIReN(KANEncoder(2, 2, grid=4), "auto", make.exchange)
    table = make.exchanged(60)
    with pytest.raises(
        ConfigError, match="'shift' is -3 to 4, outside its bounds -3 to 3"
    ):
        fit(model, table, table, TrainConfig(profile_range={"shift": (-3, 4)}))
    config = TrainConfig(profile_range={"shift": (-1, 1)}, select=False, smooth=1e-2)
    history = fit(model, table, table, config)
    assert history.summaries["shift"].searched == (-1, 1)


def test_a_range_must_rise():
    with pytest.raises(
        ValidationError, match=r"profile_range of 'q10': 2\.0 is not below"
    ):
        TrainConfig(profile_range={"q10": (2.0, 2.0)})


@pytest.mark.parametrize(("part", "factor"), [("targets", 1e60), ("targets", 1e-150),
                                              ("features", 1e200)])  # fmt: skip
def test_units_that_no_square_can_hold_are_refused(tables, part, factor):
    train = replace(tables[0], **{part: factor * getattr(tables[0], part)})
    with pytest.raises(
        DataError, match=rf"{part[:-1]} '.*divide the column by a power"
    ):
        fit(respiration_model(), train, tables[1], TrainConfig(epochs=1))


def test_a_device_that_is_not_there_is_refused(tables):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(
        TrainingError, match="device 'cuda:7' is not available here; use"
    ):
        fit(respiration_model(), *tables, TrainConfig(device="cuda:7"))


@pytest.mark.parametrize("name", ["quantum", "", "cpu:x"])
def test_a_device_that_is_none_is_refused(name):
    with pytest.raises(TrainingError, match=f"device {name!r} is not available here"):
        device_named(name)
    assert device_named("cpu").type == "cpu"


def test_tables_that_lack_a_forcing_are_refused(tables):
    train, valid = tables
    with pytest.raises(ColumnError, match="decoder 'q10' needs forcing 'ta'"):
        fit(respiration_model(), replace(train, forcings={}), valid)


@pytest.mark.parametrize("ladder", [False, True])
def test_a_second_fit_finds_the_same_answer(make, ladder):
    train, _ = make.respiration(200, truth="kink")
    model = respiration_model()
    found = []
    for _ in range(2):
        config = TrainConfig(ladder=ladder, starts=3, smooth=1e-2, profile_points=5)
        history = fit(model, train, train, config)
        found.append((model.constants()["q10"], model.latents(train)))
        assert history.summaries["q10"].identified
    (one, latents), (two, again) = found
    assert one == pytest.approx(two, abs=2e-3)
    assert float((latents - again).std()) < 0.05 * float(latents.std())
