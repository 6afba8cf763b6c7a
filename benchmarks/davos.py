"""Figures of the Davos study from its two runs, for its page.

    sciren discover case_studies/davos/config.yaml --set data.path=CH_DAV.csv.gz
    sciren discover case_studies/davos/config.yaml --set data.path=CH_DAV.csv.gz \\
        --set 'features=[sw_pot, dsw_pot, swc_15cm, vpd]' --set out=runs/davos-without-ta
    python -m benchmarks.davos runs/davos runs/davos-without-ta

The last command stores what the runs say in `case_studies/davos/figures.json` and writes
it into the page.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.stored import StoredFigures

if TYPE_CHECKING:
    from discovery import Discovery

PAGE = Path(__file__).resolve().parents[1] / "case_studies" / "davos" / "README.md"
FIGURES = StoredFigures("davos", PAGE.with_name("figures.json"), (PAGE,))
COMMAND = "python -m benchmarks.davos runs/davos runs/davos-without-ta"
OFFERED = ("all five", "without `ta`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Store the figures of two runs and write them into the page."""
    from discovery import Discovery

    parser = argparse.ArgumentParser(prog="python -m benchmarks.davos")
    parser.add_argument("runs", nargs=2, type=Path, help="with and without ta")
    folders = parser.parse_args(arguments).runs
    found = dict(zip(OFFERED, map(Discovery.load, folders), strict=True))
    for name, row in (
        ("scores", scores),
        ("constants", constants),
        ("verdicts", verdict),
    ):
        rows = [{"features offered": k} | row(one) for k, one in found.items()]
        FIGURES.store(name, COMMAND, rows)
    for path in FIGURES.write_documents():
        sys.stdout.write(f"{path.name}\n")
    return 0


def scores(run: "Discovery") -> dict[str, str]:
    """R2 of the test years by model."""
    return {
        f"R2, {model}": f"{named['reco']['r2']:.3f}"
        for model, named in run.scores["test"].items()
    }


def constants(run: "Discovery") -> dict[str, str]:
    """The equation of the base respiration, and Q10 with its interval."""
    assert run.folder is not None
    assert run.uncertainty is not None
    told = (run.folder / "equations.md").read_text("utf-8").splitlines()
    formula = next(line.strip() for line in told if line.startswith("    rb = "))
    assert run.equations is not None
    q10 = run.uncertainty.recommended("q10")
    assert q10 is not None
    return {
        "equation": f"`{formula}`",
        "Q10 in the equation": f"{run.equations.constants['q10']:.3g}",
        "Q10, choice of features included": f"{q10['estimate']:.3g} "
        f"(95 % {q10['low']:.3g} to {q10['high']:.3g})",
    }


def verdict(run: "Discovery") -> dict[str, str]:
    """The headline and every doubt, in the words of the run."""
    doubts = "; ".join(doubt.sentence for doubt in run.verdict.doubts())
    return {"verdict": f"**{run.verdict}**", "doubts": doubts.replace("|", "/")}


if __name__ == "__main__":
    raise SystemExit(main())
