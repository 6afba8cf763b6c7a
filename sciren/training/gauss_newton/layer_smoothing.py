"""How smooth a hidden layer is, chosen on validation.

A hidden layer bends as it likes where rows are few and noisy; without this choice
validation refuses it, whatever it is worth (`python -m benchmarks.hidden_layers`).
"""

import torch
from torch import Tensor

from sciren.solvers.levenberg import minimise
from sciren.training.config import TrainConfig
from sciren.training.gauss_newton.stages import (
    HOPELESS,
    TRIAL,
    HiddenStage,
    Step,
    smoothest,
)
from sciren.training.gauss_newton.starts.directions import Watcher

TRIAL_STEPS = 6
"""Of each smoothing, which begins at its neighbour's solution: 12 and 60 steps choose the same
and take up to twice as long (`python -m benchmarks.hidden_layers`, sets 5-8)."""


def smoothed_layer(
    stage: HiddenStage, theta: Tensor, config: TrainConfig, watch: Watcher
) -> Step:
    """Solve a hidden layer, smoother and smoother, and keep what validation likes best.

    Args:
        stage: of the loosest curves;  theta: its starts (S, P).
        config: factors of the smoothing that are tried, and the steps of each.
        watch: makes the watch of a solution.
    """
    tried: list[tuple[HiddenStage, Step]] = []
    # From loose to smooth, as for sums: each solution starts the next, and the starts that
    # a smooth layer would miss are found by the loosest.
    for factor in config.smooth_hidden_choices or (1.0,):
        problem = stage.problem.stiffened(factor)
        part = HiddenStage(problem, stage.valid, stage.valid_design)
        steps = min(TRIAL_STEPS, config.max_iterations)
        tried.append((part, _solved(part, theta, steps, watch)))
        theta = tried[-1][1].candidate.theta.unsqueeze(0)
        # What validation clearly minds at one weight it minds at all larger ones.
        if smoothest([step for _, step in tried], HOPELESS) < len(tried) - 1:
            break
    # Not the smoothest within an error, as for sums: an outer curve may be a kink.
    part, best = min(tried, key=lambda pair: float(pair[1].candidate.valid.loss))
    start = best.candidate.theta.unsqueeze(0)
    return _solved(part, start, config.max_iterations, watch)


def _solved(stage: HiddenStage, theta: Tensor, total: int, watch: Watcher) -> Step:
    """Solve one smoothing from starts (S, P) and keep the lowest."""
    problem = stage.problem
    heard = watch(f"{problem.nodes} hidden", total, problem)
    solution = minimise(problem, theta, total, TRIAL, damping=1e-3, watch=heard)
    shape = (1, problem.n_features, problem.n_latents * problem.nodes)
    edges = torch.ones(shape, dtype=torch.bool, device=theta.device)
    best = solution.loss.argmin().unsqueeze(0)
    judged = stage.judge(edges, solution.theta[best], solution.loss[best])
    return Step(stage, judged[0])
