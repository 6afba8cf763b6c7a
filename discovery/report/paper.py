"""Figures for papers, drawn from a stored run alone at the width of a journal's column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.report.figures import edge_bands, profile_figures
from discovery.report.run_report import stored_graph
from discovery.results.views.collect import VIEWS
from discovery.results.views.curves import numbers_of, stored_curves
from discovery.runs.files import make_folder, read_json
from discovery.runs.folder import open_run
from discovery.runs.manifest import renew
from sciren.errors import ConfigError, DataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from visualize.paper.styles import PaperStyle

FIGURES = "figures"


@dataclass(frozen=True)
class PaperFigure:
    """One figure that was written.

    Attributes:
        files: where it lies, one a format.
        width: millimetres that it has.
        wide: whether it is wider than asked, because smaller nobody could read it.
    """

    files: tuple[Path, ...]
    width: float
    wide: bool


def paper_figures(
    run: Path,
    style: str = "egu",
    width: str = "column",
    formats: Sequence[str] = ("pdf",),
    out: Path | None = None,
) -> list[PaperFigure]:
    """Draw every figure that a run allows; equal runs give equal bytes.

    Args:
        run: folder of the discovery.
        style: "nature", "agu" or "egu".
        width: "column", "page", or a number with its unit such as "85mm".
        formats: of "pdf", "svg", "png".
        out: folder; default ``figures/STYLE-WIDTH`` in the run.
    Raises:
        ConfigError: a style, width or format that does not exist.
        DataError: no such run, or it is older than its views.
    """
    from visualize.paper.fitting import add_letters, fit_texts
    from visualize.paper.saving import FORMATS, save_scaled
    from visualize.paper.styles import INCH, millimetres, style_named
    from visualize.style import figures_of_width

    chosen = style_named(style)
    asked = millimetres(width, chosen)
    unknown = [kind for kind in formats if kind not in FORMATS]
    if unknown or not formats:
        raise ConfigError(
            f"figures are written as {', '.join(FORMATS)}, not as {unknown or 'nothing'}"
        )
    folder = open_run(run)
    place = out or folder / FIGURES / f"{style}-{asked:g}mm"
    make_folder(place)
    # Drawn at the size at which texts have their usual points, scaled when saved, so
    # that letters get the size that the journal asks for.
    drawn_at = asked / INCH / chosen.scale
    written = []
    with figures_of_width(drawn_at):
        for name, figure in _figures(folder, drawn_at):
            add_letters(figure, chosen)
            fit_texts(figure)
            scale = _scale(figure, asked / INCH, chosen)
            files = tuple(place / f"{name}.{kind}" for kind in formats)
            for file in files:
                save_scaled(figure, file, scale)
            final = scale * figure.get_figwidth() * INCH
            # Half a percent is the rounding of millimetres.
            written.append(PaperFigure(files, final, final > asked * 1.005))
    # Files inside the run join its manifest, else they would count as the user's own.
    if out is None:
        own = [
            file.relative_to(folder).as_posix()
            for paper_figure in written
            for file in paper_figure.files
        ]
        renew(folder, *own)
    return written


def _scale(figure: "Figure", width: float, style: "PaperStyle") -> float:
    """As large as the width allows, never so small that it cannot be read."""
    return max(min(style.scale, width / figure.get_figwidth()), style.least)


def _figures(folder: Path, width: float) -> "Iterator[tuple[str, Figure]]":
    from discovery.results.result import Discovery
    from visualize import draw_graph, plot_edges, plot_observed

    discovery = Discovery.load(folder)
    views = _views(folder)
    graph = stored_graph(discovery, folder)
    if graph is not None:
        yield "graph", draw_graph(graph, width)
    curves = stored_curves(views["curves"])
    if curves:
        yield "curves", plot_edges(curves, bands=edge_bands(discovery))
    rows = views["rows"]
    for target, observed in rows["observed"].items():
        models = {
            model: numbers_of(values[target])
            for model, values in rows["predicted"].items()
        }
        unit = rows["units"].get(target, "")
        yield (
            _named("observed", target, rows["observed"]),
            plot_observed(numbers_of(observed), models, target, unit),
        )
    yield from _data_views(views)
    yield from profile_figures(discovery)


def _data_views(views: Mapping[str, Any]) -> "Iterator[tuple[str, Figure]]":
    from visualize import plot_residuals, plot_series

    units = views["rows"]["units"]
    for target, residuals in views["residuals"].items():
        if residuals:
            name = _named("residuals", target, views["residuals"])
            yield name, plot_residuals(residuals, target, units.get(target, ""))
    for target, series in views["series"].items():
        if series:
            name = _named("series", target, views["series"])
            unit = units.get(target, "")
            yield name, plot_series(series, target, unit, views.get("clock"))


def _named(kind: str, target: str, targets: Mapping[str, Any]) -> str:
    return kind if len(targets) == 1 else f"{kind}_{target}"


def _views(folder: Path) -> dict[str, Any]:
    if not (folder / VIEWS).is_file():
        raise DataError(
            f"{folder}: has no {VIEWS}, because it was made by an earlier version; "
            f"run `sciren explain {folder}`"
        )
    return read_json(folder / VIEWS)
