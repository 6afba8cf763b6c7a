"""Arguments and options that several commands have."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer


def _of_table(flag: str, metavar: str, help: str) -> Any:
    """Return an option that stands for a key of a configuration, where there is none."""
    return typer.Option(
        flag, metavar=metavar, help=help, rich_help_panel="Without a configuration"
    )


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

Workers = Annotated[
    int, typer.Option("--workers", "-n", min=1, help="Processes of this machine.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="A dask scheduler in place of processes, such as tcp://10.0.0.5:8786.",
    ),
]


def listed(words: Sequence[str] | None) -> list[str]:
    """Return names that were given each alone or several with commas between."""
    names = [name.strip() for word in words or () for name in word.split(",")]
    return [name for name in names if name]


Source = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG", help="See `sciren init`; or a table, with --target and so on."
    ),
]
Target = Annotated[
    list[str] | None, _of_table("--target", "[NAME=]COLUMN", "What is observed.")
]
PredictionFile = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        help="csv, csv.gz, parquet, NetCDF (.nc) or Excel (.xlsx); .zarr for the cells "
        "of a grid, block by block.",
    ),
]
PassedColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="COLUMN,...",
        help="Columns of the file that are passed through, beside time and ids.",
    ),
]
WrittenOtherwise = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="data.KEY=VALUE",
        help='How the file is written where the run\'s was not so: "data.missing=[-9999]".',
    ),
]
Features = Annotated[
    list[str] | None,
    _of_table("--features", "COLUMN,...", "Columns offered to the encoder."),
]
Forcing = Annotated[
    list[str] | None,
    _of_table("--forcing", "[NAME=]COLUMN", "What the process model reads."),
]
DecoderName = Annotated[
    str | None,
    _of_table("--decoder", "NAME", "Process model: a built-in one, or FILE.py:NAME."),
]
Time = Annotated[str | None, _of_table("--time", "COLUMN", "Column of time stamps.")]
Groups = Annotated[str | None, _of_table("--groups", "COLUMN", "Column of sites.")]
AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code",
        help="Run a process model that the configuration names outside its own folder.",
    ),
]
Write = Annotated[
    Path | None,
    _of_table(
        "--write",
        "FILE",
        "Where the configuration goes, and the name of the run; default that of the table.",
    ),
]
