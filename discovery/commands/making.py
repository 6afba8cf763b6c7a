"""Commands that make a run: `sciren init` and `sciren discover`."""

from pathlib import Path
from typing import Annotated

import typer

from discovery.commands.finish import finish
from discovery.commands.guard import guarded, options, show
from discovery.commands.words import Changes, Overwrite


@guarded
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    process_model: Annotated[
        bool, typer.Option("--process-model", help="Also write my_process.py.")
    ] = False,
) -> None:
    """Write a commented CONFIG.yaml to start from."""
    from discovery.config.starter import write_starter

    for path in write_starter(folder, process_model):
        show(f"wrote {path}")
    show(f"next: sciren discover {folder / 'CONFIG.yaml'}")


@guarded
def discover(
    config: Annotated[Path, typer.Argument(help="See `sciren init`.")],
    changes: Changes = None,
    overwrite: Overwrite = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with an interrupted run of the same config."
        ),
    ] = False,
    controls: Annotated[
        bool, typer.Option("--controls", help="Also run placebos and wrong processes.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 unless supported.")
    ] = False,
) -> None:
    """Train, prune, find equations, judge and report."""
    from discovery.config.file import load_config
    from discovery.runs.workflow import run as work

    wanted = [*(changes or ()), *(["controls=true"] if controls else [])]
    folder = work(load_config(config, wanted), overwrite, options.quiet, resume)
    finish(folder, strict)
