"""`sciren export`: a run as a package that other programs read."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from discovery.commands.guard import guarded, show
from discovery.commands.words import Overwrite, Run


class Format(StrEnum):
    """Format of another tool in which a run is written."""

    R = "r-package"
    PETAB = "petab"


@guarded
def export(
    run: Run,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="New folder, named as the package.")
    ],
    to: Annotated[
        Format, typer.Option("--to", help="R package, or PEtab-SciML problem.")
    ] = Format.R,
    overwrite: Overwrite = False,
) -> None:
    """Write a run as an R package, or its encoder and process as PEtab-SciML."""
    if to is Format.R:
        from discovery.interop.r_package import r_package

        show(f"wrote {r_package(run, out, overwrite)}: R CMD INSTALL {out}")
        return
    from discovery.interop.petab import petab_problem

    show(f"wrote {petab_problem(run, out, overwrite)}")
