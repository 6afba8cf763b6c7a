"""Agreement with the reference: 48 sites, solved elsewhere with 80 digits."""

import numpy as np
import pytest
import torch

from sciren.decoders.clm5 import CLM5Forcing, CLM5SoilCarbon
from sciren.decoders.clm5.observe import at_depth
from sciren.decoders.clm5.parameters import NAMES, to_physical
from sciren.decoders.clm5.sites import prepare
from sciren.decoders.clm5.solve import Carbon, Pools, Problem, solve

METHODS = ["auto", "eigen", "blocks"]


def relative(found, expected, floor=0.0):
    found, expected = np.asarray(found), np.asarray(expected)
    large = np.abs(expected) > floor
    return (np.abs(found - expected)[large] / np.abs(expected)[large]).max()


@pytest.fixture(scope="module")
def model():
    return CLM5SoilCarbon()


@pytest.fixture(scope="module")
def forcing(reference):
    return CLM5Forcing.from_mapping(reference)


@pytest.fixture(scope="module")
def unit(reference):
    return torch.tensor(reference["params_unit"])


def test_names_bounds_and_physical_values(reference, unit):
    names = [name.replace("-", "_") for name in reference["param_names"]]
    assert list(NAMES) == names
    assert relative(to_physical(unit), reference["params_physical"]) < 1e-14


def test_rates_mixing_and_inputs(model, reference, unit, forcing):
    assert relative(model.rates(unit, forcing), reference["k_total"]) < 1e-12
    lower, upper = model.mixing(unit, forcing)
    for found, name in ((lower, "v_lower"), (upper, "v_upper")):
        assert relative(found, reference[name]) < 1e-12
        assert bool((found.numpy() == 0)[reference[name] == 0].all())
    inputs = model.inputs(unit, forcing)
    # where beta is far below one nearly all input is near the surface, and the stored
    # density deeper down holds the rounding of a difference of powers
    assert relative(inputs, reference["input_density"], 1e-250) < 1e-11


@pytest.mark.parametrize("method", METHODS)
def test_pools_and_carbon_by_layer_and_depth(method, reference, unit, forcing):
    problem = Problem(prepare(forcing, "published"), Pools(), method=method)
    pools = solve(to_physical(unit).T, problem).permute(2, 1, 0)
    assert bool((pools >= 0).all())
    assert relative(pools, reference["pools"], 1e-200) < 1e-11
    soc = pools[:, 4:].sum(1)
    assert relative(soc, reference["soc_layer"], 1e-200) < 1e-11
    seen = ~np.isnan(reference["obs_soc"])
    found = at_depth(soc, torch.tensor(reference["obs_depth"])).numpy()
    assert np.array_equal(np.isnan(found), ~seen)
    assert relative(found[seen], reference["obs_soc"][seen], 1e-200) < 1e-11


@pytest.mark.parametrize("method", METHODS)
def test_gradients_of_all_parameters(method, reference, unit, forcing):
    unit = unit.clone().requires_grad_()
    problem = Problem(prepare(forcing, "published"), Carbon(), method=method)
    soc = solve(to_physical(unit).T, problem).T
    observed = at_depth(soc, torch.tensor(reference["obs_depth"]))
    (found,) = torch.autograd.grad(torch.nanmean(observed, 1).sum(), unit)
    expected = reference["grad_mean_obs_soc_wrt_params_unit"]
    scale = np.abs(expected).max(1, keepdims=True)
    assert (np.abs(found.numpy() - expected) / scale).max() < 1e-8


def test_respiration_and_input(model, reference, unit, forcing):
    pools = model.steady_state(unit, forcing)
    respired = model.respiration(pools, unit, forcing)
    assert relative(respired, reference["respiration_total"]) < 1e-11
    found = model.balance(unit, forcing)
    assert relative(found.input, reference["input_total"]) < 1e-13
    assert relative(found.respiration, reference["respiration_total"]) < 1e-11


def test_full_matrix_of_some_sites(model, reference, unit, forcing):
    pools = model.steady_state(unit, forcing)
    inputs = model.inputs(unit, forcing)
    for k, row in enumerate(reference["full_matrix_rows"]):
        state = pools[row].numpy().reshape(-1)
        left = reference["system_full"][k]
        scale = np.abs(left) @ state
        gap = left @ state - inputs[row].numpy().reshape(-1)
        assert (np.abs(gap) <= 1e-12 * scale).all()
