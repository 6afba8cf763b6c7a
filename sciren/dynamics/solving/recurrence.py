"""Tangents along a trajectory as a linear recurrence, and its exact transpose.

    M_{t+1} = A_t M_t + B_t,      d out_t = C_t M_t + D_t

is a lower triangular system with unit diagonal and band 2 n - 1, one block a group:
LAPACK's banded solve for few states and columns, a loop over time for many.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from sciren.dynamics.solving.local import Local

STEP, ENTRY = 800.0, 0.1
"""What a step of the loop costs, and one of its products, in operations of the banded solve:
measured for 1 to 12 states, 4 to 40 columns, 1 and 15 groups (GR4J: 0.17 s, banded 0.37 s)."""

CACHED = 2**20
"""Bytes of tangents that a block of the loop holds: the fewest seconds of 2^17 to 2^21 for 40
and 200 columns, `python -m benchmarks.dynamics jacobian`; half of a usual second-level cache."""


@dataclass(frozen=True)
class Forced:
    """Columns of the Jacobian that move one parameter of the steps.

    Args:
        columns: their places among all columns.
        parameter: its place among those of the step.
        design: (T, G, k) derivative of the parameter by the k columns; None: one column,
            the parameter itself.
    """

    columns: slice
    parameter: int
    design: np.ndarray | None = None


def tangents(local: Local, forced: Sequence[Forced], start: np.ndarray) -> np.ndarray:
    """Return the derivatives of all outputs by K directions, (K, m, G, T).

    Args:
        local: of every step.
        forced: parameters in whose direction steps are moved, K columns together.
        start: (K, n, G) effect of the directions on the states before the first row.
    """
    if _is_long(local, len(start)):
        return _looped(local, forced, start)
    n, (groups, rows) = local.n_states, local.by_state.shape[2:]
    # (K, n + m, G, T): B_t and D_t of every direction; directions of starts stay zero.
    driven = np.zeros((len(start), len(local.by_state), groups, rows))
    for directed in forced:
        effect = local.by_parameter[:, directed.parameter]
        if directed.design is not None:
            effect = effect * directed.design.transpose(2, 1, 0)[:, None]
        driven[directed.columns] = effect
    carried = _banded(local.by_state[:n], driven[:, :n], start)  # (K, n, G, T)
    outputs = driven[:, n:]
    for number in range(n):
        outputs += local.by_state[n:, number] * carried[:, number, None]
    return outputs


def _is_long(local: Local, columns: int) -> bool:
    """Whether the banded solve, which fills n^2 entries a row, costs more than the loop."""
    n, groups = local.n_states, local.by_state.shape[2]
    banded = groups * n**2 * (columns + 4)
    product = groups * local.slopes.shape[0] * local.slopes.shape[1] * columns
    return banded > STEP + ENTRY * product


def _banded(by_state: np.ndarray, driven: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the tangents of the states at the start of every row, (K, n, G, T)."""
    n, _, groups, rows = by_state.shape
    # What moves a state in row t acts from row t + 1 on; the start stands in the first.
    right = np.zeros((len(driven), groups, rows, n))
    right[:, :, 0] = start.transpose(0, 2, 1)
    right[:, :, 1:] = driven[..., :-1].transpose(0, 2, 3, 1)
    flat = right.reshape(len(driven), -1)
    # The start and all effects are right-hand sides of one triangular system.
    solved, _ = lapack.dtbtrs(  # pyright: ignore[reportAttributeAccessIssue]
        _band(by_state), flat.T, uplo="L", diag="U", overwrite_b=1
    )
    return solved.T.reshape(len(driven), groups, rows, n).transpose(0, 3, 1, 2)


def _band(by_state: np.ndarray) -> np.ndarray:
    """Return the system in LAPACK's lower band storage, (2 n, G T n), in Fortran's order."""
    n, _, groups, rows = by_state.shape
    # Column (g, t, j) holds the unit diagonal (implied by diag="U") and, n + i - j
    # below it, minus entry (i, j) of A_t in the rows of t + 1.
    band = np.zeros((groups, rows, n, 2 * n))
    for i in range(n):
        for j in range(n):
            # the last row of a group has no next one: blocks of groups stand apart
            band[:, :-1, j, n + i - j] = -by_state[i, j, :, :-1]
    return band.reshape(-1, 2 * n).T


def _looped(local: Local, forced: Sequence[Forced], start: np.ndarray) -> np.ndarray:
    """Do the same by a loop over time, all columns of a time together.

    One product a step: (A_t B_t) times the tangents of the states over those of the
    parameters, written where the next step reads it; the outputs of a block of steps are
    one product more, while what it needs is in the processor's cache.
    """
    n, (groups, rows) = local.n_states, local.by_state.shape[2:]
    ahead = _by_time(local.slopes[:n])  # (T, G, n, n + P)
    out = _by_time(local.slopes[n:])  # (T, G, m, n + P)
    inner, columns = out.shape[-1], len(start)
    size = min(rows, max(1, CACHED // (8 * groups * inner * columns)))
    # (steps, G, n + P, K): tangents of states, then of parameters, which for static ones
    # never change.
    moved = np.zeros((size + 1, groups, inner, columns))
    moved[0, :, :n] = start.transpose(2, 1, 0)
    moving = []
    for directed in forced:
        place = moved[:-1, :, n + directed.parameter, directed.columns]
        if directed.design is None:
            place[...] = 1.0
        else:
            moving.append((place, directed.design))
    steps, states = list(moved), list(moved[:, :, :n])
    outputs = np.empty((rows, groups, out.shape[2], columns))
    for first in range(0, rows, size):
        block = slice(first, min(first + size, rows))
        count = block.stop - first
        for place, design in moving:
            place[:count] = design[block]
        for t in range(count):
            np.matmul(ahead[first + t], steps[t], out=states[t + 1])
        np.matmul(out[block], moved[:count], out=outputs[block])
        states[0][...] = states[count]
    return outputs.transpose(3, 2, 1, 0)


def _by_time(slopes: np.ndarray) -> np.ndarray:
    """Return derivatives (i, j, G, T) as one matrix (i, j) a row and group, (T, G, i, j)."""
    return np.ascontiguousarray(slopes.transpose(3, 2, 0, 1))


def adjoint(local: Local, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of sum(weights * outputs), exact.

    One solve with the transposed system, whatever the number of parameters.

    Args:
        local: of every step.
        weights: (m, G, T) derivative of a loss by every output.
    Returns:
        by parameter of every row (P, G, T), by state before the first row (n, G).
    """
    n, (groups, rows) = local.n_states, weights.shape[1:]
    # C_t' w_t enters at its own row; the transposed solve runs back through time.
    right = np.einsum("ojgt,ogt->gtj", local.by_state[n:], weights)
    flat = np.asfortranarray(right.reshape(-1, 1))
    band = _band(local.by_state[:n])
    solved, _ = lapack.dtbtrs(  # pyright: ignore[reportAttributeAccessIssue]
        band, flat, uplo="L", diag="U", trans="T", overwrite_b=1
    )
    costate = solved.reshape(groups, rows, n)
    ahead = np.zeros_like(costate)
    ahead[:, :-1] = costate[:, 1:]  # what the state after a row is worth
    by_parameter = np.einsum("ipgt,gti->pgt", local.by_parameter[:n], ahead)
    by_parameter += np.einsum("opgt,ogt->pgt", local.by_parameter[n:], weights)
    return by_parameter, costate[:, 0].T
