"""`sciren archive` and `sciren reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

from discovery.commands.guard import guarded, options, show
from discovery.commands.words import Overwrite, Run


@guarded
def archive(
    run: Run,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Zip file; default RUN.zip.")
    ] = None,
    data: Annotated[
        bool, typer.Option(help="Put the observations in, if their licence allows it.")
    ] = True,
    licence: Annotated[
        str, typer.Option(help="SPDX name of the licence of the results.")
    ] = "CC-BY-4.0",
    overwrite: Overwrite = False,
) -> None:
    """Pack a run with data, process model, versions and hashes, ready for a repository."""
    from discovery.archive.pack import archive as work

    target = work(run, out, data, licence, overwrite)
    show(f"wrote {target}: {target.stat().st_size:,} bytes")


@guarded
def reproduce(
    archive: Annotated[Path, typer.Argument(help="File of `sciren archive`.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Empty folder for the new run.")
    ] = Path("reproduced"),
    data: Annotated[
        Path | None, typer.Option("--data", help="The table, if the archive lacks it.")
    ] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Run the archive's process model.")
    ] = False,
) -> None:
    """Run an archived discovery again and compare; exit code 1 where it differs."""
    from discovery.archive.reproduce import reproduce as work

    result = work(archive, out, data, allow_code, options.quiet)
    show(result.text())
    if not result.same:
        raise typer.Exit(1)
