"""B-splines of any order on any knots, exactly as pykan evaluates them."""

import torch
from torch import Tensor


def basis(x: Tensor, knots: Tensor, order: int) -> Tensor:
    """Return all basis functions at x.

    Half-open intervals; nothing beyond the outermost knots. Where knots coincide, a
    function with an empty half is zero as a whole (pykan turns the 0/0 of either half
    into 0 after adding both), so that the numbers agree there as well.

    Args:
        x: (n, i).
        knots: (i, K), not decreasing.
        order: k >= 1, cubic is 3.
    Returns:
        (n, i, K - 1 - k).
    Reference: Cox-de Boor recursion; de Boor 1978, A Practical Guide to Splines.
    """
    u, t = x.unsqueeze(-1), knots.unsqueeze(0)
    # Order 0: one on its half-open interval. Each round then raises the order by one.
    value = ((u >= t[..., :-1]) & (u < t[..., 1:])).to(x.dtype)
    for k in range(1, order + 1):
        rise = t[..., k:-1] - t[..., : -(k + 1)]
        fall = t[..., k + 1 :] - t[..., 1:-k]
        whole = (rise != 0) & (fall != 0)
        up = (u - t[..., : -(k + 1)]) / torch.where(whole, rise, 1.0)
        down = (t[..., k + 1 :] - u) / torch.where(whole, fall, 1.0)
        value = (up * value[..., :-1] + down * value[..., 1:]) * whole
    return value


def extended(inner: Tensor, order: int) -> Tensor:
    """Return the knots (i, G + 1 + 2k): k more on each side at the mean step."""
    # The mean step, also for uneven knots: pykan extends them so.
    step = (inner[:, -1:] - inner[:, :1]) / (inner.shape[1] - 1)
    count = torch.arange(1, order + 1, dtype=inner.dtype, device=inner.device)
    return torch.cat(
        (inner[:, :1] - step * count.flip(0), inner, inner[:, -1:] + step * count),
        dim=1,
    )


def curve_coefficients(x: Tensor, y: Tensor, knots: Tensor, order: int) -> Tensor:
    """Return the least-squares coefficients of curves, (i, j, G + k).

    In double precision by singular values: torch's default on the CPU reads memory that
    was never set when samples are fewer than coefficients, so that equal calls differ
    (pykan inherits this).

    Args:
        x: (n, i);  y: (n, i, j);  knots: (i, K).
    """
    rows = basis(x.double(), knots.double(), order).transpose(0, 1).cpu()
    right = y.double().transpose(0, 1).cpu()
    solution = torch.linalg.lstsq(rows, right, driver="gelsd").solution
    return solution.mT.to(knots)
