"""Runs through time: where they lead, and that no step makes or loses carbon."""

import pytest
import torch

from sciren.decoders.clm5 import CLM5SoilCarbon
from sciren.decoders.clm5.parameters import position, to_physical
from sciren.decoders.clm5.transient import (
    _check_cycle,
    column_stock,
    monthly,
    run,
    yearly,
    yearly_cycle,
)
from sciren.errors import DecoderError, ShapeError

RULES = ["published", "conservative"]


def moderate(drawn, n_sites, seed):
    unit, forcing = drawn(n_sites, seed)
    unit = 0.5 + 0.6 * (unit - 0.5)
    return unit, to_physical(unit).T.contiguous(), forcing


@pytest.mark.parametrize("rule", RULES)
def test_mean_operators_lead_to_the_steady_state_from_anywhere(rule, drawn):
    unit, parameters, forcing = moderate(drawn, 24, 31)
    steady = CLM5SoilCarbon(transport=rule).steady_state(unit, forcing)
    start = 1e5 * torch.rand(20, 7, 24, dtype=torch.float64)
    lengths = [10.0**k for k in range(3, 60, 3)]
    steps = [yearly(parameters, forcing, rule, days) for days in lengths]
    found = run(start, steps).pools.permute(2, 1, 0)
    size = steady.amax(2, keepdim=True)
    assert float(((found - steady).abs() / size).max()) < 1e-10


def test_one_infinite_step_is_the_steady_state(drawn):
    unit, forcing = drawn(60, 32)
    steady = CLM5SoilCarbon().steady_state(unit, forcing)
    season = yearly(to_physical(unit).T, forcing, "published", float("inf"))
    found = season.step(torch.rand(20, 7, 60, dtype=torch.float64)).permute(2, 1, 0)
    torch.testing.assert_close(found, steady, rtol=1e-10, atol=1e-200)


@pytest.mark.parametrize("rule", RULES)
def test_every_step_keeps_the_carbon_balance(rule, drawn):
    _, parameters, forcing = moderate(drawn, 30, 33)
    start = 1e4 * torch.rand(20, 7, 30, dtype=torch.float64)
    found = run(start, 3 * monthly(parameters, forcing, rule))
    before = torch.cat([column_stock(start).unsqueeze(0), found.stock[:-1]])
    net = found.input - found.respiration - found.loss
    gap = found.stock - before - found.days.unsqueeze(1) * net
    assert float((gap.abs() / found.stock).max()) < 1e-13
    assert bool((found.pools >= 0).all())


@pytest.mark.parametrize("rule", RULES)
def test_monthly_forcing_leads_to_a_cycle(rule, drawn):
    unit, parameters, forcing = moderate(drawn, 24, 34)
    cycle = yearly_cycle(parameters, forcing, rule)
    assert cycle.change <= 1e-10
    again = run(cycle.months[-1], monthly(parameters, forcing, rule)).pools
    size = again.amax(0)
    assert float(((again - cycle.months[-1]).abs().amax(0) / size).max()) < 1e-9
    assert cycle.mean.shape == (20, 7, 24)
    steady = CLM5SoilCarbon(transport=rule).steady_state(unit, forcing)
    ratio = column_stock(cycle.mean) / column_stock(steady.permute(2, 1, 0))
    assert bool(((ratio > 0.3) & (ratio < 3)).all())


def test_extreme_parameters_reach_their_cycle_too(drawn):
    unit, forcing = drawn(200, 40)
    cycle = yearly_cycle(to_physical(unit).T, forcing, "conservative")
    assert cycle.change <= 1e-10
    assert bool((cycle.mean > -1e-200).all())


def test_growth_without_limit_is_an_error():
    months = torch.ones(12, 20, 7, 3, dtype=torch.float64)
    months[4, 19, 6, 1] = -1e-3
    with pytest.raises(DecoderError, match="site 1 has no yearly cycle"):
        _check_cycle(months)


def test_constant_months_have_the_steady_state_as_their_cycle(drawn):
    unit, parameters, forcing = moderate(drawn, 12, 35)
    for _, value in forcing.items():
        value.copy_(value.mean(-1, keepdim=True).round(decimals=3).expand_as(value))
    forcing.nbedrock.copy_(forcing.nbedrock.round())
    steady = CLM5SoilCarbon().steady_state(unit, forcing).permute(2, 1, 0)
    cycle = yearly_cycle(parameters, forcing, "published")
    assert float(((cycle.mean - steady).abs().amax(0) / steady.amax(0)).max()) < 1e-9


def test_the_decoder_runs_with_sites_first(drawn):
    unit, _, forcing = moderate(drawn, 12, 38)
    model = CLM5SoilCarbon()
    steady = model.steady_state(unit, forcing)
    still = model.transient(steady, unit, forcing, days=[365.0] * 3)
    torch.testing.assert_close(still.pools, steady, rtol=1e-9, atol=1e-200)
    assert still.stock.shape == (3, 12)
    cycle = model.yearly_cycle(unit, forcing)
    year = model.transient(cycle.months[-1], unit, forcing, years=1)
    assert len(year.days) == 12
    size = cycle.mean.amax(2, keepdim=True)
    gap = (year.pools - cycle.months[-1]).abs() / size
    assert float(gap.max()) < 1e-9
    with pytest.raises(ShapeError, match="one start a site"):
        model.transient(steady[:3], unit, forcing)
    with pytest.raises(DecoderError, match="steps must be positive"):
        model.transient(steady, unit, forcing, days=[30.0, 0.0])


def test_a_cycle_that_is_not_reached_is_said(drawn):
    _, parameters, forcing = moderate(drawn, 6, 36)
    with pytest.raises(DecoderError, match="no yearly cycle within 1 years"):
        yearly_cycle(parameters, forcing, "published", most_years=1)


def test_blocks_take_over_where_modes_are_not_apart(drawn):
    _, parameters, forcing = moderate(drawn, 6, 37)
    parameters[position("tau4s2")] = 1.02 * parameters[position("tau4s1")]
    parameters[position("fs1s2")] = 1e-4
    season = yearly(parameters, forcing, "conservative", 30.0)
    assert season.operator.modes is None
    start = 1e3 * torch.rand(20, 7, 6, dtype=torch.float64)
    found = run(start, [season])
    gap = (
        found.stock[0] - column_stock(start) - 30 * (found.input - found.respiration)[0]
    )
    assert float((gap.abs() / found.stock[0]).max()) < 1e-13
