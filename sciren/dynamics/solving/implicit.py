"""A diagonally implicit method for stiff systems: no step is too long for what decays.

    X_i = x + h sum_(j < i) a_ij f(X_j) + h gamma f(X_i),   i = 1 .. 5

Every stage is solved by Newton. Its derivatives are those of the implicit function: where
the residual R(X, x, p) is zero, dX = -(dR/dX)^-1 (dR/dx dx + dR/dp dp), which is one more
step of Newton whose matrix and starting point are held.

Reference: Hairer and Wanner 1996, table IV.6.5: order 4, L-stable, stiffly accurate.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rates = Callable[[Sequence[Any]], Sequence[Any]]
Solve = Callable[[Rates, Sequence[Any], Sequence[Any], Any], list[Any]]

GAMMA = 0.25  # of the table, as the three rows below
STAGES: tuple[tuple[float, ...], ...] = (
    (),
    (1 / 2,),
    (17 / 50, -1 / 25),
    (371 / 1360, -137 / 2720, 15 / 544),
    (25 / 24, -49 / 48, 125 / 16, -85 / 12),
)
"""a_ij of every stage for the stages before it; the last stage is the end of the step."""

EMBEDDED = (-3 / 16, -27 / 32, 25 / 32, 0.0, 1 / 4)
"""Weights of the last stage less those of the formula of third order in the same table."""

TOLERANCE = 1e-4  # of a state in one step; substeps (`accuracy`) see to finer errors
TRACE = 1e-6  # of the largest state of a row: what is less is measured by it
SHORTEST = 2.0**-24  # share of the way gone: what is shorter passes no corner either
# Of an interval, counts as gone: a first transient may be as short
FIRST_WAY = 2.0**-36
MOST_STEPS = 1000  # in an interval: van der Pol's relaxation (mu 1000) takes 358
SHRINKS = 0.1  # of a change to the next: more, and the matrix is made anew
LONG = 1e-3  # of the states: shorter steps of Newton need no watching
HALVINGS = 4  # of a step of Newton that makes the residual larger
# Of Newton; three to five are usual, what needs more wants shorter steps
ITERATIONS = 20
SETTLED = 1e-12  # of the largest state of a row: rounding of a solved stage
# Of a state: square root of the rounding, as forward differences want
DIFFERENCE = 1.5e-8


def implicit(rates: Rates, states: Sequence[Any], h: Any) -> list[Any]:
    """Return the states after h; a row whose stages have no solution takes shorter steps.

    Without numbers where no step of `SHORTEST` does either.
    """
    torch = sys.modules.get("torch")
    if torch is None or not any(isinstance(v, torch.Tensor) for v in (*states, h)):
        return _advanced(rates, states, h)[0]

    def on_arrays(given: Sequence[Any]) -> list[Any]:
        with torch.no_grad():
            return [_bare(v) for v in rates([torch.as_tensor(v) for v in given])]

    # The steps are those of arrays: only what they lead to is differentiated.
    ends, shares = _advanced(on_arrays, [_bare(state) for state in states], _bare(h))
    now = list(states)
    for part in shares:
        now, _ = _step(rates, now, h * torch.as_tensor(part), _on_tensors)
    # Where the steps ran out, what they led to is not the end of the interval.
    lost = torch.as_tensor(np.isnan(ends).any(0))
    return [torch.where(lost, torch.nan, value) for value in now]


def _bare(value: Any) -> Any:
    return value.detach().numpy() if hasattr(value, "detach") else value


def _advanced(
    rates: Rates, states: Sequence[Any], h: Any
) -> tuple[list[Any], list[np.ndarray]]:
    """Return the states after h, and the shares of h in which every row went there.

    A step that has no solution is halved; after one that has, twice as much is tried.
    """
    *arrays, whole = np.broadcast_arrays(*states, np.asarray(h, dtype=float))
    now, shares = np.array(arrays, dtype=float), []
    there, share = np.zeros(whole.shape), np.ones(whole.shape)
    for _ in range(MOST_STEPS):
        going = (there < 1) & np.isfinite(now).all(0)
        if not going.any():
            break
        # Shares are powers of two, so that they add up to one without rounding.
        part = np.where(going, np.minimum(share, 1 - there), 0.0)
        solution, slopes = _step(rates, list(now), part * whole, _on_arrays)
        ahead = np.array(solution)
        good = np.isfinite(ahead).all(0)
        good &= _close(rates, now, ahead, part * whole, slopes)
        # A row whose trial failed stands still in this round, and so do those that have
        # arrived.
        part = np.where(good, part, 0.0)
        now, there = np.where(good, ahead, now), there + part
        share = np.where(good, np.minimum(2 * share, 1.0), 0.5 * share)
        shortest = SHORTEST * np.maximum(there, FIRST_WAY)
        now = np.where(going & (share < shortest), np.nan, now)
        shares.append(part)
    return list(np.where(there < 1, np.nan, now)), shares


def _close(
    rates: Rates,
    before: np.ndarray,
    after: np.ndarray,
    h: np.ndarray,
    slopes: Sequence[Any],
) -> np.ndarray:
    """Whether the embedded formula of third order agrees, row by row."""
    error = h * np.einsum("s,sj...->j...", np.array(EMBEDDED), np.array(slopes))
    # What is fast is damped in the error as in the step (Shampine 1984).
    matrix = _by_differences(rates, after, _stacked(rates, after), h * GAMMA)
    error = np.einsum("...ij,j...->i...", _inverted(matrix), error)
    size = np.maximum(np.abs(before), np.abs(after))
    # A state near zero beside large ones counts in parts of these.
    size = np.maximum(size, TRACE * size.max(0))
    return (np.abs(error) <= TOLERANCE * np.maximum(size, 1e-300)).all(0)


def _step(
    rates: Rates, states: Sequence[Any], h: Any, solve: Solve
) -> tuple[list[Any], list[list[Any]]]:
    """Return the states after one step and the slopes of its stages."""
    start, slopes, now = list(states), [], list(states)
    for row in STAGES:
        known = start
        for weight, slope in zip(row, slopes, strict=True):
            known = [a + h * weight * b for a, b in zip(known, slope, strict=True)]
        now = solve(rates, known, now, h * GAMMA)
        # From the stage itself: in a stiff system f(X) multiplies what Newton left over.
        slopes.append(
            [(a - b) / _nonzero(h * GAMMA) for a, b in zip(now, known, strict=True)]
        )
    return now, slopes


def _nonzero(h: Any) -> Any:
    """Return a step, one where it is zero: padded rows stand still."""
    return h + (h == 0) * 1.0


def _on_arrays(
    rates: Rates, known: Sequence[Any], guess: Sequence[Any], h: Any
) -> list[Any]:
    """Solve X = known + h f(X) by Newton; its matrix serves while steps shrink by it."""
    h = np.asarray(h, dtype=float)
    known_, now = np.array(known, dtype=float), np.array(guess, dtype=float)
    here = _stacked(rates, now)
    residual = now - known_ - h * here
    inverse, change, before = None, residual, np.inf
    for _ in range(ITERATIONS):
        if inverse is None:
            inverse = _inverted(_by_differences(rates, now, here, h))
        change = np.einsum("...ij,j...->i...", inverse, residual)
        sizes = np.abs(change).max(0) / np.maximum(np.abs(now).max(0), 1e-300)
        share, long = np.ones(h.shape), sizes > LONG
        ahead, there, left = _ahead(rates, now, change, known_, h)
        for _halving in range(HALVINGS):
            # Where the residual grows the step was too long for its straight line.
            worse = long & ~(np.abs(left).max(0) <= np.abs(residual).max(0))
            if not worse.any():
                break
            share = np.where(worse, 0.5 * share, share)
            ahead, there, left = _ahead(rates, now, share * change, known_, h)
        now, here, residual = ahead, there, left
        # Rows without a number never settle, and wait for the others.
        if not (sizes > SETTLED).any():
            return list(now)
        largest = float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))
        if largest > SHRINKS * before or (share < 1).any():
            inverse = None
        before = largest
    lost = ~(np.abs(change).max(0) <= np.sqrt(SETTLED) * np.abs(now).max(0))
    return list(np.where(lost, np.nan, now))


def _ahead(
    rates: Rates, now: np.ndarray, change: np.ndarray, known: np.ndarray, h: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the states after a change, their rates, and what is left of the equation."""
    ahead = now - change
    there = _stacked(rates, ahead)
    return ahead, there, ahead - known - h * there


