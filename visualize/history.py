"""The course of a training: every term of the loss, stage by stage."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from sciren.errors import DataError
from visualize.labels import number, scientific, shorten
from visualize.style import FAINT, INK, MUTED, SEQUENCE, SMALL, panels, styled

Array = NDArray[np.float64]

_CLOCKS = ("epoch", "step", "seconds", "time", "lr", "learning_rate", "member", "seed")
_ORDER = {"total": -2, "data": -1, "valid": 1}
_FEW = 60  # up to this many steps each one gets a marker
_DEEPEST = 1e-6  # terms this much below the largest leave the picture
_SMALLEST_PLAIN, _LARGEST_PLAIN = 1e-3, 1e5  # ends of an axis without powers of ten
_STAGES = 8  # more stages than this are not named one by one


@styled
def plot_history(frame: pd.DataFrame) -> Figure:
    """Draw each term of the loss along the training, stages apart, the best step marked.

    Args:
        frame: one row per step in order of time: numeric columns ``total``, ``data``,
            further terms, ``valid``; optionally ``stage`` (text). Columns that count
            steps or time, and other text, are not drawn.
    Raises:
        DataError: the frame has no row or no numeric term.
    """
    terms = _terms(frame)
    if not terms:
        raise DataError("the history has no step with a number; nothing can be drawn")
    # Loss and penalties differ by orders of magnitude, so they have panels of their
    # own.
    fit = {name: terms[name] for name in terms if name in _ORDER}
    others = {name: terms[name] for name in terms if name not in _ORDER}
    parts = [part for part in (fit, others) if any(map(np.any, part.values()))]
    figure, axes = panels(len(parts), 1, 3.2 if len(parts) == 1 else 2.5)
    for axis, part in zip(axes, parts, strict=True):
        _draw_terms(axis, part)
        axis.set_ylabel("loss" if part is fit else "other terms")
        axis.set_xlim(0.5, len(frame) + 0.5)
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        if "stage" in frame:
            _mark_stages(axis, frame["stage"].astype(str).to_numpy(), axis is axes[0])
    axes[-1].set_xlabel("step")
    figure.set_label(_describe(terms, len(frame)))
    return figure


def _terms(frame: pd.DataFrame) -> dict[str, Array]:
    """Numeric columns with at least one finite value: total, data, others, validation."""
    numeric = frame.select_dtypes("number")
    names = [str(c) for c in numeric.columns if c not in _CLOCKS]
    terms = {}
    for name in sorted(names, key=lambda name: _ORDER.get(name, 0)):
        values = numeric[name].to_numpy(dtype=np.float64)
        if np.isfinite(values).any():
            terms[name] = np.where(np.isfinite(values), values, np.nan)
    return terms


def _draw_terms(axis: Axes, terms: Mapping[str, Array]) -> None:
    """One line per term, on a logarithmic scale as soon as any value is positive."""
    most = max(float(np.nanmax(values)) for values in terms.values())
    if most > 0:
        # A logarithmic axis has no zero: terms that are off leave the picture.
        terms = {name: np.where(v > 0, v, np.nan) for name, v in terms.items()}
        terms = {name: v for name, v in terms.items() if np.isfinite(v).any()}
    colours = cycle(SEQUENCE)
    for name, values in terms.items():
        valid = name == "valid"
        axis.plot(
            np.arange(1, len(values) + 1), values, markersize=3,
            color=INK if valid else next(colours),
            marker="o" if len(values) <= _FEW else "",
            linewidth=2.2 if valid else 1.5, zorder=3 if valid else 2,
            label="validation" if valid else name,
        )  # fmt: skip
    if "valid" in terms:
        _mark_best(axis, terms["valid"])
    if most > 0:
        _scale(axis, most)
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), borderaxespad=0)


def _scale(axis: Axes, most: float) -> None:
    """Logarithmic with plain numbers; between the decades too when there are few."""
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    # A term that falls to 1e-30 would press all others into the top of the panel.
    low = max(low, _DEEPEST * most)
    axis.set_ylim(low, high)
    narrow = high / low < 100
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    # all in one notation: 0.0001 beside 10⁻⁵ is hard to compare
    text = number if low >= _SMALLEST_PLAIN and high <= _LARGEST_PLAIN else scientific
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: text(y)))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _mark_best(axis: Axes, valid: Array) -> None:
    best = int(np.nanargmin(valid))
    axis.plot(
        best + 1, valid[best], "*", color=INK, markersize=13, zorder=4,
        markeredgecolor="white", linestyle="", label=f"best, step {best + 1}",
    )  # fmt: skip


def _mark_stages(axis: Axes, stages: np.ndarray, named: bool) -> None:
    """A line where a stage begins, and its name above the picture."""
    # First step of every stretch of equal names.
    starts = np.flatnonzero(np.r_[True, stages[1:] != stages[:-1]])
    if len(starts) == 1:
        return
    ends = np.r_[starts[1:], len(stages)]
    for start, end in zip(starts, ends, strict=True):
        if start:
            axis.axvline(start + 0.5, color=FAINT, linewidth=1.2, zorder=1)
        # A letter takes about two percent of the width.
        wide_enough = (end - start) / len(stages) > 0.02 * len(stages[start])
        if named and len(starts) <= _STAGES and wide_enough:
            axis.text(
                (start + end) / 2 + 0.5, 1.02, shorten(stages[start], 24), ha="center",
                transform=axis.get_xaxis_transform(), fontsize=SMALL, color=MUTED,
                parse_math=False,
            )  # fmt: skip


def _describe(terms: Mapping[str, Array], steps: int) -> str:
    """Text for readers who cannot see the picture."""
    ends = []
    for name, values in terms.items():
        finite = values[np.isfinite(values)]
        ends.append(f"{name} from {number(finite[0])} to {number(finite[-1])}")
    return f"Terms of the loss over {steps} steps: " + ", ".join(ends) + "."
