"""What journals ask of figures, and widths as people write them."""

import re
from dataclasses import dataclass

from sciren.errors import ConfigError
from visualize.style import FONT, SMALL

INCH = 25.4  # millimetres


@dataclass(frozen=True)
class PaperStyle:
    """Sizes of one family of journals.

    Attributes:
        name: as the command knows it.
        size: points of axis labels and names at the final size.
        smallest: points below which the journal asks nobody to read.
        column, page: millimetres of one column and of the whole page.
        letter: how panels are called, ``"{}"`` or ``"({})"``.
    """

    name: str
    size: float
    smallest: float
    column: float
    page: float
    letter: str

    @property
    def scale(self) -> float:
        """Final size over the size at which figures are drawn."""
        return self.size / FONT

    @property
    def least(self) -> float:
        """Smallest scale at which the smallest text can still be read."""
        return self.smallest / SMALL


STYLES = {
    style.name: style
    for style in (
        # Nature, guide to authors: 89 and 183 mm, text 5 to 7 points
        PaperStyle("nature", 7.0, 5.0, 89.0, 183.0, "{}"),
        # AGU, text requirements: 95 and 190 mm, text of 8 points, never below 6
        PaperStyle("agu", 8.0, 6.0, 95.0, 190.0, "({})"),
        # Copernicus (EGU), manuscript composition: 83 and 177 mm, lower-case letters
        PaperStyle("egu", 8.0, 6.0, 83.0, 177.0, "({})"),
    )
}
_UNITS = {"mm": 1.0, "cm": 10.0, "in": INCH}
_RANGE = (40.0, 600.0)  # millimetres of anything that is a figure


def style_named(name: str) -> PaperStyle:
    """Return a style.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in STYLES:
        raise ConfigError(
            f"no style {name!r} of figures; there are {', '.join(STYLES)}"
        )
    return STYLES[name]


def millimetres(width: str, style: PaperStyle) -> float:
    """Return the width that a text such as ``"85mm"`` or ``"column"`` means.

    Raises:
        ConfigError: it is no width, or none that a figure can have.
    """
    words = {"column": style.column, "page": style.page}
    if width in words:
        return words[width]
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(mm|cm|in)", width.strip())
    if not match:
        raise ConfigError(
            f"width {width!r}: write column, page, or a number with mm, cm or in: 85mm"
        )
    length = float(match[1]) * _UNITS[match[2]]
    if not _RANGE[0] <= length <= _RANGE[1]:
        raise ConfigError(
            f"width {width!r}: a figure is {_RANGE[0]:g} to {_RANGE[1]:g} mm wide"
        )
    return length
