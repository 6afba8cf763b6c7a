"""Colours, sizes and empty figures that all pictures share.

Colours are those of Okabe and Ito (2008), which stay apart under the common kinds of
colour blindness; nothing is told by colour alone. Figures are plain
``matplotlib.figure.Figure`` objects without any ``pyplot`` state.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from visualize.glyphs import respell

P = ParamSpec("P")

WIDTH = 9.0  # inches; 900 px in the report
NARROWEST = 2.2  # inches of a panel whose title and ticks can be read
FONT = 10.0  # points; nothing in a picture is smaller than SMALL
# points: ticks and legends; FONT at the usual ratio of 1.2 to the next size
SMALL = 8.5
SCREEN = 100.0  # pixels an inch in a notebook, as in the report
READABLE = 4.5  # contrast ratio that WCAG 2.2 asks of small text

INK = "#1b1b1b"
MUTED = "#5f6368"
FAINT = "#c4c7cc"
PANEL = "#f4f5f7"
STRIP = "#d7dee8"
BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"
VERMILION, PURPLE, SKY = "#d55e00", "#b3579a", "#56b4e9"
SEQUENCE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)

FAMILY_COLOURS = {
    "constant": MUTED,
    "linear": BLUE,
    "quadratic": GREEN,
    "exp": VERMILION,
    "log": ORANGE,
    "abs": PURPLE,
    "none": "#3c4043",
    "": "#3c4043",
}
OTHER_FAMILY = SKY  # families that the user registered

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": FONT,
    "mathtext.fontset": "dejavusans",
    "axes.titlesize": FONT + 0.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": FONT,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL + 0.5,
    "ytick.labelsize": SMALL + 0.5,
    "legend.fontsize": SMALL + 0.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "image.cmap": "cividis",
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a drawing function use the shared style, whatever the user's own is.

    Letters that the font does not have are spelled with others.
    """

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with rc_context(_RC):
            return respell(draw(*args, **kwargs))

    return drawn


def family_colour(family: str) -> str:
    """Return the colour of a family; user-registered families share one."""
    return FAMILY_COLOURS.get(family, OTHER_FAMILY)


def contrast(colour: str, ground: str = "white") -> float:
    """Return the contrast ratio of two colours after WCAG 2.2, between 1 and 21."""
    # 0.05 stands for light that the screen reflects (WCAG).
    bright, dark = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    rgb = np.array(to_rgb(colour))
    # sRGB to linear light, then the eye's weights of red, green and blue.
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def text_colour(colour: str) -> str:
    """Return the colour, darkened until small text on white is easy to read."""
    # Five percent darker at a time keeps the hue; it ends, since black has contrast 21.
    while contrast(colour) < READABLE:
        red, green, blue = to_rgb(colour)
        colour = to_hex((0.95 * red, 0.95 * green, 0.95 * blue))
    return colour


class ShownFigure(Figure):
    """A figure that a notebook shows at the end of a cell, also without pyplot."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=SCREEN)
        return stream.getvalue()


_drawn_at: ContextVar[float | None] = ContextVar("width of figures", default=None)


@contextmanager
def figures_of_width(width: float) -> Iterator[None]:
    """Let `panels` make figures of this width in inches inside, whatever is asked."""
    token = _drawn_at.set(width)
    try:
        yield
    finally:
        _drawn_at.reset(token)


def panels(
    count: int, columns: int, height: float, width: float = WIDTH
) -> tuple[Figure, list[Axes]]:
    """Return a figure with ``count`` panels in rows of up to ``columns``.

    Args:
        count: number of panels, at least one.
        columns: most panels beside each other.
        height: height of one row in inches.
        width: width of the whole figure in inches.
    """
    given = _drawn_at.get()
    # Paper figures: fewer panels beside each other where they would be too narrow.
    if given is not None:
        width, columns = given, min(columns, max(1, int(given // NARROWEST)))
    across = min(columns, count)
    rows = -(-count // across)
    figure = ShownFigure(figsize=(width, rows * height), layout=_layout())
    grid = np.atleast_1d(figure.subplots(rows, across, squeeze=False)).ravel()
    for unused in grid[count:]:
        figure.delaxes(unused)
    return figure, list(grid[:count])


def _layout() -> ConstrainedLayoutEngine:
    """Constrained layout with a little more air between the rows."""
    return ConstrainedLayoutEngine(h_pad=0.09, w_pad=0.06, hspace=0.03, wspace=0.02)
