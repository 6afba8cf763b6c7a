"""Effects of features on latents: partial dependence, accumulated local effects."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from sciren.errors import ColumnError, DataError
from visualize.data_views.density import draw_density
from visualize.labels import shorten, with_unit
from visualize.style import SEQUENCE, STRIP, panels, styled

Array = NDArray[np.float64]

NEEDED = ("latent", "feature", "value", "effect")
_BAND = ("low", "high")
_DASHES: tuple[Any, ...] = ("solid", (0, (4, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)))
_TITLES = 78  # characters of the titles of one row


@styled
def plot_effects(
    effects: pd.DataFrame | Mapping[str, pd.DataFrame],
    data: Mapping[str, ArrayLike] | pd.DataFrame | None = None,
    units: Mapping[str, str] | None = None,
    *,
    columns: int = 3,
    share_y: bool = True,
    band: str = "interval",
) -> Figure:
    """Draw the effect of each feature on each latent, the largest first.

    Curves are moved to mean zero over the data (over their grid without data), because
    only differences along a feature mean something, and so that partial dependence,
    local effects and a known truth can be laid on each other.

    Args:
        effects: table with the columns latent, feature, value and effect, as from
            `discovery.partial_dependence` or `discovery.accumulated_local_effects`,
            where known low and high (a band); or several of them by name.
        data: feature -> observed values, for a strip of their density.
        units: feature or latent -> unit.
        columns: most panels beside each other.
        share_y: one vertical scale for the features of one latent.
        band: what the band from low to high is, for the legend.
    Raises:
        ColumnError: a table lacks a column.
        DataError: there is no effect to draw.
    """
    series = {"": effects} if isinstance(effects, pd.DataFrame) else dict(effects)
    parts = {name: _parts(frame, name) for name, frame in series.items()}
    wanted = _order(parts)
    if not wanted:
        raise DataError("the effects hold no finite value; nothing can be drawn")
    data_of = {
        str(name): _finite(values)
        for name, values in ({} if data is None else data).items()
    }
    figure, axes = panels(len(wanted), columns, 2.6)
    for axis, key in zip(axes, wanted, strict=True):
        _draw(axis, key, parts, data_of.get(key[1]), units or {})
        title = shorten(" → ".join(key[::-1]), _TITLES // min(columns, len(wanted)))
        axis.set_title(title, parse_math=False)
    if share_y:
        _share_scales(axes, [latent for latent, _ in wanted])
    for axis, (_, feature) in zip(axes, wanted, strict=True):
        if feature in data_of:
            draw_density(axis, data_of[feature])
    strip = any(feature in data_of for _, feature in wanted)
    bands = any(set(_BAND) <= set(frame.columns) for frame in series.values())
    _add_legend(figure, list(series), strip, band if bands else "")
    figure.set_label(_describe(wanted, parts))
    return figure


Key = tuple[str, str]
Parts = Mapping[str, Mapping[Key, pd.DataFrame]]


def _parts(frame: pd.DataFrame, name: str) -> dict[Key, pd.DataFrame]:
    """Curves by latent and feature, sorted along the feature, finite rows only."""
    missing = [column for column in NEEDED if column not in frame.columns]
    if missing:
        which = f"effects {name!r}" if name else "the table of effects"
        raise ColumnError(
            f"{which} lacks {', '.join(missing)}; it has "
            f"{', '.join(map(str, frame.columns))}"
        )
    # Rows that are not finite would break the line and the mean over the data.
    finite = np.isfinite(frame[["value", "effect"]].to_numpy(dtype=float)).all(axis=1)
    parts: dict[Key, pd.DataFrame] = {}
    groups: Any = frame[finite].groupby(["latent", "feature"], sort=False)
    for (latent, feature), part in groups:
        parts[str(latent), str(feature)] = part.sort_values("value")
    return parts


def _order(parts: Parts) -> list[Key]:
    """Latents as they come, within each the features by the spread of their effect."""
    keys = list(dict.fromkeys(key for curves in parts.values() for key in curves))
    latents = list(dict.fromkeys(latent for latent, _ in keys))
    # The first table that has the pair decides the order, so that panels keep their
    # places when further tables are added.
    first = {key: next(c[key] for c in parts.values() if key in c) for key in keys}
    spread = {key: -float(np.ptp(curve["effect"])) for key, curve in first.items()}
    return sorted(keys, key=lambda key: (latents.index(key[0]), spread[key]))


def _finite(values: ArrayLike) -> Array:
    values = np.asarray(values, dtype=np.float64).ravel()
    return values[np.isfinite(values)]


def _draw(
    axis: Axes,
    key: Key,
    parts: Parts,
    data: Array | None,
    units: Mapping[str, str],
) -> None:
    latent, feature = key
    for colour, dashes, curves in zip(
        cycle(SEQUENCE), cycle(_DASHES), parts.values(), strict=False
    ):
        if key not in curves:
            continue
        x, y = (curves[key][name].to_numpy(dtype=float) for name in ("value", "effect"))
        # Mean zero over the data, not over the grid: a long tail without rows would
        # shift it.
        along = data if data is not None and len(data) else x
        shift = float(np.mean(np.interp(along, x, y)))
        # A feature of one value has no line.
        marker = "o" if len(x) == 1 else ""
        axis.plot(x, y - shift, color=colour, linestyle=dashes, marker=marker)
        if set(_BAND) <= set(curves[key].columns):
            low, high = (curves[key][name].to_numpy(dtype=float) for name in _BAND)
            axis.fill_between(
                x, low - shift, high - shift, color=colour, alpha=0.18, linewidth=0
            )
    axis.set_xlabel(with_unit(feature, units.get(feature, "")), parse_math=False)
    axis.set_ylabel(with_unit(latent, units.get(latent, "")), parse_math=False)
    axis.margins(x=0.02)


def _share_scales(axes: Sequence[Axes], latents: Sequence[str]) -> None:
    for latent in set(latents):
        group = [a for a, name in zip(axes, latents, strict=True) if name == latent]
        limits = np.array([axis.get_ylim() for axis in group])
        for axis in group:
            axis.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def _add_legend(figure: Figure, names: Sequence[str], strip: bool, band: str) -> None:
    """Name the curves where there are several, and the strip where there is one."""
    handles: list[Line2D | Patch] = []
    if len(names) > 1:
        handles += [
            Line2D([], [], color=colour, linestyle=dashes, label=shorten(name, 40))
            for name, colour, dashes in zip(
                names, cycle(SEQUENCE), cycle(_DASHES), strict=False
            )
        ]
    if band:
        handles.append(Patch(color=SEQUENCE[0], alpha=0.18, linewidth=0, label=band))
    if strip:
        handles.append(Patch(color=STRIP, label="share of the data"))
    if handles:
        most = min(len(handles), 4)
        figure.legend(handles=handles, loc="outside lower center", ncols=most)


def _describe(wanted: Sequence[Key], parts: Parts) -> str:
    """Text for readers who cannot see the picture."""
    texts = []
    for key in wanted:
        curve = next(curves[key] for curves in parts.values() if key in curves)
        ends = curve["effect"].to_numpy(dtype=float)[[0, -1]]
        change = "rises" if ends[1] > ends[0] else "falls"
        texts.append(f"{key[0]} {change} with {key[1]}")
    names = ", ".join(name for name in parts if name)
    head = f"Effects of the features on the latents ({names}). " if names else ""
    return (head or "Effects of the features on the latents. ") + "; ".join(texts) + "."
