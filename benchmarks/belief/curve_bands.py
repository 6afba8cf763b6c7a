"""How often a band holds a whole learned curve: four curves, five laws of noise."""

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.belief.laws import BANDS, CURVES, Law, Record, draw, scaled_curve
from benchmarks.belief.public import Case
from sciren.inference.intervals.bands import curve_bands
from sciren.inference.intervals.double_selection import edges_of_constants
from sciren.inference.selection import select


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a law; a curve whose feature was lost counts as missed."""
    rows = []
    for name, law in BANDS.items():
        if not names or name in names:
            rows.append(_row(name, law, sets))
    return rows


def _row(name: str, law: Law, sets: range) -> dict[str, object]:
    start = time.process_time()
    found = np.array([measures(draw(law, seed)) for seed in sets])
    seconds = (time.process_time() - start) / len(sets)
    row: dict[str, object] = {"law": name, "sets": len(sets)}
    for k, curve in enumerate(CURVES):
        row[f"{curve} %"] = f"{100 * found[:, k, 0].mean():.0f}"
        row[f"{curve} +-"] = f"{np.nanmean(found[:, k, 1]):.2f}"
    return row | {"CPU s": f"{seconds:.2f}"}


def measures(record: Record) -> list[tuple[float, float]]:
    """Return for each curve whether its band holds it, and the mean half-width."""
    process = Case.of(record).process
    selection = select(process)
    edges = edges_of_constants(selection)
    soft = [edge for edge in selection.status if edge not in edges]
    found = curve_bands(process, selection.whitening, edges, soft, selection.fit)
    bands = {one.feature: one for one in found}
    rows = []
    for k, curve in enumerate(CURVES):
        band = bands.get(f"x{k + 1}")
        if band is None:
            rows.append((0.0, np.nan))
            continue
        values = record.frame[f"x{k + 1}"].to_numpy()
        truth = scaled_curve(curve, band.x) - scaled_curve(curve, values).mean()
        rows.append(
            (float(band.holds(truth)), float(np.mean(band.high - band.low) / 2))
        )
    return rows
