"""How often the truth behind the simulated record is found, over noise and starts.

For each seed: make the record, train with all three features offered and the ladder on,
turn the network into equations, verify, and compare with the truth on the test year.

    python -m case_studies.respiration seeds --setting abs --seeds 0-39
    python -m case_studies.respiration.seeds --setting abs --seeds 0-19 --temperature FILE

The second form trains networks only, without equations, on other weather if asked.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from discovery import read_frame
from sciren import (
    KANEncoder,
    Q10Respiration,
    ScIReN,
    Table,
    TrainConfig,
    fit,
    fit_ensemble,
)
from sciren.datasets import RespirationStudy, make_respiration
from symbolic import SymbolicModel, symbolify, to_text, verify

TRUE = {"linear": {"sw_pot": 0.0075, "dsw_pot": -0.00375}}
RATIO = -2.0  # of the coefficients of sw_pot and dsw_pot, in both settings
RADIATION = {"sw_pot", "dsw_pot"}


@dataclass(frozen=True)
class Outcome:
    """One seed.

    Attributes:
        edges: features that the equation uses.
        form: "linear", "abs of linear", or the families that were found.
        sw_pot, dsw_pot: coefficients (nan where there is none);  ratio: of the two.
        q10: estimate;  r2_network, r2_equation: of the latent, test year.
        verdict: of the verification;  seconds: training, equations, verification.
        equation: as printed.
    """

    seed: int
    edges: str
    form: str
    sw_pot: float
    dsw_pot: float
    ratio: float
    q10: float
    r2_network: float
    r2_equation: float
    verdict: str
    seconds: float
    equation: str


def run_seed(setting: str, seed: int) -> Outcome:
    """Discover the equation of one record."""
    study = make_respiration("abs" if setting == "abs" else "linear", seed=seed)
    split = study.tables()
    start = time.perf_counter()
    model = ScIReN(KANEncoder(3, 1, seed=seed), "auto", Q10Respiration())
    fit(model, split.train, split.valid, TrainConfig(seed=seed, ladder=True))
    equations = symbolify(model, split.train, seed=seed)
    checks = verify(equations, model, *split)
    seconds = time.perf_counter() - start
    slopes = coefficients(equations)
    r2_network = latent_r2(study, split.test, model.latents(split.test)[:, 0].numpy())
    estimate = equations.latents(study.frame.iloc[split.test.row_ids])["rb"].to_numpy()
    return Outcome(
        seed,
        " ".join(sorted(slopes, key=equations.features.index)),
        form_of(equations),
        slopes.get("sw_pot", np.nan),
        slopes.get("dsw_pot", np.nan),
        slopes.get("sw_pot", np.nan) / slopes.get("dsw_pot", np.nan),
        equations.constants["q10"],
        r2_network,
        latent_r2(study, split.test, estimate),
        checks.verdict,
        seconds,
        "rb = " + to_text(equations.printed("rb"), equations.digits),
    )


def coefficients(equations: SymbolicModel) -> dict[str, float]:
    """Return feature -> its factor, nan where the edge is not linear."""
    rows: list[Any] = equations.table.to_dict("records")
    slopes = {row["source"]: float(row["value"]) for row in rows if row["role"] == "a"}
    return {
        edge["source"]: slopes[edge["source"]] if edge["family"] == "linear" else np.nan
        for edge in _kept(equations)
        if edge["source"] in equations.features
    }


def _kept(equations: SymbolicModel) -> list[dict[str, Any]]:
    rows: list[Any] = equations.edges.to_dict("records")
    return [row for row in rows if row["status"] != "dropped"]


def form_of(equations: SymbolicModel) -> str:
    """Return the form of the equation in words."""
    inner, outer = [], []
    for edge in _kept(equations):
        known = edge["source"] in equations.features
        (inner if known else outer).append(edge["family"])
    if set(inner) == {"linear"} and not outer:
        return "linear"
    if set(inner) == {"linear"} and outer == ["abs"]:
        return "abs of linear"
    return " ".join([*outer, "of", *inner] if outer else inner)


def latent_r2(study: RespirationStudy, table: Table, estimate: np.ndarray) -> float:
    """Return R2 of an estimate of rb against its truth."""
    true = study.truth.rb[table.row_ids]
    return float(1 - np.sum((estimate - true) ** 2) / np.sum((true - true.mean()) ** 2))


def run_seeds(
    setting: str,
    seeds: Sequence[int],
    out: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Run all seeds, tell one line each and a summary; write a CSV where asked.

    Returns:
        One row a seed, the columns of `Outcome`.
    """
    outcomes = []
    for seed in seeds:
        outcomes.append(run_seed(setting, seed))
        say(line_of(outcomes[-1]))
    frame = pd.DataFrame([asdict(outcome) for outcome in outcomes])
    for line in summary_lines(frame, setting):
        say(line)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"seeds_{setting}.csv"
        frame.to_csv(path, index=False)
        say(f"wrote {path}")
    return frame


def line_of(outcome: Outcome) -> str:
    """Return one seed as a line."""
    return (
        f"seed {outcome.seed:2d}  {outcome.form}: {outcome.edges}  "
        f"sw_pot {outcome.sw_pot:.6f}  dsw_pot {outcome.dsw_pot:.6f}  ratio {outcome.ratio:.4f}  "
        f"q10 {outcome.q10:.4f}  R2 network {outcome.r2_network:.6f}  "
        f"equation {outcome.r2_equation:.6f}  {outcome.verdict}  {outcome.seconds:.1f} s  "
        f"{outcome.equation}"
    )


