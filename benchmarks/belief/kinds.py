"""How well effects of classes and waves on a circle come back through a process.

A latent of 2,000 rows behind Q10, 10 % noise: a line of one feature, and classes (drawn
from a normal law in every set; of twelve, two have a thirtieth of the rows of the others),
a class column without effect, one wave of the day of the year, or three classes whose
slopes by the line differ as well. An effect, a slope or a phase is counted where truth and
estimate differ by two standard errors at most; where no slopes differ, none may be written.
"""

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sciren import KANEncoder, Q10Respiration, ScIReN, TrainConfig, fit
from sciren.data import Table, split_random
from symbolic import symbolify
from symbolic.model.symbolic_model import SymbolicModel

ROWS, NOISE = 2000, 0.1
SPREAD, RARE = 0.4, 0.03  # deviation of the effects; rows of a rare class to others
YEAR, PHASE, AMPLITUDE = 365.25, 200.0, 0.5

SLOPES, SLOPE_SPREAD = "3 slopes", 0.0008  # deviation of the slopes, of a mean of 0.002

CASES = {
    "3 classes": 3,
    "12 classes, 2 rare": 12,
    "no effect": 5,
    "one wave": 0,
    SLOPES: 3,
}


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a case."""
    chosen = [name for name in CASES if not names or name in names]
    return [_row(name, sets) for name in chosen]


def _row(name: str, sets: range) -> dict[str, object]:
    start = time.process_time()
    results = [_measured(name, seed) for seed in sets]
    measures: dict[str, np.ndarray] = {
        key: np.concatenate([r[key] for r in results]) for key in results[0]
    }
    seconds = (time.process_time() - start) / len(sets)
    shown = {
        key: f"{100 * np.nanmean(values):.1f}" if len(values) else "-"
        for key, values in measures.items()
    }
    return {"case": name, "sets": len(sets), **shown, "CPU s": f"{seconds:.1f}"}


def _measured(name: str, seed: int) -> dict[str, np.ndarray]:
    """Return what held in one set, by measure; empty where a measure has no meaning."""
    frame, truth = _simulated(name, seed)
    equations, train = _equations(frame, name, seed)
    table = equations.table.set_index("name")
    kept = "group" in set(table["source"])
    slopes = [f"line:{name}" for name in table.index if f"line:{name}" in table.index]
    measures: dict[str, np.ndarray] = dict.fromkeys(
        (
            "within 2 errors %",
            "rare %",
            "right column %",
            "slopes right %",
            "slopes within 2 errors %",
            "phase 3 d %",
            "amplitude 5 % %",
        ),
        np.empty(0),
    )
    measures["slopes right %"] = np.array(
        [bool(slopes) == (name == SLOPES)], dtype=float
    )
    if name == SLOPES:
        near = []
        if slopes:
            gap = table["value"].reindex(slopes).to_numpy() - truth[1]
            near = np.abs(gap) <= 2 * table["error"].reindex(slopes).to_numpy()
        measures["slopes within 2 errors %"] = np.array(near, dtype=float)
        return measures
    measures["right column %"] = np.array([kept != (name == "no effect")], dtype=float)
    if name == "one wave":
        phase, size = table["value"].get("s_group"), table["value"].get("a_group")
        close = kept and phase is not None and abs(phase - PHASE) <= 3
        measures["phase 3 d %"] = np.array([close], dtype=float)
        near = kept and size is not None and abs(size / AMPLITUDE - 1) <= 0.05
        measures["amplitude 5 % %"] = np.array([near], dtype=float)
    elif name != "no effect":
        shares = np.bincount(train, minlength=len(truth)) / len(train)
        present = np.flatnonzero(shares)
        labels = [f"group[{_label(int(k))}]" for k in present]
        gap = table["value"].reindex(labels) - (truth - shares @ truth)[present]
        inside = (gap.abs() <= 2 * table["error"].reindex(labels)).to_numpy(float)
        measures["within 2 errors %"] = inside
        measures["rare %"] = inside[shares[present] < 0.5 / len(truth)]
    return measures


def _label(number: int) -> str:
    return f"type {chr(65 + number)}"


def _simulated(name: str, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a record, and the effects of its classes, if any, with their slopes."""
    rng = np.random.default_rng(seed)
    line, ta = rng.uniform(0, 500, ROWS), rng.uniform(-5, 30, ROWS)
    rb, effects, count = 1.5 + 0.002 * line, np.empty(0), CASES[name]
    if count:
        odds = np.ones(count)
        if count == 12:
            odds[-2:] = RARE
        number = rng.choice(count, ROWS, p=odds / odds.sum())
        effects = (
            np.zeros(count)
            if name == "no effect"
            else SPREAD * rng.standard_normal(count)
        )
        group = [_label(k) for k in number]
        rb = rb + effects[number]
        if name == SLOPES:
            slopes = 0.002 + SLOPE_SPREAD * rng.standard_normal(count)
            rb = rb + (slopes[number] - 0.002) * (line - 250)
            effects = np.stack((effects, slopes))
    else:
        group = rng.uniform(0, YEAR, ROWS)
        rb = rb + AMPLITUDE * np.cos(2 * np.pi * (group - PHASE) / YEAR)
    mean = np.maximum(rb, 0.0) * 1.5 ** ((ta - 15) / 10)
    reco = mean + NOISE * mean.std() * rng.standard_normal(ROWS)
    frame = pd.DataFrame({"line": line, "group": group, "ta": ta, "reco": reco})
    return frame, effects


def _equations(
    frame: pd.DataFrame, name: str, seed: int
) -> tuple[SymbolicModel, np.ndarray]:
    """Return the equations of a record, and the classes of its training rows from 0."""
    circle = {"group": YEAR} if name == "one wave" else {}
    table = Table.from_frame(
        frame, ["line", "group"], ["ta"], ["reco"], periodic=circle
    )
    train, valid, _ = split_random(table, (0.7, 0.15, 0.15), seed=seed)
    model = ScIReN(KANEncoder(2, 1, seed=seed), "auto", Q10Respiration())
    fit(model, train, valid, TrainConfig(bootstrap=0, profiles=False, seed=seed))
    equations = symbolify(model, train, compose=0, seed=seed)
    kind = table.kinds.get("group")
    labels = {label: k for k, label in enumerate(map(_label, range(26)))}
    codes = train.features[:, 1].numpy()
    numbers = (
        [] if circle else [labels[kind.shown(one)] for one in codes] if kind else []
    )
    return equations, np.array(numbers, dtype=int)
