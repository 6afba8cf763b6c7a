"""Laws of the robust covariance, against linear regression by hand."""

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from sciren.solvers.process_term import LocalModel
from symbolic.terms.constant_rows import quantile_95
from symbolic.terms.sandwich import LEAST_BLOCKS, leverages, sandwich

ROWS, COLUMNS = 400, 3


def regression(seed, noise):
    """Local model of the mean of squares of a linear regression at its minimum."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(ROWS), rng.normal(size=(ROWS, COLUMNS - 1))])
    y = noise(x, rng)
    residual = x @ np.linalg.lstsq(x, y, rcond=None)[0] - y
    share = 1.0 / ROWS
    local = LocalModel(
        torch.tensor([np.mean(residual**2)]),
        torch.from_numpy(share * residual).view(1, ROWS, 1),
        torch.full((1, ROWS, 1, 1), share, dtype=torch.float64),
    )
    return x, y, residual, local, torch.from_numpy(np.linalg.inv(share * x.T @ x))


def spread_rows(x, rng):
    return (0.1 + np.abs(x[:, 1])) * rng.normal(size=ROWS)


def test_leverages_are_the_diagonal_of_the_hat_matrix():
    x, _, _, local, inverse = regression(0, spread_rows)
    hat = np.diag(x @ np.linalg.inv(x.T @ x) @ x.T)
    found = leverages(local, [torch.from_numpy(x)], inverse)
    np.testing.assert_allclose(found.numpy(), hat, rtol=1e-10)
    assert float(found.sum()) == pytest.approx(COLUMNS)


def test_rows_one_by_one_give_hc3():
    x, _, residual, local, inverse = regression(1, spread_rows)
    hat = np.diag(x @ np.linalg.inv(x.T @ x) @ x.T)
    bread = np.linalg.inv(x.T @ x)
    expected = bread @ (x.T * (residual / (1 - hat)) ** 2 @ x) @ bread
    found = sandwich(local, [torch.from_numpy(x)], inverse, torch.arange(ROWS))
    assert found.blocks == 0
    np.testing.assert_allclose(found.covariance.numpy(), expected, rtol=1e-8)


def test_constants_of_the_process_are_columns_of_their_own():
    """The same regression with its last column as a derivative by a constant."""
    x, _, _, local, inverse = regression(2, spread_rows)
    last = torch.from_numpy(x[:, -1]).view(1, ROWS, 1)
    gradient = torch.cat([local.gradient, local.gradient * last], dim=-1)
    both = torch.cat([torch.ones_like(last), last], dim=-1)
    curvature = local.curvature * both.unsqueeze(-1) * both.unsqueeze(-2)
    split = LocalModel(local.loss, gradient, curvature)
    blocks = torch.arange(ROWS)
    whole = sandwich(local, [torch.from_numpy(x)], inverse, blocks)
    parts = sandwich(split, [torch.from_numpy(x[:, :-1])], inverse, blocks)
    torch.testing.assert_close(parts.covariance, whole.covariance)


def test_blocks_see_what_their_rows_have_in_common():
    blocks = np.repeat(np.arange(40), 10)

    def common(x, rng):
        return rng.normal(size=40)[blocks] + 0.1 * rng.normal(size=ROWS)

    estimates, alone, together = [], [], []
    for seed in range(60):
        x, y, _, local, inverse = regression(seed, common)
        estimates.append(np.linalg.lstsq(x, y, rcond=None)[0])
        design = [torch.from_numpy(x)]
        rows = sandwich(local, design, inverse, torch.arange(ROWS))
        some = sandwich(local, design, inverse, torch.from_numpy(blocks))
        assert some.blocks == 40
        alone.append(float(rows.covariance[0, 0]) ** 0.5)
        together.append(float(some.covariance[0, 0]) ** 0.5)
    scatter = np.std([estimate[0] for estimate in estimates])
    assert np.mean(together) == pytest.approx(scatter, rel=0.25)
    assert np.mean(alone) < 0.6 * scatter


def test_time_order_sees_memory_that_rows_do_not():
    """The mean of an AR(1) of 0.9 has an error sqrt(19) times that of independent rows."""

    def remembering(x, rng):
        return lfilter([1.0], [1.0, -0.9], rng.normal(size=ROWS))

    rank, ratios = torch.arange(ROWS), []
    for seed in range(40):
        x, _, _, local, inverse = regression(seed, remembering)
        design = [torch.from_numpy(x)]
        one = sandwich(local, design, inverse, rank)
        whole = sandwich(local, design, inverse, rank, rank=rank)
        assert (one.cosines, whole.cosines) == (0, 12)
        ratios.append(float(whole.covariance[0, 0] / one.covariance[0, 0]))
    assert np.mean(ratios) == pytest.approx(19, rel=0.3)


@pytest.mark.parametrize("groups", [4, 10])
def test_intervals_of_few_groups_hold_a_mean_that_their_levels_hide(groups):
    labels = np.arange(ROWS) % groups

    def levels(x, rng):
        return rng.normal(size=groups)[labels] + rng.normal(size=ROWS)

    held, by_row = [], []
    for seed in range(200):
        x, y, _, local, inverse = regression(seed, levels)
        design, error = [torch.from_numpy(x)], {}
        for name, blocks in (("rows", np.arange(ROWS)), ("groups", labels)):
            found = sandwich(local, design, inverse, torch.from_numpy(blocks))
            reach = quantile_95(found.cosines, found.groups)
            error[name] = reach * float(found.covariance[0, 0].sqrt())
        mean = abs(np.linalg.lstsq(x, y, rcond=None)[0][0])
        held.append(mean <= error["groups"])
        by_row.append(mean <= error["rows"])
    # three binomial errors of 200 records below 95 %
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200)
    assert np.mean(by_row) < 0.5


def test_fewer_groups_than_constants_leave_no_direction_certain():
    x, _, _, local, inverse = regression(0, spread_rows)
    design, two = [torch.from_numpy(x)], torch.arange(ROWS) % 2
    by_row = sandwich(local, design, inverse, torch.arange(ROWS)).covariance
    by_group = sandwich(local, design, inverse, two)
    assert by_group.groups == 2
    assert (torch.linalg.eigvalsh(by_group.covariance - 0.999 * by_row) > 0).all()


def test_many_blocks_have_normal_quantiles():
    x, _, _, local, inverse = regression(0, spread_rows)
    many = torch.arange(ROWS) % LEAST_BLOCKS
    found = sandwich(local, [torch.from_numpy(x)], inverse, many)
    assert (found.blocks, found.groups) == (LEAST_BLOCKS, 0)
    assert quantile_95(found.cosines, found.groups) == 1.96
