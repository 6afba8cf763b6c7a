"""The profile of each process constant: how much worse the fit gets when it is moved."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    Locator,
    LogLocator,
    NullFormatter,
)
from numpy.typing import NDArray

from sciren.errors import ColumnError, DataError
from sciren.inference.intervals.quantiles import NORMAL_95
from visualize.labels import number, shorten, with_error, with_unit
from visualize.style import (
    BLUE,
    GREEN,
    MUTED,
    SEQUENCE,
    SMALL,
    VERMILION,
    WIDTH,
    panels,
    styled,
    text_colour,
)

_SHARE = "share_"
_WIDE = 5.0  # a positive range this many times its start is drawn in logs


class Summary(Protocol):
    """What the picture needs of a `sciren.solvers.profile.ProfileSummary`."""

    @property
    def estimate(self) -> float:
        """Value at the best minimum."""
        ...

    @property
    def error(self) -> float:
        """Standard error, nan when unknown."""
        ...

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the estimate, or None."""
        ...

    @property
    def minima(self) -> Sequence[tuple[float, float]]:
        """(value, chi-square above the best) of every local minimum."""
        ...

    @property
    def identified(self) -> bool:
        """Whether the data determine the constant."""
        ...

    @property
    def reason(self) -> str:
        """Why the data do not determine it; empty where they do."""
        ...


