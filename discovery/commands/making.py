"""Commands that make a run: `sciren init`, `check` and `discover`."""

from pathlib import Path
from typing import Annotated

import typer

from discovery.commands.code import check_code, naming
from discovery.commands.finish import finish
from discovery.commands.guard import guarded, options, show
from discovery.commands.words import (
    AllowCode,
    Changes,
    DecoderName,
    Features,
    Forcing,
    Groups,
    Overwrite,
    Source,
    Target,
    Time,
    Write,
)


@guarded
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    process_model: Annotated[
        bool, typer.Option("--process-model", help="Also write my_process.py.")
    ] = False,
    table: Annotated[
        Path | None,
        typer.Option("--table", help="Series (group, time) that the file is for."),
    ] = None,
) -> None:
    """Write a commented CONFIG.yaml to start from."""
    from discovery.config.starter import write_series_starter, write_starter

    # A series file names time, groups and a process of its own, which `check` has to
    # see before anything trains.
    paths = (
        write_starter(folder, process_model)
        if table is None
        else write_series_starter(folder, table)
    )
    for path in paths:
        show(f"wrote {path}")
    word = "discover" if table is None else "check"
    show(f"next: sciren {word} {folder / 'CONFIG.yaml'}")


@guarded
def check(
    config: Source,
    target: Target = None,
    features: Features = None,
    forcing: Forcing = None,
    decoder: DecoderName = None,
    time: Time = None,
    groups: Groups = None,
    changes: Changes = None,
    allow_code: AllowCode = False,
    overwrite: Overwrite = False,
) -> None:
    """Read and check everything, say what would be done, and train nothing."""
    from discovery.config.quick import QuickWords
    from discovery.runs.check import check as work
    from discovery.runs.quick import configured

    words = QuickWords(
        target or (), features or (), forcing or (), decoder, time, groups
    )
    settings, _ = configured(config, words, changes or ())
    check_code(settings, Path(config), changes, decoder is not None, allow_code)
    with naming(Path(config), settings):
        show(work(settings, overwrite, options.quiet))


@guarded
def discover(
    config: Source,
    target: Target = None,
    features: Features = None,
    forcing: Forcing = None,
    decoder: DecoderName = None,
    time: Time = None,
    groups: Groups = None,
    write: Write = None,
    changes: Changes = None,
    allow_code: AllowCode = False,
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
    from discovery.config.quick import QuickWords
    from discovery.runs.quick import configured
    from discovery.runs.workflow import run as work

    words = QuickWords(
        target or (), features or (), forcing or (), decoder, time, groups
    )
    # A switch is a setting like any other, so that the run folder tells that it was
    # set.
    wanted = [*(changes or ()), *(["controls=true"] if controls else [])]
    settings, write_down = configured(config, words, wanted, write)
    check_code(settings, Path(config), changes, decoder is not None, allow_code)
    with naming(Path(config), settings):
        folder = work(settings, overwrite, options.quiet, resume, write_down)
    finish(folder, strict)
