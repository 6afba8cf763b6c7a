"""Simulated records: ten correlated features, three that act, noise of many kinds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

FEATURES = tuple(f"x{k}" for k in range(1, 11))
TRUE = ("x1", "x4", "x7")
NEIGHBOURS = 0.9  # correlation of columns that stand side by side
Q10, T_REF = 1.8, 15.0


@dataclass(frozen=True)
class Cell:
    """One kind of record.

    Attributes:
        process: "plain" (y = latent) or "q10" (y = latent q10^((ta - 15) / 10)).
        rows: how many.
        noise: deviation over that of the signal; behind q10 it grows with the mean.
        memory: AR(1) coefficient of features and noise; 0 for independent rows.
        kind: "ar"; "nugget" (AR and as much white noise); "two" (AR 0.99 and 0.7);
            "half" (rows missing at random); "seasons" (every second stretch of 200 rows);
            "sites" (60 groups of 20 rows, half of the features constant in a group).
        effect: deviation of each of the three curves; the latent's mean is three.
    """

    process: str
    rows: int
    noise: float
    memory: float = 0.0
    kind: str = "ar"
    effect: float = 0.6


CELLS = {
    "plain_2000_10": Cell("plain", 2000, 0.1),
    "plain_300_30": Cell("plain", 300, 0.3),
    "q10_2000_10": Cell("q10", 2000, 0.1),
    # so weak that a test that knows shapes, noise and q10 finds 97 %: no rule finds all
    "q10_300_30": Cell("q10", 300, 0.3, effect=0.2),
    "ar_plain_30": Cell("plain", 2000, 0.3, 0.95),
    "ar_plain_100": Cell("plain", 2000, 1.0, 0.95),
    "ar_q10_30": Cell("q10", 2000, 0.3, 0.95),
    "ar_q10_100": Cell("q10", 2000, 1.0, 0.95),
    "nugget": Cell("plain", 2000, 1.0, 0.95, "nugget"),
    "two_scales": Cell("plain", 2000, 1.0, 0.95, "two"),
    "half_missing": Cell("plain", 2000, 1.0, 0.95, "half"),
    "seasons": Cell("plain", 2000, 1.0, 0.95, "seasons"),
    "sites": Cell("plain", 1200, 0.5, 0.0, "sites"),
}


def latent(frame: pd.DataFrame, effect: float = 0.6) -> np.ndarray:
    """Linear in x1, exponential in x4, quadratic in x7; deviation about effect each."""
    linear = frame["x1"].to_numpy()
    exponential = (np.exp(0.5 * frame["x4"].to_numpy()) - 1.13) / 0.6
    quadratic = (frame["x7"].to_numpy() ** 2 - 1.0) / np.sqrt(2.0)
    return 3.0 + effect * (linear + exponential + quadratic)


def record(cell: Cell, seed: int) -> pd.DataFrame:
    """Draw a record: time, groups (sites), x1 .. x10, ta, y."""
    rng = np.random.default_rng([seed, 20260])
    if cell.kind == "sites":
        return _sites(cell, rng)
    total = {"half": 2, "seasons": 2}.get(cell.kind, 1) * cell.rows
    frame = pd.DataFrame(_features(total, cell.memory, rng), columns=FEATURES)
    frame.insert(0, "time", pd.date_range("2001-01-01", periods=total, freq="h"))
    frame["ta"] = _temperature(total, cell.memory, rng)
    noise = _noise(cell, total, rng)
    frame["y"] = observe(cell, frame, noise)
    return _kept_rows(cell, frame, rng)


def observe(cell: Cell, frame: pd.DataFrame, noise: np.ndarray) -> np.ndarray:
    """Add noise (n,) of deviation one to what the process makes of the latent."""
    clean = latent(frame, cell.effect)
    if cell.process == "plain":
        return clean + cell.noise * clean.std() * noise
    temperature = frame["ta"].to_numpy()
    clean = np.maximum(clean, 0.0) * Q10 ** ((temperature - T_REF) / 10)
    return clean * (1 + cell.noise * clean.std() / clean.mean() * noise)


def autoregressive(
    rows: int, columns: int, memory: float, rng: np.random.Generator
) -> np.ndarray:
    """Stationary AR(1) of deviation one (rows, columns); white for memory 0."""
    from scipy.signal import lfilter

    shocks = rng.standard_normal((rows, columns))
    if memory == 0:
        return shocks
    shocks[1:] *= np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], shocks, axis=0))


def _features(rows: int, memory: float, rng: np.random.Generator) -> np.ndarray:
    """Columns whose correlation falls as 0.9^|i - j|."""
    apart = np.abs(np.subtract.outer(np.arange(10), np.arange(10)))
    root = np.linalg.cholesky(NEIGHBOURS**apart)
    return autoregressive(rows, 10, memory, rng) @ root.T


def _temperature(rows: int, memory: float, rng: np.random.Generator) -> np.ndarray:
    """Degrees C: an annual wave over the record and weather."""
    wave = np.sin(2 * np.pi * 2 * np.arange(rows) / rows)
    return 12 + 7 * wave + 3 * autoregressive(rows, 1, memory, rng)[:, 0]


def _noise(cell: Cell, rows: int, rng: np.random.Generator) -> np.ndarray:
    if cell.kind == "nugget":
        slow = autoregressive(rows, 1, cell.memory, rng)[:, 0]
        return (slow + rng.standard_normal(rows)) / np.sqrt(2)
    if cell.kind == "two":
        both = [autoregressive(rows, 1, memory, rng)[:, 0] for memory in (0.99, 0.7)]
        return (both[0] + both[1]) / np.sqrt(2)
    return autoregressive(rows, 1, cell.memory, rng)[:, 0]


def _kept_rows(
    cell: Cell, frame: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    if cell.kind == "half":
        rows = np.sort(rng.choice(len(frame), cell.rows, replace=False))
        return frame.iloc[rows].reset_index(drop=True)
    if cell.kind == "seasons":
        rows = np.flatnonzero((np.arange(len(frame)) // 200) % 2 == 0)
        return frame.iloc[rows].reset_index(drop=True)
    return frame


def _sites(cell: Cell, rng: np.random.Generator, size: int = 20) -> pd.DataFrame:
    """Groups with a shared part in the noise; every second feature constant in each."""
    groups = cell.rows // size
    place = np.repeat(np.arange(groups), size)
    columns = _features(cell.rows, 0.0, rng)
    still = _features(groups, 0.0, rng)[place]
    columns[:, ::2] = still[:, ::2]
    frame = pd.DataFrame(columns, columns=FEATURES)
    frame["groups"] = [f"site {k}" for k in place]
    frame["ta"] = _temperature(cell.rows, 0.0, rng)
    shared = rng.standard_normal(groups)[place]
    noise = (shared + rng.standard_normal(cell.rows)) / np.sqrt(2)
    frame["y"] = observe(cell, frame, noise)
    return frame
