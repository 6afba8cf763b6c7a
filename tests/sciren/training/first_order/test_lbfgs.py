"""Quasi-Newton steps of many members at once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.training.first_order.lbfgs import LBFGS

ALL = torch.tensor([True])


def descend(function, start, steps, members=1, metric=None):
    """Minimise the sum of a function of every member's numbers (M, k)."""
    vector = start.reshape(-1).clone()
    owner = torch.arange(members).repeat_interleave(len(vector) // members)

    def evaluate():
        with torch.enable_grad():
            leaf = vector.detach().clone().requires_grad_()
            losses = function(leaf.view(members, -1))
            (slopes,) = torch.autograd.grad(losses.sum(), leaf)
        return losses.detach(), slopes

    method = LBFGS(vector, owner, members, metric)
    live = torch.ones(members, dtype=torch.bool)
    losses = []
    for _ in range(steps):
        method.step(evaluate, live)
        losses.append(method.losses.clone())
    return vector.view(members, -1), torch.stack(losses), method


def rosenbrock(x):
    return 100 * (x[:, 1] - x[:, 0] ** 2) ** 2 + (1 - x[:, 0]) ** 2


def quadratic(seed, size=6):
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(size, size, generator=generator, dtype=torch.float64)
    matrix = draw @ draw.T + 0.1 * torch.eye(size)
    target = torch.randn(size, generator=generator, dtype=torch.float64)
    return matrix, target


def test_it_finds_the_end_of_a_curved_valley():
    found, losses, _ = descend(rosenbrock, torch.tensor([[-1.2, 1.0]]).double(), 60)
    torch.testing.assert_close(found, torch.ones(1, 2).double())
    assert losses[-1] < 1e-12


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_the_loss_never_rises_and_a_quadratic_is_solved(seed):
    matrix, target = quadratic(seed)

    def loss(x):
        return ((x - target) @ matrix * (x - target)).sum(1)

    found, losses, _ = descend(loss, torch.zeros(1, 6).double(), 80)
    assert bool((losses.diff(dim=0) <= 0).all())
    torch.testing.assert_close(found[0], target, rtol=1e-4, atol=1e-4)


def test_with_the_inverse_hessian_as_metric_the_first_step_is_newtons():
    matrix, target = quadratic(3)
    inverse = torch.linalg.inv(2 * matrix)

    def loss(x):
        return ((x - target) @ matrix * (x - target)).sum(1)

    start = torch.zeros(1, 6).double()
    found, _, method = descend(loss, start, 1, metric=lambda v: inverse @ v)
    torch.testing.assert_close(found[0], target)
    assert method.lengths.tolist() == [1.0]


def test_members_go_their_own_ways():
    starts = torch.tensor([[-1.2, 1.0], [0.5, 2.0], [3.0, -1.0]]).double()
    together, losses, _ = descend(rosenbrock, starts, 25, members=3)
    for k, start in enumerate(starts):
        single, alone, _ = descend(rosenbrock, start.unsqueeze(0), 25)
        torch.testing.assert_close(together[k], single[0], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(losses[:, k], alone[:, 0], rtol=1e-5, atol=1e-9)


def test_kinks_do_not_stop_it():
    def loss(x):
        return (x.abs() * torch.tensor([1.0, 10.0]).double()).sum(1)

    found, _, _ = descend(loss, torch.tensor([[3.1, -2.3]]).double(), 60)
    assert found.abs().max() < 1e-3


def test_a_member_that_may_not_move_stays_and_one_without_descent_forgets():
    vector = torch.tensor([1.0, 1.0]).double()
    method = LBFGS(vector, torch.tensor([0, 1]), 2)

    def evaluate():
        return vector**2, 2 * vector

    method.step(evaluate, torch.tensor([True, False]))
    assert vector[1] == 1.0
    assert vector[0].abs() < 1.0
    assert method.lengths[1] == 0
    assert all(step[1] == 0 for step in method.steps)


def test_where_the_loss_is_not_finite_the_step_is_shortened():
    def loss(x):
        return torch.where(x[:, 0] > 0, x[:, 0] - torch.log(x[:, 0]), torch.nan)

    found, losses, _ = descend(loss, torch.tensor([[5.0]]).double(), 30)
    assert bool(torch.isfinite(losses).all())
    assert found.item() == pytest.approx(1.0, abs=1e-4)


def test_it_goes_on_from_its_state_bit_for_bit():
    start = torch.tensor([[-1.2, 1.0]]).double()
    whole, _, _ = descend(rosenbrock, start, 12)
    half, _, method = descend(rosenbrock, start, 6)
    again = LBFGS(half.reshape(-1).clone(), torch.zeros(2, dtype=torch.long), 1)
    again.load(method.state())

    def evaluate():
        leaf = again.vector.detach().clone().requires_grad_()
        with torch.enable_grad():
            losses = rosenbrock(leaf.view(1, 2))
            (slopes,) = torch.autograd.grad(losses.sum(), leaf)
        return losses.detach(), slopes

    for _ in range(6):
        again.step(evaluate, ALL)
    assert torch.equal(again.vector.view(1, 2), whole)


def test_before_the_first_step_there_is_no_state():
    method = LBFGS(torch.zeros(2).double(), torch.zeros(2, dtype=torch.long), 1)
    assert method.state() == {}
    method.load({})
    assert method.losses is None
