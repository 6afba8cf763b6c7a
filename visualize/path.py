"""The path of candidate models: error against complexity, the chosen one marked."""

from collections.abc import Hashable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from sciren.errors import ColumnError, DataError
from visualize.labels import number, shorten
from visualize.style import BLUE, FAINT, INK, MUTED, SMALL, VERMILION, panels, styled

Array = NDArray[np.float64]
Places = NDArray[np.int64]

_LONGEST = 46  # characters of a label
_WIDE = 20.0  # errors that span more than this factor are drawn in logs
# where a label may stand beside its point, in points of type
_PLACES = (
    (7, 6, "left", "bottom"), (7, -6, "left", "top"), (-7, 6, "right", "bottom"),
    (-7, -6, "right", "top"), (0, 9, "center", "bottom"), (0, -9, "center", "top"),
)  # fmt: skip


@styled
def plot_path(
    candidates: pd.DataFrame,
    chosen: Hashable | None = None,
    *,
    complexity: str = "complexity",
    error: str = "error",
    label: str = "label",
    spread: str = "error_se",
) -> Figure:
    """Draw the error of candidate models against their complexity.

    The front (no simpler model is as good) is joined by a line and labelled; labels that
    would hide something are left out, the chosen one's never.

    Args:
        candidates: one row a model.
        chosen: index label of the model that was taken; default none.
        complexity, error: numeric columns.
        label: column with short texts (an equation, dropped edges); need not exist.
        spread: column with standard errors, drawn as bars; need not exist.
    Raises:
        ColumnError: a numeric column is missing, or no row is called ``chosen``.
        DataError: no row has both numbers.
    """
    for name in (complexity, error):
        if name not in candidates.columns:
            raise ColumnError(
                f"the candidates lack column {name!r}; they have "
                f"{', '.join(map(str, candidates.columns))}"
            )
    numbers = candidates[[complexity, error]].to_numpy(dtype=np.float64)
    usable = pd.DataFrame(candidates[np.isfinite(numbers).all(axis=1)])
    if usable.empty:
        raise DataError(f"no candidate has both {complexity!r} and {error!r}")
    if chosen is not None and chosen not in usable.index:
        raise ColumnError(
            f"no candidate with both numbers is called {chosen!r}; the rows are "
            f"{', '.join(map(str, usable.index[:8]))}"
        )
    x, y = (usable[name].to_numpy(dtype=np.float64) for name in (complexity, error))
    front = pareto_front(x, y)
    bars = usable[spread].to_numpy(dtype=np.float64) if spread in usable else None
    figure, axes = panels(1, 1, 4.2)
    axis = axes[0]
    _draw(axis, x, y, front, bars)
    place = None if chosen is None else int(np.flatnonzero(usable.index == chosen)[0])
    if place is not None:
        axis.plot(
            x[place], y[place], "*", color=VERMILION, markersize=15, zorder=5,
            markeredgecolor="white", label="chosen",
        )  # fmt: skip
    _scales(axis, y)
    axis.set_xlabel(complexity, parse_math=False)
    axis.set_ylabel(error, parse_math=False)
    axis.legend(loc="upper right")
    texts = usable[label].astype(str).tolist() if label in usable else None
    if texts is not None:
        _add_labels(figure, axis, x, y, front, texts, place)
    figure.set_label(_describe(x, y, front, texts, place))
    return figure


def pareto_front(complexity: Array, error: Array) -> Places:
    """Positions (k,) of the models that no simpler or equal model matches, by complexity.

    Args:
        complexity, error: (n,) finite.
    """
    # lexsort sorts by its last key first: by complexity, the better of equals first.
    order = np.lexsort((error, complexity))
    best, kept = np.inf, []
    for place in order:
        if error[place] < best:
            best = float(error[place])
            kept.append(int(place))
    return np.array(kept, dtype=np.int64)


def _draw(axis: Axes, x: Array, y: Array, front: Places, bars: Array | None) -> None:
    rest = np.setdiff1d(np.arange(len(x)), front)
    if bars is not None:
        axis.errorbar(
            x, y, yerr=np.nan_to_num(bars), fmt="none", ecolor=FAINT, elinewidth=1.2
        )
    if len(rest):
        axis.plot(
            x[rest], y[rest], "o", color=MUTED, alpha=0.6, markersize=5,
            markeredgewidth=0, label="candidate",
        )  # fmt: skip
    axis.plot(
        x[front], y[front], "o-", color=BLUE, markersize=6.5, drawstyle="steps-post",
        linewidth=1.4, label="none simpler is as good", zorder=3,
    )  # fmt: skip


def _scales(axis: Axes, y: Array) -> None:
    """Whole complexities; errors in logs where they span much."""
    axis.xaxis.set_major_locator(MaxNLocator(9, integer=True))
    axis.margins(x=0.06, y=0.1)
    positive = y[y > 0]
    if len(positive) == len(y) and y.max() > _WIDE * y.min():
        axis.set_yscale("log")
        narrow = y.max() / y.min() < 100
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v)))
        axis.yaxis.set_minor_formatter(NullFormatter())


def _add_labels(
    figure: Figure,
    axis: Axes,
    x: Array,
    y: Array,
    front: Places,
    texts: list[str],
    selected: int | None,
) -> None:
    """Write labels where they hide neither points nor each other, the chosen one first."""
    # Only a drawn figure knows where its points and its legend are, in pixels.
    figure.draw_without_rendering()
    points = axis.transData.transform(np.column_stack([x, y]))
    taken = [Bbox.from_bounds(px - 4, py - 4, 8, 8) for px, py in points]
    legend = axis.get_legend()
    if legend is not None:
        taken.append(legend.get_window_extent())
    frame = axis.get_window_extent()
    wanted = ([] if selected is None else [selected]) + [
        p for p in front if p != selected
    ]
    for place in wanted:
        # Greedy: each label takes the first of six places that is free; the chosen
        # model comes first and takes the last place in any case.
        for trial, (dx, dy, ha, va) in enumerate(_PLACES):
            note = axis.annotate(
                shorten(texts[place], _LONGEST), (x[place], y[place]), (dx, dy),
                textcoords="offset points", ha=ha, va=va, fontsize=SMALL,
                color=VERMILION if place == selected else INK, parse_math=False,
            )  # fmt: skip
            box = note.get_window_extent()
            free = not any(box.overlaps(other) for other in taken)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1
            inside &= frame.y0 <= box.y0 and box.y1 <= frame.y1
            last = place == selected and trial == len(_PLACES) - 1
            if (free and inside) or last:
                taken.append(box)
                break
            note.remove()


def _describe(
    x: Array, y: Array, front: Places, texts: list[str] | None, selected: int | None
) -> str:
    """Text for readers who cannot see the picture."""
    points = ", ".join(
        f"{number(float(x[p]))}: {number(float(y[p]))}" for p in front.tolist()
    )
    text = f"Error against complexity of {len(x)} models; the front is {points}."
    if selected is not None:
        name = f" ({texts[selected]})" if texts else ""
        text += f" Chosen: complexity {number(x[selected])}{name}."
    return text
