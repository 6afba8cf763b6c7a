"""A screen of single edges where they are too many for tests in every fold.

The mean is linear around the equations. Each edge that they hold is taken out and its
curve offered again with one coefficient; each edge that they do not hold is offered as a
natural spline. Both are tested with everything else refitted, by scores that are summed
over blocks, so that memory and groups count.

    U = sum over blocks of Z' r,   U' (sum of U_b U_b')^-1 U ~ d B / (B - d) F(d, B - d)

A screen only: choices of the training are not repeated, so a p-value of an edge that was
chosen is too small, and curves that stand in for one another are not told apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from discovery.verdict.record import Reason
from sciren.inference.relationship import LEVEL
from sciren.solvers.spans import orthonormal_span

if TYPE_CHECKING:
    from discovery.verdict.equation_fit import EquationFit

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

COLUMNS = 3  # of a curve that is not in the equations
LISTED = 3  # edges of a kind that are told one by one
MATERIAL = 1e-3  # of the squares of the observations: less changes no prediction
SMALLEST = 1e-9  # share of a column that the rest must leave of it


@dataclass(frozen=True)
class Screened:
    """One edge.

    Attributes:
        feature, latent: its ends.
        held: whether the equations hold it.
        p: probability of such scores where it does nothing.
        share: of the observations' squares about their mean that it takes away.
    """

    feature: str
    latent: str
    held: bool
    p: float
    share: float


def screen(fit: "EquationFit", scale: Array, blocks: Ids) -> list[Screened]:
    """Test every edge that is a curve of its own, in the equations or not.

    Args:
        fit: equations at their minimum on these rows.
        scale: (m,) standard deviation of the noise up to a factor.
        blocks: (m,) block of every observation.
    """
    process = fit.process
    # All in units of the noise: linear least squares with unit weights from here on.
    # mean(theta) ~ mean(theta0) + slopes (m, P) * (theta - theta0) around the minimum.
    residual = (process.values - fit.mean(fit.theta)) / scale
    observed = process.values / scale
    total = max(float(((observed - observed.mean()) ** 2).sum()), 1e-300)
    slopes = fit.jacobian(fit.theta) / scale[:, None]
    response = process.evaluate(fit.raw(fit.theta), fit.theta[fit.cuts[-1] :])
    by_latent = response.by_latent / scale[:, None]
    names = process.feature_names, process.latent_names
    screened = []
    for latent, own, edge in fit.direct_edges():
        feature, column = edge.source, edge.value(fit.z[:, edge.source])
        # What the edge adds to the mean, to first order: its curve through the slope of
        # the process. Adding it to the residual takes the edge out with everything else
        # as it stands; its own constants leave the slopes, or they would put it back
        # in.
        curve = by_latent[:, latent] * (column - column.mean())[process.rows]
        other_slopes = orthonormal_span(np.delete(slopes, own, axis=1))
        p, gain = _tested(residual + curve, curve[:, None], other_slopes, blocks)
        ends = names[0][feature], names[1][latent]
        screened.append(Screened(*ends, True, p, gain / total))
    # An edge that is not held is tested on top of all constants, so one basis serves
    # all.
    basis = orthonormal_span(slopes)
    for feature, latent, columns in _edges_left(fit):
        offered = by_latent[:, latent, None] * columns[process.rows]
        p, gain = _tested(residual, offered, basis, blocks)
        ends = names[0][feature], names[1][latent]
        screened.append(Screened(*ends, False, p, gain / total))
    return screened


def screen_reasons(screened: list[Screened]) -> list[Reason]:
    """Say which edges of the equations a screen does not see, and which it misses."""
    held = [edge for edge in screened if edge.held]
    left = [edge for edge in screened if not edge.held]
    unseen = sorted(
        (edge for edge in held if not edge.p < LEVEL), key=lambda edge: -edge.p
    )
    missed = sorted(
        (
            edge
            for edge in left
            # Bonferroni among all edges that are not held: there are many of them, and
            # with enough rows each is "significant" by an amount that changes nothing.
            if edge.p < LEVEL / max(len(left), 1) and edge.share > MATERIAL
        ),
        key=lambda edge: edge.p,
    )
    reasons = [
        _doubt(edge, "is in the equation of", "but a screen does not see it",
               "Leave it out, or wait for more data before claiming it")
        for edge in unseen[:LISTED]
    ]  # fmt: skip
    reasons += [
        _doubt(edge, "may be missing in the equation of", "a screen sees it",
               "Compare a run that keeps this edge")
        for edge in missed[:LISTED]
    ]  # fmt: skip
    count = len(screened)
    sentence = (
        f"{count} edges are too many to test one by one; a screen around "
        f"the equations sees {len(held) - len(unseen)} of the {len(held)} edges that they "
        f"hold, and asks for {len(missed)} more"
    )
    good = not unseen and not missed
    return [
        *reasons,
        Reason("identified", "edges", good, sentence, rank=5 if not good else 8,
               next_step="" if good else "Look at edges.csv, or offer fewer features"),
    ]  # fmt: skip


def _doubt(edge: Screened, where: str, what: str, step: str) -> Reason:
    return Reason(
        "identified", f"{edge.feature} -> {edge.latent}", False,
        f"{edge.feature} {where} {edge.latent}, {what} (p = {edge.p:.2g})",
        edge.p, LEVEL, step, rank=4,
    )  # fmt: skip


def _edges_left(fit: "EquationFit") -> Iterator[tuple[int, int, Array]]:
    """Feature, latent and spline columns (n, c) of edges that the equations lack."""
    from sciren.inference.basis import natural_splines

    bases = [natural_splines(x, COLUMNS).columns for x in fit.process.features.T]
    for latent, structure in enumerate(fit.structures):
        # A feature inside a product counts as held: its additive curve would be tested
        # beside it.
        inside = {edge.source for edge in structure.all_edges}
        for feature, columns in enumerate(bases):
            if feature not in inside and columns.shape[1]:
                yield feature, latent, columns


def _tested(
    response: Array, offered: Array, other_columns: Array, blocks: Ids
) -> tuple[float, float]:
    """p of columns (m, d) for a response (m,), and the fall of its squares by them.

    Orthonormal others (m, q) are refitted in both.

    Scores are those of the model without the columns, which a test of nothing believes.
    """
    from scipy.stats import f as fisher

    # Project out what a refit of the others could imitate (Frisch-Waugh): only the part
    # of the columns at right angles to them can change the squares.
    free = offered - other_columns @ (other_columns.T @ offered)
    kept = np.linalg.norm(free, axis=0) > SMALLEST * np.linalg.norm(offered, axis=0)
    left = response - other_columns @ (other_columns.T @ response)
    if not kept.any():
        return 1.0, 0.0
    basis = orthonormal_span(free[:, kept])
    gain = float(((basis.T @ left) ** 2).sum())
    # Scores (m, d) of each observation, summed within blocks: observations of a block
    # may depend on each other in any way, blocks must not.
    scores = free[:, kept] * left[:, None]
    labels, place = np.unique(blocks, return_inverse=True)
    sums = np.zeros((len(labels), scores.shape[1]))
    np.add.at(sums, place, scores)
    d, count = sums.shape[1], len(labels)
    # A covariance of d sums needs more than d + 1 blocks.
    if count <= d + 1:
        return 1.0, gain
    # Hotelling's one-sample T^2 of the block sums: T^2 = total' (count S)^-1 total, and
    # T^2 (count - d) / (d (count - 1)) ~ F(d, count - d).
    total, centred = sums.sum(0), sums - sums.mean(0)
    matrix = centred.T @ centred * count / (count - 1)
    distance = float(total @ np.linalg.pinv(matrix, hermitian=True) @ total)
    p = fisher.sf(distance * (count - d) / (d * (count - 1)), d, count - d)
    return float(p), gain
