"""False discoveries and power of `sciren.inference.select` on records with three true features.

Numbers of sets below 1000 score; tuning takes those from 1000 on.
"""

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.belief.records import CELLS, FEATURES, TRUE, Cell, record
from sciren import LinearEncoder, Q10Respiration, ScIReN, Table
from sciren.inference import ObservedProcess, Selection, select


def observed(cell: Cell, frame: pd.DataFrame) -> ObservedProcess:
    """See a record through its process, with what is known of time and groups."""
    plain = cell.process == "plain"
    table = Table.from_frame(
        frame,
        list(FEATURES),
        () if plain else {"ta": "ta"},
        {"reco": "y"},
        time="time" if "time" in frame else None,
        groups="groups" if "groups" in frame else None,
    )
    encoder = LinearEncoder(len(FEATURES), 1)
    model = ScIReN(encoder) if plain else ScIReN(encoder, "auto", Q10Respiration())
    return ObservedProcess.of(model, table)


def names(selection: Selection, *statuses: str) -> set[str]:
    """Return the features of some statuses."""
    return {row["feature"] for row in selection.rows() if row["status"] in statuses}


def score(cell: Cell, number: int) -> dict[str, float]:
    """Select on one record: false share of the kept, shares of the true ones, seconds."""
    process = observed(cell, record(cell, number))
    began = time.process_time()
    found = select(process)
    seconds = time.process_time() - began
    kept, open_ones = names(found, "kept"), names(found, "undecided")
    true = set(TRUE)
    return {
        "false": len(kept - true) / max(len(kept), 1),
        "power": len(kept & true) / len(true),
        "kept or undecided": len((kept | open_ones) & true) / len(true),
        "undecided false": len(open_ones - true),
        "seconds": seconds,
    }


def run(sets: range, cases: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a cell: shares in per cent, mean over the sets."""
    rows: list[dict[str, object]] = []
    for name in cases or CELLS:
        mean = pd.DataFrame([score(CELLS[name], number) for number in sets]).mean()
        rows.append(
            {
                "cell": name,
                "sets": len(sets),
                "false discoveries %": f"{100 * mean['false']:.1f}",
                "power %": f"{100 * mean['power']:.1f}",
                "kept or undecided %": f"{100 * mean['kept or undecided']:.1f}",
                "undecided of 7 false": f"{mean['undecided false']:.2f}",
                "CPU s": f"{np.round(mean['seconds'], 2):g}",
            }
        )
    return rows
