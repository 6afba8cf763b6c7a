"""The pictures of a run: drawn from results, saved as PNG and PDF."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from networkx import DiGraph

    from discovery.results.result import Discovery
    from discovery.results.views.predictions import Predictions
    from sciren.data import Table

DPI = 200  # of the PNG; the report shows it at half its width
SCATTER_ROWS = 20_000  # rows in a picture of predictions


def run_graph(discovery: "Discovery", table: "Table") -> "DiGraph | None":
    """Return the encoder with its formulas, or None for a black box."""
    from sciren.edges import edge_layers
    from visualize import Process, encoder_graph

    model = discovery.network()
    process = None if model.decoder.name == "identity" else Process.of(model.decoder)
    if discovery.equations is not None:
        graph = encoder_graph(
            discovery.equations.edges, process=process, plain=process is None
        )
    elif edge_layers(model.encoder):
        graph = encoder_graph(model, table, process=process, plain=process is None)
    else:
        return None
    for node in graph:
        graph.nodes[node]["verification"] = discovery.consistency
    return graph


def draw_all(
    discovery: "Discovery",
    parts: "Mapping[str, Table]",
    truth: Mapping[str, np.ndarray],
) -> "Iterator[tuple[str, Figure]]":
    """Yield name and figure of every picture that the results allow."""
    from visualize import draw_graph

    table = parts["train"]
    graph = run_graph(discovery, table)
    if graph is not None:
        yield "graph", draw_graph(graph)
    yield from edge_figures(discovery, table)
    yield from profile_figures(discovery)
    # Rows that chose nothing are the honest picture.
    last = "test" if "test" in parts else "train"
    yield from observed_figures(discovery, parts[last])
    yield from _latents(discovery, parts[last], truth)
    yield from history_figures(discovery)


def draw_series(
    discovery: "Discovery", predictions: "Predictions", table: "Table"
) -> "Iterator[tuple[str, Figure]]":
    """Yield name and figure of every picture that a run on series allows.

    Args:
        discovery: with its recurrence.
        predictions: rows of all parts;  table: static features of the training groups.
    """
    from discovery.results.views.curves import stored_curves
    from visualize import draw_graph, plot_edges

    if discovery.model is not None:
        graph = run_graph(discovery, table)
        if graph is not None:
            yield "graph", draw_graph(graph)
        yield from edge_figures(discovery, table)
    curves = stored_curves(discovery.state_curves)
    if curves:
        # Beside curves of groups, those of rows and states have a picture of their own.
        yield "edges" if discovery.model is None else "functions", plot_edges(curves)
    yield from profile_figures(discovery)
    last = predictions.part == predictions.part[-1]
    # Every k-th row, n / limit rounded up.
    shown = np.flatnonzero(last)[:: -(-int(last.sum()) // SCATTER_ROWS)]
    yield from _scatters(
        {name: values[shown] for name, values in predictions.observed.items()},
        {
            model: {name: values[shown] for name, values in targets.items()}
            for model, targets in predictions.predicted.items()
        },
        predictions.units,
    )
    yield from history_figures(discovery)


def edge_figures(
    discovery: "Discovery", table: "Table"
) -> "Iterator[tuple[str, Figure]]":
    """Yield the picture of the curves, if there are equations."""
    from symbolic import edge_curves
    from visualize import plot_edges

    if discovery.equations is None:
        return
    curves = edge_curves(discovery.network(), table, discovery.equations)
    named = [
        # A curve without formula that was not refused has been left out by the
        # equation.
        curve if curve.refused or curve.formula is not None
        else replace(curve, family="dropped", label="the equation needs none")
        for curve in curves
    ]  # fmt: skip
    if named:
        yield "edges", plot_edges(named, bands=edge_bands(discovery))


def edge_bands(
    discovery: "Discovery",
) -> "dict[tuple[str, str], tuple[np.ndarray, np.ndarray, np.ndarray]]":
    """Return (feature, latent) -> x, low, high of the bands of a result, as printed."""
    bands: Any = discovery.bands.groupby(["source", "latent"], sort=False)
    limits = {}
    for (source, latent), band in bands:
        low, high = (band[name].to_numpy() for name in ("low", "high"))
        limits[str(source), str(latent)] = band["x"].to_numpy(), low, high
    return limits


def profile_figures(discovery: "Discovery") -> "Iterator[tuple[str, Figure]]":
    """Yield the picture of all profiles, where there are any."""
    from visualize import plot_profiles

    frame = discovery.profiles
    if frame.empty:
        return
    # With profiles of several models the panel says whose it is.
    several = len(set(frame["model"])) > 1

    def named(constant: str, model: str) -> str:
        return f"{constant}, {model}" if several else constant

    names = list(map(named, frame["constant"], frame["model"]))
    identifications = {
        named(identification.constant, identification.model): identification
        for identification in discovery.identification
    }
    summaries: dict[str, Any] = {
        name: _Summary(identification)
        for name, identification in identifications.items()
    }
    units = {
        name: identification.unit for name, identification in identifications.items()
    }
    yield "profiles", plot_profiles(frame.assign(constant=names), summaries, units)


class _Summary:
    """An `Identification` as the picture of profiles wants it."""

    def __init__(self, profile: Any) -> None:
        self.estimate, self.error = profile.estimate, profile.error
        self.interval = (profile.low, profile.high) if profile.replicates else None
        self.minima = [pair for pair in profile.minima if pair[1] < 100.0]
        self.identified, self.reason = profile.identified, profile.reason


def observed_figures(
    discovery: "Discovery", table: "Table"
) -> "Iterator[tuple[str, Figure]]":
    """Yield a picture of predictions over observations for each target."""
    from discovery.results.scoring import predictors

    models = predictors(discovery.network(), discovery.equations)
    shown = _some(table)
    names = [shown.target_columns.get(name, name) for name in shown.target_names]
    observed = dict(zip(names, shown.targets.numpy().T, strict=True))
    predicted = {
        model: dict(zip(names, predict(shown).numpy().T, strict=True))
        for model, predict in models.items()
    }
    titles = dict(zip(names, shown.target_names, strict=True))
    yield from _scatters(observed, predicted, table.units, titles)


def _scatters(
    observed: "Mapping[str, np.ndarray]",
    predicted: "Mapping[str, Mapping[str, np.ndarray]]",
    units: Mapping[str, str],
    titles: Mapping[str, str] | None = None,
) -> "Iterator[tuple[str, Figure]]":
    """Yield predictions over observations of every target that has any.

    Args:
        observed: label -> (n,), nan = not observed.
        predicted: model -> label -> (n,).
        units: label -> unit;  titles: label -> name in that of the picture.
    """
    from visualize import plot_observed

    for label, values in observed.items():
        if not np.isfinite(values).any():
            continue
        name = (titles or {}).get(label, label)
        models = {model: targets[label] for model, targets in predicted.items()}
        title = f"observed_{name}" if len(observed) > 1 else "observed"
        yield title, plot_observed(values, models, label, units.get(label, ""))


def _latents(
    discovery: "Discovery", table: "Table", truth: Mapping[str, np.ndarray]
) -> "Iterator[tuple[str, Figure]]":
    from discovery.results.scoring import EQUATION, NETWORK, equation_latents
    from visualize import plot_latents

    model, shown = discovery.network(), _some(table)
    units = {p.name: p.unit for p in model.decoder.parameters}
    estimates = {NETWORK: model.latents(shown).numpy()}
    if discovery.equations is not None:
        estimates[EQUATION] = equation_latents(discovery.equations, shown).numpy()
    for name, values in truth.items():
        k = model.latent_names.index(name)
        columns = {key: values[:, k] for key, values in estimates.items()}
        # Truth by position in the file, estimates by row of the part.
        figure = plot_latents(values[shown.row_ids], columns, name, units[name])
        yield f"latents_{name}" if len(truth) > 1 else "latents", figure


def history_figures(discovery: "Discovery") -> "Iterator[tuple[str, Figure]]":
    """Yield the picture of the training, if it had steps."""
    from visualize import plot_history

    numbers = (
        discovery.history.select_dtypes("number") if len(discovery.history) else None
    )
    if numbers is not None and len(set(numbers.columns) - {"step"}):
        yield "history", plot_history(discovery.history)


def _some(table: "Table") -> "Table":
    """Every k-th row of a long table."""
    return table.take(slice(None, None, -(-len(table) // SCATTER_ROWS)))


def save_figures(
    figures: "Iterator[tuple[str, Figure]]", folder: Path, mark: str = ""
) -> list[str]:
    """Write every figure as PNG and PDF; return their names.

    Equal figures give equal bytes: no dates are written.

    Args:
        figures: name and figure.
        folder: where they go; it is made.
        mark: warning that is written on each figure.
    """
    from visualize.paper.both import save_both

    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, figure in figures:
        if mark:
            figure.text(
                0.995, 0.995, mark, color="#b3261e", ha="right", va="top", size=8,
                weight="bold",
            )  # fmt: skip
        save_both(figure, folder / f"{name}.png", folder / f"{name}.pdf", DPI)
        names.append(name)
    return names


def stored_figures(folder: Path) -> dict[str, bytes]:
    """Return name -> bytes of the PNG files of a run."""
    return {file.stem: file.read_bytes() for file in sorted(folder.glob("*.png"))}


def frame_or_none(frame: "pd.DataFrame") -> "pd.DataFrame | None":
    """Return a table, or None where it is empty."""
    return None if frame.empty else frame