@styled
def plot_profiles(
    profile: pd.DataFrame,
    summaries: Mapping[str, Summary] | None = None,
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Draw the profile of every constant, and below it who explains the latent there.

    Args:
        profile: columns ``constant`` (name), ``value`` (physical), ``loss`` (relative
            excess over the smallest training loss), optionally ``valid_loss`` (same,
            validation rows) and ``share_<feature>`` (importance at that value).
        summaries: name of a constant -> its `Summary`.
        units: name of a constant -> unit, free text.
    Raises:
        ColumnError: a needed column is absent.
        DataError: the profile has no row.
    """
    missing = [c for c in ("constant", "value", "loss") if c not in profile.columns]
    if missing:
        raise ColumnError(
            f"the profile lacks the columns {', '.join(missing)}; "
            f"it has {', '.join(map(str, profile.columns))}"
        )
    if profile.empty:
        raise DataError("the profile has no row; compute it before drawing")
    names = list(dict.fromkeys(profile["constant"]))
    summaries, units = summaries or {}, units or {}
    parts = {name: _rows_of(profile, name) for name in names}
    with_shares = any(_share_columns(rows) for rows in parts.values())
    figure, axes = panels(
        len(names), 2, 4.6 if with_shares else 3.3, WIDTH if len(names) > 1 else 6.4
    )
    for axis, (name, rows) in zip(axes, parts.items(), strict=True):
        if with_shares:
            _draw_shares(_split(figure, axis), rows)
        _draw_profile(axis, rows, name, summaries.get(name), units.get(name, ""))
    figure.set_label(
        "Profile of each process constant. "
        + " ".join(f"{name}: {_in_words(summaries.get(name))}." for name in names)
    )
    return figure


def _rows_of(profile: pd.DataFrame, name: str) -> pd.DataFrame:
    mine = (profile["constant"] == name) & profile["loss"].notna()
    return profile.loc[mine].sort_values("value")


def _values(rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    return rows[column].to_numpy(dtype=np.float64)


def _share_columns(rows: pd.DataFrame) -> list[str]:
    columns = [str(c) for c in rows.columns if str(c).startswith(_SHARE)]
    return [c for c in columns if np.isfinite(_values(rows, c)).any()]


def _split(figure: Figure, axis: Axes) -> Axes:
    """Give the lower third of a panel to new axes with the same horizontal scale."""
    place = axis.get_subplotspec()
    assert place is not None, "panels come from a grid"
    upper, lower = place.subgridspec(2, 1, height_ratios=(2.4, 1))
    axis.set_subplotspec(upper)
    return figure.add_subplot(lower, sharex=axis)


def _verdict(summary: Summary) -> str:
    """Estimate with its error, or that the data do not determine the constant."""
    if not summary.identified:
        return "NOT identified"
    return f"{with_error(summary.estimate, summary.error)}, identified"


def _in_words(summary: Summary | None) -> str:
    if summary is None:
        return "no summary"
    parts = [_verdict(summary), _detail(summary)]
    return ", ".join(part for part in parts if part)


def _detail(summary: Summary) -> str:
    """Why a constant is not identified, or its 95 % interval."""
    if not summary.identified:
        return summary.reason
    if summary.interval is None:
        return ""
    low, high = summary.interval
    return f"95 % interval {number(low)} to {number(high)}"


def _draw_profile(
    axis: Axes, rows: pd.DataFrame, name: str, summary: Summary | None, unit: str
) -> None:
    value, loss = _values(rows, "value"), _values(rows, "loss")
    axis.plot(value, loss, marker="o", markersize=3, color=BLUE, label="training")
    valid = _values(rows, "valid_loss") if "valid_loss" in rows else np.empty(0)
    if np.isfinite(valid).any():
        # Each loss above its own smallest value: where they are lowest is compared, not
        # their level.
        axis.plot(value, valid - np.nanmin(valid), color=VERMILION, label="validation")
        axis.lines[-1].set_dashes((4, 2))
    _scale_loss(axis)
    if value[0] > 0 and value[-1] / value[0] > _WIDE:
        _scale_value(axis, value)
    if summary is not None:
        _draw_summary(axis, value, loss, summary)
    _name_panel(axis, name, summary)
    axis.set_ylabel("loss above the smallest (√ scale)")
    axis.set_xlabel(with_unit(name, unit), parse_math=False)
    axis.legend(loc="best", framealpha=0.85, frameon=True, edgecolor="none")


def _name_panel(axis: Axes, name: str, summary: Summary | None) -> None:
    detail = _detail(summary) if summary else ""
    title = f"{name}: {_verdict(summary)}" if summary else name
    axis.set_title(title, pad=20 if detail else 6, parse_math=False)
    axis.text(
        0, 1.03, shorten(detail, 60), transform=axis.transAxes, va="bottom",
        color=MUTED, fontsize=SMALL, parse_math=False,
    )  # fmt: skip


def _scale_loss(axis: Axes) -> None:
    """Square-root scale: a quadratic loss becomes a V, and shallow minima stay visible.

    Reference: Bates and Watts (1988), profile t plots.
    """
    axis.set_yscale("function", functions=(_root, np.square))
    axis.set_ylim(0, None)
    axis.yaxis.set_major_locator(_RootLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{number(100 * y)} %"))


def _root(loss: np.ndarray) -> np.ndarray:
    # The axis asks for the root of its margins too, which lie below zero.
    return np.sqrt(np.clip(loss, 0, None))


class _RootLocator(Locator):
    """About five ticks, evenly spaced on the square-root scale, at round numbers."""

    def __call__(self) -> list[float]:
        low, high = self.axis.get_view_interval() if self.axis else (0.0, 1.0)
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Return the ticks between zero and ``vmax``."""
        # Even steps on the root scale are squares on the scale of the loss.
        targets = max(vmax, vmin) * np.linspace(0, 1, 6)[1:] ** 2
        power = 10.0 ** np.floor(np.log10(targets))
        steps = np.array([1, 2, 3, 5, 10])
        # Round numbers nearest to the wanted places; equal ones merge.
        nearest = [steps[np.argmin(abs(steps - ratio))] for ratio in targets / power]
        return [0.0, *dict.fromkeys(float(x) for x in power * nearest)]


def _scale_value(axis: Axes, value: np.ndarray) -> None:
    axis.set_xscale("log")
    axis.set_xlim(value[0], value[-1])
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: number(x)))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _draw_summary(
    axis: Axes, value: np.ndarray, loss: np.ndarray, summary: Summary
) -> None:
    low, high = _interval(summary)
    if summary.identified and np.isfinite(low) and np.isfinite(high):
        # An interval may reach beyond the values that the profile tried.
        low, high = max(low, value[0]), min(high, value[-1])
        axis.axvspan(low, high, color=GREEN, alpha=0.18, linewidth=0, label="95 %")
    for minimum, _ in summary.minima:
        height = float(np.interp(minimum, value, loss))
        axis.axvline(minimum, color=GREEN, linewidth=1.1, linestyle=(0, (1, 1.5)))
        axis.plot(minimum, height, "o", color=GREEN, markersize=7, clip_on=False)
        axis.text(
            minimum, 0.98, number(minimum), transform=axis.get_xaxis_transform(),
            ha="center", va="top", fontsize=SMALL + 0.5, color=text_colour(GREEN),
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip


def _interval(summary: Summary) -> tuple[float, float]:
    """The given 95 % interval, else the one that the standard error gives."""
    if summary.interval is not None:
        return summary.interval
    half_width = NORMAL_95 * summary.error
    return summary.estimate - half_width, summary.estimate + half_width


def _draw_shares(axis: Axes, rows: pd.DataFrame) -> None:
    """Importance of each feature along the profile: what the latent is made of."""
    columns = _share_columns(rows)
    if not columns:
        axis.axis("off")
        return
    value = _values(rows, "value")
    for column, colour in zip(columns, cycle(SEQUENCE), strict=False):
        name = column.removeprefix(_SHARE)
        axis.plot(value, _values(rows, column), color=colour, linewidth=1.5, label=name)
    axis.set(ylim=(0, 1.02), ylabel="importance")
    axis.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=min(len(columns), 3),
        handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip
