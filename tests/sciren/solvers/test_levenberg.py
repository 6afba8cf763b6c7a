"""Levenberg-Marquardt: it never climbs, solves linear problems at once, minds bounds."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.solvers.levenberg import (
    Normal,
    covariance,
    effective_parameters,
    hold,
    minimise,
)

seeds = st.integers(0, 10_000)


class Squares:
    """Members of residuals r(theta) with a Jacobian, inside a box."""

    def __init__(self, members, low=-torch.inf, high=torch.inf, held=()):
        self.members, self.low, self.high, self.held = members, low, high, held

    def loss(self, theta, members):
        found = [
            self.members[int(m)](row)[0].pow(2).sum()
            for m, row in zip(members, theta, strict=True)
        ]
        loss = torch.stack(found)
        return torch.where(torch.isfinite(loss), loss, torch.inf)

    def normal(self, theta, members):
        pairs = [
            self.members[int(m)](row) for m, row in zip(members, theta, strict=True)
        ]
        residual = torch.stack([r for r, _ in pairs])
        jacobian = torch.stack([j for _, j in pairs])
        free = torch.ones(theta.shape, dtype=torch.bool)
        free[:, list(self.held)] = False
        full = Normal(
            residual.pow(2).sum(1),
            torch.einsum("sr,srp->sp", residual, jacobian),
            jacobian.mT @ jacobian,
        )
        return hold(full, free)

    def retract(self, trial, theta, members):
        return trial.clamp(self.low, self.high)


def normal_numbers(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def linear(seed, rows=20, size=5, ridge=0.1, units=None):
    """Residuals of a ridge regression and its solution in closed form."""
    a, b = normal_numbers(rows, size, seed=seed), normal_numbers(rows, seed=seed + 1)
    full = torch.cat((a, ridge**0.5 * torch.eye(size).to(a)))
    full = full if units is None else full * units
    right = torch.cat((b, torch.zeros(size).to(b)))

    def residual(theta):
        return full @ theta - right, full

    return residual, torch.linalg.lstsq(full, right).solution


def rosenbrock(theta):
    x, y = theta
    r = torch.stack((10 * (y - x**2), 1 - x))
    return r, torch.tensor([[-20 * float(x), 10.0], [-1.0, 0.0]]).to(theta)


def exponential(theta):
    """exp(a t) b = y with a far start: the first Gauss-Newton steps overshoot."""
    t = torch.linspace(0, 1, 30, dtype=torch.float64)
    a, b = theta
    r = b * torch.exp(a * t) - 0.5 * torch.exp(3 * t)
    return r, torch.stack((b * t * torch.exp(a * t), torch.exp(a * t)), 1)


def wavy(seed):
    """Smooth residuals with many humps."""
    a = normal_numbers(12, 3, seed=seed)

    def residual(theta):
        z = a @ theta
        slope = 1 + 2 * torch.cos(2 * z)
        return z + torch.sin(2 * z) - a[:, 0], slope.unsqueeze(1) * a

    return residual


@given(seeds)
def test_a_linear_problem_is_solved_in_closed_form_within_three_steps(seed):
    residual, solution = linear(seed)
    start = normal_numbers(1, 5, seed=seed + 2)
    found = minimise(Squares([residual]), start, iterations=3)
    torch.testing.assert_close(found.theta[0], solution, rtol=1e-4, atol=1e-6)
    best = residual(solution)[0].pow(2).sum()
    torch.testing.assert_close(found.loss[0], best, rtol=1e-9, atol=0)
    assert bool(found.converged[0])


@given(seeds, st.lists(st.floats(-4, 4), min_size=5, max_size=5))
def test_the_units_of_the_parameters_do_not_matter(seed, exponents):
    units = 10 ** torch.tensor(exponents, dtype=torch.float64)
    plain, _ = linear(seed)
    other, solution = linear(seed, units=units)
    start = normal_numbers(1, 5, seed=seed + 2)
    one = minimise(Squares([plain]), start)
    two = minimise(Squares([other]), start / units)
    torch.testing.assert_close(two.theta[0], solution, rtol=1e-4, atol=1e-9)
    # Parameters are of order one; a gain below 1e-9 of the loss ends the search.
    torch.testing.assert_close(two.theta * units, one.theta, rtol=1e-5, atol=1e-7)


@given(seeds, st.integers(1, 30))
def test_no_step_raises_the_loss(seed, steps):
    problem = Squares([wavy(seed), wavy(seed + 1)])
    start = 3 * normal_numbers(2, 3, seed=seed + 2)
    seen = [problem.loss(start, torch.arange(2))]
    found = minimise(
        problem, start, steps, watch=lambda _, loss, __: seen.append(loss.clone())
    )
    assert all(bool((b <= a).all()) for a, b in itertools.pairwise(seen))
    assert len(seen) == found.iterations + 1 <= steps + 1
    torch.testing.assert_close(problem.loss(found.theta, torch.arange(2)), found.loss)
    assert torch.equal(seen[-1], found.loss)


@pytest.mark.parametrize(
    ("residual", "start", "minimum"),
    [
        (rosenbrock, [-1.2, 1.0], [1.0, 1.0]),
        (rosenbrock, [-3.0, -4.0], [1.0, 1.0]),
        (exponential, [-2.0, 0.1], [3.0, 0.5]),
        (exponential, [0.0, 1e-3], [3.0, 0.5]),
    ],
)
def test_steps_that_fail_are_shortened_until_the_minimum_is_reached(
    residual, start, minimum
):
    found = minimise(
        Squares([residual]), torch.tensor([start]).double(), 200, damping=1e-6
    )
    expected = torch.tensor([minimum], dtype=torch.float64)
    torch.testing.assert_close(found.theta, expected, rtol=1e-4, atol=1e-6)
    assert bool(found.converged.all())


@settings(max_examples=15)
@given(seeds)
def test_members_do_not_know_of_each_other(seed):
    residuals = [wavy(seed + k) for k in range(3)] + [linear(seed, 9, 3)[0]]
    start = 2 * normal_numbers(4, 3, seed=seed + 9)
    together = minimise(Squares(residuals), start, 40)
    for k, residual in enumerate(residuals):
        alone = minimise(Squares([residual]), start[k : k + 1], 40)
        torch.testing.assert_close(alone.theta[0], together.theta[k])
        torch.testing.assert_close(alone.loss[0], together.loss[k])
        assert bool(alone.converged[0]) == bool(together.converged[k])


@given(seeds, st.sets(st.integers(0, 4), min_size=1, max_size=4))
def test_held_parameters_stay_and_the_others_find_their_best(seed, held):
    residual, _ = linear(seed)
    start = normal_numbers(1, 5, seed=seed + 2)
    found = minimise(Squares([residual], held=sorted(held)), start).theta[0]
    free = [k for k in range(5) if k not in held]
    assert torch.equal(found[sorted(held)], start[0, sorted(held)])
    right, matrix = residual(found)
    gradient = right @ matrix
    torch.testing.assert_close(
        gradient[free], torch.zeros(len(free)).double(), rtol=0, atol=1e-5
    )


@given(seeds, st.floats(0.01, 0.5))
def test_at_a_bound_the_rest_still_finds_its_best(seed, half_width):
    residual, _ = linear(seed)
    start = torch.zeros(1, 5, dtype=torch.float64)
    found = minimise(Squares([residual], -half_width, half_width), start).theta[0]
    right, matrix = residual(found)
    gradient = right @ matrix
    scale = gradient.abs().max() + (right @ right)
    at_low, at_high = found == -half_width, found == half_width
    assert bool((found.abs() <= half_width).all())
    inside = ~(at_low | at_high)
    # The conditions of Karush, Kuhn and Tucker.
    assert bool((gradient[inside].abs() < 1e-4 * scale).all())
    assert bool((gradient[at_low] > -1e-4 * scale).all())
    assert bool((gradient[at_high] < 1e-4 * scale).all())


def test_a_parameter_without_effect_stays():
    def residual(theta):
        matrix = torch.tensor([[1.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
        return matrix @ theta - 1, matrix

    start = torch.tensor([[5.0, 7.0]], dtype=torch.float64)
    found = minimise(Squares([residual]), start)
    torch.testing.assert_close(
        found.theta, torch.tensor([[0.6, 7.0]], dtype=torch.float64)
    )


def test_trial_points_without_a_loss_are_refused():
    def residual(theta):
        return torch.log(theta), (1 / theta).unsqueeze(0)

    start = torch.tensor([[9.0]], dtype=torch.float64)  # full step: to a negative value
    found = minimise(Squares([residual]), start)
    torch.testing.assert_close(found.theta, torch.ones(1, 1, dtype=torch.float64))


@given(seeds)
def test_the_covariance_is_that_of_least_squares(seed):
    rows, size = 30, 4
    a = normal_numbers(rows, size, seed=seed) * torch.tensor([1e-3, 1.0, 1e3, 1.0])
    b = normal_numbers(rows, seed=seed + 1)
    solution = torch.linalg.lstsq(a, b).solution
    variance = (a @ solution - b).pow(2).sum() / (rows - size)
    expected = variance * torch.linalg.inv(a.T @ a)
    loss = (a @ solution - b).pow(2).mean().unsqueeze(0)
    found = covariance((a.T @ a / rows).unsqueeze(0), loss, rows)[0]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)


def test_effective_parameters_are_the_trace_of_the_hat_matrix():
    generator = torch.Generator().manual_seed(0)
    design = torch.randn(40, 6, generator=generator, dtype=torch.float64)
    design[:, 5] = 0.0  # a column without data counts nothing
    penalty = torch.diag(torch.tensor([0.0, 0.0, 0.3, 5.0, 1e9, 1.0]).double())
    matrix = design.T @ design / 40 + penalty
    hat = design @ torch.linalg.solve(matrix, design.T) / 40
    every = torch.ones(6, dtype=torch.bool)
    count = effective_parameters(matrix, penalty, every)
    assert count == pytest.approx(float(hat.trace()), rel=1e-6)
    assert effective_parameters(matrix, None, every) == 6
