"""How often intervals of q10, the mean and the latent hold the truth, selection included.

Beside the recommended intervals stand those of the selected features only. Widths are
means over the rows (mean, latent) and of logarithms (q10).
"""

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.belief.laws import COVERAGE, Law, Record, draw
from benchmarks.belief.public import Case, percent
from sciren.inference.intervals.constants import Intervals, find_intervals
from sciren.inference.selection import select

Array = np.ndarray


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a law."""
    return [
        _row(name, law, sets)
        for name, law in COVERAGE.items()
        if not names or name in names
    ]


def _row(name: str, law: Law, sets: range) -> dict[str, object]:
    start = time.process_time()
    found = np.array([measures(draw(law, seed)) for seed in sets])
    seconds = (time.process_time() - start) / len(sets)
    middle = found.mean(0)
    return {
        "law": name,
        "sets": len(sets),
        "q10 %": f"{100 * middle[0]:.0f}",
        "q10 width": f"{middle[1]:.3f}",
        "mean %": percent(found[:, 2]),
        "mean width": f"{middle[3]:.2f}",
        "latent %": percent(found[:, 4]),
        "selected only: q10 %": f"{100 * middle[5]:.0f}",
        "mean % ": percent(found[:, 6]),
        "mean width ": f"{middle[7]:.2f}",
        "depends %": f"{100 * middle[8]:.0f}",
        "CPU s": f"{seconds:.2f}",
    }


def measures(record: Record) -> np.ndarray:
    """Return whether the truth was inside, and widths, of one record."""
    case = Case.of(record)
    process = case.process
    intervals = find_intervals(select(process))
    recommended, selected = intervals.constants()
    sd = float(process.term.observations.scale.sd[0])
    truth = record.mean[process.rows] / sd
    low, high = intervals.mean_limits()
    fit = intervals.selected.fit
    covariance = intervals.selected_covariance
    reach = covariance.quantile() * covariance.error(fit.jacobian)
    return np.array(
        [
            recommended.low <= record.q10 <= recommended.high,
            np.log(recommended.high / recommended.low),
            np.mean((low <= truth) & (truth <= high)),
            sd * np.mean(high - low),
            latent_share(intervals, record),
            selected.low <= record.q10 <= selected.high,
            np.mean(np.abs(fit.mean - truth) <= reach),
            2.0 * sd * np.mean(reach),
            recommended.depends,
        ],
        dtype=float,
    )


def latent_share(intervals: Intervals, record: Record) -> float:
    """Return the share of rows whose true latent is inside its limits."""
    found = intervals.recommended
    process, design = found.fit.process, found.design
    directions = np.zeros((process.n_rows, design.size))
    directions[:, 0] = 1.0
    for basis, block in zip(design.bases, design.blocks, strict=True):
        directions[:, block] = basis.columns
    reach = intervals.covariance.quantile() * intervals.covariance.error(directions)
    raw = found.fit.raw_latents()[:, 0]
    low = process.physical((raw - reach)[:, None])[:, 0]
    high = process.physical((raw + reach)[:, None])[:, 0]
    return float(np.mean((low <= record.latent) & (record.latent <= high)))
