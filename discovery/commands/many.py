"""Commands that train many models: `sciren sweep` and `sciren tune`."""

from pathlib import Path
from typing import Annotated

import typer

from discovery.commands.code import check_code, naming
from discovery.commands.guard import guarded, options, show
from discovery.commands.words import AllowCode, Changes, Scheduler, Workers


@guarded
def sweep(
    config: Annotated[Path, typer.Argument(help="Of one run; see `sciren init`.")],
    over: Annotated[
        str, typer.Option("--over", metavar="COLUMN", help="One run for each value.")
    ],
    changes: Changes = None,
    allow_code: AllowCode = False,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    least: Annotated[
        int, typer.Option(min=1, help="Rows that a value needs to be tried.")
    ] = 50,
) -> None:
    """Run a configuration for each value of a column, and put all results in a table.

    The same command goes on after an interrupt.
    """
    from discovery.config.file import load_config
    from discovery.many.sweep import SWEEP
    from discovery.many.sweep import sweep as work
    from sciren.execution import open_executor

    settings = load_config(config, changes or ())
    check_code(settings, config, changes, False, allow_code)
    with naming(config, settings), open_executor(workers, scheduler) as executor:
        result = work(settings, over, executor, least, options.quiet)
    show(result.sentence())
    show(f"wrote {result.folder / SWEEP}")


@guarded
def tune(
    config: Annotated[Path, typer.Argument(help="Of one run; see `sciren init`.")],
    changes: Changes = None,
    allow_code: AllowCode = False,
    trials: Annotated[int, typer.Option(min=1, help="In all.")] = 40,
    space: Annotated[
        Path | None,
        typer.Option(
            help="YAML: key -> list of values, or {low, high, log}. Default: the grids of "
            "the published study; hidden nodes and stiffness where no rates are needed."
        ),
    ] = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    prune: Annotated[
        bool,
        typer.Option(help="Give up hopeless trials after a quarter of the epochs."),
    ] = True,
) -> None:
    """Search settings of the training by their loss on the validation rows.

    The same command goes on after an interrupt; the simplest settings within one standard
    error of the best are written as a configuration.
    """
    from discovery.config.file import load_config
    from discovery.runs.manifest import process_file
    from discovery.tuning.space import read_space
    from discovery.tuning.tune import CHOSEN
    from discovery.tuning.tune import tune as work
    from sciren.execution import open_executor

    settings = load_config(config, changes or ())
    check_code(settings, config, changes, False, allow_code)
    # Beside the run's own folder: the search must not take the place of a run.
    if not any(change.startswith("out=") for change in changes or ()):
        out = settings.out.with_name(f"{settings.out.name}-tune")
        settings = settings.model_copy(update={"out": out})
    searched = read_space(space) if space else None
    with naming(config, settings), open_executor(workers, scheduler) as executor:
        result = work(settings, trials, searched, executor, prune, options.quiet)
    show(result.sentence())
    code = " --allow-code" if process_file(settings) else ""
    show(f"next: sciren discover {result.folder / CHOSEN}{code}")
