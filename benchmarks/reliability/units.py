"""The same record in other units: the equation must be the same up to the unit."""

import random
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.reliability.score import Attempts, Score
from discovery import Discovery
from discovery.config.file import config_from_mapping
from discovery.runs.workflow import run

UNITS = (1e-300, 1e-200, 1e-100, 1e-30, 1e-9, 1e9, 1e30, 1e100, 1e200)


def sample(feature: float, target: float, rows: int = 200) -> pd.DataFrame:
    """Respiration with rb = 2 + 0.5 x1 + 0.3 x2, 0.4 more in woods, in other units.

    Args:
        feature: unit of x1 and x2;  target: unit of reco.
        rows: number of rows.
    """
    rng = np.random.default_rng(0)
    x1, x2 = rng.uniform(1, 5, rows), rng.uniform(-2, 3, rows)
    ta = rng.uniform(0, 25, rows)
    wood = rng.random(rows) < 0.4
    reco = (2 + 0.5 * x1 + 0.3 * x2 + 0.4 * wood) * (1 + 0.02 * rng.normal(size=rows))
    return pd.DataFrame(
        {
            "x1": x1 * feature, "x2": x2 * feature, "ta": ta, "reco": reco * target,
            "cover": np.where(wood, "wood", "grass"),
        }
    )  # fmt: skip


def equation_in_units(
    process: str | None, feature: float, target: float
) -> dict[str, float]:
    """Discover the record in units; return what was found in unit one.

    Returns:
        ``p0``, ``p1``, ...: predictions at some rows, divided by the unit of the target, and
        the constants of the process with both ends of their recommended intervals.
    """
    frame = sample(feature, target)
    if process is not None:
        frame["reco"] *= 2 ** ((frame["ta"] - 15) / 10)
    with tempfile.TemporaryDirectory() as place:
        frame.to_csv(Path(place) / "data.csv", index=False)
        config = {
            "data": {"path": str(Path(place) / "data.csv")}, "features": ["x1", "x2", "cover"],
            "decoder": process, "targets": {"reco": "reco"}, "out": f"{place}/out",
            "forcings": {"ta": "ta"} if process else {}, "encoder": {"hidden": []},
            "discovery": {"bootstrap": 0, "baselines": False},
        }  # fmt: skip
        found = Discovery.load(run(config_from_mapping(config), quiet=True))
        predicted = found.predict(frame.iloc[:5])["reco"].to_numpy() / target
        known = {f"p{k}": float(value) for k, value in enumerate(predicted)}
        assert found.equations is not None
        assert found.uncertainty is not None
        for constant in found.uncertainty.constants:
            if constant["recommended"]:
                known[f"{constant['constant']} from"] = float(constant["low"])
                known[f"{constant['constant']} to"] = float(constant["high"])
        return known | {n: float(v) for n, v in found.equations.constants.items()}


PAIRS = [(unit, 1.0) for unit in UNITS] + [(1.0, unit) for unit in UNITS]
"""Unit of the features and of the target."""


def units_kept(process: str | None, attempts: Attempts) -> Score:
    """Compare the equations of every unit of features and of targets with unit one."""
    wanted = equation_in_units(process, 1.0, 1.0)

    def attempt(number: int, rng: random.Random) -> list[str]:
        feature, target = PAIRS[number]
        have = equation_in_units(process, feature, target)
        far = [n for n, v in wanted.items() if not abs(have[n] - v) <= 1e-4 * abs(v)]
        place = f"features in {feature:g}, target in {target:g}"
        return [f"{place}: {far} differ"] if far else []

    return attempts.made(f"units, {process or 'no process model'}", attempt)
