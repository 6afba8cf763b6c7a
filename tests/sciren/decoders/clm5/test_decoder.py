"""The decoder: subsets of parameters, rows as observations, training, its equation."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import (
    KANEncoder,
    ScIReN,
    Table,
    TrainConfig,
    fit,
    load_model,
    save_model,
)
from sciren.decoders import CLM5SoilCarbon, decoder_named
from sciren.decoders.clm5 import draw_forcing
from sciren.decoders.clm5.parameters import NAMES, to_physical
from sciren.errors import (
    DataError,
    DecoderError,
    FormatError,
    ParameterError,
    ShapeError,
)

SITES = 24


def rows_of(model, forcing, seed=0, per_site=3):
    """Latents (n, L) inside their bounds, row forcings by name, unit parameters."""
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(len(forcing)), per_site)
    unit = torch.tensor(0.2 + 0.6 * rng.random((len(forcing), len(model.predicted))))
    complete = model.complete(unit)
    places = [NAMES.index(name) for name in model.predicted]
    latents = to_physical(complete)[:, places][site]
    depth = torch.tensor(10 ** rng.uniform(-2, 0.3, len(site)))
    return (
        latents,
        {"site": torch.tensor(site, dtype=torch.float64), "depth": depth},
        complete,
    )


@pytest.mark.parametrize(
    "predicted",
    [("efolding", "tau4s3", "fs1s3", "w-scaling"), ("q10",), ("beta", "diffus"), NAMES],
)
def test_rows_are_the_steady_state_at_their_depth(predicted):
    forcing = draw_forcing(SITES, 1)
    model = CLM5SoilCarbon(predicted)
    latents, rows, unit = rows_of(model, forcing)
    pools = model.steady_state(unit, forcing)
    depth = rows["depth"].reshape(SITES, -1)
    expected = model.at_depth(model.soc(pools), depth).reshape(-1, 1)
    bound = model.at_sites(forcing)
    none = torch.empty(0, dtype=torch.float64)
    found = bound.evaluate(latents, none, rows)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    site = rows["site"].long()
    unbound = {name: value[site] for name, value in forcing.items()}
    again = model.evaluate(latents, none, unbound | {"depth": rows["depth"]})
    torch.testing.assert_close(again, expected, rtol=1e-12, atol=0)


def test_shared_constants_are_parameters_too():
    forcing = draw_forcing(SITES, 2)
    model = CLM5SoilCarbon(["efolding"], constants=["q10"], fixed={"q10": 2.0})
    assert model.constant_names == ("q10",)
    assert model.parameters["q10"].initial == 2.0
    latents, rows, _ = rows_of(model, forcing)
    bound = model.at_sites(forcing)
    found = bound.evaluate(latents, torch.tensor([2.0]).double(), rows)
    other = CLM5SoilCarbon(["efolding"], fixed={"q10": 2.0}).at_sites(forcing)
    expected = other.evaluate(latents, torch.empty(0).double(), rows)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_latents_receive_the_gradient_of_their_own_row():
    forcing = draw_forcing(6, 3)
    model = CLM5SoilCarbon().at_sites(forcing)
    latents, rows, _ = rows_of(model, forcing, per_site=2)
    unit_width = torch.tensor([p.high - p.low for p in model.parameters])
    leaf = ((latents - 0) / unit_width).requires_grad_()
    none = torch.empty(0).double()

    def scaled(u):
        return torch.log(model.evaluate(u * unit_width, none, rows) + 1.0)

    assert torch.autograd.gradcheck(scaled, leaf, eps=1e-6, atol=1e-6, rtol=1e-5)


def test_a_missing_depth_is_a_missing_value():
    forcing = draw_forcing(4, 4)
    model = CLM5SoilCarbon().at_sites(forcing)
    latents, rows, _ = rows_of(model, forcing)
    rows["depth"][5] = float("nan")
    latents.requires_grad_()
    found = model.evaluate(latents, torch.empty(0).double(), rows)[:, 0]
    assert torch.isnan(found).nonzero().flatten().tolist() == [5]
    torch.nansum(found).backward()
    assert latents.grad is not None
    assert bool(torch.isfinite(latents.grad).all())


def study(n_sites=150, seed=5):
    """Rows of a drawn truth: turnover and e-folding follow two of three features."""
    rng = np.random.default_rng(seed)
    forcing = draw_forcing(n_sites, seed)
    features = rng.random((n_sites, 3))
    model = CLM5SoilCarbon(["efolding", "tau4s3"])
    unit = np.column_stack(
        [0.2 + 0.5 * features[:, 0] ** 2, 0.7 - 0.4 * features[:, 1]]
    )
    pools = model.steady_state(model.complete(torch.tensor(unit)), forcing)
    depth = torch.tensor([[0.05, 0.3, 0.8]]).double().expand(n_sites, -1)
    soc = model.at_depth(model.soc(pools), depth).numpy()
    site = np.repeat(np.arange(n_sites), 3)
    frame = pd.DataFrame(features[site], columns=["a", "b", "c"])
    frame["site"], frame["depth"], frame["soc"] = (
        site,
        depth.numpy().ravel(),
        soc.ravel(),
    )
    table = Table.from_frame(
        frame, ["a", "b", "c"], ["site", "depth"], ["soc"], groups="site"
    )
    return model.at_sites(forcing), table, unit[site]


def test_gauss_newton_recovers_the_parameters_behind_observed_carbon():
    decoder, table, unit = study()
    encoder = KANEncoder(3, 2, seed=0)
    model = ScIReN(encoder, "auto", decoder)
    rows = torch.arange(len(table))
    train, valid = table.take(rows[rows % 5 != 0]), table.take(rows[rows % 5 == 0])
    fit(model, train, valid, TrainConfig(residual="log"))
    found = model.latents(table).numpy()
    low, high = model.low.numpy(), model.high.numpy()
    gap = (found - low) / (high - low) - unit
    r2 = 1 - (gap**2).sum(0) / ((unit - unit.mean(0)) ** 2).sum(0)
    assert (r2 > 0.99).all(), r2


def test_settings_rebuild_it():
    model = CLM5SoilCarbon(["q10"], ["beta"], {"tau4s3": 100.0}, "conservative")
    again = CLM5SoilCarbon(**model.settings())
    assert again.settings() == model.settings()
    assert again.values == model.values
    assert decoder_named("clm5").settings() == CLM5SoilCarbon().settings()


def test_models_bound_to_sites_are_stored_and_need_their_sites_to_load(tmp_path):
    decoder, table, _ = study(30)
    model = ScIReN(KANEncoder(3, 2, seed=1), "auto", decoder)
    fit(
        model, table, table, TrainConfig(residual="log", engine="first-order", epochs=2)
    )
    save_model(model, tmp_path)
    again = load_model(tmp_path, decoder)
    assert torch.equal(again.predict(table).targets, model.predict(table).targets)
    with pytest.raises(FormatError, match="pass decoder="):
        load_model(tmp_path)


def test_its_equation_names_what_is_predicted_and_prints_the_rest():
    latex = CLM5SoilCarbon(["efolding", "w_scaling"], fixed="clm5").equation_latex()
    assert latex.count(r"\begin") == latex.count(r"\end")
    assert latex.count("{") == latex.count("}")
    assert r"\mathrm{efolding}" in latex
    assert r"w_{\mathrm{scaling}}" in latex
    assert "q10" not in latex
    assert "1.5^{(T_{jm}" in latex
    assert r"0.0001\, \mathbf{V}_{\mathrm{bio}}" in latex
    middle = CLM5SoilCarbon(["q10"], fixed={"diffus": 4e-5}).equation_latex()
    assert r"4 \cdot 10^{-5}\, \mathbf{V}_{\mathrm{bio}}" in middle
    everything = CLM5SoilCarbon(NAMES).equation_latex()
    assert all(
        name in everything for name in NAMES if name not in ("beta", "w_scaling")
    )


def test_stocks_turnover_and_members():
    forcing = draw_forcing(5, 6)
    model = CLM5SoilCarbon(transport="conservative")
    unit = torch.full((5, 21), 0.5, dtype=torch.float64)
    pools = model.steady_state(unit, forcing)
    soc = model.soc(pools)
    assert bool((model.stock(soc, 0.3) < model.stock(soc)).all())
    # respiration balances inputs, so the carbon turns over once in this time
    years = model.turnover(pools, forcing)
    assert bool(((years > 1) & (years < 1e6)).all())
    with pytest.raises(ShapeError, match="one member at a time"):
        model.respiration(pools, unit.expand(2, 5, 21), forcing)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"transport": "leaky"}, DecoderError, "transport 'leaky' is not known"),
        ({"predicted": ["q10"], "constants": ["q10"]}, DecoderError, "name one twice"),
        ({"predicted": ["tau"]}, ParameterError, "no parameter 'tau'"),
    ],
)
def test_declarations_are_checked(settings, error, message):
    with pytest.raises(error, match=message):
        CLM5SoilCarbon(**settings)


def test_wrong_numbers_of_sites_and_parameters_are_refused():
    model, forcing = CLM5SoilCarbon(), draw_forcing(3)
    with pytest.raises(ShapeError, match="the forcing has 3 sites"):
        model.steady_state(torch.zeros(4, 21), forcing)
    with pytest.raises(ShapeError, match="4 parameters are predicted"):
        model.complete(torch.zeros(4, 3))


@pytest.mark.parametrize("site", [-1.0, 4.0, 0.5, float("nan")])
def test_unknown_sites_are_refused(site):
    model = CLM5SoilCarbon().at_sites(draw_forcing(4))
    latents, rows, _ = rows_of(model, model.sites)
    rows["site"][7] = site
    with pytest.raises(DataError, match=r"site of row 7 is .*knows sites 0 to 3"):
        model.evaluate(latents, torch.empty(0).double(), rows)


def test_latents_outside_the_prior_are_refused():
    model = CLM5SoilCarbon().at_sites(draw_forcing(4))
    latents, rows, _ = rows_of(model, model.sites)
    latents[3, 1] = 900.0
    with pytest.raises(
        ParameterError, match=r"'tau4s3' of site 3 is 2.3.*physical 900"
    ):
        model.evaluate(latents, torch.empty(0).double(), rows)
