"""Declared mass balances of the shelf: free runs of ten years over the ranges of the parameters."""

from typing import Any

import numpy as np
import pandas as pd

from discovery.dynamics.balance import CLOSED, balance_errors
from sciren import SeriesTable
from sciren.datasets.catchments import weather
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics import SeriesProcess, Values
from sciren.dynamics.buckets import two_stores
from sciren.processes import SHELF

ROWS, DRAWS = 3650, 20
WIDE = 0.05
"""Share of a range that draws keep away from its ends (half to twice the start of open ones)."""


def run(seeds: range) -> list[dict[str, Any]]:
    """Return the largest relative error of every model, over all draws of all seeds."""
    shelf = [model for model in SHELF.values() if isinstance(model, DynamicModel)]
    models = [two_stores, *(model for model in shelf if model.balance is not None)]
    rows = []
    for model in models:
        errors = []
        for seed in seeds:
            process, values = _drawn(model, seed)
            trajectory = process.simulate(values)
            errors.append(balance_errors(process, trajectory))
        worst = float(np.max(errors))
        row: dict[str, Any] = {"model": model.name, "runs": DRAWS * len(seeds)}
        row |= {"largest relative error": f"{worst:.1e}", "allowed": f"{CLOSED:g}"}
        rows.append(row)
    return rows


def _drawn(model: DynamicModel, seed: int) -> tuple[SeriesProcess, Values]:
    """Return the model on as many groups as draws of its parameters."""
    rng = np.random.default_rng(seed)
    columns = _forcings(rng)
    names = [f"g{k:02d}" for k in range(DRAWS)]
    frame = pd.DataFrame({n: columns[n].T.ravel() for n in model.forcings})
    frame["group"] = np.repeat(names, ROWS)
    frame["step"] = np.tile(np.arange(ROWS), DRAWS)
    table = SeriesTable.from_frame(
        frame, group="group", time="step", time_unit="d", forcings=list(model.forcings)
    )
    process = SeriesProcess(model, table)
    parameters = {
        p.name: _between(rng, p.low, p.high, float(p.initial))
        for p in model.parameters
        if p.name in process.parameter_names
    }
    starts = {s.name: np.full(DRAWS, float(s.start)) for s in model.states}
    return process, Values(parameters, starts)


def _between(rng: np.random.Generator, low: float, high: float, start: float) -> Any:
    low, high = (
        (start / 2 if np.isinf(low) else low),
        (2 * start if np.isinf(high) else high),
    )
    return low + (high - low) * rng.uniform(WIDE, 1 - WIDE, DRAWS)


def _forcings(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return every forcing that models with a balance ask for, (rows, draws)."""
    rain, pet = weather(rng, ROWS, DRAWS)
    season = np.sin(np.arange(ROWS) / 365 * 2 * np.pi)[:, None]
    ta = 5 - 10 * season + rng.normal(0, 3, rain.shape)
    same = np.ones(rain.shape)
    return {
        "p": rain, "rain": rain, "pet": pet, "ta": ta, "pan": 10 * pet,
        "clay": 25.0 * same, "plants": 0.14 * same,
    }  # fmt: skip
