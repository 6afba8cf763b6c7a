"""fit_many_rows: decide on a sample, solve on all rows."""

from collections.abc import Sequence

import torch

from sciren.data.blocks import RowBlock
from sciren.data.table import Table
from sciren.encoders.kan import KANEncoder
from sciren.errors import TrainingError
from sciren.execution.executor import Executor, one_thread
from sciren.model import ScIReN
from sciren.solvers.levenberg import Solution, minimise
from sciren.training.config import TrainConfig
from sciren.training.engines import choose_engine
from sciren.training.ensemble import ready
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.engine import GaussNewton
from sciren.training.gauss_newton.solver import StageSolver
from sciren.training.gauss_newton.stages import Step
from sciren.training.history import History
from sciren.training.many_rows.problem import BlocksProblem
from sciren.training.many_rows.sums import BlockSums
from sciren.training.many_rows.survey import Survey, survey
from sciren.training.progress import Progress, Silence

SAMPLE = 30_000
"""Rows that edges, smoothing and minimum are chosen on: as many as the tests of edges look
at (`sciren.inference.observed.MOST_ROWS`), and more than profiles do."""

ITERATIONS = 30
"""Most passes over the rows; from the sample's solution two are usual
(`python -m benchmarks.many_rows`)."""

NO_ACCOUNT = 0.1
"""Chi-square that a last step may still gain; the 95 % limit of one constant is 3.84."""


def fit_many_rows(
    model: ScIReN,
    train: Sequence[RowBlock],
    valid: Table,
    config: TrainConfig | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    sample: int = SAMPLE,
) -> History:
    """Train a one-layer spline model in place on blocks of rows, with flat memory.

    A sample of the rows decides which edges are kept, how smooth they are and where the
    constants' minimum is, as `fit` does. Then curves and constants move to the minimum of
    all rows by Gauss-Newton, each pass reading every block once. Workers and their number
    do not change the result.

    Args:
        model: with a `KANEncoder` without hidden layer.
        train: blocks of the rows, see `sciren.data.blocks`.
        valid: rows to choose by, in memory.
        config: settings of the Gauss-Newton engine; default `TrainConfig()`.
        executor: who reads and sums the blocks; default this process.
        progress: hears every block and step.
        sample: about how many rows decide.
    Returns:
        The history of the sample, with a stage "all rows"; estimates and standard errors
        of the constants are those of all rows, which count as independent, each with its
        own noise.
    Raises:
        TrainingError: the model or settings are not for this engine, or no row is complete.
        ColumnError, DataError: blocks or tables lack columns, or cannot be read.
    """
    settings = config or TrainConfig()
    check_many_rows(model, settings)
    listener = progress or Silence()
    # 1. A sample decides: edges, smoothing and the minimum, by the ordinary engine.
    sample_survey = survey(train, sample, settings.seed, executor, listener)
    sums = BlockSums(train, sample_survey, executor, listener)
    # On one thread, as the workers: what they sum meanwhile would wait for the cores.
    with one_thread():
        member = ready(model, sample_survey.sample, valid, settings)
        solver = StageSolver(model, member.data, settings, member.history, listener)
        step = _chosen(solver, sums)
    problem = step.stage.problem
    assert isinstance(problem, AdditiveProblem)
    edges = step.candidate.edges
    # 2. All rows solve: the same parameters, the edges held, block by block. More rows
    # need less smoothing; with that of the sample, its bias would outweigh their error.
    held = problem.with_active(problem.mask_of(edges.unsqueeze(0)))
    held = held.smoothed(min(1.0, len(member.train) / sample_survey.rows))
    whole = BlocksProblem(held, sums)
    start = whole.start(step.candidate.theta.unsqueeze(0))
    solution = _solve(whole, start, sample_survey, member.history)
    problem.store(solution.theta[0], edges)
    assert isinstance(model.encoder, KANEncoder)
    if model.encoder.outside == "linear":
        # Curves of a linear continuation are centred on the rows that set the knots.
        model.encoder.center(model.scaled(member.train.features))
    _report(whole, solution, sample_survey, member.history)
    return member.history


def _chosen(solver: StageSolver, sums: BlockSums) -> Step:
    """Choose edges and minimum on the sample, while workers sum all rows beside it."""

    def begin(step: Step) -> None:
        assert isinstance(step.stage.problem, AdditiveProblem)
        sums.begin(step.stage.problem, step.candidate.theta.unsqueeze(0))

    try:
        return GaussNewton(solver, begin).run()
    except BaseException:
        sums.stop()
        raise


def check_many_rows(model: ScIReN, config: TrainConfig) -> None:
    """Refuse models and settings that `fit_many_rows` cannot train.

    Raises:
        TrainingError: says why.
    """
    engine, reason = choose_engine(model, config)
    problems = {
        f"it is trained by {reason}": engine != "gauss-newton",
        "it has a hidden layer": bool(getattr(model.encoder, "hidden", ())),
        "ladder tries hidden nodes": config.ladder,
        f"noise {config.noise!r} weighs the rows anew after each fit": config.reweights,
        f"device {config.device!r} is not 'cpu'": config.device != "cpu",
        "bootstrap resamples the rows": config.bootstrap > 0,
    }
    problem = next((text for text, holds in problems.items() if holds), None)
    if problem is not None:
        raise TrainingError(
            f"many rows are for one-layer spline models solved by Gauss-Newton: {problem}. "
            "Change that, or train with fit on fewer rows"
        )


def _solve(
    whole: BlocksProblem, theta: torch.Tensor, sample_survey: Survey, history: History
) -> Solution:
    def watch(step: int, loss: torch.Tensor, _: torch.Tensor) -> None:
        history.append("all rows", step, {"total": float(loss[0])})

    # A relative gain e of a mean of n squares is a chi-square of about n e.
    tolerance = NO_ACCOUNT / max(sum(sample_survey.observations.values()), 1)
    return minimise(whole, theta * whole.active, ITERATIONS, tolerance, 1e-6, watch)


def _report(
    whole: BlocksProblem, solution: Solution, sample_survey: Survey, history: History
) -> None:
    """Say what was done, and give the constants estimate and error of all rows."""
    history.say(
        f"Edges, smoothing and profiles come from a sample of {len(sample_survey.sample):,} rows, "
        f"curves and constants from all {sample_survey.rows:,}, in {solution.iterations} steps."
    )
    if not bool(solution.converged[0]):
        history.say(
            f"The solution on all rows did not settle in {solution.iterations} steps."
        )
    model = whole.term.model
    if not history.summaries:
        return
    spread = whole.covariance(solution.theta)
    constants = whole.rowless.constants_of(solution.theta)
    values = model.constant_scale.to_physical(constants)[0].tolist()
    # Constants come last in theta.
    first = len(spread) - len(values)
    for number, (parameter, value) in enumerate(
        zip(model.constant_scale.parameters, values, strict=True)
    ):
        summary = history.summaries.get(parameter.name)
        if summary is None:
            continue
        raw = float(spread[first + number, first + number].clamp_min(0).sqrt())
        # Positive constants are solved in logs: d value = value d log value.
        summary.error = raw * value if parameter.positive else raw
        summary.estimate = value
        if len(summary.minima) == 1:
            summary.minima = [(value, 0.0)]
        summary.judge(parameter.positive)
