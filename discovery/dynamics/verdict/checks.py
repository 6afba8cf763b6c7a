"""Checks of a free run: each with number, tolerance and PASS or FAIL.

The relations themselves are checked on the linearised rows (`symbolic.verify`); here the
whole recurrence runs from its start, never one step ahead.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from discovery.dynamics.balance import balance_check
from discovery.dynamics.scores import CONSTANT
from discovery.results.scoring import EQUATION
from sciren.inference.intervals.quantiles import NORMAL_95
from symbolic.verdict import Check, Verification

if TYPE_CHECKING:
    import pandas as pd

    from discovery.dynamics.equations import SeriesEquations
    from sciren.dynamics.groups.group_fit import GroupProblem

SAME = 1e-9  # relative: two ways to calculate the same in double precision
STEP = 1e-5  # of raw numbers: cube root of the rounding, as central differences want it
SLOPE = 1e-4  # of a central difference over days at which a threshold switches
WORSE = 0.02  # share of the loss by which closed forms may be worse than the curves
WHITE = 0.1  # lag-one correlation of whitened residuals (spec of dynamic models)
ON_BOUND = 1e-3  # of the width between the bounds


class FreeNumbers(NamedTuple):
    """Latents and constants (G, Q) of the training groups.

    Attributes:
        own: of the equations;  curves: of the network, None where there is none.
    """

    own: np.ndarray
    curves: np.ndarray | None


def free_run_checks(
    problem: "GroupProblem",
    equations: "SeriesEquations",
    numbers: FreeNumbers,
    scores: "pd.DataFrame",
) -> Verification:
    """Check equations by free runs of all parts.

    Args:
        problem: loss of the training groups under the estimated noise.
        equations: relations and recurrence.
        numbers: of the training groups.
        scores: one row a part, model, group and target.
    """
    own, curves = numbers
    # Printed against computed first, then what was fitted, then what it is worth.
    checks = [_same_run(problem, equations, own)]
    if curves is not None:
        checks.append(_no_worse(problem, own, curves))
    checks += [
        _derivative(problem, own),
        balance_check(problem, own),
        _white(problem, own),
        _inside(problem, own),
    ]
    if curves is not None:
        checks.append(_left_out(scores))
    return Verification(tuple(checks))


def _same_run(
    problem: "GroupProblem", equations: "SeriesEquations", numbers: np.ndarray
) -> Check:
    """Compare the printed recurrence with the process model over all rows."""
    process, scale = problem.process, problem.scale
    run = process.simulate(scale.values(numbers))
    latents = dict(zip(scale.names, numbers.T, strict=True))
    _, outputs = equations.law.run(latents, process.table.forcings, process.intervals)
    worst, where = 0.0, ""
    for number, target in enumerate(process.model.targets):
        expected = run.outputs[number][process.table.active]
        # Largest difference over the largest value: small flows have no relative error
        # of their own.
        difference = np.abs(outputs[target][process.table.active] - expected).max()
        error = float(difference / max(np.abs(expected).max(), 1e-300))
        if error >= worst:
            worst, where = error, f"target {target}"
    meaning = "free run of the printed recurrence against the process model, relative"
    return Check("same free run", meaning, worst, SAME, worst <= SAME, where)


def _no_worse(
    problem: "GroupProblem", numbers: np.ndarray, network: np.ndarray
) -> Check:
    """Compare the losses of free runs with closed forms and with curves."""
    # Summed over the training groups: single groups may be worse.
    ours, theirs = (
        problem.comparison.losses(
            problem.process.simulate(problem.scale.values(latents)).outputs
        ).sum()
        for latents in (numbers, network)
    )
    excess = float(ours / theirs - 1)
    meaning = "whitened loss of the closed forms over that of the curves, less one"
    return Check("as good as the curves", meaning, excess, WORSE, excess <= WORSE)


def _derivative(problem: "GroupProblem", numbers: np.ndarray) -> Check:
    """Compare the Jacobian of the outputs with a difference in one random direction."""
    import torch

    from sciren.dynamics.solving.directions import jacobian_blocks

    raw = problem.scale.raw(torch.from_numpy(numbers))
    # One random direction asks all columns of the Jacobian at once: an error in any
    # shows, short of an exact cancellation.
    direction = np.random.default_rng(0).choice([-1.0, 1.0], raw.shape)
    low, high = problem.scale.limits()
    inside = (raw > low + STEP) & (raw < high - STEP)  # beyond a bound nothing changes
    step = STEP * torch.from_numpy(direction) * inside
    # Both sides of step: outputs (m, T, G), error of second order in STEP.
    ahead, back = (problem.trajectory(raw + s * step).outputs for s in (1, -1))
    moved = (step * problem.scale.slope(raw)).numpy()  # (G, Q) physical
    run = problem.trajectory(raw)
    expected = np.empty_like(ahead)
    blocks = jacobian_blocks(problem.process, run, problem.scale.directions())
    for part, columns in blocks:
        # J (Q, m, G, T) times the physical step (G, Q), in blocks of groups to bound
        # memory.
        expected[..., part] = np.einsum("qmgt,gq->mtg", columns, moved[part])
    compared = problem.comparison.compared
    difference = ((ahead - back) / 2 - expected)[compared]
    error = float(
        np.linalg.norm(difference) / max(np.linalg.norm(expected[compared]), 1e-300)
    )
    meaning = "Jacobian of free runs against a central difference, relative"
    return Check("derivatives", meaning, error, SLOPE, error <= SLOPE)


def _white(problem: "GroupProblem", numbers: np.ndarray) -> Check:
    """Lag-one correlation that the estimated memory of the noise leaves."""
    from sciren.dynamics.groups.mode_fit import group_modes

    # Groups that deviate run at their modes: what is left there is the noise.
    law = problem.law
    if law:
        numbers = law.backward(group_modes(problem, law.forward(numbers)))
    outputs = problem.process.simulate(problem.scale.values(numbers)).outputs
    residual = problem.comparison.residual(outputs)
    products, squares, count = 0.0, 0.0, 0
    for group in range(residual.shape[-1]):
        # Sums over all groups before the ratio: short series have noisy correlations of
        # their own.
        white = problem.comparison.stacked(residual[None, ..., group], group)[:, 0]
        products += float(white[1:] @ white[:-1])
        squares += float(white @ white)
        count += len(white)
    left = abs(products / max(squares, 1e-300))
    meaning = "lag-one correlation of the whitened residuals"
    limit = white_limit(count)
    return Check("white residuals", meaning, left, limit, left <= limit)


def white_limit(count: int) -> float:
    """Return the lag-one correlation from which on residuals remember each other.

    Independent residuals stay below 1.96 / sqrt(n) in 95 % of samples (Bartlett 1946),
    which is more than `WHITE` below 384 of them.

    Args:
        count: number n of residuals.
    """
    return max(WHITE, NORMAL_95 / max(count, 1) ** 0.5)


def on_bound(problem: "GroupProblem", numbers: np.ndarray) -> np.ndarray:
    """Return which latents of which groups sit on a bound, (G, L) bool."""
    latents = problem.process.model.group_latents
    low = np.array([p.low for p in latents])
    high = np.array([p.high for p in latents])
    # A latent bounded on one side has no width; then the distance counts in its own
    # unit.
    width = np.where(np.isfinite(high - low), high - low, 1.0)
    values = numbers[:, : len(latents)]
    return (values - low < ON_BOUND * width) | (high - values < ON_BOUND * width)


def _inside(problem: "GroupProblem", numbers: np.ndarray) -> Check:
    """Share of groups of which a latent sits on a bound."""
    latents, held = problem.process.model.group_latents, on_bound(problem, numbers)
    share = float(held.any(1).mean())
    names = ", ".join(
        p.name for p, column in zip(latents, held.T, strict=True) if column.any()
    )
    meaning = "share of groups with a latent on a bound"
    return Check("inside bounds", meaning, share, 0.0, share == 0, names)


def _left_out(scores: "pd.DataFrame") -> Check:
    """Median NSE of left-out groups, less that of constant latents."""
    rows = scores.to_dict("records")
    parts = {row["part"] for row in rows}
    # Test series chose nothing; validation series chose little.
    part = next((name for name in ("test", "valid") if name in parts), None)
    if part is None:
        return Check.not_applicable("left-out groups", "no groups were left out")
    known = {
        model: [
            r["nse"]
            for r in rows
            if r["part"] == part and r["model"] == model and np.isfinite(r["nse"])
        ]
        for model in (EQUATION, CONSTANT)
    }
    if not known[CONSTANT] and known[EQUATION]:
        why = "one group alone is no relation that others could follow"
        return Check.not_applicable("left-out groups", why)
    if not all(known.values()):
        why = "single observations of a group have no NSE"
        return Check.not_applicable("left-out groups", why)
    medians = {model: float(np.median(values)) for model, values in known.items()}
    gain = medians[EQUATION] - medians[CONSTANT]
    meaning = "median NSE of left-out groups above that of constant latents"
    detail = f"{part}: {medians[EQUATION]:.3f} against {medians[CONSTANT]:.3f}"
    return Check("left-out groups", meaning, gain, 0.0, gain > 0, detail)
