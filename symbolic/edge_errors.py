"""Errors of the curves of a trained encoder, from its own Gauss-Newton equations.

Training smooths the curves. Here every curve gets a fine spline on top, without any
smoothing: one Gauss-Newton step through the process from the trained model, with all
curves and process constants at once. Step and inverse matrix are what the data say about
the curve and how well; other curves and constants are left free.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sciren.splines import design
from sciren.training.gauss_newton.assembly import assemble
from sciren.training.gauss_newton.process_term import LocalModel, ProcessTerm
from symbolic.curve_errors import CurveErrors
from symbolic.extract import Curve, LatentCurves
from symbolic.sandwich import sandwich

INTERVALS = 10  # of the spline on top of a curve
MOST = 1500  # coefficients of all curves, beyond which errors are not sought
SMALLEST = 1e-6  # variance of a direction, as a share of the largest, that counts
ROUNDING = 1e-12


@dataclass(frozen=True)
class _Basis:
    """Columns of one curve, centred and orthonormal over the rows' information.

    Attributes:
        columns: (n, r);  hats: (r, m) sums over the rows of columns times information
            times hat functions of the curve's grid.
    """

    columns: Tensor
    hats: np.ndarray


@torch.no_grad()
def with_errors(
    latents: Sequence[LatentCurves], term: ProcessTerm, scaled: Tensor
) -> list[LatentCurves]:
    """Give the direct curves of all latents their errors.

    Curves inside and behind hidden nodes have none: their scale is free. Neither have
    any where curves are so many that the step would cost more than the search.

    Args:
        latents: curves of a trained model, see `extract`.
        term: observed loss of some rows at that model.
        scaled: (n, d) their scaled features.
    """
    edges = sum(len(one.edges) for one in latents)
    if not 0 < edges * (INTERVALS + 3) <= MOST or any(one.nodes for one in latents):
        return list(latents)
    model = term.model
    raw = model.raw_latents(scaled).unsqueeze(0)
    constants = model.constant_raw.detach().unsqueeze(0).to(raw)
    local = term.local(raw, constants, torch.zeros(1, dtype=torch.long))
    bases = [
        [_basis(curve, scaled, local.curvature[0, :, k, k]) for curve in one.edges]
        for k, one in enumerate(latents)
    ]
    known = _measured(latents, bases, local, term)
    return [
        replace(
            one,
            edges=tuple(
                replace(curve, errors=errors)
                for curve, errors in zip(one.edges, some, strict=True)
            ),
        )
        for one, some in zip(latents, known, strict=True)
    ]


def _basis(curve: Curve, scaled: Tensor, information: Tensor) -> _Basis:
    z, ends = scaled[:, curve.source], scaled.new_tensor(curve.x[[0, -1]])
    full = design(z.unsqueeze(1), ends[:1], ends[1:], INTERVALS)[:, 0]
    weight = information.clamp_min(0.0).unsqueeze(1)
    full = full - (weight * full).sum(0) / weight.sum().clamp_min(1e-300)
    values, vectors = torch.linalg.eigh(full.mT @ (weight * full))
    kept = values > SMALLEST * values[-1].clamp_min(1e-300)
    columns = full @ (vectors[:, kept] / values[kept].sqrt())
    return _Basis(columns, _hats(curve.x, z.numpy(), (weight * columns).numpy()))


def _hats(grid: np.ndarray, z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums of values (n, r) times the hat functions of a uniform grid (m,): (r, m)."""
    place = (z - grid[0]) / (grid[1] - grid[0])
    left = np.clip(place.astype(int), 0, len(grid) - 2)
    share = (place - left)[:, None]
    found = np.zeros((len(grid), values.shape[1]))
    np.add.at(found, left, values * (1.0 - share))
    np.add.at(found, left + 1, values * share)
    return found.T


def _measured(
    latents: Sequence[LatentCurves],
    bases: Sequence[Sequence[_Basis]],
    local: LocalModel,
    term: ProcessTerm,
) -> list[list[CurveErrors | None]]:
    """Step from the trained model and read off every curve's estimate and precision."""
    ones = local.gradient.new_ones(local.gradient.shape[1], 1)
    designs = [torch.cat([ones, *(b.columns for b in some)], dim=1) for some in bases]
    normal = assemble(local, designs)
    inverse = _inverse(normal.matrix[0])
    step = -inverse @ normal.gradient[0]
    count = term.observations.count
    least = float(normal.loss[0] + normal.gradient[0] @ step)
    freedom = count - len(step)
    if not (least > 0 and freedom > 0 and bool(torch.isfinite(inverse).all())):
        return [[None] * len(some) for some in bases]
    robust = sandwich(
        _moved(local, designs, step), designs, inverse, term.observations.blocks
    ).covariance
    usual = inverse * (least / freedom)
    found: list[list[CurveErrors | None]] = []
    place = 0
    for one, some in zip(latents, bases, strict=True):
        place += 1
        found.append([])
        for curve, basis in zip(one.edges, some, strict=True):
            here = slice(place, place + basis.columns.shape[1])
            place = here.stop
            found[-1].append(
                _errors(
                    curve,
                    basis,
                    step[here],
                    usual[here, here],
                    robust[here, here],
                    count,
                )
            )
    return found


def _inverse(matrix: Tensor) -> Tensor:
    scale = matrix.diagonal().clamp_min(1e-300).sqrt()
    scaled = matrix / (scale.unsqueeze(1) * scale)
    eye = torch.eye(len(matrix)).to(matrix)
    return torch.linalg.inv(scaled + ROUNDING * eye) / (scale.unsqueeze(1) * scale)


def _moved(local: LocalModel, designs: Sequence[Tensor], step: Tensor) -> LocalModel:
    """The quadratic model of every row after a step of all parameters."""
    moves, place = [], 0
    for one in designs:
        moves.append(one @ step[place : place + one.shape[1]])
        place += one.shape[1]
    rest = [value.expand(len(moves[0])) for value in step[place:]]
    move = torch.stack([*moves, *rest], dim=1)
    gradient = local.gradient[0] + (local.curvature[0] @ move.unsqueeze(-1)).squeeze(-1)
    return replace(local, gradient=gradient.unsqueeze(0))


def _errors(
    curve: Curve,
    basis: _Basis,
    step: Tensor,
    usual: Tensor,
    robust: Tensor,
    count: float,
) -> CurveErrors | None:
    """Errors by the usual covariance, enlarged by what rows of a block have in common."""
    values, vectors = torch.linalg.eigh(usual)
    good = values > 0
    if not bool(good.any()):
        return None
    vectors, values = vectors[:, good], values[good]
    inside = torch.einsum("pr,pq,qr->r", vectors, robust, vectors)
    excess = max(1.0, float((inside / values).mean()))
    white = (vectors / (values * excess).sqrt()).mT.numpy()
    root = white @ basis.hats
    return CurveErrors(
        root, root @ curve.y + white @ step.numpy(), max(count / excess, 2.0)
    )
