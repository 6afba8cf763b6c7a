"""Let the texts of a figure fit its panels: letters, titles, labels, legends."""

import textwrap
from string import ascii_lowercase
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from visualize.labels import shorten
from visualize.paper.styles import PaperStyle

_ROOM = 1.1  # a title may reach this much beyond its panel, into the gap
_CELL = 0.72  # of a column of panels: what is left beside ticks and their label
_LEAST = 8  # characters of a line that still says something
_PLACES: tuple[Any, ...] = ("left", "center", "right")  # of titles
_ASIDE = 0.98  # of the figure's width that a legend or the last panel may take


def add_letters(figure: Figure, style: PaperStyle) -> None:
    """Call the panels of a figure a, b, ...; a single panel needs no letter."""
    axes = _panels(figure)
    if len(axes) < 2:
        return
    for axis, letter in zip(axes, ascii_lowercase, strict=False):
        place: Any = next((loc for loc in _PLACES if axis.get_title(loc)), "left")
        text = f"{style.letter.format(letter)}  {axis.get_title(place)}".rstrip()
        for title in _titles(axis):
            if title.get_text() == axis.get_title(place):
                title.set_text(text)
                title.set_fontweight("bold")
                break


def _panels(figure: Figure) -> list[Axes]:
    return [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]


def _titles(axis: Axes) -> list[Text]:
    """Titles of an axis, the left one first: they are its last texts."""
    titles = [child for child in axis.get_children() if isinstance(child, Text)]
    own = [text for text in titles if text not in axis.texts]
    return sorted(own, key=lambda text: float(text.get_position()[0]))


def fit_texts(figure: Figure) -> None:
    """Break titles and labels that are wider than their panel; fold wide legends."""
    for text in (text for axis in _panels(figure) for text in axis.texts):
        text.set_in_layout(False)  # a long formula would push its panel together
    # Sizes of texts and panels exist only after a drawing.
    figure.draw_without_rendering()
    for axis in _panels(figure):
        box = axis.get_window_extent()
        # A panel that the layout has made narrow may grow back to its share of the
        # figure.
        wide = max(box.width, _CELL * _cell(figure, axis)) * _ROOM
        wide = min(wide, _ASIDE * (figure.bbox.x1 - box.x0))
        for text in _titles(axis):
            _break(text, wide)
        for text in axis.texts:
            _shorten(text, wide)
        _break(axis.xaxis.label, box.width * _ROOM)
        _break(axis.yaxis.label, box.height * _ROOM, upright=True)
    for legend in list(figure.legends):
        share = legend.get_window_extent().width / figure.bbox.width
        if share > _ASIDE:
            # A legend cannot be folded once it is made: it is made again with fewer
            # columns.
            columns = max(1, int(len(legend.get_texts()) / share))
            labels = [text.get_text() for text in legend.get_texts()]
            handles = [handle for handle in legend.legend_handles if handle is not None]
            size = legend.get_texts()[0].get_fontsize()
            legend.remove()
            figure.legend(
                handles, labels, loc="outside lower center", ncols=columns,
                frameon=False, fontsize=size,
            )  # fmt: skip


def _shorten(text: Text, room: float) -> None:
    """Leave out the middle of a line that is wider than its panel."""
    words, size = text.get_text(), text.get_window_extent().width
    if "\n" in words or size <= room:
        return
    # Letters differ in width: start at the length that an average letter would allow.
    for most in range(int(len(words) * room / size), _LEAST, -1):
        text.set_text(shorten(words, most))
        if text.get_window_extent().width <= room:
            return


def _cell(figure: Figure, axis: Axes) -> float:
    """Width of the column of panels that an axis stands in, in pixels."""
    place = axis.get_subplotspec()
    columns = 1 if place is None else place.get_gridspec().ncols
    return figure.bbox.width / columns


def _break(text: Text, room: float, upright: bool = False) -> None:
    """Put what does not fit into further lines, at a bracket where there is one."""
    words = text.get_text().replace(" %", "\u00a0%")  # a number keeps its sign
    box = text.get_window_extent()
    size = box.height if upright else box.width
    if not words or size <= room:
        return
    first, bracket, unit = words.partition(" (")
    if bracket and len(first) / len(words) * size <= room and not upright:
        text.set_text(f"{first}\n({unit}")
        if max(len(first), len(unit)) / len(words) * size <= room:
            return
    most = max(int(len(words) * room / size), _LEAST)
    text.set_text(textwrap.fill(words, most, break_long_words=False))
