"""`sciren demo` and `sciren data`: embedded and public data sets."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from discovery.commands.finish import finish
from discovery.commands.guard import guarded, options, show
from discovery.commands.words import Out, Overwrite


@guarded
def demo_respiration(
    out: Out = Path("runs/demo-respiration"),
    setting: Annotated[
        Literal["linear", "abs"], typer.Option(help="Form of the base respiration.")
    ] = "linear",
    seed: Annotated[int, typer.Option(min=0, help="Of noise and starts.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Find base respiration and Q10 behind a simulated half-hourly record."""
    from discovery.demos import demo_respiration as work

    finish(work(out, setting, seed, overwrite=overwrite, quiet=options.quiet))


@guarded
def demo_soil_carbon(
    out: Out = Path("runs/demo-soil-carbon"),
    seed: Annotated[int, typer.Option(min=0, help="Of the sites.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Find four parameters of the CLM5 soil carbon model at simulated sites."""
    from discovery.demos import demo_soil_carbon as work

    finish(work(out, seed, overwrite=overwrite, quiet=options.quiet))


@guarded
def data_fetch(
    name: Annotated[Literal["at-neu"], typer.Argument(help="Which data set.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; default the cache of the user."),
    ] = None,
) -> None:
    """Download a data set, unless it is there, check its hash, and print its path.

    at-neu: drivers of the respiration study, Neustift 2003-2011 (NetCDF).
    """
    from sciren.datasets import download_at_neu

    fetch = {"at-neu": download_at_neu}[name]
    show(fetch(out, progress=not options.quiet))
