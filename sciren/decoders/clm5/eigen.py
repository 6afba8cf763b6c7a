"""Soil pools as three independent modes: eigenvalues and vectors of the 3x3 exchange.

The soil block is V (x) 1 + diag(x) (x) M with one matrix M a site, so in M's eigenvectors
it falls into the scalar systems V + lambda_i diag(x). For the published prior the three
eigenvalues are real and well apart; `Modes.safe` says whether that held.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.decoders.clm5.exchange import Exchange

# Newton steps that reach rounding: over 2.5 million draws of the prior and its corners the
# ratios of neighbouring eigenvalues were at least 1.387 and the residual 3e-16. Wider
# priors reach 1.03, where these counts leave 5e-5, hence the two guards.
STEPS_LARGEST, STEPS_SMALLEST = 7, 9
RESIDUAL = 1e-13  # of the polynomial, relative to its terms
APART = 1.2  # least ratio of neighbouring eigenvalues


@dataclass(frozen=True)
class Modes:
    """M = right diag(values) left, with left = right^-1.

    Attributes:
        values: (3, n), fast, middle, slow; day-1.
        right, left: (3, 3, n).
        safe: whether all eigenvalues are exact and well apart.
    """

    values: Tensor
    right: Tensor
    left: Tensor
    safe: bool


def modes(m: Exchange) -> Modes:
    """Diagonalise the exchange matrices of n sites."""
    trace = m.a + m.b + m.c
    # Characteristic polynomial r^3 - trace r^2 + minors r - det of M, entries as in
    # `Exchange`; a determinant of zero is refused by `_safe`.
    minors = (
        m.a * m.b * (1 - m.f12 * m.f21) + m.a * m.c * (1 - m.f13 * m.f31) + m.b * m.c
    )
    cycles = m.f12 * m.f21 + m.f13 * m.f31 + m.f12 * m.f23 * m.f31
    det = m.a * m.b * m.c * (1 - cycles)
    fast = _largest_root(trace, minors, det, STEPS_LARGEST)
    # The smallest root as the inverse of the largest of the reversed polynomial: Newton
    # from above would reach it last and inexactly.
    slow = 1 / _largest_root(minors / det, trace / det, 1 / det, STEPS_SMALLEST)
    values = torch.stack([fast, det / (fast * slow), slow])
    right, left = _vectors(m, values)
    return Modes(values, right, left, _safe(values, trace, minors, det))


def _largest_root(first: Tensor, second: Tensor, third: Tensor, steps: int) -> Tensor:
    """Largest root of r^3 - first r^2 + second r - third, by Newton from above."""
    root = first  # the sum of the roots lies above all of them: Newton only descends
    for _ in range(steps):
        value = ((root - first) * root + second) * root - third
        root = root - value / ((3 * root - 2 * first) * root + second)
    return root


def _safe(values: Tensor, trace: Tensor, minors: Tensor, det: Tensor) -> bool:
    value = ((values - trace) * values + minors) * values - det
    # The same polynomial with all signs positive: the size of what cancels in value.
    size = ((values + trace) * values + minors) * values + det
    exact = value.abs() <= RESIDUAL * size
    apart = values[:2] >= APART * values[1:]
    return bool((exact.all(0) & apart.all(0) & (det > 0)).all())


def _vectors(m: Exchange, values: Tensor) -> tuple[Tensor, Tensor]:
    """Right and left eigenvectors from the adjugate of M - lambda.

    Mode i takes row and column i of the cofactors: the difference that would cancel
    there (a - lambda for the fast mode, ...) does not occur in them.
    """
    # Entries of M without sign: M = [[a, -B, -C], [-A, b, 0], [-D, -E, c]].
    A, B, C = m.f12 * m.a, m.f21 * m.b, m.f31 * m.c
    D, E = m.f13 * m.a, m.f23 * m.b
    p, q, r = m.a - values, m.b - values, m.c - values  # (3, n): one row a mode
    own = [q[0] * r[0], p[1] * r[1] - C * D, p[2] * q[2] - A * B]
    c01, c02 = A * r, A * E + D * q
    c10, c12 = B * r + C * E, E * p + B * D
    c20, c21 = C * q, C * A
    right = [
        torch.stack([own[0], c01[0], c02[0]]) / own[0],
        torch.stack([c10[1], own[1], c12[1]]) / own[1],
        torch.stack([c20[2], c21, own[2]]) / own[2],
    ]
    left = [
        torch.stack([own[0], c10[0], c20[0]]),
        torch.stack([c01[1], own[1], c21]),
        torch.stack([c02[2], c12[2], own[2]]),
    ]
    # Normalised so that left right = 1 mode by mode; rows are the modes.
    inverse = [
        left_vector / (left_vector * right_vector).sum(0)
        for left_vector, right_vector in zip(left, right, strict=True)
    ]
    return torch.stack(right, dim=1), torch.stack(inverse)
