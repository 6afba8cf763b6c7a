"""Penalised curves behind a process, smoothed by REML, with their covariance.

Estimated edges have a penalty on their bending only; edges that may act but were not
selected enter softly, with a penalty on their straight part too, so that a feature that
was lost leaves a width behind instead of a certain zero.

    minimise |W (y - mean(theta))|^2 + sum over groups lambda_g |theta_g|^2

The strengths and the minimum are found in turn: at a minimum the model is linearised, the
strengths are moved to the maximum of the restricted likelihood, and so on.

Reference: Wood 2017, Generalized Additive Models, chapter 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sciren.inference.basis import CurveBasis
from sciren.inference.design import Design, Edge
from sciren.inference.intervals.reml import PenaltyGroup, Smoothing, penalised, smooth
from sciren.inference.kind_bases import smooth_basis
from sciren.inference.noise import Whitening
from sciren.inference.observed import ObservedProcess
from sciren.inference.sandwich import (
    Covariance,
    bayesian_sandwich,
    block_meat,
    cosine_count,
    cosine_meat,
    independent_meat,
    leverages,
)
from sciren.inference.solve import Fit, redrawn, solve, start_theta

Array = np.ndarray

COLUMNS = 8  # five more than the tests have; REML takes away what is not needed
ROUNDS = 4  # of strengths and minimum in turn, at most
SETTLED = 0.1  # |change of log lambda| that ends the rounds: 10 % move no width by 1 %
STRAIGHT = 1e-8
"""Share of the largest bending below which a direction of a basis is a straight line."""

MOST_SOFT = 160
"""Columns of all soft edges: as many as twenty edges have. Their strengths cost the cube of
the columns at every step, and a line leaves the width of a lost feature behind as well."""

MOST_COLUMNS = 0.4  # share of the observations; with more, soft edges get fewer columns


@dataclass(frozen=True, eq=False)
class SmoothFit:
    """A penalised fit, linear around its minimum.

    Attributes:
        fit: the minimum.
        smoothing: strengths, inverse matrix and residual variance of whitened rows.
        groups: of penalised columns.
        columns: (m, P) whitened sensitivities;  residual: (m,) whitened.
        estimated: edges that are penalised on their bending only; others are soft.
    """

    fit: Fit
    smoothing: Smoothing
    groups: tuple[PenaltyGroup, ...]
    columns: Array
    residual: Array
    estimated: tuple[Edge, ...]

    @property
    def design(self) -> Design:
        """Columns of the latents."""
        return self.fit.design

    @property
    def theta(self) -> Array:
        """Levels, coefficients, constants (P,)."""
        return self.fit.theta

    def covariance(self, model_based: bool = False) -> Covariance:
        """Return the covariance of theta with selection's law as a working law only.

        Args:
            model_based: believe that whitened rows are independent and equal, s^2 A^-1.
        """
        smoothing, process = self.smoothing, self.fit.process
        inverse, count = smoothing.inverse, len(self.residual)
        if model_based:
            return Covariance(smoothing.variance * inverse, count - smoothing.edf)
        meat, freedom = self._meat(process)
        matrix = bayesian_sandwich(inverse, meat, smoothing.penalty, smoothing.variance)
        return Covariance(matrix, freedom)

    def _meat(self, process: ObservedProcess) -> tuple[Array, float]:
        """Return the covariance of the scores, and the degrees of freedom behind it."""
        scores = self.columns * self.residual[:, None]
        edf = self.smoothing.edf
        if process.groups is None and process.ordered:
            # However long the memory of the noise, slow cosines of the scores see it.
            # They are few, and so are the degrees of freedom.
            nu = cosine_count(process.n_rows)
            return cosine_meat(scores, nu, edf, process.time_rank()), float(nu)
        share = leverages(self.columns, self.smoothing.inverse)
        free = max(len(scores) - edf, 1.0)
        if process.groups is not None:
            # Groups know nothing of each other, whatever rows of one group share.
            meat, blocks = block_meat(scores, share, process.groups)
            return meat, float(blocks - 1) if blocks else free
        if len(process.target_names) > 1:
            # What happened to a row has happened to all of its targets.
            meat, _ = block_meat(scores, share, process.rows)
            return meat, free
        return independent_meat(scores, share), free


def fit_smooth(
    process: ObservedProcess,
    whitening: Whitening,
    estimated: Sequence[Edge],
    soft: Sequence[Edge] = (),
    near: Fit | None = None,
    columns: int = COLUMNS,
) -> SmoothFit:
    """Fit penalised curves, their strengths by REML.

    Args:
        process: observations.
        whitening: of the noise law that the selection found.
        estimated: edges whose curves are estimated.
        soft: edges that may act; each also has a penalty on its straight part.
        near: fit of these or other rows of the record to begin with; default declared
            starts and flat curves.
        columns: of the basis of every estimated feature.
    """
    edges = [*estimated, *(edge for edge in soft if edge not in set(estimated))]
    bases = _bases(process, edges, set(estimated), columns)
    design = Design(tuple(edges), bases, process.n_latents, process.n_constants)
    groups = penalty_groups(design, set(estimated))
    theta = start_theta(process, design)
    if near is not None:
        theta = redrawn(near, design, process)
    # one per cent of the rows: a mild start from which every curve can still bend
    penalty = np.zeros(design.size)
    for group in groups:
        penalty[group.columns] = 0.01 * len(process)
    return _settle(process, whitening, design, groups, theta, penalty, tuple(estimated))


def refit_smooth(smooth_fit: SmoothFit, whitening: Whitening) -> SmoothFit:
    """Return the same curves fitted under another law of the noise."""
    fit = smooth_fit.fit
    return _settle(
        fit.process, whitening, fit.design, smooth_fit.groups, fit.theta,
        smooth_fit.smoothing.penalty, smooth_fit.estimated,
    )  # fmt: skip


def _settle(
    process: ObservedProcess,
    whitening: Whitening,
    design: Design,
    groups: tuple[PenaltyGroup, ...],
    theta: Array,
    penalty: Array,
    estimated: tuple[Edge, ...],
) -> SmoothFit:
    """Move minimum and strengths in turn until the strengths stay."""
    fit = solve(process, design, whitening, np.diag(penalty), theta, steps=10)
    for _ in range(ROUNDS):
        before = penalty
        penalty = _smoothed(fit, groups, estimated, before).smoothing.penalty
        fit = solve(process, design, whitening, np.diag(penalty), fit.theta, steps=10)
        change = np.abs(np.log((penalty + 1e-300) / (before + 1e-300))).max(initial=0.0)
        if change < SETTLED:
            break
    return _smoothed(fit, groups, estimated, penalty, settle=False)


def weaker(smooth_fit: SmoothFit, factor: float) -> SmoothFit:
    """Return the fit with every strength divided by a factor (under-smoothing)."""
    fit, penalty = smooth_fit.fit, smooth_fit.smoothing.penalty / factor
    again = solve(
        fit.process, fit.design, fit.whitening, np.diag(penalty), fit.theta, steps=20
    )
    return _smoothed(
        again, smooth_fit.groups, smooth_fit.estimated, penalty, settle=False
    )


def _smoothed(
    fit: Fit,
    groups: tuple[PenaltyGroup, ...],
    estimated: tuple[Edge, ...],
    penalty: Array,
    settle: bool = True,
) -> SmoothFit:
    """Linearise a fit on whitened rows; move the strengths where that is asked."""
    # In one pass: whitening mixes rows and leaves columns apart.
    white = fit.whitening.whiten(np.column_stack((fit.jacobian, fit.residual)))
    columns, residual = white[:, :-1], white[:, -1]
    # The parameters go back into the response, so that the linear model solves for them
    # and not for a step: the penalty is on them.
    response = residual + columns @ fit.theta
    gram, right = columns.T @ columns, columns.T @ response
    square, rows = float(response @ response), len(response)
    if settle:
        smoothing = smooth(gram, right, square, rows, groups, penalty)
    else:
        smoothing = penalised(gram, right, square, rows, penalty)
        # the sum of squares of the rows themselves, free of the linear model's rounding
        free = max(rows - smoothing.edf, 1.0)
        smoothing = replace(smoothing, variance=float(residual @ residual) / free)
    return SmoothFit(fit, smoothing, groups, columns, residual, estimated)


def penalty_groups(design: Design, estimated: set[Edge]) -> tuple[PenaltyGroup, ...]:
    """Return a group for the bending of every edge, and one for each soft line."""
    groups = []
    for edge, basis, block in zip(
        design.edges, design.bases, design.blocks, strict=True
    ):
        places = np.arange(block.start, block.stop)
        straight = np.diag(basis.penalty) == 0
        if (~straight).any():
            groups.append(PenaltyGroup(places[~straight]))
        if edge not in estimated and straight.any():
            groups.append(PenaltyGroup(places[straight], capped=True))
    return tuple(groups)


def separated(basis: CurveBasis) -> CurveBasis:
    """Return the same curves with columns that are straight or have bending one.

    The penalty becomes diagonal with entries 0 and 1 (Demmler and Reinsch 1975).
    """
    if basis.size <= 1:  # two values of the feature: any curve is a straight line
        return replace(basis, penalty=np.zeros_like(basis.penalty))
    values, vectors = np.linalg.eigh(basis.penalty)
    straight = values <= STRAIGHT * max(values.max(), 1.0)
    scale = np.where(straight, 1.0, 1.0 / np.sqrt(np.where(straight, 1.0, values)))
    turn = vectors * scale
    return replace(
        basis,
        columns=basis.columns @ turn,
        penalty=np.diag((~straight).astype(float)),
        transform=basis.transform @ turn,
    )


def _bases(
    process: ObservedProcess, edges: Sequence[Edge], estimated: set[Edge], columns: int
) -> tuple[CurveBasis, ...]:
    """Return a basis an edge; soft edges give columns up where rows are few."""
    # What estimated edges leave of the columns that so many observations can carry.
    room = MOST_COLUMNS * len(process) - columns * len(estimated)
    soft = len(edges) - len(estimated)
    few = int(np.clip(min(room, MOST_SOFT) / max(soft, 1), 1, COLUMNS))
    made: dict[tuple[int, int], CurveBasis] = {}
    bases = []
    for edge in edges:
        key = (edge[0], columns if edge in estimated else few)
        if key not in made:
            made[key] = separated(
                smooth_basis(process.kinds[key[0]], process.features[:, key[0]], key[1])
            )
        bases.append(made[key])
    return tuple(bases)
