"""The command `sciren`: the table of its commands, which live in `discovery.commands`.

Exit codes: 0 done, 1 the work failed, 2 wrong usage or input, 130 and 143 stopped by
Ctrl-C and SIGTERM. Errors are one line on stderr; torch loads inside the commands only.
"""

import atexit
import gc
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from discovery.commands.archiving import archive, reproduce
from discovery.commands.demonstrations import (
    data_fetch,
    demo_respiration,
    demo_soil_carbon,
)
from discovery.commands.exporting import export
from discovery.commands.guard import (
    INTERRUPTED,
    code_of_end,
    end_on_request,
    ignore_requests,
    set_options,
    show,
)
from discovery.commands.health import doctor
from discovery.commands.making import check, discover, init
from discovery.commands.many import sweep, tune
from discovery.commands.partitioning import partition
from discovery.commands.shelf import processes
from discovery.commands.using import (
    compare,
    control,
    explain,
    figures,
    predict,
    report,
    verify,
)

app = typer.Typer(
    name="sciren",
    help="Equations for the hidden parameters of a process model, learned from data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
demo = typer.Typer(
    help="The whole way on an embedded data set: no download, no configuration.",
    no_args_is_help=True,
)
data = typer.Typer(help="Public data sets.", no_args_is_help=True)
app.add_typer(demo, name="demo")
app.add_typer(data, name="data")

demo.command("respiration")(demo_respiration)
demo.command("soil-carbon")(demo_soil_carbon)
data.command("fetch")(data_fetch)
for command in (
    init,
    check,
    discover,
    explain,
    predict,
    compare,
    verify,
    control,
    report,
    figures,
    doctor,
    processes,
    sweep,
    tune,
    archive,
    reproduce,
    export,
    partition,
):
    app.command()(command)

_ANYWHERE = ("--quiet", "-q", "--debug")


@data.callback()
def _data() -> None:
    """Public data sets."""


def _version(asked: bool) -> None:
    if asked:
        from discovery.config.file import versions

        show(f"sciren {versions()['sciren']}")
        raise typer.Exit


@app.callback()
def _globals(
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress on stderr.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error came from.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version)
    ] = False,
) -> None:
    set_options(quiet, debug)


def _globals_first(arguments: Sequence[str]) -> list[str]:
    """Let --quiet and --debug stand behind a command too."""
    # Behind "--" all words are arguments, even such that look like options.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    first = [word for word in arguments[:end] if word in _ANYWHERE]
    rest = [word for word in arguments[:end] if word not in _ANYWHERE]
    return first + rest + list(arguments[end:])


OBJECTS = 50_000
"""New objects after which Python looks for circles among them. With its default of 700 that
takes 5 % of `sciren demo respiration`, and frees next to nothing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if (
        arguments is None
    ):  # a process of its own; whoever calls from Python decides there
        gc.set_threshold(OBJECTS)
    try:
        # SIGTERM ends like Ctrl-C: finished stages are kept and told.
        end_on_request()
        app(args=_globals_first(given), prog_name="sciren")
    except (SystemExit, KeyboardInterrupt) as end:
        # While the commands are put together, an interrupt comes through typer as it is.
        code = end.code if isinstance(end, SystemExit) else INTERRUPTED
        raise SystemExit(code_of_end(code)) from None
    finally:
        # While the interpreter takes itself down, an interrupt would print its traceback.
        atexit.register(ignore_requests)
