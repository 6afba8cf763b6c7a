"""Values at places on a plain map: graticule and points, no downloaded base map."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from sciren.data.frames import coordinates
from sciren.errors import DataError, ShapeError
from visualize.labels import number, shorten, with_unit
from visualize.style import INK, MUTED, SMALL, panels, styled

Array = NDArray[np.float64]
Line = tuple[ArrayLike, ArrayLike]

_ROOM = 0.06  # of the extent, on each side
_STEEPEST = 75.0  # degrees; beyond it a flat map needs no further stretching
_MANY = 400  # above this many places the points are smaller
_STEPS = (1, 2, 3, 5, 10)  # of the graticule, times powers of ten
_TAILS = (2.0, 98.0)  # percentiles that the colours span


@styled
def plot_map(
    lon: ArrayLike,
    lat: ArrayLike,
    values: ArrayLike | Mapping[str, ArrayLike],
    name: str = "value",
    unit: str = "",
    *,
    limits: tuple[float, float] | None = None,
    log: bool = False,
    outlines: Sequence[Line] = (),
    columns: int = 2,
) -> Figure:
    """Draw values at places, coloured on one scale, on a longitude-latitude grid.

    East-west distances are shrunk by the cosine of the middle latitude, so that shapes
    keep their proportions there. Nothing is downloaded; outlines are the caller's.

    Args:
        lon, lat: (n,) degrees east and north.
        values: (n,), nan where unknown (drawn as small crosses); or several by name.
        name: of the quantity, for the colour bar.
        unit: its unit, free text.
        limits: ends of the colour scale; default the 2nd and 98th percentile.
        log: logarithmic colours; values must be positive.
        outlines: lines (lon, lat) such as coasts, drawn behind.
        columns: most maps beside each other.
    Raises:
        ShapeError: lon, lat and values differ in length.
        DataError: a place off the globe, no finite value, or none positive for logs.
    """
    named = values if isinstance(values, Mapping) else {"": values}
    east, north = coordinates(lon, lat, "place")
    fields = {str(key): _field(field, key, len(east)) for key, field in named.items()}
    # One scale for all maps: equal colours are equal values.
    norm = _norm(fields, limits, log)
    height = _height(east, north, min(columns, len(fields)))
    figure, axes = panels(len(fields), columns, height)
    drawn: list[PathCollection] = []
    for axis, (key, field) in zip(axes, fields.items(), strict=True):
        for line in outlines:
            axis.plot(*line, color=MUTED, linewidth=0.8, zorder=1)
        drawn.append(_draw(axis, east, north, field, norm))
        _frame(axis, east, north, min(columns, len(fields)))
        if key:
            axis.set_title(shorten(key, 40), parse_math=False)
    low, high = _beyond(fields, norm)
    # Arrows at the colour bar where values lie beyond the percentiles that it spans.
    ends = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
    bar = figure.colorbar(
        drawn[0], ax=axes, shrink=0.85, pad=0.02, extend=ends[int(low), int(high)]
    )
    bar.set_label(with_unit(name, unit), parse_math=False)
    figure.set_label(_describe(name, unit, east, north, fields))
    return figure


def _field(values: ArrayLike, name: object, places: int) -> Array:
    field = np.asarray(values, dtype=np.float64)
    if field.shape != (places,):
        raise ShapeError(
            f"values {str(name)!r} have shape {field.shape} for {places} places; "
            "give one value a place"
        )
    return field


def _norm(
    fields: Mapping[str, Array], limits: tuple[float, float] | None, log: bool
) -> Normalize:
    joined = np.concatenate(list(fields.values())) if fields else np.empty(0)
    finite = joined[np.isfinite(joined)]
    if log:
        finite = finite[finite > 0]
    if not len(finite):
        what = "positive value for logarithmic colours" if log else "finite value"
        raise DataError(f"no place has a {what}; nothing can be drawn")
    low, high = limits or tuple(np.percentile(finite, _TAILS))
    # All values alike: a scale needs two ends.
    if not low < high:
        low, high = (low / 1.1, high * 1.1) if log else (low - 0.5, high + 0.5)
    return LogNorm(low, high) if log else Normalize(low, high)


def _draw(
    axis: Axes, east: Array, north: Array, field: Array, norm: Normalize
) -> PathCollection:
    finite = np.isfinite(field)
    axis.scatter(
        east[~finite], north[~finite], s=14, marker="x", color=MUTED, linewidths=0.8
    )
    size = 34 if len(field) <= _MANY else 9
    order = np.argsort(field[finite])  # large values on top, the same every time
    return axis.scatter(
        east[finite][order], north[finite][order], c=field[finite][order], s=size,
        norm=norm, edgecolors=INK, linewidths=0.25, zorder=3,
    )  # fmt: skip


def _extent(east: Array, north: Array) -> tuple[float, float, float, float]:
    """West, east, south and north end with room around the places."""
    # At least a degree, so that one site has a map and not a point.
    span = max(float(np.ptp(east)), float(np.ptp(north)), 1.0)
    room = _ROOM * span
    return (
        float(east.min()) - room, float(east.max()) + room,
        max(float(north.min()) - room, -90.0), min(float(north.max()) + room, 90.0),
    )  # fmt: skip


def _shrink(north: Array) -> float:
    # A degree of longitude is cos(latitude) times one of latitude.
    middle = min(abs(float(north.min() + north.max()) / 2), _STEEPEST)
    return float(np.cos(np.deg2rad(middle)))


def _height(east: Array, north: Array, across: int) -> float:
    """Height of a row of maps in inches that leaves little empty paper."""
    west, east_end, south, north_end = _extent(east, north)
    shape = (north_end - south) / ((east_end - west) * _shrink(north))
    return float(np.clip(7.6 / across * shape + 0.8, 2.4, 6.5))


def _frame(axis: Axes, east: Array, north: Array, across: int) -> None:
    west, east_end, south, north_end = _extent(east, north)
    axis.set(xlim=(west, east_end), ylim=(south, north_end))
    axis.set_aspect(1 / _shrink(north))
    axis.xaxis.set_major_locator(MaxNLocator(max(6 // across, 2), steps=_STEPS))
    axis.yaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: degrees(x, "EW")))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: degrees(y, "NS")))
    axis.tick_params(labelsize=SMALL)


def degrees(value: float, sides: str) -> str:
    """Return -120 as 120° W with sides "EW"; zero has no side."""
    # Places may count 0 to 360 degrees east.
    wrapped = value - 360 if sides == "EW" and value > 180 else value
    side = "" if wrapped == 0 else f" {sides[0] if wrapped > 0 else sides[1]}"
    return f"{abs(wrapped):g}°{side}"


def _beyond(fields: Mapping[str, Array], norm: Normalize) -> tuple[bool, bool]:
    joined = np.concatenate(list(fields.values()))
    low, high = norm.vmin, norm.vmax
    assert low is not None
    assert high is not None
    return bool(np.nanmin(joined) < low), bool(np.nanmax(joined) > high)


def _describe(
    name: str, unit: str, east: Array, north: Array, fields: Mapping[str, Array]
) -> str:
    """Text for readers who cannot see the picture."""
    texts = []
    for key, field in fields.items():
        low, middle, high = np.nanpercentile(field, (0, 50, 100))
        start = f"{key}: " if key else ""
        texts.append(f"{start}{number(low)} to {number(high)}, median {number(middle)}")
    where = (
        f"{degrees(round(float(east.min()), 1), 'EW')} to "
        f"{degrees(round(float(east.max()), 1), 'EW')}, "
        f"{degrees(round(float(north.min()), 1), 'NS')} to "
        f"{degrees(round(float(north.max()), 1), 'NS')}"
    )
    return (
        f"Map of {with_unit(name, unit)} at {len(east)} places, {where}. "
        + "; ".join(texts)
        + "."
    )
