"""Errors of the curves of a trained encoder, from its own Gauss-Newton equations.

Training smooths the curves. Here every curve gets a fine spline on top, without any
smoothing, and Gauss-Newton steps through the process lead from the trained model to the
minimum, all curves and process constants at once. Step and inverse matrix are what the
data say about a curve and how well; other curves and constants are left free.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
import torch
from torch import Tensor

from sciren.data.kinds import Categorical, FeatureKind
from sciren.solvers.normal_equations import assemble
from sciren.solvers.process_term import LocalModel, ProcessTerm
from sciren.splines import design
from symbolic.curves.curve_errors import CurveErrors
from symbolic.curves.extract import Curve, LatentCurves
from symbolic.terms.sandwich import sandwich

INTERVALS = 10  # of the spline on top of a curve
MOST = 1500  # coefficients of all curves, beyond which errors are not sought
SMALLEST = 1e-6  # variance of a direction, as a share of the largest, that counts
ROUNDING = 1e-12  # of a unit diagonal: that of normal equations of some hundred columns
STEPS = 10  # of Gauss and Newton
SETTLED = 1e-5  # gain that is left, as a share of the loss
EXACT = 1e-20  # loss that is rounding
ONE = torch.zeros(1, dtype=torch.long)


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
    any where curves are so many that the steps would cost more than the search, nor where
    the steps do not settle.

    Args:
        latents: curves of a trained model, see `extract`.
        term: observed loss of some rows at that model.
        scaled: (n, d) their scaled features.
    """
    edges = sum(len(latent.edges) for latent in latents)
    # the inverse of all curves together costs the cube of their coefficients
    if not 0 < edges * (INTERVALS + 3) <= MOST or any(
        latent.nodes for latent in latents
    ):
        return list(latents)
    fine = _Fine.of(latents, term, scaled)
    settled = fine.settled()
    if settled is None:
        return list(latents)
    measured = _measured(latents, fine, settled)
    return [
        replace(
            latent,
            edges=tuple(
                replace(curve, errors=errors)
                for curve, errors in zip(latent.edges, errors_of_latent, strict=True)
            ),
        )
        for latent, errors_of_latent in zip(latents, measured, strict=True)
    ]


@dataclass(frozen=True)
class _Settled:
    """Where the steps end: all parameters (P,), the inverse matrix, loss and rows."""

    step: Tensor
    inverse: Tensor
    loss: float
    local: LocalModel


@dataclass(frozen=True)
class _Fine:
    """The trained model with a fine spline on top of every curve.

    Attributes:
        bases, designs: of the curves, by latent.
        raw: (n, L) raw latents and (K,) raw constants of the trained model.
    """

    term: ProcessTerm
    bases: list[list[_Basis]]
    designs: list[Tensor]
    raw: Tensor
    constants: Tensor

    @classmethod
    def of(
        cls, latents: Sequence[LatentCurves], term: ProcessTerm, scaled: Tensor
    ) -> "_Fine":
        # where the process feels a latent strongly, its curve is known well: these curvatures
        # (n,) weigh the rows of each basis
        raw = term.model.raw_latents(scaled)
        constants = term.model.constant_raw.detach().to(raw)
        curvature = term.local(raw.unsqueeze(0), constants.unsqueeze(0), ONE).curvature
        bases = [
            [_basis(curve, scaled, curvature[0, :, k, k]) for curve in latent.edges]
            for k, latent in enumerate(latents)
        ]
        # the offset of a latent moves with its curves, whose columns are centred
        ones = raw.new_ones(len(raw), 1)
        designs = [
            torch.cat([ones, *(b.columns for b in edges)], dim=1) for edges in bases
        ]
        return cls(term, bases, designs, raw, constants)

    def at(self, step: Tensor) -> tuple[Tensor, Tensor]:
        """Raw latents (1, n, L) and constants (1, K) after a step of all parameters."""
        moves, place = [], 0
        for columns in self.designs:
            moves.append(columns @ step[place : place + columns.shape[1]])
            place += columns.shape[1]
        raw = self.raw + torch.stack(moves, dim=1)
        return raw.unsqueeze(0), (self.constants + step[place:]).unsqueeze(0)

    def settled(self) -> _Settled | None:
        """Take Gauss-Newton steps to the minimum; None where they do not reach it."""
        width = sum(design.shape[1] for design in self.designs) + len(self.constants)
        step = self.raw.new_zeros(width)
        for _ in range(STEPS):
            local = self.term.local(*self.at(step), ONE)
            normal = assemble(local, self.designs)
            loss, inverse = float(normal.loss[0]), _inverse(normal.matrix[0])
            move = -inverse @ normal.gradient[0]
            if not bool(torch.isfinite(move).all()):
                return None
            # -g'move is the gain that the full step promises
            if -float(normal.gradient[0] @ move) <= SETTLED * loss:
                return _Settled(step, inverse, loss, local)
            # far from the trained curves the process may bend: shorter steps, or none
            for share in (1.0, 0.5, 0.2, 0.05):
                if float(self.term.loss(*self.at(step + share * move), ONE)) < loss:
                    break
            else:
                return None
            step = step + share * move
        return None


