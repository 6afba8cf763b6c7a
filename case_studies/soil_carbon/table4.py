"""python -m case_studies.soil_carbon table4 --data DIR --out DIR: measured profiles."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from case_studies.cells import say
from case_studies.soil_carbon import table4_cells as work
from case_studies.soil_carbon import table4_methods as methods
from case_studies.soil_carbon.profiles import FOLDS, Profiles
from case_studies.soil_carbon.profiles_africa import read_africa
from case_studies.soil_carbon.profiles_sodah import read_sodah
from case_studies.soil_carbon.table4_figures import write_figures
from case_studies.soil_carbon.table4_identify import agreement
from case_studies.soil_carbon.table4_report import runs_frame, write_report
from sciren.datasets import ClimateRecipe
from sciren.decoders import CLM5SoilCarbon

SETS = ("neon", "sodah", "africa")
AFRICA_THIN = 4  # every fourth profile, for the time that all of them would take


def main(arguments: Sequence[str]) -> int:
    """Train what is missing, write tables and figures, print the table."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    for name in options.sets:
        profiles = read(name, options.data, options.thin)
        constants = () if options.fixed else methods.CALIBRATED
        text = table4(
            profiles, options.out, options.splits, options.methods, constants=constants
        )
        sys.stdout.write(text + "\n")
    return 0


def read(name: str, data: Path, thin: int | None = None) -> Profiles:
    """Read a data set by name: neon, sodah or africa."""
    if name == "africa":
        return read_africa(data, thin or AFRICA_THIN)
    return read_sodah(data, "neon" if name == "neon" else "sodah")


def table4(
    profiles: Profiles,
    out: Path,
    splits: Sequence[int] = range(1, FOLDS + 1),
    names: Sequence[str] = (),
    recipe: ClimateRecipe | None = None,
    constants: Sequence[str] = methods.CALIBRATED,
) -> str:
    """Make the table of a data set; finished models under ``out`` are used again.

    Args:
        profiles: the data.
        out: folder of the results.
        splits: 1 to 5.
        names: methods; default all.
        recipe: of the forcing.
        constants: parameters learned as one number for all sites.
    Returns:
        The table as Markdown.
    """
    forcing = profiles.forcing(recipe)
    study = work.Study(profiles, forcing, out, constants=tuple(constants))
    say(f"{profiles.name}: {len(profiles.layers)} layers of {len(profiles.sites)}")
    rows = [method for method in methods.METHODS if not names or method.name in names]
    cells = [work.Cell(row, number, study) for number in splits for row in rows]
    runs = runs_frame(cells, work.run(cells))
    stem = f"table4_{study.stem}"
    text = write_report(out, stem, runs, notes(profiles), _extra(study, cells))
    for file in write_figures(study, cells):
        say(str(file))
    return text


def notes(profiles: Profiles) -> list[str]:
    """Return what has to be known to read the figures."""
    groups = profiles.sites["group"].nunique()
    dropped = ", ".join(f"{why}: {many}" for why, many in profiles.dropped.items())
    return [
        f"{len(profiles.layers)} layers of {len(profiles.sites)} profiles in {groups} "
        "blocks of 2 x 2 degrees; blocks are held out whole. Mean ± standard deviation "
        "over the splits; published values, of other data, in brackets.",
        "Predictions at test sites keep every parameter of the process inside its range "
        "at the training sites, for all methods; 'not held' is without that rule.",
        f"Features: {', '.join(profiles.features)}.",
        f"Layers left out: {dropped or 'none'}.",
        *profiles.notes,
    ]


def _extra(study: work.Study, cells: Sequence[work.Cell]) -> dict[str, pd.DataFrame]:
    """What the data say about each parameter, and how far the splits agree."""
    mine = [
        cell
        for cell in cells
        if cell.method.name == methods.ONE_LAYER
        and (cell.folder / "identification.csv").exists()
    ]
    if not mine:
        return {}
    parts: Any = pd.concat([cell.table("identification") for cell in mine])
    parts["worst_correlation"] = parts["worst_correlation"].abs()
    numbers = parts.select_dtypes("number").columns
    means = parts.groupby("latent", sort=False)[list(numbers)].mean().reset_index()
    spans = {
        latent.name: latent.high - latent.low
        for latent in CLM5SoilCarbon(predicted=study.predicted).parameters.latents
    }
    agreed = agreement([cell.table("latents") for cell in mine], spans)
    joined = means.merge(agreed, on="latent")
    edges = pd.concat([cell.table("edges").assign(split=cell.number) for cell in mine])
    known = {c.number: c.stored() or {} for c in mine}
    learned = pd.DataFrame({n: one.get("constants", {}) for n, one in known.items()})
    shares: Any = edges.pivot_table(
        index="source", columns="target", values="importance", aggfunc="mean"
    )
    numbers = learned.rename_axis("constant").reset_index()
    return (
        {"Constants of ScIReN 1-layer, by split": numbers} if len(numbers) else {}
    ) | {
        "What these data determine (means over the splits)": joined,
        "Importance of the features (share of each parameter, mean over the splits)": (
            shares.reset_index().rename(columns={"source": "feature"})
        ),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m case_studies.soil_carbon table4",
        description="Six methods on measured carbon profiles, on the same held-out blocks. "
        "Finished models are kept under --out and used again.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the data sets"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument(
        "--sets", nargs="+", choices=SETS, default=["neon"], help="default: neon"
    )
    parser.add_argument(
        "--splits", nargs="+", type=int, choices=range(1, FOLDS + 1), help="default: all",
        default=list(range(1, FOLDS + 1)),
    )  # fmt: skip
    parser.add_argument(
        "--methods", nargs="+", default=[], help="names of rows; default: all six",
        choices=[method.name for method in methods.METHODS], metavar="METHOD",
    )  # fmt: skip
    parser.add_argument(
        "--fixed", action="store_true", help="parameters that are not predicted stay in "
        "the middle of their priors, as published; default: five of them are learned",
    )  # fmt: skip
    parser.add_argument(
        "--thin",
        type=int,
        help=f"every how many profiles of Africa; default {AFRICA_THIN}",
    )
    return parser
