"""Commands that use a finished run: explain, predict, compare, ..."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from discovery.commands.finish import finish
from discovery.commands.guard import guarded, options, show
from discovery.commands.words import (
    AcceptEdits,
    Overwrite,
    PassedColumns,
    PredictionFile,
    Run,
    Scheduler,
    Workers,
    WrittenOtherwise,
    listed,
)


@guarded
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
    name: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help="Name of the new run; default: it takes the place of the old one.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    accept_edits: AcceptEdits = False,
) -> None:
    """Do everything after training again: prune, equations, verdict, report."""
    from discovery.runs.explain import explain as work
    from discovery.runs.manifest import edits_accepted

    with edits_accepted(accept_edits):
        finish(work(run, changes or (), options.quiet, name, overwrite))


@guarded
def predict(
    run: Run,
    data: Annotated[Path, typer.Argument(help="csv, Excel, parquet, NetCDF, Zarr.")],
    out: PredictionFile,
    using: Annotated[
        Literal["equations", "network"], typer.Option(help="What computes.")
    ] = "equations",
    interval: Annotated[
        float,
        typer.Option(min=0.01, max=0.999, help="Probability of the intervals."),
    ] = 0.95,
    columns: PassedColumns = None,
    intervals: Annotated[
        bool, typer.Option(help="Compute intervals; maps are much faster without.")
    ] = True,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file that is there.")
    ] = False,
    changes: WrittenOtherwise = None,
    accept_edits: AcceptEdits = False,
) -> None:
    """Write targets, latents and their intervals for every row of a file or cell of a grid.

    A map (.zarr) goes on after an interrupt with the same command.
    """
    from discovery.maps.predict_grid import ZARR, predict_grid
    from discovery.runs.manifest import edits_accepted
    from discovery.runs.predict_file import predict as work
    from sciren.execution import open_executor

    level = interval if intervals else None
    if out.suffix == ZARR:
        with (
            edits_accepted(accept_edits),
            open_executor(workers, scheduler) as executor,
        ):
            show(
                predict_grid(
                    run, data, out, using, overwrite, level, executor, options.quiet
                )
            )
        return
    with edits_accepted(accept_edits):
        asked = listed(columns), changes or ()
        show(work(run, data, out, using, overwrite, level, *asked))


@guarded
def verify(
    run: Run,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Its data, where they are elsewhere, or others."),
    ] = None,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train the network again as well.")
    ] = False,
) -> None:
    """Compute everything after the training again and compare with what is stored."""
    from discovery.verdict.runs import verify_run as work

    reverified = work(run, data, options.quiet, retrain)
    show(reverified.text())
    if not reverified.same:
        raise typer.Exit(1)


@guarded
def control(
    run: Run,
    placebos: Annotated[int, typer.Option(min=1, max=1000, help="Of each kind.")] = 20,
) -> None:
    """Look for relations where none can be: placebos and wrong processes."""
    from discovery.verdict.runs import control_run as work

    for sentence in work(run, placebos, options.quiet).sentences():
        show(sentence)


@guarded
def report(run: Run, accept_edits: AcceptEdits = False) -> None:
    """Write the report of a run again."""
    from discovery.report.run_report import write_report as work
    from discovery.runs.manifest import edits_accepted

    with edits_accepted(accept_edits):
        show(work(run))


@guarded
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Their folders.")
    ],
    form: Annotated[
        Literal["text", "csv", "json"],
        typer.Option("--format", help="How to print it."),
    ] = "text",
    accept_edits: AcceptEdits = False,
) -> None:
    """Print verdicts, equations, constants and scores of runs side by side."""
    from discovery.report.compare import compare as work
    from discovery.runs.manifest import edits_accepted

    with edits_accepted(accept_edits):
        comparison = work(runs)
    write = {"text": comparison.text, "csv": comparison.csv, "json": comparison.json}
    show(write[form]())


@guarded
def figures(
    run: Run,
    style: Annotated[
        str, typer.Option(help="Of the journal: nature, agu or egu.")
    ] = "egu",
    width: Annotated[
        str, typer.Option(help="column, page, or a number with its unit: 85mm.")
    ] = "column",
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="pdf, svg, png; several with commas."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; default figures/STYLE-WIDTH."),
    ] = None,
    accept_edits: AcceptEdits = False,
) -> None:
    """Draw every figure of a run at the width of a journal's column."""
    from discovery.report.paper import paper_figures as work
    from discovery.runs.manifest import edits_accepted

    with edits_accepted(accept_edits):
        for figure in work(run, style, width, listed(formats) or ["pdf"], out):
            wide = ", wider than asked, to be legible" if figure.wide else ""
            show(f"{figure.files[0]} ({figure.width:.0f} mm{wide})")
