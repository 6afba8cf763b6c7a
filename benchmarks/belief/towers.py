"""Ten seeds, and ten splits, on real tables: does the answer depend on them?

Three towers, soil respiration across 43 chamber sets, runoff of 533 basins: the studies of
the gallery by their own configurations, with the default split (weeks, chamber sets, squares
of two degrees). Every seed starts the training anew, on the same split (`towers`), or draws
test and validation anew as well (`splits`). Longer tables are thinned evenly to 2,500 rows.
A run that is there is read and not made again.

Asked is whether features and constants of all seeds are the same; where they are not,
whether the verdict of every seed names them or claims nothing; and whether an equation
that is below constant latents on the rows left out is ever supported, in part or in full.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from discovery import Discovery, RunConfig

STUDIES = Path(__file__).resolve().parents[2] / "case_studies"
CASES = {
    "Davos": STUDIES / "davos",
    "Laegeren": STUDIES / "gallery" / "laegeren",
    "Tharandt": STUDIES / "gallery" / "tharandt",
    "COSORE": STUDIES / "gallery" / "soil_respiration_daily",
    "CAMELS Fu": STUDIES / "gallery" / "water_balance",
}
MOST_ROWS = 2500  # ten trainings a table in a quarter of an hour
SETTINGS = (
    "train.bootstrap=0",
    "discovery.bootstrap=0",
    "discovery.baselines=false",
)


def run(
    seeds: range,
    names: Sequence[str],
    data: Path,
    out: Path,
    split_too: bool = False,
) -> list[dict[str, object]]:
    """Return one row a table.

    Args:
        seeds: of the training.
        names: of `CASES`; default all.
        data: folder under which the tables lie, at any depth.
        out: folder of thinned tables and of what every run said.
        split_too: every seed also draws its own split.
    """
    out.mkdir(parents=True, exist_ok=True)
    said = [
        {name: _said(name, seed, data, out, split_too) for name in names or CASES}
        for seed in seeds
    ]
    drawn = "splits" if split_too else "seeds"
    return [_row(name, drawn, [one[name] for one in said]) for name in said[0]]


# -- one run ------------------------------------------------------------------------------
def _said(
    name: str, seed: int, data: Path, out: Path, split_too: bool
) -> dict[str, Any]:
    """Return what one run says, from its file where that is there."""
    kind = "split" if split_too else "seed"
    path = out / f"{name.replace(' ', '_')}_{kind}_{seed}.json"
    if not path.is_file():
        config = _config(name, seed, data, out, seed if split_too else 0)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(_summary(_discovered(config)), indent=1), "utf-8")
        part.replace(path)
        sys.stderr.write(f"{name}, seed {seed}: done\n")
    return json.loads(path.read_text("utf-8"))


def _config(
    name: str, seed: int, data: Path, out: Path, split_seed: int
) -> "RunConfig":
    """The configuration of the gallery with the default split of the thinned table."""
    from discovery import load_config

    path = CASES[name] / "config.yaml"
    table = _thinned(name, data, out)
    split = f"split={{kind: auto, seed: {split_seed}}}"
    changes = [*SETTINGS, split, f"seed={seed}", f"data.path={table.resolve()}"]
    return load_config(path, changes)


def _thinned(name: str, data: Path, out: Path) -> Path:
    """Return the file of every k-th of the rows that a study keeps, written once."""
    from discovery import load_config, read_frame, select_rows

    path = out / f"{name.replace(' ', '_')}.csv"
    if path.is_file():
        return path
    config = load_config(CASES[name] / "config.yaml")
    assert config.data.path is not None
    source = next(iter(sorted(data.rglob(config.data.path.name))), None)
    if source is None:
        raise SystemExit(f"{data}: holds no {config.data.path.name}")
    frame = read_frame(source)
    if config.data.rows is not None:
        frame = frame.iloc[np.flatnonzero(select_rows(frame, config.data.rows))]
    known = frame[[*{*config.features, *config.forcings.values()}]].notna().all(axis=1)
    frame = frame[known]
    part = path.with_suffix(".part")
    frame.iloc[:: -(-len(frame) // MOST_ROWS)].to_csv(part, index=False)
    part.replace(path)
    return path


def _discovered(config: "RunConfig") -> "Discovery":
    """Do what `discovery.run` does, without writing files and a report."""
    from discovery.runs.training import train
    from discovery.runs.workflow import discover_study, prepare_run, progress_of

    ready, silent = prepare_run(config, lambda message: None), progress_of(quiet=True)
    training = train(ready.study, ready.training, silent, ready.notes)
    return discover_study(ready.study, training, silent)


def _summary(found: "Discovery") -> dict[str, Any]:
    """Features, constants, scores and verdict as plain data."""
    equations = found.equations
    assert equations is not None
    held = {
        f"{equations.units.names[edge.source]} -> {structure.name}"
        for structure in equations.structures
        for edge in structure.all_edges
    }
    constants = {
        row["constant"]: [row["estimate"], row["low"], row["high"], row["identified"]]
        for row in found.process_constants
    }
    (fresh,) = [one for one in found.verdict.reasons if one.subject == "test rows"]
    return {
        "features": sorted(held),
        "constants": constants,
        "r2": fresh.number,
        "constant r2": fresh.limit,
        "headline": found.verdict.headline,
        "doubts": [[one.subject, one.sentence] for one in found.verdict.doubts()],
    }


# -- all seeds of a table -----------------------------------------------------------------
def _row(name: str, drawn: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    held = [set(one["features"]) for one in runs]
    usual = max(held, key=held.count)
    headlines = [one["headline"] for one in runs]
    worse = [one for one in runs if one["r2"] <= one["constant r2"]]
    return {
        "table": name,
        drawn: len(runs),
        "features of most": ", ".join(sorted(usual)) or "none",
        "same features": f"{held.count(usual)} of {len(runs)}",
        "differences named": _named(runs),
        "constants": _constants(runs),
        "headlines": ", ".join(
            f"{k} {headlines.count(k)}" for k in sorted({*headlines})
        ),
        "below constant latents, yet supported": sum(
            one["headline"] != "not supported" for one in worse
        ),
    }


def _named(runs: Sequence[Mapping[str, Any]]) -> str:
    """In how many runs every feature that some seeds hold and others not is doubted."""
    held = [set(one["features"]) for one in runs]
    differing = set.union(*held) - set.intersection(*held)
    told = 0
    for one in runs:
        words = " ".join(subject + sentence for subject, sentence in one["doubts"])
        claimed = one["features"] and one["headline"] != "not supported"
        told += not claimed or all(edge in words for edge in differing)
    return f"{told} of {len(runs)}" if differing else "none differ"


def _constants(runs: Sequence[Mapping[str, Any]]) -> str:
    """Range of every constant, and how many identified ones leave another's value out."""
    told = []
    for name in runs[0]["constants"]:
        rows = [_constant(name, one) for one in runs]
        values = np.array([row[0] for row in rows])
        apart = sum(
            bool(named) and not ((low <= values) & (values <= high)).all()
            for _, low, high, named in rows
        )
        named = sum(bool(row[3]) for row in rows)
        told.append(
            f"{name} {values.min():.3g} to {values.max():.3g}; identified {named}, "
            f"of these {apart} against another seed"
        )
    return "; ".join(told) or "none"


def _constant(name: str, run: Mapping[str, Any]) -> tuple[float, float, float, bool]:
    """Estimate, limits, and whether a run calls it identified without a doubt about it."""
    estimate, low, high, named = run["constants"][name]
    doubted = any(name in re.split(", | and ", subject) for subject, _ in run["doubts"])
    return estimate, low, high, bool(named) and not doubted
