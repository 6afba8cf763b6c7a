"""How often the 95 % intervals of constants hold the truth, on simulated respiration.

    python -m benchmarks.interval_coverage --replicates 100 --rows 1000 --out results

Every replicate draws rows of the simulated record (rb linear in two radiation signals,
Q10 = 1.5, 10 % multiplicative noise) with noise of its own, trains, writes the equation
and asks for intervals: "curvature" from the Jacobian of the joint refit, with errors that
hold whatever the noise (by calendar week), and "bootstrap" from refits on resampled
calendar weeks. Replicates whose equation has another structure than the truth have no
interval of these constants; their number is reported. Rows are kept in OUT/coverage.csv,
and a second call goes on where the first stopped.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import torch

from discovery.results.uncertainty import bootstrap_equations, constant_rows
from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.datasets import make_respiration
from sciren.datasets.respiration import FEATURES
from sciren.decoders import Q10Respiration
from symbolic import symbolify

TRUTH = {"q10": 1.5, "sw_pot": 0.0075, "dsw_pot": -0.00375, "offset": 1.03506858}
Law = Literal["constant", "proportional"]
LAWS: tuple[Law, ...] = get_args(Law)
VALID_SHARE = 0.2


def replicate(seed: int, rows: int, law: Law, resamples: int) -> pd.DataFrame:
    """Train on one draw of rows and noise; return the intervals of every constant.

    Columns: seed, law, method, constant, truth, estimate, error, low, high, seconds;
    one row with method "none" when the equation has another structure.
    """
    study = make_respiration("linear", seed=seed)
    rng = np.random.default_rng([seed, 11])
    chosen = np.sort(rng.choice(np.flatnonzero(study.train), rows, replace=False))
    table = Table.from_frame(
        study.frame.iloc[chosen].reset_index(drop=True), FEATURES, ["ta"], ["reco"],
        time="time",
    )  # fmt: skip
    kept = rng.random(rows) < VALID_SHARE
    start = time.process_time()
    model = ScIReN(KANEncoder(len(FEATURES), 1, seed=0), "auto", Q10Respiration())
    config = TrainConfig(noise=law, profiles=False)
    fit(model, table.take(~kept), table.take(kept), config)
    equations = symbolify(model, table)
    found = {"curvature": constant_rows(equations, None)}
    if resamples:
        draws = bootstrap_equations(equations, model, table, resamples, seed=seed)
        found["bootstrap"] = constant_rows(equations, draws)
    seconds = time.process_time() - start
    edges = equations.edges
    closed = edges[edges["status"] == "closed"]
    right = set(zip(closed["source"], closed["family"], strict=True))
    base = {"seed": seed, "law": law, "seconds": round(seconds, 2)}
    if right != {("sw_pot", "linear"), ("dsw_pot", "linear")}:
        return pd.DataFrame([base | {"method": "none", "constant": ""}])
    listed = [
        base | {"method": method} | interval
        for method, frame in found.items()
        for interval in _intervals(frame)
    ]
    return pd.DataFrame(listed)


def _intervals(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of the constants with a known truth."""
    found = []
    for one in frame.to_dict("records"):
        name = one["source"] if one["source"] else "offset"
        name = "q10" if not one["latent"] else name
        found.append(
            {
                "constant": name,
                "truth": TRUTH[name],
                "estimate": one["estimate"],
                "error": one["error"],
                "low": one["low"],
                "high": one["high"],
            }
        )
    return found


def coverage(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of intervals that hold the truth, with its binomial error.

    Columns: law, method, constant, n, coverage, error, width (mean of high - low over
    the truth), ratio (mean standard error over the deviation of the estimates).
    """
    known = rows[rows["method"] != "none"].copy()
    inside = (known["low"] <= known["truth"]) & (known["truth"] <= known["high"])
    known["inside"] = inside
    known["width"] = (known["high"] - known["low"]) / np.abs(known["truth"])
    found = []
    groups: Any = known.groupby(["law", "method", "constant"], sort=False)
    for (law, method, name), part in groups:
        share = float(part["inside"].mean())
        n = len(part)
        found.append(
            {
                "law": law,
                "method": method,
                "constant": name,
                "n": n,
                "coverage": share,
                "error": float(np.sqrt(share * (1.0 - share) / n)),
                "width": float(part["width"].mean()),
                "ratio": float(part["error"].mean() / part["estimate"].std()),
            }
        )
    return pd.DataFrame(found)


def run(
    replicates: int,
    rows: int,
    laws: Sequence[Law],
    resamples: int,
    seed: int,
    out: Path,
) -> pd.DataFrame:
    """Run the replicates that OUT/coverage.csv does not hold yet; return all rows."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "coverage.csv"
    done: set[tuple[int, str]] = set()
    if path.exists():
        before = pd.read_csv(path, keep_default_na=False, na_values={"low": [""]})
        done = set(zip(before["seed"], before["law"], strict=True))
    columns = [
        "seed", "law", "method", "constant", "truth", "estimate", "error", "low", "high",
        "seconds",
    ]  # fmt: skip
    for number in range(seed, seed + replicates):
        for law in laws:
            if (number, law) in done:
                continue
            part = replicate(number, rows, law, resamples).reindex(columns=columns)
            part.to_csv(path, mode="a", header=not path.exists(), index=False)
    return pd.read_csv(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print the coverage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--laws", nargs="+", default=list(LAWS), choices=LAWS)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = run(
        chosen.replicates, chosen.rows, chosen.laws, chosen.resamples, chosen.seed,
        chosen.out,
    )  # fmt: skip
    other = rows[rows["method"] == "none"].groupby("law").size().to_dict()
    print(f"replicates: {rows['seed'].nunique()}; another structure: {other or 'none'}")
    print(coverage(rows).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
