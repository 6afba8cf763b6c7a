"""Normal equations from rows equal those of the dense Jacobian."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.solvers import normal_equations as assembly
from sciren.solvers.levenberg import Normal
from sciren.solvers.normal_equations import assemble, hold
from sciren.solvers.process_term import LocalModel


def random_local(members, rows, latents, constants, seed):
    """A row-wise quadratic model J'WJ with three residuals a row."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    size = latents + constants
    jacobian, residual = normal(members, rows, 3, size), normal(members, rows, 3)
    local = LocalModel(
        residual.pow(2).sum((1, 2)),
        torch.einsum("snt,sntp->snp", residual, jacobian),
        torch.einsum("sntp,sntq->snpq", jacobian, jacobian),
    )
    return local, jacobian, residual, normal


def dense(jacobian, designs, constants):
    """d residual / d theta, (S, n, 3, P)."""
    members, rows = jacobian.shape[:2]
    parts = [
        jacobian[..., k : k + 1] * design.expand(members, rows, -1).unsqueeze(2)
        for k, design in enumerate(designs)
    ]
    return torch.cat([*parts, jacobian[..., jacobian.shape[-1] - constants :]], -1)


@pytest.mark.parametrize("rows_at_once", [256, 100_000])
@given(
    members=st.integers(1, 3),
    widths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    constants=st.integers(0, 2),
    own=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_the_chained_equations_are_the_dense_ones(
    rows_at_once, members, widths, constants, own, seed
):
    rows = 300
    local, jacobian, residual, normal = random_local(
        members, rows, len(widths), constants, seed
    )
    leading = (members, rows) if own else (rows,)
    designs = [normal(*leading, width) for width in widths]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "BUDGET", rows_at_once * members * max(widths))
        found = assemble(local, designs)
    full = dense(jacobian, designs, constants).flatten(1, 2)
    expected = torch.einsum("sr,srp->sp", residual.flatten(1), full)
    torch.testing.assert_close(found.gradient, expected)
    torch.testing.assert_close(found.matrix, full.mT @ full)
    assert torch.equal(found.loss, local.loss)


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.integers(0, 1000))
def test_holding_takes_parameters_out_of_the_equations(active, seed):
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(1, 6, 4, generator=generator, dtype=torch.float64)
    gradient = torch.randn(1, 4, generator=generator, dtype=torch.float64)
    keep = torch.tensor([active])
    held = hold(Normal(torch.zeros(1), gradient, root.mT @ root), keep)
    step = torch.linalg.solve(held.matrix, held.gradient)[0]
    assert bool((step[~keep[0]] == 0).all())
    small = (root.mT @ root)[0][keep[0]][:, keep[0]]
    expected = torch.linalg.solve(small, gradient[0][keep[0]])
    torch.testing.assert_close(step[keep[0]], expected)
