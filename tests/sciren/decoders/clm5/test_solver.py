"""Eliminations against dense solutions and against each other; the modes' guards."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.decoders.clm5 import CLM5SoilCarbon
from sciren.decoders.clm5.blocks import Blocks
from sciren.decoders.clm5.eigen import modes
from sciren.decoders.clm5.exchange import Exchange
from sciren.decoders.clm5.parameters import PRIORS, position, to_physical
from sciren.decoders.clm5.sites import prepare
from sciren.decoders.clm5.solve import Pools, Problem, solve
from sciren.decoders.clm5.steady import SteadyState
from sciren.decoders.clm5.tridiagonal import Tridiagonal

EXCHANGE = ("tau4s1", "tau4s2", "tau4s3", "fs1s2", "fs1s3", "fs2s1", "fs2s3", "fs3s1")


def rand(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def dense_of(rate, lower, upper):
    """(m, n, 20, 20) matrices of tridiagonal systems."""
    main = rate + (lower + upper).unsqueeze(1)
    expand = lower.unsqueeze(1).expand_as(rate), upper.unsqueeze(1).expand_as(rate)
    down, up = (part.movedim(0, -1) for part in expand)
    matrix = torch.diag_embed(main.movedim(0, -1))
    return (
        matrix - torch.diag_embed(down[..., 1:], -1) - torch.diag_embed(up[..., :-1], 1)
    )


def system(seed, m=3, n=5):
    rate, lower, upper = rand(20, m, n, seed=seed), rand(20, n), rand(20, n, seed=9)
    lower[0], upper[-1] = 0, 0
    return rate + 0.01, 10 * lower, 10 * upper


@pytest.mark.parametrize("seed", range(3))
def test_tridiagonal_solutions_and_adjoints_are_the_dense_ones(seed):
    rate, lower, upper = system(seed)
    right = rand(20, 3, 5, seed=7)
    factors = Tridiagonal(rate, lower, upper)
    dense = dense_of(rate, lower, upper)
    columns = right.movedim(0, -1).unsqueeze(-1)
    for found, matrix in (
        (factors.solve(right.clone()), dense),
        (factors.adjoint(right.clone()), dense.mT),
    ):
        expected = torch.linalg.solve(matrix, columns).squeeze(-1).movedim(-1, 0)
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=0)


def test_steps_are_the_differences_of_the_solution():
    rate, lower, upper = system(1)
    factors, right = Tridiagonal(rate, lower, upper), rand(20, 3, 5)
    found = factors.solve(right.clone())
    steps = factors.steps(rate, found, right)
    torch.testing.assert_close(steps, found[1:] - found[:-1], rtol=1e-9, atol=1e-13)


def test_block_solutions_and_adjoints_are_the_dense_ones():
    _, lower, upper = system(0)
    x, matrix = rand(20, 5) + 0.1, exchange_of(rand(5, 21, seed=3)).matrix()
    blocks, right = Blocks(x, matrix, lower, upper), rand(20, 3, 5, seed=4)
    coupled = torch.einsum("jn,abn,jk->njakb", x, matrix, torch.eye(20).double())
    mixing = dense_of(torch.zeros(20, 1, 5).double(), lower, upper)[0]
    coupled += torch.einsum("njk,ab->njakb", mixing, torch.eye(3).double())
    dense = coupled.reshape(5, 60, 60)
    flat = right.permute(2, 0, 1).reshape(5, 60)
    for found, whole in (
        (blocks.solve(right), dense),
        (blocks.adjoint(right), dense.mT),
    ):
        expected = torch.linalg.solve(whole, flat).reshape(5, 20, 3).permute(1, 2, 0)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def exchange_of(unit):
    physical = to_physical(unit).T
    values = [physical[position(name)] for name in EXCHANGE]
    return Exchange(*(1 / (365 * value) for value in values[:3]), *values[3:])


def test_modes_diagonalise_every_corner_of_the_prior():
    unit = torch.full((256, 21), 0.5, dtype=torch.float64)
    for k, name in enumerate(EXCHANGE):
        corners = [corner[k] for corner in itertools.product((0.0, 1.0), repeat=8)]
        unit[:, position(name)] = torch.tensor(corners, dtype=torch.float64)
    exchange = exchange_of(unit)
    found = modes(exchange)
    assert found.safe
    again = torch.einsum("ain,in,ibn->abn", found.right, found.values, found.left)
    matrix = exchange.matrix()
    scale = matrix.abs().amax(1, keepdim=True)
    assert float(((again - matrix).abs() / scale).max()) < 1e-12
    product = torch.einsum("ain,ibn->nab", found.right, found.left)
    eye = torch.eye(3, dtype=torch.float64).expand_as(product)
    torch.testing.assert_close(product, eye, rtol=0, atol=1e-13)


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_modes_are_safe_anywhere_on_the_prior(values):
    unit = torch.full((1, 21), 0.5, dtype=torch.float64)
    for name, value in zip(EXCHANGE, values, strict=True):
        unit[0, position(name)] = value
    exchange = exchange_of(unit)
    found = modes(exchange)
    assert found.safe
    expected = np.linalg.eigvals(exchange.matrix()[..., 0].numpy())
    np.testing.assert_allclose(
        found.values[:, 0].numpy(), np.sort(expected)[::-1], rtol=1e-9
    )


@pytest.mark.parametrize(
    "change",
    [
        {"b": 0.95, "f12": 0.01},  # fast and slow pool nearly alike: modes not apart
        {"f12": 0.9, "f13": 0.9, "f31": 0.9},  # more handed on than decayed
        {"a": float("nan")},
    ],
)
def test_modes_say_where_they_cannot_be_trusted(change):
    one = torch.ones(1, dtype=torch.float64)
    values = {"a": 1.0, "b": 0.1, "c": 0.01, "f12": 0.3, "f13": 0.05}
    values |= {"f21": 0.4, "f23": 0.03, "f31": 0.4}
    assert modes(Exchange(**{k: one * v for k, v in values.items()})).safe
    assert not modes(
        Exchange(**{k: one * v for k, v in (values | change).items()})
    ).safe


@pytest.mark.parametrize("rule", ["published", "conservative"])
def test_eigen_and_block_form_agree(rule, drawn):
    unit, forcing = drawn(600, 1)
    sites, parameters = prepare(forcing, rule), to_physical(unit).T
    eigen, blocks = (
        solve(parameters, Problem(sites, Pools(), method=method))
        for method in ("eigen", "blocks")
    )
    gap = (eigen - blocks).abs() / blocks.abs().clamp(min=1e-200)
    assert float(gap.max()) < (1e-9 if rule == "published" else 1e-12)
    assert float(gap.flatten().quantile(0.999)) < 1e-11


@pytest.mark.parametrize("rule", ["published", "conservative"])
def test_moderate_parameters_give_the_dense_solution(rule, drawn):
    _, forcing = drawn(60, 2)
    unit = 0.35 + 0.3 * rand(60, 21)
    model = CLM5SoilCarbon(transport=rule)
    lower, upper = model.mixing(unit, forcing)
    rates, inputs = model.rates(unit, forcing), model.inputs(unit, forcing)
    physical, pools = to_physical(unit), model.steady_state(unit, forcing)
    for site in range(0, 60, 7):
        matrix = dense_system(physical[site], rates[site], lower[site], upper[site])
        expected = np.linalg.solve(matrix, inputs[site].numpy().reshape(-1))
        found = pools[site].numpy()
        expected = expected.reshape(7, 20)
        # partial pivoting loses what lies many decades below the surface
        seen = expected > 1e-3 * expected[:, :1]
        np.testing.assert_allclose(found[seen], expected[seen], rtol=1e-7)
        gap = matrix @ found.reshape(-1) - inputs[site].numpy().reshape(-1)
        assert (np.abs(gap) <= 1e-12 * (np.abs(matrix) @ found.reshape(-1))).all()


def dense_system(physical, rates, lower, upper):
    """The 140 x 140 matrix of one site as the specification writes it."""
    p = {prior.name: float(v) for prior, v in zip(PRIORS, physical, strict=True)}
    fractions = {
        (2, 0): p["fcwdl2"], (3, 0): 1 - p["fcwdl2"], (4, 1): p["fl1s1"],
        (4, 2): p["fl2s1"], (5, 3): p["fl3s2"], (5, 4): p["fs1s2"], (6, 4): p["fs1s3"],
        (4, 5): p["fs2s1"], (6, 5): p["fs2s3"], (4, 6): p["fs3s1"],
    }  # fmt: skip
    transfer = -np.eye(7)
    for place, value in fractions.items():
        transfer[place] = value
    a = np.kron(transfer, np.eye(20))
    mixing = np.diag((lower + upper).numpy())
    mixing -= np.diag(lower[1:].numpy(), -1) + np.diag(upper[:-1].numpy(), 1)
    v = np.kron(np.diag([0.0, 1, 1, 1, 1, 1, 1]), mixing)
    return v - a @ np.diag(rates.numpy().reshape(-1))


def test_blocks_take_over_outside_the_safe_region(drawn):
    unit, forcing = drawn(12, 3)
    parameters = to_physical(unit).T.clone()
    parameters[position("tau4s2")] = 1.05 * parameters[position("tau4s1")]
    state = SteadyState(parameters, prepare(forcing, "conservative"))
    assert state.modes is None
    assert bool((state.pools >= 0).all())
    sites = prepare(forcing, "conservative")
    forced = solve(parameters, Problem(sites, Pools(), method="blocks"))
    assert torch.equal(solve(parameters, Problem(sites, Pools())), forced)
    steps = state.pools[1:].sum(1) - state.pools[:-1].sum(1)
    torch.testing.assert_close(state.steps(), steps, rtol=1e-6, atol=1e-6)
