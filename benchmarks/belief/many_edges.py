"""From 20 edges on: false discoveries, power, intervals of curves, and what they cost.

Uptake by Michaelis and Menten with a respiration beside, y = vmax s / (km + s) + r 2^u, and
a line y = a + b s: of two or three latents from 10 to 30 features only four (three) edges
act. Counted are false shares of the kept edges, true ones kept, and whole curves of the kept
true edges inside their simultaneous 95 % band (line only, whose latents have no bounds).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.belief.public import percent
from sciren import LinearEncoder, Parameter, ScIReN, Table, process_model
from sciren.inference import ObservedProcess, Selection, select
from sciren.inference.intervals.bands import Band, curve_bands
from sciren.inference.intervals.constants import find_intervals

Array = np.ndarray


@process_model([Parameter("a"), Parameter("b")], forcings=["s"], targets=["y"])
def line(p: Any, f: Any) -> Any:
    """Level and slope by s."""
    return p.a + p.b * f.s


@process_model(
    [
        Parameter("vmax", low=0.0, start=3.0),
        Parameter("km", low=0.0, start=1.0),
        Parameter("r", low=0.0, start=1.0),
    ],
    forcings=["s", "u"],
    targets=["y"],
)
def uptake(p: Any, f: Any) -> Any:
    """Saturating uptake and a respiration that doubles with u."""
    return p.vmax * f.s / (p.km + f.s) + p.r * 2.0**f.u


@dataclass(frozen=True)
class Case:
    """Number of features, and whether the process is the line or the uptake."""

    features: int
    line: bool = False
    rows: int = 1500


CASES = {
    "line, 20 edges": Case(10, line=True),
    "line, 50 edges": Case(25, line=True),
    "uptake, 24 edges": Case(8),
    "uptake, 48 edges": Case(16),
    "uptake, 90 edges": Case(30),
}
LINE_EDGES = {("x1", "a"), ("x2", "b"), ("x3", "b")}
UPTAKE_EDGES = {("x1", "vmax"), ("x2", "vmax"), ("x3", "km"), ("x4", "r")}


def draw(case: Case, seed: int) -> pd.DataFrame:
    """Draw features x1, x2, ..., forcings s and u, and y."""
    rng = np.random.default_rng([seed, 90])
    names = [f"x{k + 1}" for k in range(case.features)]
    frame = pd.DataFrame(rng.normal(size=(case.rows, len(names))), columns=names)
    if case.line:
        frame["s"] = rng.normal(size=case.rows)
        clean = frame.x1 + (0.8 * frame.x2 + 0.4 * frame.x3**2) * frame.s
        return frame.assign(y=clean + 0.5 * rng.normal(size=case.rows))
    frame["s"], frame["u"] = rng.uniform(0.2, 8, case.rows), rng.normal(size=case.rows)
    vmax = 6 + frame.x1 + np.exp(0.4 * frame.x2)
    km, r = 2 + 0.5 * np.tanh(frame.x3), 2 + 0.5 * frame.x4
    clean = vmax * frame.s / (km + frame.s) + r * 2.0**frame.u
    return frame.assign(y=clean + 0.1 * clean.mean() * rng.normal(size=case.rows))


def observed(case: Case, frame: pd.DataFrame) -> ObservedProcess:
    """See a record through its process."""
    process = line if case.line else uptake
    names = [f"x{k + 1}" for k in range(case.features)]
    forcings = ["s"] if case.line else ["s", "u"]
    table = Table.from_frame(frame, names, forcings, ["y"])
    latents = len(process.latent_names)
    return ObservedProcess.of(
        ScIReN(LinearEncoder(len(names), latents), "auto", process), table
    )


def measures(case: Case, seed: int) -> dict[str, float]:
    """Shares and seconds of one record."""
    frame = draw(case, seed)
    process = observed(case, frame)
    times = [time.process_time()]
    found = select(process)
    times.append(time.process_time())
    intervals = find_intervals(found)
    times.append(time.process_time())
    bands = curve_bands(
        process, found.whitening, found.kept, intervals.soft,
        intervals.recommended.fit,
    )  # fmt: skip
    times.append(time.process_time())
    true = LINE_EDGES if case.line else UPTAKE_EDGES
    kept = _ends(found, "kept")
    inside = [
        _holds(band, frame)
        for band in bands
        if case.line and (band.feature, band.latent) in true
    ]
    return {
        "false discoveries %": len(kept - true) / max(len(kept), 1),
        "power %": len(kept & true) / len(true),
        "kept or undecided %": len(true & (kept | _ends(found, "undecided")))
        / len(true),
        "bands %": float(np.mean(inside)) if inside else np.nan,
        **dict(zip(("select", "intervals", "bands"), np.diff(times), strict=True)),
    }


def _ends(found: Selection, status: str) -> set[tuple[str, str]]:
    rows = found.rows()
    return {(r["feature"], r["latent"]) for r in rows if r["status"] == status}


def _holds(band: Band, frame: pd.DataFrame) -> bool:
    curve = {"x1": lambda x: x, "x2": lambda x: 0.8 * x, "x3": lambda x: 0.4 * x**2}
    truth = curve[band.feature]
    return band.holds(truth(band.x) - truth(frame[band.feature].to_numpy()).mean())


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a case."""
    rows: list[dict[str, object]] = []
    for name in names or CASES:
        found = pd.DataFrame([measures(CASES[name], seed) for seed in sets])
        row: dict[str, object] = {"case": name, "sets": len(sets)}
        for key in found:
            known = found[key].dropna().to_numpy(dtype=float)
            if "%" in str(key):
                row[str(key)] = percent(known) if len(known) else "-"
            else:
                row[f"CPU s, {key}"] = f"{known.mean():.1f}"
        rows.append(row)
    return rows
