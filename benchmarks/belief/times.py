"""CPU seconds of every step at 2,000 rows and 10 features behind Q10, one core."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.belief.records import CELLS, record
from benchmarks.belief.selection import observed
from sciren.inference.identifiability import walk
from sciren.inference.intervals.bands import curve_bands
from sciren.inference.intervals.constants import find_intervals
from sciren.inference.intervals.observations import hold_out
from sciren.inference.observed import ObservedProcess
from sciren.inference.selection import Selection, select

RECORDS = ("q10_2000_10", "ar_q10_30")
ASKED = {
    "selection": 1.0,
    "intervals": 2.0,
    "bands": 2.0,
    "prediction": 10.0,
    "walk": 2.0,
}
"""Seconds that each step may take."""


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a record: median seconds of every step, and what is asked."""
    rows: list[dict[str, object]] = [
        {
            "record": "asked, at most",
            "sets": "",
            **{k: f"{v:g}" for k, v in ASKED.items()},
        }
    ]
    for name in names or RECORDS:
        cell = CELLS[name]
        spent = [_seconds(observed(cell, record(cell, number))) for number in sets]
        middle = {step: np.median([one[step] for one in spent]) for step in ASKED}
        shown = {step: f"{seconds:.2f}" for step, seconds in middle.items()}
        rows.append({"record": name, "sets": len(sets), **shown})
    return rows


def _seconds(process: ObservedProcess) -> dict[str, float]:
    """Return the CPU seconds of every step on one record."""
    spent: dict[str, float] = {}

    def timed(step: str, work: Callable[[], object]) -> object:
        began = time.process_time()
        result = work()
        spent[step] = time.process_time() - began
        return result

    found = timed("selection", lambda: select(process))
    assert isinstance(found, Selection)
    timed("intervals", lambda: find_intervals(found).constants())
    near = found.fit
    others = [edge for edge in found.status if edge not in found.kept]
    timed(
        "bands",
        lambda: curve_bands(process, found.whitening, found.kept, others, near),
    )
    timed("prediction", lambda: hold_out(found))
    raw, constants = found.fit.raw_latents(), found.fit.constants
    timed("walk", lambda: walk(process, raw, constants, found.whitening))
    return spent
