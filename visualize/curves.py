"""One figure with the curve of every edge: spline, closed form, data density."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sciren.errors import DataError
from symbolic.curves.edge_curve import EdgeCurve
from visualize.data_views.density import draw_density
from visualize.labels import percent, shorten, with_unit
from visualize.style import (
    FAINT,
    INK,
    MUTED,
    SMALL,
    STRIP,
    family_colour,
    panels,
    styled,
    text_colour,
)

_LONGEST = 44  # characters of a formula that fit above a panel
_LONGEST_CLASS = 12  # characters of the name of a class
_CLASS_TEXT = 28  # characters of all names that stand side by side under a panel
_SHADE = 0.16  # opacity of a band: curves and text stay readable on it

Bands = Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""(source, target) -> x, low, high (m,): where the whole curve lies with 95 %."""


@styled
def plot_edges(
    curves: Sequence[EdgeCurve],
    *,
    columns: int = 3,
    share_y: bool = True,
    bands: Bands | None = None,
) -> Figure:
    """Draw spline, closed form and data density of each edge, important ones first.

    Edges that enter the same node share one vertical scale, so that a flat panel means
    a small contribution. Each curve is moved to mean zero over the data, because one
    offset per node is kept apart from its edges.

    Args:
        curves: the edges of a model.
        columns: most panels beside each other.
        share_y: one vertical scale for the edges of one node.
        bands: shaded behind the curves, mean zero over the data like these.
    Raises:
        DataError: there is no curve.
    """
    if not curves:
        raise DataError("no edge survives, so there is no curve to draw")
    # Features first, then hidden nodes; within a layer the edge that matters most.
    ordered = sorted(curves, key=lambda curve: (curve.layer, -curve.importance))
    figure, axes = panels(len(ordered), columns, 2.9)
    for axis, curve in zip(axes, ordered, strict=True):
        _draw_curve(axis, curve)
        _draw_band(axis, curve, (bands or {}).get((curve.source, curve.target)))
    # Curves and bands set the scales; the strips below may not stretch them again.
    if share_y:
        _share_scales(axes, ordered)
    for axis, curve in zip(axes, ordered, strict=True):
        classes = curve.x if curve.labels else None
        draw_density(axis, curve.data, (curve.low, curve.high), classes)
    _add_legend(figure, ordered, bool(bands))
    figure.set_label(_describe(ordered))
    return figure


def _draw_band(
    axis: Axes,
    curve: EdgeCurve,
    band: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
) -> None:
    if band is None:
        return
    if curve.labels:
        x, low, high = band
        # Classes stand side by side at 0, 1, 2, ..., whatever their numbers are.
        places = np.searchsorted(curve.x, x)
        axis.vlines(places, low, high, color=INK, alpha=0.6, linewidth=1.2)
    else:
        axis.fill_between(*band, color=INK, alpha=_SHADE, linewidth=0, zorder=0)


