"""Laws of the steady state: conservation, sign, batches, gradients."""

import pytest
import torch

from sciren.decoders.clm5 import CLM5SoilCarbon, draw_forcing
from sciren.decoders.clm5 import solve as solving
from sciren.decoders.clm5.geometry import THICKNESS
from sciren.decoders.clm5.parameters import to_physical
from sciren.decoders.clm5.sites import prepare
from sciren.decoders.clm5.solve import Carbon, CarbonAt, Pools, Problem, solve
from sciren.errors import DecoderError

RULES = ["published", "conservative"]


@pytest.mark.parametrize("rule", RULES)
def test_pools_are_finite_and_never_negative(rule, drawn):
    unit, forcing = drawn(3000, 11)
    pools = CLM5SoilCarbon(transport=rule).steady_state(unit, forcing)
    assert bool(torch.isfinite(pools).all())
    assert bool((pools >= 0).all())


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(10))
def test_the_laws_hold_on_a_hundred_thousand_draws(rule, seed, drawn):
    unit, forcing = drawn(10_000, 100 + seed)
    model = CLM5SoilCarbon(transport=rule)
    pools = model.steady_state(unit, forcing)
    assert bool((torch.isfinite(pools) & (pools >= 0)).all())
    assert_balanced(model.balance(unit, forcing), rule)


def assert_balanced(found, rule):
    if rule == "conservative":
        assert float((found.respiration / found.input - 1).abs().max()) < 1e-13
    gap = (found.input - found.respiration - found.loss).abs()
    scale = torch.maximum(found.input, found.loss.abs())
    assert float((gap / scale).max()) < 1e-10


@pytest.mark.parametrize("rule", RULES)
def test_what_enters_is_respired_or_lost(rule, drawn):
    unit, forcing = drawn(2500, 12)
    model = CLM5SoilCarbon(transport=rule)
    found = model.balance(unit, forcing)
    assert_balanced(found, rule)
    respired = model.respiration(model.steady_state(unit, forcing), unit, forcing)
    torch.testing.assert_close(respired, found.respiration, rtol=1e-13, atol=0)


def test_the_published_rule_loses_carbon_only_at_bedrock(drawn):
    unit, forcing = drawn(300, 13)
    moderate = 0.5 + 0.2 * (unit - 0.5)
    found = CLM5SoilCarbon().balance(moderate, forcing)
    deep = forcing.nbedrock[:, 0] >= 19
    share = (found.loss / found.input).abs()
    assert float(share[deep].max()) < 1e-12
    assert float(share[~deep].max()) > 1e-3


def test_conservative_mixing_takes_as_much_as_it_gives(drawn):
    unit, forcing = drawn(40, 14)
    model = CLM5SoilCarbon(transport="conservative")
    lower, upper = model.mixing(unit, forcing)
    thick = torch.tensor(THICKNESS[:20], dtype=torch.float64)
    torch.testing.assert_close(
        (thick * upper)[:, :-1], (thick * lower)[:, 1:], rtol=1e-14, atol=0
    )


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_equals_its_rows_one_by_one(rule, drawn):
    unit, forcing = drawn(12, 15)
    model = CLM5SoilCarbon(transport=rule)
    whole = model.steady_state(unit, forcing)
    for row in range(len(unit)):
        alone = model.steady_state(
            unit[row : row + 1], forcing.take(torch.tensor([row]))
        )
        torch.testing.assert_close(alone[0], whole[row], rtol=1e-12, atol=0)


def test_members_are_solved_together(drawn):
    unit, forcing = drawn(10, 16)
    model = CLM5SoilCarbon()
    members = torch.stack([unit, 1 - unit, 0.5 * unit])
    found = model.steady_state(members, forcing)
    assert found.shape == (3, 10, 7, 20)
    for one, member in zip(found, members, strict=True):
        alone = model.steady_state(member, forcing)
        torch.testing.assert_close(one, alone, rtol=1e-13, atol=0)


def test_missing_parameters_give_missing_carbon_at_their_site_only(drawn):
    unit, forcing = drawn(6, 17)
    whole = CLM5SoilCarbon().steady_state(unit, forcing)
    unit[2, 4] = float("nan")
    found = CLM5SoilCarbon().steady_state(unit, forcing)
    assert bool(torch.isnan(found[2]).any())
    others = [0, 1, 3, 4, 5]
    torch.testing.assert_close(found[others], whole[others], rtol=1e-9, atol=0)


@pytest.mark.parametrize("method", ["auto", "blocks"])
@pytest.mark.parametrize("rule", RULES)
def test_gradients_agree_with_differences(rule, method, drawn):
    forcing = drawn(18, 18)[1]
    unit = 0.2 + 0.6 * drawn(18, 19)[0]
    sites = prepare(forcing, rule)
    weights = torch.rand(20, 7, 18, dtype=torch.float64) / 1e4

    def total(u):
        """Weighted pools of every site, for one or several sets of parameters."""
        sets = len(u) // len(unit)
        rows = torch.arange(len(unit)).repeat(sets)
        pools = solve(to_physical(u).T, Problem(sites, Pools(), rows, method))
        return (weights.repeat(1, 1, sets) * pools).sum((0, 1))

    leaf = unit.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(total(leaf).sum(), leaf)
    scale = gradient.abs().amax(1)
    best = torch.full_like(gradient, torch.inf)
    for width in (1e-3, 1e-4, 1e-5):
        best = torch.minimum(best, (central(total, unit, width) - gradient).abs())
    assert float((best / scale.unsqueeze(1)).max()) < 1e-7


