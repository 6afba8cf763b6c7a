"""How many new observations fall inside their 95 % intervals, overall and by quarter.

A network is trained on every record; its intervals are asked for 4,000 fresh rows of the
same law. Top and bottom are the quarters of the rows with the largest and smallest mean.
"""

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.belief.laws import PREDICTION, Law, draw
from benchmarks.belief.public import Case, percent
from discovery.uncertainty.columns import by_network, interval_columns
from discovery.uncertainty.infer import infer

NEW_ROWS = 4000
OTHER = 100_000  # added to a seed for the fresh rows of the same law


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a law."""
    return [
        _row(name, law, sets)
        for name, law in PREDICTION.items()
        if not names or name in names
    ]


def _row(name: str, law: Law, sets: range) -> dict[str, object]:
    start = time.process_time()
    found = np.array([measures(law, seed) for seed in sets])
    seconds = (time.process_time() - start) / len(sets)
    titles = ("inside %", "top %", "bottom %", "below %", "above %", "mean inside %")
    row: dict[str, object] = {"law": name, "sets": len(sets)}
    row |= {title: percent(found[:, k]) for k, title in enumerate(titles)}
    row["width"] = f"{found[:, 6].mean():.2f}"
    return row | {"CPU s": f"{seconds:.2f}"}


def measures(law: Law, seed: int) -> np.ndarray:
    """Return the shares of one record's fresh rows, and the mean width."""
    case = Case.of(draw(law, seed))
    train, valid = case.trained()
    uncertainty = infer(case.model, [train, valid])
    fresh = draw(law, seed + OTHER, NEW_ROWS)
    new = Case.of(fresh).table
    order = new.row_ids
    columns = {name: fresh.frame[name].to_numpy() for name in (*fresh.features, "ta")}
    predicted = case.model.predict(new)
    mean = predicted.targets.numpy()[:, 0]
    values = {"reco": mean, "rb": predicted.latents.numpy()[:, 0]}
    limits = interval_columns(
        uncertainty, by_network(case.model, {"ta": "ta"}), columns, values,
        using="network",
    )  # fmt: skip
    y, truth = fresh.frame["reco"].to_numpy()[order], fresh.mean[order]
    low, high = limits["reco_low"], limits["reco_high"]
    inside = (low <= y) & (y <= high)
    first, last = np.quantile(mean, [0.25, 0.75])
    held = (limits["reco_mean_low"] <= truth) & (truth <= limits["reco_mean_high"])
    return np.array([
        np.mean(inside), np.mean(inside[mean >= last]), np.mean(inside[mean <= first]),
        np.mean(y < low), np.mean(y > high), np.mean(held), np.mean(high - low),
    ], dtype=float)  # fmt: skip
