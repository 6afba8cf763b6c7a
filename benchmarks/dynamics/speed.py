"""The Jacobian of two stores, 15 groups x 3,650 days, in units of one plain simulation."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sciren import Parameter, SeriesTable, State, process_model
from sciren.datasets.catchments import weather
from sciren.dynamics import Directions, SeriesProcess, Trajectory, Values, jacobian
from sciren.functions import maximum, minimum

GROUPS, DAYS = 15, 3650
LATENTS = ("smax", "k", "beta", "c")
REPEATS = 9  # the fastest counts: others are slowed down by what else the machine does
ALLOWED = {4: 2.0, 40: 2.5, 200: 3.5}


@process_model(
    parameters=[
        Parameter("smax", low=20, high=500, unit="mm"),
        Parameter("k", low=0.002, high=0.3, unit="d-1"),
        Parameter("beta", low=0.3, high=6),
        Parameter("c", low=0.001, high=0.1),
    ],
    state=[State("soil", start=100), State("slow", start=15)],
    forcings=["rain", "pet"],
    targets=["q"],
)
def stores(s: Any, p: Any, f: Any) -> Any:
    """Two stores as in `sciren.dynamics.buckets`, four latents."""
    wet = minimum(s.soil / p.smax, 1)
    quick, drain = f.rain * wet**p.beta, p.c * s.soil * wet
    soil = s.soil + f.rain - quick - f.pet * wet - drain
    over, base = maximum(soil - p.smax, 0), p.k * (s.slow + drain)
    return (
        {"soil": soil - over, "slow": s.slow + drain - base},
        {"q": quick + over + base},
    )


def run(seeds: range) -> list[dict[str, object]]:
    """Return one row a number of columns: CPU seconds, ratios, error against differences."""
    rows: list[dict[str, object]] = []
    process, values = _process(seeds[0])
    trajectory = process.simulate(values)
    asked = {n: _directions(process, n, seeds[0]) for n in ALLOWED}
    turns = _seconds(
        {
            "simulation": lambda: process.simulate(values),
            "by hand": lambda: _by_hand(process, values),
        }
        | {
            count: lambda d=directions: jacobian(process, process.simulate(values), d)
            for count, directions in asked.items()
        }
    )
    fewest = {name: min(each) for name, each in turns.items()}
    for count, allowed in ALLOWED.items():
        by_hand = np.divide(turns[count], turns["by hand"])
        rows.append(
            {
                "columns": count,
                "loop by hand, s": f"{fewest['by hand']:.3f}",
                "simulation, s": f"{fewest['simulation']:.3f}",
                "with Jacobian, s": f"{fewest[count]:.3f}",
                "over simulation": f"{fewest[count] / fewest['simulation']:.2f}",
                "over by hand": f"{fewest[count] / fewest['by hand']:.2f}",
                "turn by turn": f"{by_hand.min():.2f} to {by_hand.max():.2f}",
                "allowed": allowed,
                "error": f"{_error(process, values, trajectory):.0e}",
            }
        )
    return rows


def _process(seed: int) -> tuple[SeriesProcess, Values]:
    rng = np.random.default_rng(seed)
    rain, pet = weather(rng, DAYS, GROUPS)
    frame = pd.DataFrame(
        {
            "group": np.repeat(np.arange(GROUPS), DAYS),
            "day": np.tile(np.arange(DAYS), GROUPS),
            "rain": rain.T.ravel(),
            "pet": pet.T.ravel(),
        }
    )
    table = SeriesTable.from_frame(
        frame, group="group", time="day", time_unit="d", forcings=["rain", "pet"]
    )
    spread = np.linspace(0.0, 1.0, GROUPS)
    parameters = {
        "smax": 80 + 200 * spread,
        "k": 0.02 + 0.1 * spread,
        "beta": 1.5 + spread,
        "c": 0.01 + 0.02 * spread,
    }
    starts = {"soil": np.full(GROUPS, 60.0), "slow": np.full(GROUPS, 15.0)}
    return SeriesProcess(stores, table), Values(parameters, starts)


def _directions(process: SeriesProcess, count: int, seed: int) -> Directions:
    """Return four latents a group, or as many coefficients of latents per row."""
    if count == len(LATENTS):
        return Directions(static=LATENTS)
    shape = (*process.table.time.shape, count // len(LATENTS))
    rows = np.random.default_rng(seed).random(shape)
    return Directions(designs=dict.fromkeys(LATENTS, rows))


def _error(process: SeriesProcess, values: Values, trajectory: Trajectory) -> float:
    """Largest difference from central differences, relative to the largest derivative."""
    found = jacobian(process, trajectory, Directions(static=LATENTS))
    worst = 0.0
    for number, name in enumerate(LATENTS):
        h = 1e-6 * values.parameters[name]
        ahead, back = (
            process.simulate(
                Values(
                    {**values.parameters, name: values.parameters[name] + sign * h},
                    values.starts,
                )
            ).outputs
            for sign in (1, -1)
        )
        difference = ((ahead - back) / (2 * h)).transpose(0, 2, 1)
        size = np.abs(difference).max()
        worst = max(worst, float(np.abs(found[number] - difference).max() / size))
    return worst


def _by_hand(process: SeriesProcess, values: Values) -> np.ndarray:
    """Simulate by a loop without names, to see what they cost."""
    rain, pet = process.forcings
    smax, k, beta, c = (values.parameters[name] for name in LATENTS)
    soil, slow = values.starts["soil"], values.starts["slow"]
    states, q = np.empty((2, DAYS + 1, GROUPS)), np.empty_like(rain)
    for t in range(DAYS):
        wet = np.minimum(soil / smax, 1)
        quick, drain = rain[t] * wet**beta, c * soil * wet
        soil = soil + rain[t] - quick - pet[t] * wet - drain
        over, base = np.maximum(soil - smax, 0), k * (slow + drain)
        soil, slow = soil - over, slow + drain - base
        states[0, t + 1], states[1, t + 1], q[t] = soil, slow, quick + over + base
    return q


def _seconds(work: Mapping[Any, Callable[[], Any]]) -> dict[Any, list[float]]:
    """Return the CPU seconds of every piece of work, all in turn, after one that warms up."""
    seconds: dict[Any, list[float]] = {name: [] for name in work}
    for turn in range(REPEATS + 1):
        for name, call in work.items():
            begin = time.process_time()
            call()
            if turn:
                seconds[name].append(time.process_time() - begin)
    return seconds
