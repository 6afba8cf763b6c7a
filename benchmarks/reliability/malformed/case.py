"""One malformed input: a sound study, what is done to it, and what must come of it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

CONFIG, DATA, PROCESS = "CONFIG.yaml", "data.csv", "mine.py"
SETTINGS: dict[str, Any] = {
    "data": {"path": DATA, "time": "time"},
    "features": ["x1", "x2"],
    "decoder": "q10",
    "forcings": {"ta": "ta"},
    "targets": {"reco": "reco"},
    "encoder": {"kind": "kan", "hidden": []},
    "train": {"epochs": 2},
    "discovery": {"bootstrap": 0, "baselines": False},
    "split": {"kind": "random"},
    "out": "results",
}
"""A study that is sound and short."""


@dataclass(frozen=True)
class Malformed:
    """What is wrong with a study.

    Attributes:
        name: for the report.
        frame: changes the table;  settings: changes the configuration;
        base: the configuration that is changed.
        files: writes what is more than that into the folder.
        command: words after ``sciren``; paths count from the folder.
        place: text that the message must hold, such as the name of the file; or one of
            several with ``|`` between.
        sound: True where it must be trained with, None where it may.
    """

    name: str
    frame: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: Callable[[Path], object] = lambda folder: None
    command: tuple[str, ...] = ("discover", CONFIG)
    place: str = DATA
    sound: bool | None = False
    base: Mapping[str, Any] = field(default_factory=lambda: SETTINGS)


Kind = Callable[[random.Random], Malformed]


def table(rows: int = 120) -> pd.DataFrame:
    """Return respiration with rb = 2 + 0.5 x1 + 0.3 x2, q10 = 2 and 3 % of noise."""
    rng = np.random.default_rng(7)
    x1, x2 = rng.uniform(1, 5, rows), rng.uniform(-2, 3, rows)
    ta = rng.uniform(-3, 25, rows)
    noise = 1 + 0.03 * rng.normal(size=rows)
    days = pd.date_range("2013-01-01", periods=rows, freq="D").astype(str)
    return pd.DataFrame(
        {
            "time": days, "site": [f"s{k % 12}" for k in range(rows)], "x1": x1, "x2": x2,
            "ta": ta, "reco": (2 + 0.5 * x1 + 0.3 * x2) * 2 ** ((ta - 15) / 10) * noise,
        }
    )  # fmt: skip


def write(case: Malformed, folder: Path) -> None:
    """Write the study of a case into an empty folder."""
    case.frame(table()).to_csv(folder / DATA, index=False)
    text = yaml.safe_dump(merged(case.settings, case.base), allow_unicode=True)
    (folder / CONFIG).write_text(text, encoding="utf-8")
    case.files(folder)


def merged(changes: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with some keys changed; a mapping is merged one level deep."""
    result = dict(base)
    for key, value in changes.items():
        known = result.get(key)
        result[key] = value
        if isinstance(known, dict) and isinstance(value, dict) and key != "split":
            result[key] = {**known, **value} if value else value
    return result


def with_column(name: str, values: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a change: a column with these values, or those of a function of the table."""
    return lambda frame: frame.assign(
        **{name: values(frame) if callable(values) else values}
    )


def with_cell(
    name: str, row: int, value: Any
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a change: one cell has this value."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        column = frame[name].astype(object)
        column.iloc[row] = value
        return frame.assign(**{name: column})

    return change
