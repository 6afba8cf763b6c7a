"""COMPAS: reference values, gradients, conservation and limits, over the whole bounds."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sciren.decoders import decoder_named
from sciren.decoders.clm5 import draw_forcing
from sciren.decoders.compas.layers import mixed_layers
from sciren.decoders.compas.pools import POOLS
from sciren.errors import DataError, DecoderError
from symbolic.units.algebra import parse_unit

NAMES = ("compas_a", "compas_b")
SITES = 6  # one of each climate, permafrost to tropical
VECTORS = json.loads(
    (Path(__file__).parents[3] / "data/process_vectors.json").read_text(
        encoding="utf-8"
    )
)
PROFILES = {"o_scalar", "n_scalar", "soil_temperature", "w_scalar"}


@pytest.fixture(params=NAMES)
def compas(request):
    return decoder_named(request.param)


def drawn(decoder, seed=0, rows=SITES, corners=False):
    """All parameters (P, rows) inside their bounds, or at them."""
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(
        len(decoder.parameters), rows, generator=generator, dtype=torch.float64
    )
    low, high = (
        torch.tensor([getattr(p, side) for p in decoder.parameters])[:, None]
        for side in ("low", "high")
    )
    return low + (high - low) * (share.round() if corners else share)


def named(decoder, values):
    names = [parameter.name for parameter in decoder.parameters]
    return SimpleNamespace(**dict(zip(names, values, strict=True)))


def uniform(given):
    """The forcing of one site that is the same in every layer and month."""
    found = {}
    for name, value in given.items():
        shape = (1, 20, 12) if name in PROFILES else (1, 12)
        shape = (1,) if name == "depth" else shape
        found[name] = torch.full(shape, value, dtype=torch.float64)
    return SimpleNamespace(**found)


@pytest.mark.parametrize("name", NAMES)
def test_reference_values_come_out(name):
    decoder = decoder_named(name)
    for row in VECTORS[name]:
        p = {n: torch.tensor([v], dtype=torch.float64) for n, v in row["p"].items()}
        found = decoder(SimpleNamespace(**p), uniform(row["f"]))
        for target, expected in row["out"].items():
            assert float(found[target]) == pytest.approx(expected, rel=1e-6), target


@pytest.mark.parametrize("corners", [False, True])
def test_what_enters_the_soil_is_respired(compas, corners):
    forcing = draw_forcing(60, seed=1)
    state = compas.steady_state(named(compas, drawn(compas, 1, 60, corners)), forcing)
    entering = state.sites.totals.sum(0)
    torch.testing.assert_close(state.respiration(), entering, rtol=1e-10, atol=0)
    assert bool(torch.isfinite(state.carbon).all())


def test_no_pool_is_negative_where_no_fraction_is(compas):
    values = drawn(compas, 2, 60)
    p = named(compas, values)
    if compas.name == "compas_a":  # shares that add up to more than one are its limit
        p.fl1_mic = torch.minimum(p.fl1_mic, 1 - p.fl1_doc)
        p.fmic_poc = torch.minimum(p.fmic_poc, 1 - p.fmic_doc)
    assert bool((compas.steady_state(p, draw_forcing(60, seed=2)).carbon >= 0).all())


def test_gradients_of_all_parameters_agree_with_differences(compas):
    forcing = draw_forcing(SITES, seed=3)
    values = drawn(compas, 3)
    count = len(values)
    # every parameter ahead and behind, all in one batch; beta takes part as its hundredfold
    # power, so that differences of steps of 1e-5 are off by 4e-7 and of 3e-6 by 4e-8
    share = 3e-6 * torch.eye(count, dtype=torch.float64).unsqueeze(-1)
    moved, back = values.unsqueeze(1) * (1 + share), values.unsqueeze(1) * (1 - share)
    many = torch.cat([moved, back], 1).reshape(count, -1)
    sites = forcing.take(torch.arange(SITES).repeat(2 * count))

    def carbon(at, where):
        # the upper ten layers, in logs, since pools of different sites are of different size
        return compas.steady_state(named(compas, at), where).carbon[:10].abs().log()

    leaf = values.clone().requires_grad_()
    result = carbon(leaf, forcing)
    weights = torch.randn(
        result.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64
    )
    (slope,) = torch.autograd.grad((weights * result).sum(), leaf)
    with torch.no_grad():
        ahead, behind = carbon(many, sites).reshape(10, 2, count, SITES, 7).unbind(1)
    difference = (weights[:, None] * (ahead - behind)).sum((0, -1)) / 6e-6
    torch.testing.assert_close(slope * values, difference, rtol=1e-6, atol=2e-7)


def test_faster_decay_of_minerals_leaves_less_of_them(compas):
    forcing = draw_forcing(SITES, seed=5)
    slow, fast = drawn(compas, 5), drawn(compas, 5)
    place = [parameter.name for parameter in compas.parameters].index("tau4maom")
    fast[place] = slow[place] / 2
    stocks = [
        compas.steady_state(named(compas, values), forcing).carbon
        for values in (slow, fast)
    ]
    assert bool((stocks[1][..., -1] < stocks[0][..., -1]).all())
    # debris waits for nobody
    torch.testing.assert_close(stocks[1][..., 0], stocks[0][..., 0], rtol=0, atol=0)


def test_debris_is_its_input_times_its_turnover_time(compas):
    forcing, values = draw_forcing(SITES, seed=6), drawn(compas, 6)
    state = compas.steady_state(named(compas, values), forcing)
    decayed = state.rates[..., 0] * state.carbon[..., 0]
    thickness = torch.tensor(
        [row[1] for row in _layers()], dtype=torch.float64
    ).unsqueeze(1)
    torch.testing.assert_close((thickness * decayed).sum(0), state.sites.totals[0])


def _layers():
    from sciren.decoders.clm5.geometry import LAYERS, NODES, THICKNESS

    return list(zip(NODES, THICKNESS, strict=True))[:LAYERS]


def test_soil_carbon_is_the_sum_of_its_pools_at_every_depth():
    decoder = decoder_named("compas_b")
    forcing = SimpleNamespace(**dict(draw_forcing(SITES, seed=7).items()))
    forcing.depth = torch.full((SITES,), 0.5, dtype=torch.float64)
    found = decoder(named(decoder, drawn(decoder, 7)), forcing)
    parts = sum(found[name] for name in ("pom", "maom", "doc", "mic"))
    torch.testing.assert_close(found["soc"], parts, rtol=1e-12, atol=0)


def test_units_bounds_and_starts_can_be_used(compas):
    for parameter in compas.parameters:
        assert parameter.meaning
        parse_unit(parameter.unit)
        assert parameter.low <= parameter.initial <= parameter.high
    for unit in compas.target_units.values():
        parse_unit(unit)
    latex = compas.equation_latex()
    assert r"\mathrm{fmic\_poc}" in latex
    assert latex.count(r"\\") > len(POOLS)


def test_parameters_are_declared_anew(compas):
    again = decoder_named(compas.name, parameters={"q10": "constant", "tau4poc": 4})
    assert again.constant_names == ("q10",)
    assert again.latent_names == ("efolding", "w_scaling", "tau4maom")
    assert again.expensive


def test_wrong_input_is_told(compas):
    forcing = SimpleNamespace(**dict(draw_forcing(SITES, seed=8).items()))
    forcing.depth = torch.full((SITES,), 30.0, dtype=torch.float64)
    with pytest.raises(DataError, match="divide centimetres"):
        compas(named(compas, drawn(compas)), forcing)
    forcing.depth[:] = 0.1
    forcing.o_scalar = torch.zeros_like(forcing.o_scalar)
    forcing.altmax_current = forcing.altmax_lastyear = torch.zeros(SITES, 12)
    with pytest.raises(DecoderError, match="carbon cannot leave layer 0 of row 0"):
        compas(named(compas, drawn(compas)), forcing)


def test_a_second_derivative_is_refused():
    one = torch.ones(2, 1, dtype=torch.float64)
    rate = torch.eye(2, dtype=torch.float64).expand(2, 1, 2, 2).clone().requires_grad_()
    pools = mixed_layers(rate, 0 * one, 0 * one, one[..., None].expand(2, 1, 2))
    with pytest.raises(DecoderError, match="first derivatives only"):
        torch.autograd.grad(pools.sum(), rate, create_graph=True)
