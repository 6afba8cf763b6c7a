"""CPU seconds of one tower-year in a sweep, on noisy copies of a measured record.

    python -m benchmarks.sweep CH_DAV.csv.gz --towers 2

Each tower-year is one year of nights of the record, every flux multiplied by 1 + 5 %
noise of its own, so that no two are the same work. What a hundred cost follows from the
slope: a tower-year is a run by itself.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from discovery.config.file import config_from_mapping
from discovery.many.sweep import sweep

NOISE = 0.05


def copies(record: pd.DataFrame, towers: int, seed: int) -> pd.DataFrame:
    """Return so many tower-years with noise, under the names of sites."""
    years = pd.to_datetime(record["time"]).dt.year
    known = list(years.unique())
    parts = []
    for number in range(towers):
        part = record[(years == known[number % len(known)]).to_numpy()]
        rng = np.random.default_rng(seed + number)
        noise = 1 + NOISE * rng.standard_normal(len(part))
        parts.append(part.assign(site=f"tower{number:04}", nee=part["nee"] * noise))
    return pd.concat(parts)


def settings(
    table: Path, out: Path, rows: str, features: Sequence[str]
) -> dict[str, Any]:
    """Return the configuration of one run."""
    return {
        "data": {"path": str(table), "time": "time", "rows": rows},
        "features": list(features),
        "decoder": "q10",
        "forcings": {"ta": "ta"},
        "targets": {"reco": "nee"},
        "encoder": {"kind": "kan", "hidden": []},
        "out": str(out),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sweep and print its cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep")
    parser.add_argument("record", type=Path)
    parser.add_argument("--towers", type=int, default=2)
    parser.add_argument("--rows", default="sw_pot_inst == 0 and nee == nee")
    parser.add_argument("--features", default="sw_pot,dsw_pot,ta,swc_15cm,vpd")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        table, out = Path(folder) / "towers.csv", Path(folder) / "sweep"
        record = pd.read_csv(given.record)
        copies(record, given.towers, given.seed).to_csv(table, index=False)
        features = given.features.split(",")
        config = config_from_mapping(
            settings(table, out, given.rows, features), "benchmark"
        )
        began = time.process_time()
        result = sweep(config, "site", quiet=True)
        spent = time.process_time() - began
    print(
        f"{given.towers} tower-years: {spent:.1f} CPU s, {spent / given.towers:.1f} each"
    )
    print(result.sentence())
    return 0


if __name__ == "__main__":
    sys.exit(main())
