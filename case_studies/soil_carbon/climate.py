"""python -m case_studies.soil_carbon climate --data DIR --out DIR: the climate recipe."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from case_studies.layout import plain_grid
from case_studies.soil_carbon.climate_damping import damping_table
from case_studies.soil_carbon.climate_sensitivity import sensitivity_table
from case_studies.soil_carbon.profiles_africa import read_africa
from case_studies.soil_carbon.profiles_sodah import read_sodah


def main(arguments: Sequence[str]) -> int:
    """Compare the damping with measurements, vary every piece; write and print both."""
    options = _parser().parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    tables = {
        "climate_damping": damping_table(options.data),
        "climate_sensitivity_neon": sensitivity_table(read_sodah(options.data)),
        "climate_sensitivity_africa": sensitivity_table(
            read_africa(options.data, thin=10)
        ),
    }
    for name, table in tables.items():
        table.to_csv(options.out / f"{name}.csv", index=False)
        sys.stdout.write(f"## {name}\n\n{plain_grid(table)}\n\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m case_studies.soil_carbon climate",
        description="Measured damping of soil temperature beside the recipe, and how much "
        "each piece of the recipe moves the carbon stock.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the data sets"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    return parser