def central(function, unit, width):
    """Fourth-order central difference of each site by every parameter, (n, 21)."""
    step = width * torch.eye(21, dtype=torch.float64).repeat_interleave(len(unit), 0)
    every = unit.repeat(21, 1)
    near = function(every + step) - function(every - step)
    far = function(every + 2 * step) - function(every - 2 * step)
    return ((8 * near - far) / (12 * width)).view(21, len(unit)).T


def test_kept_and_repeated_solutions_give_the_same_gradient(drawn, monkeypatch):
    unit, forcing = drawn(50, 20)
    sites = prepare(forcing, "published")
    slope = torch.rand(20, 50, dtype=torch.float64)

    def gradient():
        leaf = to_physical(unit).T.requires_grad_()
        found = solve(leaf, Problem(sites, Carbon()))
        return torch.autograd.grad(found, leaf, slope)[0]

    kept = gradient()
    monkeypatch.setattr(solving, "CHUNK", 16)
    for limit in ("WHOLE_ROWS", "KEEP_ROWS"):
        monkeypatch.setattr(solving, limit, 0)
        scale = kept.abs().amax(0)
        assert float(((gradient() - kept).abs() / scale).max()) < 1e-12


def test_a_value_at_a_depth_has_the_gradient_of_the_layers(drawn):
    unit, forcing = drawn(30, 21)
    sites = prepare(forcing, "published")
    index = torch.arange(30) % 19
    weight = torch.rand(30, dtype=torch.float64)
    one, two = (to_physical(unit).T.requires_grad_() for _ in range(2))
    soc = solve(one, Problem(sites, Carbon()))
    rows = torch.arange(30)
    expected = (1 - weight) * soc[index, rows] + weight * soc[index + 1, rows]
    found = solve(two, Problem(sites, CarbonAt(index, weight)))
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=0)
    slope = torch.rand(30, dtype=torch.float64)
    by_layers, by_depth = (
        torch.autograd.grad(value, leaf, slope)[0]
        for value, leaf in ((expected, one), (found, two))
    )
    scale = by_layers.abs().amax(0)
    assert float(((by_depth - by_layers).abs() / scale).max()) < 1e-10


def test_fixed_q10_changes_nothing_but_the_work(drawn):
    unit, forcing = drawn(20, 22)
    parameters = to_physical(unit).T.clone()
    parameters[2] = 1.7
    leaf, other = (parameters.clone().requires_grad_() for _ in range(2))
    free = solve(leaf, Problem(prepare(forcing, "published"), Carbon()))
    fixed = solve(other, Problem(prepare(forcing, "published", 1.7), Carbon()))
    torch.testing.assert_close(fixed, free, rtol=1e-12, atol=0)
    (expected,) = torch.autograd.grad(free.sum(), leaf)
    (found,) = torch.autograd.grad(fixed.sum(), other)
    others = [k for k in range(21) if k != 2]
    torch.testing.assert_close(found[others], expected[others], rtol=1e-9, atol=1e-20)


def test_second_derivatives_are_refused(drawn):
    unit, forcing = drawn(3, 23)
    unit.requires_grad_()
    carbon = CLM5SoilCarbon().steady_state(unit, forcing).sum()
    with pytest.raises(DecoderError, match="first derivatives only"):
        torch.autograd.grad(carbon, unit, create_graph=True)


def test_a_layer_that_carbon_cannot_leave_is_named(drawn):
    unit, forcing = drawn(5, 24)
    forcing.w_scalar[3, 7] = 0
    with pytest.raises(DecoderError, match="cannot leave layer 7 of site 3"):
        CLM5SoilCarbon().steady_state(unit, forcing)


@pytest.mark.parametrize("method", ["auto", "blocks"])
def test_a_shut_layer_is_named_when_only_soil_carbon_is_asked_for(method):
    forcing = draw_forcing(4, 5)
    forcing.altmax_lastyear[2], forcing.altmax_current[2] = 0, 0
    forcing.o_scalar[2, 4] = 0
    problem = Problem(prepare(forcing, "conservative"), Carbon(), method=method)
    middle = to_physical(torch.full((4, 21), 0.5, dtype=torch.float64)).T
    with pytest.raises(DecoderError, match="cannot leave layer 4 of site 2"):
        solve(middle, problem)


def test_the_number_of_parameters_is_checked():
    problem = Problem(prepare(draw_forcing(2), "published"), Carbon())
    with pytest.raises(DecoderError, match="expected 21 parameters, got 3"):
        solve(torch.ones(3, 2), problem)
