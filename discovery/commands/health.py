"""The command that looks at an installation."""

from typing import Annotated

import typer

from discovery.commands.guard import guarded, show


@guarded
def doctor(
    test: Annotated[
        bool, typer.Option(help="Also find a known equation, a few seconds.")
    ] = True,
) -> None:
    """Show versions, threads, device and optional tools, and test the installation."""
    from discovery.doctor import examine

    good = True
    for finding in examine(test):
        show(finding)
        good = good and finding.good is not False
    if not good:
        raise typer.Exit(1)