@singledispatch
def _columns(kind: FeatureKind, curve: Curve, z: Tensor) -> Tensor:
    """Return the columns (n, p) of all curves of a feature (n,)."""
    ends = z.new_tensor(curve.x[[0, -1]])
    return design(z.unsqueeze(1), ends[:1], ends[1:], INTERVALS)[:, 0]


@_columns.register
def _(kind: Categorical, curve: Curve, z: Tensor) -> Tensor:
    # one column for each class that has rows
    return (z.unsqueeze(1) == z.new_tensor(curve.x)).to(z)


def _basis(curve: Curve, scaled: Tensor, information: Tensor) -> _Basis:
    z = scaled[:, curve.source]
    full = _columns(curve.kind, curve, z)
    weight = information.clamp_min(0.0).unsqueeze(1)
    # 1. Free of a constant, which is the latent's, by the information of the rows.
    full = full - (weight * full).sum(0) / weight.sum().clamp_min(1e-300)
    # 2. Orthonormal by it; directions that no row informs are left out.
    values, vectors = torch.linalg.eigh(full.mT @ (weight * full))
    kept = values > SMALLEST * values[-1].clamp_min(1e-300)
    columns = full @ (vectors[:, kept] / values[kept].sqrt())
    # 3. What a closed form on the curve's grid is for these columns, with straight lines
    # between the points of the grid.
    hats = _hats(curve.kind, curve.x, z.numpy(), (weight * columns).numpy())
    return _Basis(columns, hats)


@singledispatch
def _hats(
    kind: FeatureKind, grid: np.ndarray, z: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Sums of values (n, r) times the hat functions of a grid (m,) of a curve: (r, m)."""
    return _linear_hats(grid, z, values)


@_hats.register
def _(
    kind: Categorical, grid: np.ndarray, z: np.ndarray, values: np.ndarray
) -> np.ndarray:
    return values.T @ (z[:, None] == grid).astype(float)


def _linear_hats(grid: np.ndarray, z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums of values (n, r) times the hat functions of a uniform grid (m,): (r, m)."""
    # each row lies between two points of the grid and is shared out over them
    position = (z - grid[0]) / (grid[1] - grid[0])
    left = np.clip(position.astype(int), 0, len(grid) - 2)
    share = (position - left)[:, None]
    hats = np.zeros((len(grid), values.shape[1]))
    np.add.at(hats, left, values * (1.0 - share))
    np.add.at(hats, left + 1, values * share)
    return hats.T


def _measured(
    latents: Sequence[LatentCurves], fine: _Fine, settled: _Settled
) -> list[list[CurveErrors | None]]:
    """Read off every curve's estimate and precision."""
    count = fine.term.observations.count
    freedom = count - len(settled.step)
    # exact data have no errors; without rows to spare they cannot be told
    if not (settled.loss > EXACT and freedom > 0):
        return [[None] * len(latent.edges) for latent in latents]
    blocks = fine.term.observations.blocks
    robust = sandwich(settled.local, fine.designs, settled.inverse, blocks).covariance
    usual = settled.inverse * (settled.loss / freedom)
    errors: list[list[CurveErrors | None]] = []
    place = 0
    for latent, bases in zip(latents, fine.bases, strict=True):
        # the first column of each latent is its offset
        place += 1
        errors.append([])
        for curve, basis in zip(latent.edges, bases, strict=True):
            here = slice(place, place + basis.columns.shape[1])
            place = here.stop
            both = usual[here, here], robust[here, here]
            curve_errors = _errors(curve, basis, settled.step[here], *both, count)
            noise = settled.loss * count / freedom
            errors[-1].append(curve_errors and replace(curve_errors, noise=noise))
    return errors


def _inverse(matrix: Tensor) -> Tensor:
    scale = matrix.diagonal().clamp_min(1e-300).sqrt()
    scaled = matrix / (scale.unsqueeze(1) * scale)
    # unit diagonal first: columns of latents, curves and process constants differ in size
    eye = torch.eye(len(matrix)).to(matrix)
    return torch.linalg.inv(scaled + ROUNDING * eye) / (scale.unsqueeze(1) * scale)


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
    # variance that rows of one block share, along the directions of the usual covariance; only
    # as much as it is larger on average, because single directions of it are estimated badly
    inside = torch.einsum("pr,pq,qr->r", vectors, robust, vectors)
    excess = max(1.0, float((inside / values).mean()))
    white = (vectors / (values * excess).sqrt()).mT.numpy()
    # rows of unit variance, taking a closed form on the grid; the estimate is the trained curve
    # and the step from it
    root = white @ basis.hats
    target = root @ curve.y + white @ step.numpy()
    # as many independent observations as the excess leaves
    return CurveErrors(root, target, max(count / excess, 2.0))
