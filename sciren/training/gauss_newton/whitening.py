"""The last fit of curves whose rows remember each other or share a group.

Such rows say again what their neighbours said, and plain squares follow slow noise with
the curves. So when edges are chosen, curves and constants are fitted once more to rows that
are whitened by the estimated law of the noise, as equations and intervals are. On records
of 1,000 rows with AR 0.9 the error of a latent's shape falls from 0.12 to 0.09, that of
ln q10 from 0.029 to 0.019 (`python -m benchmarks.belief training --sets 700-709`). A fit that
predicts validation rows worse by a standard error is not taken: one layer before a truth
that bends (Table 2 of the respiration study) is seen so in five of five seeds, at 1.5 to 2.1
standard errors. Neither is a fit that predicts the rows it learned from worse than constant
latents do. Equations of such a model are not whitened either. Levels alone are means, whose
plain squares are what predictions are compared by.
"""

from typing import TYPE_CHECKING

import torch

from sciren.inference.noise import NoiseLaw
from sciren.solvers.process_term import ProcessTerm
from sciren.solvers.whitened import WhitenedTerm
from sciren.training.gauss_newton.stages import AdditiveStage, Candidate, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from sciren.data.table import Table
    from sciren.training.gauss_newton.solver import StageSolver

STEP, FARTHEST = 10.0, 1e3
"""Steps of the smoothing away from the one that plain rows asked for, and how far: slow noise
asks for curves that white rows do not show. The smallest whitened loss on validation decides;
the smoothest within one standard error leaves 0.07 in place of 0.05 (eight tuning sets)."""

MOST_NUMBERS = 20_000_000
"""Rows times columns that are whitened at once (160 MB). With more rows a curve is known so
well that their memory changes its error, but hardly the curve."""


def whitened(solver: "StageSolver", step: Step) -> Step:
    """Return the step fitted to whitened rows, where the noise has a memory.

    Growth with the mean alone is a matter of weights (`StageSolver.reweighted`).

    Args:
        step: one layer; hidden nodes stay as they are.
    """
    law, stage = _law(solver), step.stage
    levels_alone = not bool(step.candidate.edges.any())
    if law is None or not isinstance(stage, AdditiveStage) or levels_alone:
        return step
    if stage.problem.term.n_rows * stage.problem.size > MOST_NUMBERS:
        solver.history.say(
            "So many rows were fitted without the memory of their noise."
        )
        return step
    stage.store(step.candidate)
    train, valid = (
        _term(solver, table, law) for table in (solver.data.train, solver.data.valid)
    )
    white = stage.with_terms(train, valid)
    theta, edges = step.candidate.theta.unsqueeze(0), step.candidate.edges.unsqueeze(0)
    # The mean square falls to that of the innovations, beside which the same penalty would
    # weigh more.
    before = stage.problem.terms(theta)["data"]
    share = white.problem.terms(theta)["data"] / max(before, 1e-300)
    if not share > 0:
        return step

    def tried(factor: float, near: Candidate) -> Step:
        smoothed, start = white.smoothed(share * factor), near.theta.unsqueeze(0)
        return Step(smoothed, smoothed.fit(edges, start, white.trial_steps)[0])

    # A few steps each tell which smoothing is best; that one is solved to the end.
    best = _least(tried, tried(1.0, step.candidate))
    last = best.stage.fit(edges, best.candidate.theta.unsqueeze(0))[0]
    worse = _worse_than_plain(stage, step.candidate, last)
    if worse is not None:
        # What a wrong model cannot say lasts, too, and is no noise: whitened, it would be
        # left aside, here and in the equations.
        solver.model.noise_law = law.row_by_row().to_json()
        solver.history.say(
            f"Rows were not whitened: what the model leaves lasts, but without it {worse}."
        )
        return step
    solver.history.say(
        "Curves and constants were fitted to rows whitened by their noise."
    )
    return Step(best.stage, last)


def _worse_than_plain(
    stage: AdditiveStage, plain: Candidate, white: Candidate
) -> str | None:
    """Say in which rows a whitened fit predicts too badly; None where it does not.

    Args:
        stage: of plain squares, by which both are judged;  plain: its own fit.
    """
    edges, theta = white.edges.unsqueeze(0), white.theta.unsqueeze(0)
    [judged] = stage.judge(edges, theta, theta.new_tensor([white.loss]))
    worse, error = judged.valid.excess(0, plain.valid, 0)
    if worse > error:
        return (
            f"validation is predicted worse (by {worse:.2g} ± {error:.2g} of the mean "
            "square)"
        )
    level = stage.fit(torch.zeros_like(edges), plain.theta.unsqueeze(0))[0]
    own, constant = (
        stage.problem.terms(fitted.unsqueeze(0))["data"]
        for fitted in (white.theta, level.theta)
    )
    if own > constant:
        return (
            "its own rows are predicted worse than by constant latents (mean square "
            f"{own:.2g} and {constant:.2g})"
        )
    return None


def _least(tried: "Callable[[float, Candidate], Step]", first: Step) -> Step:
    """Walk to more or to less smoothing while the loss on validation falls."""
    best = first
    for ratio in (STEP, 1 / STEP):
        factor = ratio
        while 1 / FARTHEST <= factor <= FARTHEST:
            other = tried(factor, best.candidate)
            if not _loss(other) < _loss(best):
                break
            best, factor = other, factor * ratio
        if best is not first:
            break
    return best


def _loss(step: Step) -> float:
    return float(step.candidate.valid.loss)


def _law(solver: "StageSolver") -> NoiseLaw | None:
    """Return the estimated law of the noise where rows do not stand alone."""
    stored = solver.model.noise_law
    if stored is None or solver.config.noise != "auto":
        return None
    law = NoiseLaw.from_json(stored)
    memory = any(process.order for process in law.autoregression)
    return law if memory or any(law.intercept) else None


def _term(solver: "StageSolver", table: "Table", law: NoiseLaw) -> ProcessTerm:
    model, config = solver.model, solver.config
    term = ProcessTerm(model, table, solver.data.scale, config.violation)
    raw = model.raw_latents(model.scaled(table.features))
    return WhitenedTerm.of_model(term, table, raw, law)