def _add_legend(
    figure: Figure, curves: Sequence[EdgeCurve], banded: bool = False
) -> None:
    """One legend for all panels: the kinds of lines, then the families in use."""
    handles: list[Line2D | Patch] = []
    families = dict.fromkeys(c.family for c in curves if c.formula is not None)
    if any(not curve.refused and curve.learned for curve in curves):
        # Learned curves are broad and pale, so that the closed form stays visible on
        # top.
        handles.append(Line2D([], [], color=FAINT, linewidth=5.5, label="learned"))
    for family in families:
        handles.append(Line2D([], [], color=family_colour(family), label=family))
    if any(curve.refused for curve in curves):
        line = Line2D([], [], color=INK, linestyle=(0, (4, 2)), label="refused")
        handles.append(line)
    if banded:
        handles.append(Patch(color=INK, alpha=_SHADE, label="95 % band"))
    handles.append(Patch(color=STRIP, label="share of the data"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _centre(curve: EdgeCurve) -> float:
    """Mean of the learned function over the data (over the grid without data)."""
    if not curve.learned:
        return 0.0  # a factor is drawn as it stands: its zero means something
    finite = curve.data[np.isfinite(curve.data)]
    values = np.interp(finite, curve.x, curve.spline) if len(finite) else curve.spline
    return float(np.mean(values))


def _draw_curve(axis: Axes, curve: EdgeCurve) -> None:
    centre, colour = _centre(curve), family_colour(curve.family)
    (_draw_classes if curve.labels else _draw_lines)(axis, curve, centre, colour)
    title = f"{curve.source} → {curve.target}  {percent(curve.importance)}"
    axis.set_title(shorten(title, 34), pad=20, parse_math=False)
    below = (
        "refused: stays a spline" if curve.refused else f"{curve.family}: {curve.label}"
    )
    if curve.labels:  # a formula with a value for each class fits above no panel
        below = f"one value for each of {len(curve.labels)} classes"
    axis.text(
        0, 1.03, shorten(below, _LONGEST), transform=axis.transAxes, va="bottom",
        fontsize=SMALL, color=MUTED if curve.refused else text_colour(colour), parse_math=False,
    )  # fmt: skip
    axis.set_xlabel(with_unit(curve.source, curve.unit), parse_math=False)
    axis.set_ylabel(with_unit(curve.target, curve.target_unit), parse_math=False)
    axis.margins(x=0.02)


def _draw_lines(axis: Axes, curve: EdgeCurve, centre: float, colour: str) -> None:
    dashes = (0, (4, 2)) if curve.refused else "solid"
    axis.plot(
        curve.x, curve.spline - centre, color=INK if curve.refused else FAINT,
        linestyle=dashes, linewidth=1.8 if curve.refused else 5.5,
        solid_capstyle="butt",
    )  # fmt: skip
    for label, values in curve.by_class.items():
        axis.plot(curve.x, values - centre, color=colour, linewidth=1.0)
        axis.annotate(
            shorten(label, _LONGEST_CLASS), (curve.x[-1], values[-1] - centre),
            xytext=(3, 0), textcoords="offset points", va="center", fontsize=SMALL,
            color=text_colour(colour), parse_math=False,
        )  # fmt: skip
    if curve.formula is not None and not curve.by_class:
        axis.plot(curve.x, curve.formula - centre, color=colour)


def _draw_classes(axis: Axes, curve: EdgeCurve, centre: float, colour: str) -> None:
    """Draw a bar a class for what was learned, and a point for the equation."""
    places = np.arange(len(curve.x))
    axis.bar(places, curve.spline - centre, width=0.7, color=FAINT)
    if curve.formula is not None:
        axis.plot(places, curve.formula - centre, "o", color=colour, markersize=4)
    axis.axhline(0.0, color=MUTED, linewidth=0.8)
    labels = [shorten(label, _LONGEST_CLASS) for label in curve.labels]
    upright = sum(map(len, labels)) > _CLASS_TEXT
    axis.set_xticks(
        places, labels, rotation=90 if upright else 0, fontsize=SMALL, parse_math=False
    )


def _share_scales(axes: Sequence[Axes], curves: Sequence[EdgeCurve]) -> None:
    # Edges add up in their node: on one scale their heights can be compared.
    for node in {(curve.layer, curve.target) for curve in curves}:
        group = [
            axis
            for axis, curve in zip(axes, curves, strict=True)
            if (curve.layer, curve.target) == node
        ]
        limits = np.array([axis.get_ylim() for axis in group])
        for axis in group:
            axis.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def _describe(curves: Sequence[EdgeCurve]) -> str:
    """Text for readers who cannot see the picture."""
    parts = [
        f"{curve.source} to {curve.target}: "
        + (
            "refused, stays a spline"
            if curve.refused
            else f"{curve.family} {curve.label}"
        )
        for curve in curves
    ]
    return "Learned function and closed form of each edge. " + "; ".join(parts) + "."
