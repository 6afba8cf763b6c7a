"""Predators and prey over many turns from poor starts: one shot, windows, and pieces.

    240 points, some 13 turns, 10 % noise, starts of all four constants wrong by sd 1.6 in logs

One row a seed and way: the largest deviation from the truth in standard errors, and seconds.
"""

import time
from typing import Any

import numpy as np
import torch

from benchmarks.dynamics.odes import CYCLES, LIMIT, _plain, _predators, _series
from sciren import TrainConfig
from sciren.dynamics.fitting import series_problem
from sciren.dynamics.groups.group_fit import (
    ITERATIONS,
    TOLERANCE,
    described,
)
from sciren.dynamics.groups.group_problem import GroupProblem
from sciren.dynamics.groups.shooting import shooting_start
from sciren.dynamics.groups.windows import windowed_start
from sciren.errors import TrainingError
from sciren.solvers.levenberg import minimise

POINTS, WRONG = 240, 1.6
TRUE = np.array([list(CYCLES.values())])


def run(seeds: range) -> list[dict[str, Any]]:
    """Return one row a seed, and how many hold."""
    rows = [{"seed": seed, **_one(seed)} for seed in seeds]
    ways = [key for key in rows[0] if key.endswith("errors")]
    held = {key: f"held in {sum(row[key] <= LIMIT for row in rows)}" for key in ways}
    shown = [
        {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in row.items()}
        for row in rows
    ]
    return [*shown, dict.fromkeys(rows[0], "") | {"seed": "all"} | held]


def _one(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    starts = {n: v * np.exp(WRONG * rng.standard_normal()) for n, v in CYCLES.items()}
    times = np.arange(POINTS) * 0.5
    blank = _series(times, {n: np.ones(POINTS) for n in "xy"}, ["x", "y"])
    true = series_problem(_plain(_predators(CYCLES)), blank, None, TrainConfig())
    true = true.accurate(TRUE)
    outputs = true.process.simulate(true.scale.values(TRUE)).outputs[..., 0]
    x, y = outputs * np.exp(0.1 * rng.standard_normal(outputs.shape))
    table = _series(times, {"x": x, "y": y}, ["x", "y"])
    problem = series_problem(_plain(_predators(starts)), table, None, TrainConfig())
    found: dict[str, Any] = {}
    for way, lead in (
        ("one shot", None),
        ("windows", windowed_start),
        ("pieces", shooting_start),
    ):
        begin = time.process_time()
        found[f"{way}, errors"] = _away(problem, lead)
        found[f"{way}, s"] = round(time.process_time() - begin, 1)
    return found


@torch.no_grad()
def _away(problem: GroupProblem, lead: Any) -> float:
    """Fit all rows from where a way leads to; infinite where it has no numbers."""
    raw = problem.scale.start(1)
    try:
        raw = lead(problem, raw) if lead else raw
        whole = problem.accurate(problem.scale.physical(raw).numpy())
    except TrainingError:
        return float("inf")
    raw = minimise(whole, raw, ITERATIONS, TOLERANCE, damping=1e-2).theta
    outputs = whole.trajectory(raw).outputs
    return _errors(described(whole.with_noise_of(outputs), raw))


def _errors(fits: Any) -> float:
    if not np.isfinite(fits.precision).all():
        return float("inf")
    errors = np.sqrt(np.diag(np.linalg.pinv(fits.precision[0])))
    return float(np.abs((fits.physical[0] - TRUE[0]) / errors).max())
