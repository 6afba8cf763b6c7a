"""The end of a command that makes a run: what was found, in a few lines."""

from pathlib import Path

import typer

from discovery.commands.guard import show, tell


def finish(folder: Path, strict: bool = False) -> None:
    """Print the summary of a run.

    Args:
        folder: of the run.
        strict: whether to fail unless its equations are supported.
    """
    from discovery.report.summary import summary
    from discovery.runs.stored import stored_verdict

    show(summary(folder))
    if strict and str(verdict := stored_verdict(folder)) != "supported":
        tell(f"error: the result is {verdict} (--strict)")
        raise typer.Exit(1)
