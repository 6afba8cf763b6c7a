"""The command that partitions the net exchange of a tower."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from discovery.commands.guard import guarded, options, show
from discovery.commands.words import Overwrite
from sciren.errors import ConfigError


@guarded
def partition(
    tower: Annotated[
        Path, typer.Argument(help="Half hours: FLUXNET columns, or time, nee, ta.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the results.")
    ] = Path("runs/partition"),
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="ROLE=NAME",
            help="Column of nee, ta, rg, vpd, rh, ustar, swc or potential.",
        ),
    ] = None,
    response: Annotated[
        Literal["lloyd_taylor", "q10"],
        typer.Option(help="How respiration follows temperature."),
    ] = "lloyd_taylor",
    rows: Annotated[
        int, typer.Option(min=500, help="Half hours of night and of day to learn from.")
    ] = 3000,
    replicates: Annotated[
        int, typer.Option(min=10, help="Resamples behind the intervals of sums.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Split net exchange into uptake and respiration: equations, sums, verdicts."""
    from discovery.partition.partition import partition as work
    from discovery.partition.record import PartitionOptions
    from discovery.partition.summary import summary_text

    given = PartitionOptions(_roles(columns or ()), response, rows, replicates, seed)
    show(summary_text(work(tower, out, given, overwrite, options.quiet)))


def _roles(words: list[str] | tuple[()]) -> dict[str, str]:
    roles = {}
    for word in words:
        role, equals, name = word.partition("=")
        if not (role and equals and name):
            raise ConfigError(
                f"--column {word}: write ROLE=NAME, such as nee=NEE_CUT_REF"
            )
        roles[role.strip()] = name.strip()
    return roles
