"""Laws of figures at extreme legal inputs: values of any unit are drawn where they lie."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import visualize
from benchmarks.reliability.numeric import Sample
from symbolic.curves.edge_curve import EdgeCurve

FIGURE_SIZES = {"float32": (-30, 0, 30), "float64": (-270, -50, 0, 50, 200)}
"""Powers of ten of what is drawn. Axes of matplotlib are not narrower than 2.2e-287
(`matplotlib.transforms.nonsingular`), and what is smaller is drawn as zero."""
FIGURE_ROWS = (1, 2, 3, 7, 100, 2000)  # more than 1500 are drawn as hexagons
MOST_PANELS = 5  # of a figure; a hundred panels are a hundred times the same law


def _drawn(figure: Figure) -> Figure:
    """Draw it; it is described, and every axis has two ends."""
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    assert len(str(figure.get_label())) > 20
    for axis in figure.axes:
        for ends in (axis.get_xlim(), axis.get_ylim()):
            assert np.isfinite(ends).all(), ends
            assert ends[0] != ends[1], ends
    return figure


def _within(values: np.ndarray, ends: tuple[float, float]) -> None:
    """All values are inside an axis that is not much wider than they are apart."""
    values = values.astype(float)
    low, high = sorted(ends)
    room = 1e-6 * (high - low)  # ends of axes of logarithms are rounded
    assert low - room <= values.min(), (low, values.min())
    assert values.max() <= high + room, (values.max(), high)
    apart = float(np.ptp(values))
    if apart > 1e-3 * float(np.abs(values).max()):
        assert high - low <= 20 * apart, (high - low, apart)


def _scatter(s: Sample) -> None:
    """Every reference is inside its picture, in whatever unit."""
    models = {f"m{k}": s.x[:, k] for k in range(min(s.x.shape[1], MOST_PANELS))}
    for figure in (
        visualize.plot_observed(s.y, models, "flux", "umol m-2"),
        visualize.plot_latents(s.y, models, "k"),
    ):
        for axis in _drawn(figure).axes[: len(models)]:
            _within(s.y, axis.get_xlim())


def _map(s: Sample) -> None:
    """Every place is on the map, and the colours span values in their order."""
    unit = [v.astype(float) / (np.abs(v).max() or 1) for v in (s.x[:, 0], s.y)]
    lon, lat = 180 * unit[0], 90 * unit[1]
    figure = _drawn(visualize.plot_map(lon, lat, s.y))
    _within(lon, figure.axes[0].get_xlim())
    if (s.y > 0).any():
        _drawn(visualize.plot_map(lon, lat, {"a": s.y, "b": s.y}, log=True))


def _curve(s: Sample, x: np.ndarray, number: int) -> EdgeCurve:
    y = np.sort(s.y.astype(float))[: len(x)]
    spline = np.interp(np.linspace(0, 1, len(x)), np.linspace(0, 1, len(y)), y)
    refused = number % 2 == 1
    family, formula = ("none", None) if refused else ("linear", spline)
    return EdgeCurve(
        0, f"x{number}", "k", "m", x, spline, formula, s.x[:, number], 0.5, family, "a*x",
        refused,
    )  # fmt: skip


def _edges(s: Sample) -> None:
    """Curves are inside their panels, whatever band lies behind them."""
    grids = [np.unique(column.astype(float)) for column in s.x.T[:MOST_PANELS]]
    curves = [_curve(s, x, k) for k, x in enumerate(grids) if len(x) > 1]
    # The picture moves every curve to mean zero: so is the band.
    bands = {
        (c.source, c.target): (
            c.x, c.spline - c.spline.mean() - abs(c.spline).mean(),
            c.spline - c.spline.mean() + abs(c.spline).mean(),
        )
        for c in curves
    }  # fmt: skip
    for axis, curve in zip(
        _drawn(visualize.plot_edges(curves, bands=bands)).axes,
        sorted(curves, key=lambda c: -c.importance),
        strict=False,
    ):
        _within(curve.x, axis.get_xlim())


def _effects(s: Sample) -> None:
    """Effects are inside their panels, beside the strip of their data."""
    names = [f"x{k}" for k in range(min(s.x.shape[1], MOST_PANELS))]
    frames = [
        pd.DataFrame(
            {"latent": "k", "feature": name, "value": s.x[:, k], "effect": s.y,
             "low": s.y - abs(s.y), "high": s.y + abs(s.y)}
        )
        for k, name in enumerate(names)
    ]  # fmt: skip
    data = dict(zip(names, s.x.T, strict=False))
    figure = _drawn(visualize.plot_effects(pd.concat(frames), data))
    for axis in figure.axes[: len(names)]:
        _within(s.x[:, int(axis.get_xlabel()[1:])], axis.get_xlim())


def _residuals(s: Sample) -> None:
    """Means are inside their panels with their intervals."""
    low = (s.y - abs(s.y)).tolist()
    views = [
        {"name": f"x{k}", "unit": "m", "x": s.x[:, k].tolist(), "mean": s.y.tolist(),
         "low": [None, *low[1:]], "high": s.y.tolist()}
        for k in range(min(s.x.shape[1], MOST_PANELS))
    ]  # fmt: skip
    figure = _drawn(visualize.plot_residuals(views, "q"))
    for k, axis in enumerate(figure.axes):
        _within(s.x[:, k], axis.get_xlim())
        _within(np.concatenate([[0.0], s.y, low[1:]]), axis.get_ylim())


def _series(s: Sample) -> None:
    """Observations are inside their panels, by clock and by date."""
    days = (8.64e7 * np.arange(len(s.y))).tolist()
    site = {"group": "a", "observed": s.y.tolist(), "network": s.x[:, 0].tolist()}
    dated = _drawn(visualize.plot_series([site | {"time": days}]))
    _within(np.concatenate([s.y, s.x[:, 0]]), dated.axes[0].get_ylim())
    hours = np.sort(s.x[:, -1].astype(float))
    clocked = visualize.plot_series([site | {"time": hours.tolist()}], clock="hour")
    _within(hours, _drawn(clocked).axes[0].get_xlim())


def _history(s: Sample) -> None:
    """Losses of any size have a picture, zero and negative ones too."""
    frame = pd.DataFrame(
        {"total": abs(s.y), "data": s.y, "valid": abs(s.x[:, 0]), "rough": s.x[:, -1]}
    )
    frame["stage"] = np.where(np.arange(len(frame)) < len(frame) / 2, "first", "second")
    _drawn(visualize.plot_history(frame))


def _path(s: Sample) -> None:
    """Errors of candidates are inside the picture, the chosen one too."""
    rows = slice(0, 20)
    y = abs(s.y[rows])
    frame = pd.DataFrame(
        {"complexity": np.arange(len(y)), "error": y, "error_se": y / 10, "label": "a*x"}
    )  # fmt: skip
    figure = _drawn(visualize.plot_path(frame, chosen=0))
    low, high = sorted(figure.axes[0].get_ylim())
    assert low <= y.min()
    assert y.max() <= high


def _profiles(s: Sample) -> None:
    """The interval of a constant of any size is drawn inside the values that were tried."""
    value = np.unique(s.y.astype(float))
    loss = np.linspace(-1, 1, len(value)) ** 2
    profile = pd.DataFrame(
        {"constant": "c", "value": value, "loss": loss, "valid_loss": loss + 1,
         "share_x": 0.5}
    )  # fmt: skip
    best = float(value[len(value) // 2])
    summary: Any = SimpleNamespace(
        estimate=best, error=float(np.ptp(value)), interval=None, minima=[(best, 0.0)],
        identified=True, reason="",
    )  # fmt: skip
    figure = visualize.plot_profiles(profile, {"c": summary}, {"c": "m"})
    _within(value, _drawn(figure).axes[0].get_xlim())


def _trials(s: Sample) -> None:
    """Losses and settings of any size are inside their panels."""
    frame = pd.DataFrame(
        {"number": np.arange(len(s.y)), "rate": s.x[:, 0], "loss": abs(s.y),
         "pruned": np.arange(len(s.y)) % 2 == 1}
    )  # fmt: skip
    figure = _drawn(visualize.plot_trials(frame, ["rate"], taken=0))
    low, high = sorted(figure.axes[0].get_ylim())
    assert low <= float(abs(s.y).min())
    assert float(abs(s.y).max()) <= high


def _graph(s: Sample) -> None:
    """A graph of any importances is drawn, written and described with every node."""
    width = min(s.x.shape[1], 30)
    importance = abs(s.x[0, :width].astype(float))
    table = pd.DataFrame(
        {"layer": 0, "source": [f"x{k}" for k in range(width)], "target": "k",
         "importance": importance / (importance.max() or 1),
         "family": "linear", "formula": [f"{v:.3g}*x" for v in s.x[0, :width]]}
    )  # fmt: skip
    graph = visualize.encoder_graph(table)
    _drawn(visualize.draw_graph(graph))
    for text in (
        visualize.to_dot(graph), visualize.to_mermaid(graph),
        visualize.describe_graph(graph),
    ):  # fmt: skip
        assert all(f"x{k}" in text for k in range(width))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.graphml"
        visualize.write_graphml(graph, path)
        assert set(nx.read_graphml(path)) == set(graph)
    assert visualize.equation_svg(f"y = {s.y[0]:.3g} x") is not None


FIGURE_LAWS: dict[str, Callable[[Sample], None]] = {
    "plot_observed, plot_latents": _scatter, "plot_map": _map, "plot_edges": _edges,
    "plot_effects": _effects, "plot_residuals": _residuals, "plot_series": _series,
    "plot_history": _history, "plot_path": _path, "plot_profiles": _profiles,
    "plot_trials": _trials, "graphs and equations": _graph,
}  # fmt: skip
"""Laws of about a tenth of a second a sample."""