def _by_differences(
    rates: Rates, now: np.ndarray, here: np.ndarray, h: np.ndarray
) -> np.ndarray:
    """Return 1 - h df/dX of every row, (rows, n, n)."""
    count = len(now)
    matrix = np.empty((*h.shape, count, count))
    for j in range(count):
        moved = now.copy()
        moved[j] += DIFFERENCE * np.maximum(np.abs(now[j]), DIFFERENCE)
        # Divided by the step that was taken: a sum in floating point is not quite what
        # was added.
        slope = (_stacked(rates, moved) - here) / (moved[j] - now[j])
        matrix[..., j] = np.moveaxis(-h * slope, 0, -1)
    return matrix + np.eye(count)


def _stacked(rates: Rates, states: np.ndarray) -> np.ndarray:
    result = np.empty_like(states)
    for place, slope in enumerate(rates(list(states))):
        result[place] = slope
    return result


def _inverted(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of every row, without numbers where there is none."""
    good = np.isfinite(matrix).all((-1, -2), keepdims=True)
    # A row without numbers must not stop all others.
    safe = np.where(good, matrix, np.eye(matrix.shape[-1]))
    try:
        inverse = np.linalg.inv(safe)
    except np.linalg.LinAlgError:
        inverse = np.linalg.pinv(safe)
    return np.where(good, inverse, np.nan)


def _on_tensors(
    rates: Rates, known: Sequence[Any], guess: Sequence[Any], h: Any
) -> list[Any]:
    """Return the solved stage with the derivatives of the implicit function."""
    import torch

    def on_arrays(states: Sequence[Any]) -> list[Any]:
        with torch.no_grad():
            return [
                _bare(v) for v in rates([torch.as_tensor(state) for state in states])
            ]

    solved = _on_arrays(
        on_arrays, [_bare(v) for v in known], [_bare(v) for v in guess], _bare(h)
    )
    at = [torch.as_tensor(values).requires_grad_() for values in solved]
    with torch.enable_grad():
        matrix = _matrix(rates(at), at, h)
    held = [value.detach() for value in at]
    slopes = rates(held)  # parameters keep their graph, states do not
    residual = [x - a - h * f for x, a, f in zip(held, known, slopes, strict=True)]
    right = torch.stack(torch.broadcast_tensors(*residual), -1)[..., None]
    change = torch.linalg.solve(matrix, right)[..., 0]
    return [x - move for x, move in zip(held, change.unbind(-1), strict=True)]


def _matrix(slopes: Sequence[Any], at: Sequence[Any], h: Any) -> Any:
    """Return 1 - h df/dX of every row, (rows, n, n); rows do not meet in a step."""
    import torch

    count = len(at)
    shape = torch.broadcast_shapes(*(values.shape for values in at))
    whole = torch.eye(count, dtype=torch.float64).expand(*shape, count, count).clone()
    for i, slope in enumerate(slopes):
        if not (isinstance(slope, torch.Tensor) and slope.requires_grad):
            continue
        parts = torch.autograd.grad(
            slope.sum(), at, retain_graph=True, allow_unused=True
        )
        for j, part in enumerate(parts):
            if part is not None:
                whole[..., i, j] -= h * part
    return whole.detach()
