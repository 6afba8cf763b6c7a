"""Starts for series that oscillate: fit a short first part, then ever longer ones.

A trajectory of a wrong frequency is out of phase after a few turns, and the squares of the
whole series then have a valley for every turn that is missed. In a short window there is
one valley, which leads to the next.

Reference: Bock 1983 (multiple shooting); growing windows as the simplest of its kind.
"""

from dataclasses import replace

import torch
from torch import Tensor

from sciren.data.series import SeriesTable
from sciren.dynamics.groups.group_problem import GroupProblem
from sciren.solvers.levenberg import minimise

FIRST = 12  # rows of the first window; each next one is twice as long
ITERATIONS, TOLERANCE = 20, 1e-3  # of a window: it only has to lead to the next


def windowed_start(problem: GroupProblem, start: Tensor) -> Tensor:
    """Return raw numbers (G, Q) near the minimum of every group.

    Where a window says little of a number it may carry it away (the capacity, before the
    growth slows down); the next window then begins from the declared start again, which
    its own loss decides group by group.

    Args:
        problem: all rows;  start: declared numbers.
    """
    rows, raw, length = problem.process.table.rows, start, FIRST
    while length < rows:
        part = shortened(problem, length)
        part = part.accurate(problem.scale.physical(raw).numpy())
        # A longer window may overturn what a shorter one preferred.
        raw = better(part, raw, start)
        raw = minimise(part, raw, ITERATIONS, TOLERANCE, damping=1e-2).theta
        length *= 2
    return better(problem, raw, start)


def better(problem: GroupProblem, point: Tensor, rival: Tensor) -> Tensor:
    """Return the numbers (G, Q) of the lower loss, group by group."""
    members = torch.arange(len(point))
    first, second = (problem.loss(theta, members) for theta in (point, rival))
    return torch.where((first <= second).unsqueeze(1), point, rival)


def shortened(problem: GroupProblem, rows: int) -> GroupProblem:
    """Return the problem of the first rows of all groups."""
    table = problem.process.table
    process = replace(problem.process, table=_first_rows(table, rows))
    comparison = problem.comparison.take(range(len(table)), rows)
    return replace(problem, process=process, comparison=comparison)


def _first_rows(table: SeriesTable, rows: int) -> SeriesTable:
    return replace(
        table,
        lengths=table.lengths.clip(max=rows),
        features=table.features[:rows],
        forcings={name: part[:rows] for name, part in table.forcings.items()},
        targets=table.targets[:rows],
        time=table.time[:rows],
        row_ids=table.row_ids[:rows],
        counted=table.counted[:rows],
    )
