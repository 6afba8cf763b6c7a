"""The command `sciren`: reads, orders and prints; the work is done elsewhere.

Exit codes: 0 done, 1 the work failed, 2 wrong usage or input. Errors are one line on
stderr; torch loads inside the commands only.
"""

import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sciren.errors import DownloadError, SciRenError, ShapeError, TrainingError

app = typer.Typer(
    name="sciren",
    help="Equations for the hidden parameters of a process model, learned from data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
demo = typer.Typer(
    help="The whole way on an embedded data set: no download, no configuration.",
    no_args_is_help=True,
)
app.add_typer(demo, name="demo")
data = typer.Typer(help="Public data sets.", no_args_is_help=True)
app.add_typer(data, name="data")

_WORK_ERRORS = (TrainingError, ShapeError, DownloadError)
_ANYWHERE = ("--quiet", "-q", "--debug")


@dataclass
class _Options:
    quiet: bool = False
    debug: bool = False


_options = _Options()

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the run that is there.")
]
Run = Annotated[Path, typer.Argument(help="Folder that `sciren discover` wrote.")]
AcceptEdits = Annotated[
    bool,
    typer.Option(
        "--accept-edits", help="Go on with a run that was altered; outputs say so."
    ),
]


def _version(asked: bool) -> None:
    if asked:
        from discovery.config.file import versions

        typer.echo(f"sciren {versions()['sciren']}")
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
    _options.quiet, _options.debug = quiet, debug
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    if category.__module__.startswith("sciren") or _options.debug:
        typer.echo(f"warning: {_one_line(message)}", err=True)


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn errors of the work into one line and an exit code."""

    @functools.wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except SciRenError as error:
            _fail(error, _one_line(error), 1 if isinstance(error, _WORK_ERRORS) else 2)
        except (OSError, MemoryError) as error:
            _fail(error, _one_line(error) or type(error).__name__, 1)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            what = f"unexpected {type(error).__name__}: {_one_line(error)}"
            _fail(error, f"{what}; --debug shows where", 1)

    return guarded


def _fail(error: BaseException, line: str, code: int) -> None:
    if _options.debug:
        raise error
    typer.echo(f"error: {line}", err=True)
    raise typer.Exit(code)


@demo.command("respiration")
@_guarded
def demo_respiration(
    out: Out = Path("runs/demo-respiration"),
    setting: Annotated[
        Literal["linear", "abs"], typer.Option(help="Form of the base respiration.")
    ] = "linear",
    seed: Annotated[int, typer.Option(min=0, help="Of noise and starts.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Find base respiration and Q10 behind a simulated half-hourly record."""
    from discovery.demos import demo_respiration as work

    folder = work(out, setting, seed, overwrite=overwrite, quiet=_options.quiet)
    _finish(folder)


@demo.command("soil-carbon")
@_guarded
def demo_soil_carbon(
    out: Out = Path("runs/demo-soil-carbon"),
    seed: Annotated[int, typer.Option(min=0, help="Of the sites.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Find four parameters of the CLM5 soil carbon model at simulated sites."""
    from discovery.demos import demo_soil_carbon as work

    _finish(work(out, seed, overwrite=overwrite, quiet=_options.quiet))


@data.callback()
def _data() -> None:
    """Public data sets."""


@data.command("fetch")
@_guarded
def data_fetch(
    name: Annotated[Literal["at-neu"], typer.Argument(help="Which data set.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; default the cache of the user."),
    ] = None,
) -> None:
    """Download a data set, unless it is there, check its hash, and print its path.

    at-neu: drivers of the respiration study, Neustift 2003-2011 (NetCDF).
    """
    from sciren.datasets import download_at_neu

    fetch = {"at-neu": download_at_neu}[name]
    typer.echo(fetch(out, progress=not _options.quiet))


@app.command()
@_guarded
def discover(
    config: Annotated[Path, typer.Argument(help="See `sciren init`.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key for this run."),
    ] = None,
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
    folder = work(load_config(config, wanted), overwrite, _options.quiet, resume)
    _finish(folder)
    if strict:
        from discovery.runs.stored import stored_verdict

        verdict = stored_verdict(folder)
        if str(verdict) != "supported":
            typer.echo(f"error: the result is {verdict} (--strict)", err=True)
            raise typer.Exit(1)


@app.command()
@_guarded
def explain(
    run: Run,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change what comes after training: discovery.pins, .forbid, "
            ".families, .threshold, .bootstrap.",
        ),
    ] = None,
    accept_edits: AcceptEdits = False,
) -> None:
    """Do everything after training again: prune, equations, verdict, report."""
    from discovery.runs.explain import explain as work
    from discovery.runs.manifest import edits_accepted

    with edits_accepted(accept_edits):
        _finish(work(run, changes or (), quiet=_options.quiet))


@app.command()
@_guarded
def predict(
    run: Run,
    data: Annotated[Path, typer.Argument(help="csv, csv.gz, parquet, NetCDF or Zarr.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File of the results.")],
    using: Annotated[
        Literal["equations", "network"], typer.Option(help="What computes.")
    ] = "equations",
    interval: Annotated[
        float,
        typer.Option(min=0.01, max=0.999, help="Probability of the intervals."),
    ] = 0.95,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file that is there.")
    ] = False,
    accept_edits: AcceptEdits = False,
) -> None:
    """Write targets, latents and their intervals for every row of a file."""
    from discovery.runs.manifest import edits_accepted
    from discovery.runs.predict import predict as work

    with edits_accepted(accept_edits):
        typer.echo(work(run, data, out, using, overwrite, interval))


@app.command()
@_guarded
def verify(
    run: Run,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Its data, where they are elsewhere, or others."),
    ] = None,
) -> None:
    """Judge the stored equations again and compare with what the run says of itself."""
    from discovery.verdict.runs import verify_run as work

    found = work(run, data, _options.quiet)
    typer.echo(found.text())
    if not found.same:
        raise typer.Exit(1)


@app.command()
@_guarded
def control(
    run: Run,
    placebos: Annotated[int, typer.Option(min=1, max=1000, help="Of each kind.")] = 20,
) -> None:
    """Look for relations where none can be: placebos and wrong processes."""
    from discovery.verdict.runs import control_run as work

    for sentence in work(run, placebos, _options.quiet).sentences():
        typer.echo(sentence)


@app.command()
@_guarded
def report(run: Run, accept_edits: AcceptEdits = False) -> None:
    """Write the report of a run again."""
    from discovery.report.run_report import write_report as work
    from discovery.runs.manifest import edits_accepted

    with edits_accepted(accept_edits):
        typer.echo(work(run))


@app.command()
@_guarded
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    process_model: Annotated[
        bool, typer.Option("--process-model", help="Also write my_process.py.")
    ] = False,
) -> None:
    """Write a commented CONFIG.yaml to start from."""
    from discovery.config.starter import write_starter

    for path in write_starter(folder, process_model):
        typer.echo(f"wrote {path}")
    typer.echo(f"next: sciren discover {folder / 'CONFIG.yaml'}")


def _finish(folder: Path) -> None:
    from discovery.report.summary import summary

    typer.echo(summary(folder))


def _globals_first(arguments: Sequence[str]) -> list[str]:
    """Let --quiet and --debug stand behind a command too."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    first = [word for word in arguments[:end] if word in _ANYWHERE]
    rest = [word for word in arguments[:end] if word not in _ANYWHERE]
    return first + rest + list(arguments[end:])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    app(args=_globals_first(given), prog_name="sciren")