def summary_lines(frame: pd.DataFrame, setting: str) -> list[str]:
    """Return how many seeds meet each figure that is asked for."""
    ratio = (frame["ratio"] / RATIO - 1).abs() <= 0.02
    least = 0.9998 if setting == "linear" else 0.999
    worst = frame[["r2_network", "r2_equation"]].min(axis=1)
    checks = {
        "exactly sw_pot and dsw_pot survive": [
            set(edges.split()) == RADIATION for edges in frame["edges"]
        ],
        f"latent R2 >= {least}, network and equation": worst >= least,
        "q10 within 0.01 of 1.5": (frame["q10"] - 1.5).abs() <= 0.01,
        "verification passes": frame["verdict"] == "PASS",
        "ratio within 2 % of -2": ratio,
    }
    if setting == "linear":
        checks["coefficients within 2 % of 0.0075 and -0.00375"] = np.all(
            [
                (frame[name] / true - 1).abs() <= 0.02
                for name, true in TRUE["linear"].items()
            ],
            axis=0,
        )
    else:
        checks["the equation is |linear combination| of them"] = (
            frame["form"] == "abs of linear"
        )
    count = len(frame)
    lines = [f"{what}: {int(np.sum(met))} of {count}" for what, met in checks.items()]
    lines.append(
        f"worst latent R2 {worst.min():.6f}, q10 {frame['q10'].min():.4f} to "
        f"{frame['q10'].max():.4f}, {frame['seconds'].mean():.1f} s a seed"
    )
    return lines


# -- networks only ----------------------------------------------------------------------
@dataclass(frozen=True)
class Weather:
    """What drives the simulated record; the surrogate where nothing is given.

    Args:
        temperature: file with measured half-hours, column ta, laid on 2003-2011.
        warmer: degrees added to them.
        record: file with measured time, sw_pot, dsw_pot and ta of any half-hours.
    """

    temperature: Path | None = None
    warmer: float = 0.0
    record: Path | None = None

    def study(self, setting: str, seed: int) -> RespirationStudy:
        """Simulate respiration under it."""
        form = "abs" if setting == "abs" else "linear"
        if self.record is not None:
            return make_respiration(form, seed, drivers=read_frame(self.record))
        if self.temperature is None:
            return make_respiration(form, seed)
        measured = read_frame(self.temperature)["ta"].to_numpy() + self.warmer
        return make_respiration(form, seed, measured)


def run_networks(
    setting: str,
    seeds: Sequence[int],
    weather: Weather,
    say: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Train the networks of all seeds together and compare latents with the truth.

    Returns:
        One row a seed: features kept, hidden nodes, q10, r2 of the latent on the test
        rows, and CPU seconds (the mean over the seeds).
    """
    studies = [weather.study(setting, seed) for seed in seeds]
    splits = [study.tables() for study in studies]
    models = [
        ScIReN(KANEncoder(3, 1, seed=seed), "auto", Q10Respiration()) for seed in seeds
    ]
    configs = [TrainConfig(seed=seed, ladder=True, profiles=False) for seed in seeds]
    start = time.process_time()
    trains, valids = (
        [split.train for split in splits],
        [split.valid for split in splits],
    )
    fit_ensemble(models, trains, valids, configs)
    seconds = (time.process_time() - start) / len(models)
    rows = []
    for seed, model, study, split in zip(seeds, models, studies, splits, strict=True):
        encoder = model.encoder
        if not isinstance(encoder, KANEncoder):
            raise TypeError(f"the ladder left a {type(encoder).__name__}")
        used = encoder.spline_layers[0].mask.sum(1).tolist()
        kept = [n for n, one in zip(model.feature_names, used, strict=True) if one]
        r2 = latent_r2(study, split.test, model.latents(split.test)[:, 0].numpy())
        nodes = sum(encoder.hidden)
        rows.append(
            (seed, " ".join(kept), nodes, model.constants()["q10"], r2, seconds)
        )
        say(f"seed {seed:2d}  {nodes} hidden  {' '.join(kept)}  q10 {rows[-1][3]:.4f}  "
            f"R2 {r2:.6f}")  # fmt: skip
    columns = ["seed", "kept", "hidden_nodes", "q10", "r2_latent", "cpu_seconds"]
    frame = pd.DataFrame(rows, columns=columns)
    say(f"{setting}: worst R2 {frame['r2_latent'].min():.6f} of {len(frame)}, "
        f"{seconds:.2f} s CPU each")  # fmt: skip
    return frame


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line of the networks; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m case_studies.respiration.seeds",
        description="How well networks find the latent over seeds, without equations.",
    )
    parser.add_argument("--setting", choices=["linear", "abs"], default="linear")
    parser.add_argument("--seeds", default="0-4", help="first-last; default 0-4")
    parser.add_argument("--temperature", type=Path, help="file with a column ta")
    parser.add_argument("--warmer", type=float, default=0.0, help="degrees added to it")
    parser.add_argument(
        "--record", type=Path, help="file with time, sw_pot, dsw_pot and ta"
    )
    options = parser.parse_args(arguments)
    first, _, last = options.seeds.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        parser.error(f"--seeds {options.seeds} is not like 0-39")
    weather = Weather(options.temperature, options.warmer, options.record)
    seeds = range(int(first), int(last or first) + 1)
    run_networks(options.setting, seeds, weather, print_line)
    return 0


def print_line(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
