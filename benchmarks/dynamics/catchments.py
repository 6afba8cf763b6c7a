"""Relations of simulated catchments: 40 x 5 years, 3 latents, 5 attributes, 8 % AR noise."""

import time
from typing import Any

import numpy as np

from sciren import KANEncoder, ScIReN, SeriesTable, TrainConfig, fit, split_series
from sciren.datasets import make_catchments
from sciren.datasets.catchments import ATTRIBUTES, TRUE_EDGES
from sciren.dynamics import simulate_series
from sciren.dynamics.buckets import two_stores

PARTS = (0.6, 0.15, 0.25)  # 24 catchments to learn from, 6 to choose by, 10 left out


def run(seeds: range) -> list[dict[str, Any]]:
    """Return one row a seed, and the summary that the figures ask for."""
    rows: list[dict[str, Any]] = [_one(seed) for seed in seeds]
    summary: dict[str, Any] = {
        "seed": "median",
        "true edges": f"all in {sum(row['true edges'] == len(TRUE_EDGES) for row in rows)}",
        "false edges": f"mean share {np.mean([row['share'] for row in rows]):.3f}",
        "share": "",
        "seconds": f"{np.median([row['seconds'] for row in rows]):.1f}",
    }
    for part in ("training R2", "left out R2"):
        values = np.median([row[part] for row in rows], axis=0)
        summary[part] = ", ".join(f"{value:.4f}" for value in values)
    shown: list[dict[str, Any]] = [
        row | {part: ", ".join(f"{v:.4f}" for v in row[part]) for part in
               ("training R2", "left out R2")}
        for row in rows
    ]  # fmt: skip
    return [*shown, summary]


def _one(seed: int) -> dict[str, Any]:
    made = make_catchments(seed)
    table = SeriesTable.from_frame(
        made.frame, group="basin", time="day", static=ATTRIBUTES,
        forcings=["rain", "pet"], targets=["q"],
    )  # fmt: skip
    split = split_series(table, PARTS, seed=seed)
    begin = time.process_time()
    model = ScIReN(KANEncoder(len(ATTRIBUTES), 3), "auto", two_stores)
    history = fit(model, split.train, split.valid, TrainConfig(residual="log"))
    seconds = time.process_time() - begin
    kept = {(e["feature"], e["latent"]) for e in history.edges if e["status"] == "kept"}
    false = kept - set(TRUE_EDGES)
    known = made.latents.set_index("basin")
    r2 = {
        name: _explained(
            simulate_series(model, part).latents,
            known.loc[list(part.groups)].to_numpy(),
        )
        for name, part in (("training R2", split.train), ("left out R2", split.test))
    }
    return {
        "seed": seed,
        "true edges": len(kept & set(TRUE_EDGES)),
        "false edges": len(false),
        "share": len(false) / max(len(kept), 1),
        "seconds": round(seconds, 2),
        **r2,
    }


def _explained(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    return 1 - ((found - true) ** 2).sum(0) / ((true - true.mean(0)) ** 2).sum(0)
