"""The additive model where there are many edges: sparse path, then smoothing."""

from torch import Tensor

from sciren.solvers.levenberg import minimise
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.additive import AdditiveProblem
from sciren.training.gauss_newton.group_sparsity import (
    MANY,
    select_sparse,
    without_weak,
)
from sciren.training.gauss_newton.solver import StageSolver
from sciren.training.gauss_newton.stages import (
    AdditiveStage,
    Candidate,
    Step,
    smoothest,
)
from sciren.training.gauss_newton.starts.level import (
    fit_constant_latents,
    sensitivity_scale,
)

# Few edges can do with less smoothing: below 1e-5 curves wiggle where rows are
# insensitive (the simulated soil study), and 1e-4 was its best weight.
FINER = (1e-5, 1e-4)
PATH_SMOOTH = 1e-3  # while edges are chosen, the default of the training


def by_path(solver: StageSolver) -> bool:
    """Return whether a path of group penalties chooses the edges."""
    config, encoder = solver.config, solver.encoder
    if encoder.hidden or config.ladder or not config.select:
        return False
    if config.selection == "auto":
        return encoder.n_inputs * encoder.n_outputs >= MANY
    return config.selection == "path"


def solve_sparse(
    solver: StageSolver, names: list[list[str]], full: Step | None = None
) -> Step:
    """Solve the additive model with few of many edges; see `group_sparsity`.

    Args:
        solver: of the model and its tables.
        names: (d, L) edge names for the record.
        full: the model with all edges, whose constants are taken over.
    """
    config = solver.config
    theta = _start(solver, full)
    given = config.smooth_choices or (config.smooth,)
    stage = stage_of(solver, max(PATH_SMOOTH, min(given)))

    def say(step: int, total: int, loss: float) -> None:
        solver.progress.update("edges", step, total, {"validation": loss})

    selected = select_sparse(stage, theta, names, solver.history, say)
    step = smoothed(solver, selected, weights_of(config))
    assert isinstance(step.stage, AdditiveStage)
    fewer = without_weak(step.stage, step.candidate, names, solver.history)
    return Step(step.stage, fewer)


def weights_of(config: TrainConfig) -> tuple[float, ...]:
    """Return the weights of the smoothing that few edges are solved with, rising."""
    given = config.smooth_choices
    if not given:
        return (config.smooth,)
    return (*(weight for weight in FINER if weight < min(given)), *given)


def _start(solver: StageSolver, full: Step | None) -> Tensor:
    """Return latents without edges, theta (1, P), in units of their effect."""
    if full is None:
        model, (train, _) = solver.model, solver.terms()
        problem = AdditiveProblem(train, solver.train_design, 0.0)
        theta = fit_constant_latents(problem)
        if _by_effect(solver):
            raw, constants = problem.raw(theta), problem.constants_of(theta)
            model.output_scale.copy_(sensitivity_scale(train, raw, constants))
        model.output_shift.copy_(problem.raw(theta)[0, 0])
    else:
        theta = full.candidate.theta.unsqueeze(0).clone()
    cut = len(solver.model.constant_raw)
    # Latents at their level, no effects: the path begins without any edge.
    theta[:, : theta.shape[1] - cut] = 0.0
    return theta


def _by_effect(solver: StageSolver) -> bool:
    """Return whether raw latents are measured by their effect on the targets."""
    return solver.model.plain or solver.config.latent_scale == "data"


def stage_of(solver: StageSolver, smooth: float) -> AdditiveStage:
    """Return all edges with one weight of the smoothing."""
    train, valid = solver.terms()
    problem = AdditiveProblem(train, solver.train_design, smooth)
    return AdditiveStage(problem, valid, solver.valid_design)


def smoothed(
    solver: StageSolver, selected: Candidate, weights: tuple[float, ...]
) -> Step:
    """Solve the chosen edges with every weight; take the smoothest that validation allows."""
    edges, theta = selected.edges.unsqueeze(0), selected.theta.unsqueeze(0)
    tried: list[Step] = []
    for weight in weights:
        stage = stage_of(solver, weight)
        held = stage.problem.with_active(stage.problem.mask_of(edges))
        solution = minimise(held, theta, solver.config.max_iterations)
        theta = solution.theta
        tried.append(Step(stage, stage.judge(edges, theta, solution.loss)[0]))
        # Weights rise: what two in a row make clearly worse, larger ones make worse
        # still.
        if _hopeless(tried):
            break
    if len(tried) > 1:
        solver.note_smoothing(weights, tried)
    return tried[smoothest(tried)]


def _hopeless(tried: list[Step]) -> bool:
    """Return whether the last two weights were clearly too large."""
    best = min(
        (step.candidate.valid for step in tried),
        key=lambda candidate: float(candidate.loss),
    )
    excesses = [step.candidate.valid.excess(0, best, 0) for step in tried[-2:]]
    # Three standard errors twice in a row: larger weights will not come back.
    return len(tried) > 2 and all(mean > 3 * error > 0 for mean, error in excesses)
