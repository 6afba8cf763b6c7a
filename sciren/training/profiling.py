"""Profiles and bootstrap intervals of the constants of a solved problem."""

from typing import Any

import torch
from torch import Tensor

from sciren.training.bootstrap import bootstrap_constants, n_observed_blocks
from sciren.training.config import TrainConfig
from sciren.training.profile import ProfileSummary, profile_constants


@torch.no_grad()
def profile_and_bootstrap(
    problem: Any, theta: Tensor, config: TrainConfig, count: float | None = None
) -> tuple[list[ProfileSummary], Tensor]:
    """Profile every constant; with `config.bootstrap` also resample blocks.

    Args:
        problem: additive or hidden, active parameters set for one member.
        theta: (P,) best point.
        config: points and ranges of the profiles, replicates and seed of the bootstrap.
        count: observations that chi-square is scaled to.
    Returns:
        Summaries, and the best point found.
    """
    points, ranges = config.profile_points, config.profile_range
    summaries, best = profile_constants(problem, theta, points, ranges, count)
    # One block can only be drawn again: that says nothing about its errors.
    if config.bootstrap and summaries and n_observed_blocks(problem.term) > 1:
        minima = [point for summary in summaries for point in summary.solutions]
        starts = torch.stack(minima)
        draws = bootstrap_constants(
            problem, problem.with_term, starts, config.bootstrap, config.seed
        )
        add_intervals(problem, summaries, draws)
    return summaries, best


def add_intervals(problem: Any, summaries: list[ProfileSummary], draws: Tensor) -> None:
    """Add the 2.5 and 97.5 % quantiles of the replicates and judge again."""
    scale = problem.term.model.constant_scale
    constants = scale.to_physical(problem.constants_of(draws))
    levels = torch.tensor([0.025, 0.975], dtype=constants.dtype)
    for column, summary in enumerate(summaries):
        low, high = constants[:, column].quantile(levels.to(constants)).tolist()
        summary.interval, summary.replicates = (low, high), len(draws)
        summary.judge(scale.parameters[column].positive)
