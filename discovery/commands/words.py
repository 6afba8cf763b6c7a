"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the run that is there.")
]
Run = Annotated[Path, typer.Argument(help="Folder that `sciren discover` wrote.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key for this run."),
]
AcceptEdits = Annotated[
    bool,
    typer.Option(
        "--accept-edits", help="Go on with a run that was altered; outputs say so."
    ),
]
