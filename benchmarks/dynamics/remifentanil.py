"""Three compartments of 50 people: what age, lean mass and sex say, against published lines.

The data are named by --data, the folder that holds pharmacokinetics/remifentanil.csv.
Published: Minto et al. 1997, Anesthesiology 86, 10 and 24; their lines are compared with,
never put in.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from discovery.config.process import load_decoder
from sciren import KANEncoder, ScIReN, SeriesTable, TrainConfig, fit
from sciren.dynamics import SeriesProcess, simulate_series
from sciren.dynamics.fitting import SeriesHistory, replace_series, series_problem
from sciren.dynamics.groups.group_problem import GroupProblem
from sciren.dynamics.groups.mixed_fitting import first_modes
from sciren.dynamics.groups.mode_fit import fit_modes
from sciren.dynamics.linearised import Linearisation
from sciren.dynamics.prediction import simulated

STUDY = Path(__file__).parents[2] / "case_studies" / "gallery" / "remifentanil"
compartments: Any = load_decoder(f"{STUDY / 'process.py'}:compartments")
"""The process of the study of the gallery."""

FOLDS, LINE_ROUNDS = 4, 3
FEATURES = ("age_yr", "lbm_kg")
AGE, LEAN = 40.0, 55.0  # the published lines are written about these
PUBLISHED: dict[str, tuple[float, float, float]] = {
    "v1": (5.1, -0.0201, 0.072), "v2": (9.82, -0.0811, 0.108), "v3": (5.42, 0.0, 0.0),
    "cl1": (2.6, -0.0162, 0.0191), "cl2": (2.05, -0.0301, 0.0), "cl3": (0.076, -0.00113, 0.0),
}  # fmt: skip
"""Level at 40 years and 55 kg lean mass, slope by age, slope by lean mass."""


def run(seeds: range, data: Path) -> list[dict[str, Any]]:
    """Return levels and slopes of all people, then how left-out people are predicted.

    Args:
        seeds: of the folds, one after the other.
        data: folder with pharmacokinetics/remifentanil.csv.
    """
    table = people(data)
    begin = time.process_time()
    history = _fitted(table)[1]
    seconds = time.process_time() - begin
    assert history.problems is not None  # the fit keeps them
    kept = [(e["latent"], e["feature"]) for e in history.edges if e["status"] == "kept"]
    rows = _lines(replace_series(history.problems["train"], table), table)
    for row in rows:
        features = [f for latent, f in kept if latent == row["latent"]]
        row["selected"] = ", ".join(features)
    floor = float(history.problems["train"].comparison.scale.offset)
    last: dict[str, Any] = dict.fromkeys(rows[0], "")
    last["latent"] = f"floor {floor:.2g} ng/ml, {seconds:.0f} s"
    left = [_left_out(table, seed) for seed in seeds]
    last["level"] = "; ".join(left)
    return [*rows, last]


def people(data: Path) -> SeriesTable:
    """Read the people."""
    frame = pd.read_csv(data / "pharmacokinetics" / "remifentanil.csv")
    return SeriesTable.from_frame(
        frame, group="subject", time="time_min", time_unit="min", static=FEATURES,
        forcings={"rate": "rate_ug_min"}, targets={"conc": "concentration_ng_ml"},
        gaps="keep",
    )  # fmt: skip


def _fitted(table: SeriesTable) -> tuple[ScIReN, SeriesHistory]:
    """Fit relations and deviations; a quarter of the people only choose the smoothness.

    Where they estimate as well, the roughest curves win, and V3 follows age over a factor
    of twenty, which left-out people do not.
    """
    order = np.random.default_rng(0).permutation(len(table))
    cut = len(table) - len(table) // 4
    train, valid = (table.take(np.sort(part)) for part in (order[:cut], order[cut:]))
    model = ScIReN(KANEncoder(len(FEATURES), len(PUBLISHED)), "auto", compartments)
    history = fit(model, train, valid, TrainConfig())
    assert isinstance(history, SeriesHistory)  # of series
    return model, history


def _lines(problem: GroupProblem, table: SeriesTable) -> list[dict[str, Any]]:
    """Fit the published form, lines in age and lean mass, with deviations about them."""
    names = problem.law.names
    away = table.static - np.array([AGE, LEAN])
    columns = [np.column_stack([np.ones(len(table)), away])[:, _used(n)] for n in names]
    theta = np.concatenate([np.array(PUBLISHED[n])[_used(n)] for n in names])

    def lines(theta: np.ndarray) -> np.ndarray:
        ends = np.cumsum([0, *(c.shape[1] for c in columns)])
        parts = [
            c @ theta[i:j] for c, i, j in zip(columns, ends, ends[1:], strict=False)
        ]
        return problem.law.forward(np.column_stack(parts))

    used = np.array([c.shape[1] for c in columns], dtype=float)
    start, errors = None, np.full(len(theta), np.nan)
    for _ in range(LINE_ROUNDS):
        fits = fit_modes(problem, lines(theta), used, start)
        problem, start = fits.problem, fits.t
        marginal = fits.losses.without(problem.law)
        rows = Linearisation.at(marginal, fits.t.mean(0))
        roots = np.linalg.cholesky(
            rows.precision
            + 1e-9 * np.trace(rows.precision.mean(0)) * np.eye(len(names))
        ).transpose(0, 2, 1)

        def misfit(theta: np.ndarray, rows: Linearisation = rows, roots: np.ndarray = roots
                   ) -> np.ndarray:  # fmt: skip
            return np.einsum("gij,gj->gi", roots, lines(theta) - rows.numbers).ravel()

        solved = least_squares(misfit, theta, x_scale=np.abs(theta))
        theta = solved.x
        errors = np.sqrt(np.diag(np.linalg.inv(solved.jac.T @ solved.jac)))
    return _described(names, theta, errors, problem.law.sd)


def _described(
    names: Sequence[str], theta: np.ndarray, errors: np.ndarray, spread: np.ndarray
) -> list[dict[str, Any]]:
    rows, place = [], 0
    for name, sd in zip(names, spread, strict=True):
        row: dict[str, Any] = {"latent": name, "spread": f"{sd:.2f}", "level": "",
                               "age": "", "lean mass": ""}  # fmt: skip
        for k in _used(name):
            known, value, error = PUBLISHED[name][k], theta[place], errors[place]
            word = ("level", "age", "lean mass")[k]
            away = (value - known) / error
            row[word] = f"{value:.4g} +- {error:.2g} ({value / known:.2f}; {away:+.1f})"
            place += 1
        rows.append(row)
    return rows


def _used(name: str) -> list[int]:
    """Return which of level, age and lean mass the published line of a latent has."""
    return [k for k, value in enumerate(PUBLISHED[name]) if value]


def _left_out(table: SeriesTable, seed: int) -> str:
    """Return the deviation of logs of people left out, in four folds, with u = 0."""
    folds = np.random.default_rng(seed).permutation(len(table)) % FOLDS
    parts = [_squares(table, folds == fold) for fold in range(FOLDS)]
    count, features, none = np.concatenate(parts, axis=1)
    shown = ", ".join(
        f"{word} {np.sqrt(squares.sum() / count.sum()):.3f}"
        for word, squares in (("features", features), ("none", none))
    )
    # by person: readings of one person remember each other
    gain = none / count - features / count
    error = gain.std(ddof=1) / len(gain) ** 0.5
    return (
        f"left out, seed {seed}: {shown}; mean square of a person {gain.mean():.3f} +- "
        f"{error:.3f} smaller, in {(gain > 0).sum()} of {len(gain)}"
    )


def _squares(table: SeriesTable, out: np.ndarray) -> np.ndarray:
    """Return readings of the people of a fold, and squares with features and without."""
    inside, outside = (table.take(np.flatnonzero(part)) for part in (~out, out))
    model, _ = _fitted(inside)
    plain = first_modes(series_problem(model, inside, None, TrainConfig()))
    shared = plain.problem.law.backward(plain.predicted[:1])
    process = SeriesProcess(compartments, outside)
    numbers = np.repeat(shared, len(outside), 0)
    runs = (
        simulate_series(model, outside).outputs,
        simulated(process, plain.problem.scale, numbers).outputs,
    )
    seen = ~np.isnan(outside.targets)
    squares = [
        np.where(seen, np.log(np.where(seen, run / outside.targets, 1.0)), 0.0) ** 2
        for run in runs
    ]
    return np.array([part.sum((0, 2)) for part in (seen, *squares)])
