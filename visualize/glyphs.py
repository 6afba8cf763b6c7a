"""Letters that the font of the pictures does not have, spelled with letters it has."""

from collections.abc import Iterator
from functools import cache

from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from symbolic.printing.spelling import transliterated


@cache
def _letters(family: str) -> frozenset[int]:
    return frozenset(get_font(findfont(family)).get_charmap())


def drawable(text: str, family: str = "DejaVu Sans") -> str:
    """Return a text whose letters the font has: 温度 becomes u6E29u5EA6.

    Latin, Greek and Cyrillic stay as they are.
    """
    letters = _letters(family)
    if all(ord(character) in letters or character.isspace() for character in text):
        return text
    return "".join(
        character
        if ord(character) in letters or character.isspace()
        else transliterated(character)
        for character in text
    )


def _texts(artist: Artist) -> Iterator[Text]:
    """Yield the texts below an artist, those of ticks left out."""
    # Asked for its children, an axis makes its ticks, whose texts are still empty.
    ticked = isinstance(artist, Axis)
    for child in [artist.label] if ticked else artist.get_children():
        if isinstance(child, Text):
            yield child
        yield from _texts(child)


def respell(figure: Figure) -> Figure:
    """Spell every text of a figure with letters that its font has."""
    for text in _texts(figure):
        shown = drawable(text.get_text())
        if shown != text.get_text():
            text.set_text(shown)
    # Texts of ticks are made when the figure is drawn; only their formatters exist now.
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            formatter = axis.get_major_formatter()
            if isinstance(formatter, FixedFormatter):
                formatter.seq = [drawable(str(piece)) for piece in formatter.seq]
            elif isinstance(formatter, FuncFormatter):
                inner = formatter.func
                formatter.func = lambda x, pos=None, inner=inner: drawable(
                    inner(x, pos)
                )
    return figure
