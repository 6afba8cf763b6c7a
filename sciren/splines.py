"""Uniform cubic B-splines: basis, design, roughness, penalised fit (pure functions).

A spline over [low, high] with G intervals has G + 3 coefficients. Beyond the range it
continues as a straight line ("linear", the default) or falls to zero past three more
intervals on each side ("zero", what other spline networks do).

Reference: de Boor 1978, A Practical Guide to Splines; the local weights of the uniform
cubic case are written out in closed form.
"""

import functools
from typing import Literal

import torch
from torch import Tensor

from sciren.errors import ShapeError

Outside = Literal["linear", "zero"]
ORDER = 3  # cubic: four basis functions live on each interval


def n_coefficients(intervals: int) -> int:
    """Return the number of coefficients of a cubic spline with that many intervals."""
    return intervals + ORDER


def _weights(f: Tensor) -> Tensor:
    """Four local weights at the position f in [0, 1] inside an interval, last dim."""
    first, last = (1 - f) ** 3 / 6, f**3 / 6
    # The third from the sum of all, which is one: rounding cannot break that.
    second = 2 / 3 - f * f * (1 - f / 2)
    return torch.stack((first, second, 1 - first - second - last, last), dim=-1)


def _slopes(f: Tensor) -> Tensor:
    """Derivatives of the four local weights with respect to f, last dim."""
    first, last = -((1 - f) ** 2) / 2, f * f / 2
    # Weights sum to one everywhere, so that their slopes sum to zero: one of them is
    # the rest.
    second = f * (1.5 * f - 2)
    return torch.stack((first, second, -(first + second + last), last), dim=-1)


def _locate(
    x: Tensor, low: Tensor, high: Tensor, intervals: int
) -> tuple[Tensor, Tensor]:
    """Return interval index in 0..G-1 and position f, both for x inside the range.

    Positions are taken in double precision: in single, (x - low) / spacing loses the
    digits that fine grids need.
    """
    start = low.double()
    steps = (x.double() - start) * (intervals / (high.double() - start))
    cell = steps.detach().floor().clamp(0, intervals - 1)
    return cell.long(), (steps - cell).to(x.dtype)


def local_basis(
    x: Tensor, low: Tensor, high: Tensor, intervals: int, outside: Outside = "linear"
) -> tuple[Tensor, Tensor]:
    """Return where the basis is not zero, and its value there.

    Args:
        x: (..., d) positions.
        low, high: (d,) range of the knots.
        intervals: number G of intervals.
        outside: continuation beyond the range.
    Returns:
        index (..., d) of the first of four consecutive coefficients, counted in the
        G + 3 coefficients (with "zero": in G + 11, four empty ones on each side);
        weights (..., d, 4).
    """
    if outside == "zero":
        return _local_zero(x, low, high, intervals)
    inside = torch.minimum(torch.maximum(x, low), high)
    index, f = _locate(inside, low, high, intervals)
    # Beyond the range: value at the end plus slope times distance, both in intervals.
    excess = (x - inside) * (intervals / (high - low))
    return index, _weights(f) + excess.unsqueeze(-1) * _slopes(f)


def _local_zero(
    x: Tensor, low: Tensor, high: Tensor, intervals: int
) -> tuple[Tensor, Tensor]:
    # A point may lie anywhere, also in a hidden layer whose nodes leave the grid: cells are
    # clamped to where nothing is, instead of the cubic being continued.
    pad, start = ORDER + 1, low.double()
    steps = (x.double() - start) * (intervals / (high.double() - start))
    cell = steps.detach().floor().clamp(-pad, intervals + ORDER)
    f = (steps - cell).clamp(0, 1).to(x.dtype)
    # Rows beyond the extended knots land in the empty coefficients with weight zero.
    return (cell + pad).long(), _weights(f)


def design(
    x: Tensor, low: Tensor, high: Tensor, intervals: int, outside: Outside = "linear"
) -> Tensor:
    """Return all basis functions at x: (..., d) -> (..., d, G + 3).

    Reference: Cox-de Boor recursion (tests compare with it); here in closed form.
    """
    # Four weights a point are spread into a row of zeros.
    index, weights = local_basis(x, low, high, intervals, outside)
    pad = 0 if outside == "linear" else ORDER + 1
    full = x.new_zeros((*x.shape, n_coefficients(intervals) + 2 * pad))
    places = index.unsqueeze(-1) + torch.arange(ORDER + 1, device=x.device)
    full = full.scatter_add(-1, places, weights)
    return full[..., pad : full.shape[-1] - pad] if pad else full


def evaluate(
    x: Tensor, coefficients: Tensor, low: Tensor, high: Tensor, intervals: int
) -> Tensor:
    """Return spline values at x, four coefficients a point, linear outside.

    Args:
        x: (..., d) positions.
        coefficients: (..., d, G + 3), leading dimensions broadcast against those of x.
    Returns:
        (..., d), unit of the coefficients.
    """
    # Four coefficients a point instead of a row of G + 3: no row is ever formed.
    index, weights = local_basis(x, low, high, intervals)
    wide = coefficients.expand(*x.shape, -1)
    places = index.unsqueeze(-1) + torch.arange(ORDER + 1, device=x.device)
    return (weights * wide.gather(-1, places)).sum(-1)


def greville(low: Tensor, high: Tensor, intervals: int) -> Tensor:
    """Return the coefficients (d, G + 3) for which the spline is the identity x."""
    spacing = (high - low) / intervals
    # Coefficient g belongs to the mean of its three inner knots, which is knot g - 1.
    steps = torch.arange(-1, intervals + 2, dtype=low.dtype, device=low.device)
    return low.unsqueeze(-1) + spacing.unsqueeze(-1) * steps


def second_differences(coefficients: Tensor) -> Tensor:
    """Return c[g+2] - 2 c[g+1] + c[g] along the last dimension.

    Raises:
        ShapeError: fewer than three coefficients, so there is no second difference.
    """
    if coefficients.shape[-1] < 3:
        raise ShapeError(
            f"{coefficients.shape[-1]} coefficients have no second difference; "
            "use at least three"
        )
    return coefficients.diff(n=2, dim=-1)


def roughness_matrix(intervals: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return R (G + 3, G + 3) with c' R c / h^3 = integral of f''^2 over the range.

    f'' is linear between knots with values (second difference) / h^2 at the knots, so
    each interval contributes h (a^2 + a b + b^2) / 3.
    """
    return _roughness_matrix(intervals, dtype).clone()


@functools.lru_cache(maxsize=64)
def _roughness_matrix(intervals: int, dtype: torch.dtype) -> Tensor:
    size = n_coefficients(intervals)
    second = second_differences(torch.eye(size, dtype=dtype)).T
    mass = torch.zeros(intervals + 1, intervals + 1, dtype=dtype)
    for cell in range(intervals):
        # Mass matrix of linear elements: integral over a cell of (a (1 - t) + b t)^2.
        pair = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=dtype) / 6
        mass[cell : cell + 2, cell : cell + 2] += pair
    return second.T @ mass @ second


def roughness(coefficients: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Return the integral of f''^2 over the knot range for each edge.

    Args:
        coefficients: (d, m, G + 3), unit of the edge output.
        low, high: (d,) range of the knots.
    Returns:
        (d, m), squared unit of the edge output over cubed unit of x; zero for a line.
    Reference: Eilers and Marx 2010; equation 7 of the paper in integral form.
    """
    intervals = coefficients.shape[-1] - ORDER
    matrix = _roughness_matrix(intervals, coefficients.dtype).to(coefficients.device)
    energy = (coefficients @ matrix * coefficients).sum(-1)
    return energy / (((high - low) / intervals) ** 3).unsqueeze(-1)


def fit_coefficients(
    x: Tensor, y: Tensor, low: Tensor, high: Tensor, intervals: int, ridge: float = 1e-3
) -> Tensor:
    """Fit curves by penalised least squares on first differences.

    Solves (B'B + ridge D'D) c = B'y; coefficients that no sample touches continue flat.

    Args:
        x: (n, d) positions;  y: (n, d, m) curve values.
    Returns:
        (d, m, G + 3).
    Reference: the grid update of the authors' spline network.
    """
    basis = design(x, low, high, intervals).transpose(0, 1)  # (d, n, g)
    size = basis.shape[-1]
    first = torch.eye(size, dtype=x.dtype, device=x.device).diff(dim=0)
    # First differences alone leave a constant free where no sample lies.
    tiny = 1e-10 * torch.eye(size, dtype=x.dtype, device=x.device)
    normal = basis.mT @ basis + ridge * first.T @ first + tiny
    right = basis.mT @ y.transpose(0, 1)
    return torch.linalg.solve(normal, right).mT
