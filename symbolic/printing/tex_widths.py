r"""Widths of table columns: what does not fit into a line is set on several.

Text columns keep their natural width as long as the table fits. Where it does not, the
widest columns become paragraphs of one common width, and long names may break after
underscores, between words written together, and at the latest after a dozen letters.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from symbolic.printing.layout import visual_width
from symbolic.printing.symbols import escape

LINE = 440.0
"""Points of a line: sixteen centimetres and a margin."""

CHARACTER = 5.2
"""Points of a character of a ``\\small`` table, about."""

GAP = 8.0
"""Points between two columns."""

LEAST = 64.0
"""Points below which no column is made narrower."""

LONGEST = 12
"""Letters after which a word may be broken at the latest."""

POINTS = {"pt": 1.0, "cm": 28.45, "mm": 2.845, "em": 10.0, "in": 72.27}


def fitted(
    heads: Mapping[str, str],
    cells: Mapping[str, Sequence[tuple[str, bool]]],
    numeric: Mapping[str, bool],
    wide: Mapping[str, str],
) -> dict[str, str]:
    """Return key -> width of the columns that hold paragraphs.

    Args:
        heads: key -> heading.
        cells: key -> (text, whether it is LaTeX) of every cell.
        numeric: key -> whether the column holds numbers; these are never broken, and
            LaTeX only in the columns of `wide`.
        wide: key -> width such as "6cm" of columns that are paragraphs in any case.
    """
    sizes = {key: _natural(heads[key], cells[key]) for key in heads}
    given = {key: points(width) for key, width in wide.items() if key in heads}
    # a column asks for its width at most
    sizes |= {key: min(sizes[key], width) for key, width in given.items()}
    flexible = [
        key
        for key in heads
        if key in wide or not (numeric[key] or any(ready for _, ready in cells[key]))
    ]
    # what is left for columns that may be broken
    room = LINE - GAP * (len(heads) - 1)
    room -= sum(size for key, size in sizes.items() if key not in flexible)
    if sum(sizes[key] for key in flexible) <= room:
        return {key: width for key, width in wide.items() if key in heads}
    # one common width cuts the widest ones and leaves the others as they are
    most = _common([sizes[key] for key in flexible], room)
    return {
        key: f"{min(sizes[key], most):.0f}pt"
        for key in flexible
        if key in wide or sizes[key] > most
    }


def points(width: str) -> float:
    """Return a width such as "6cm" in points."""
    number, unit = width[:-2], width[-2:]
    return float(number) * POINTS.get(unit, 1.0)


def _common(sizes: Sequence[float], room: float) -> float:
    """Largest width to which all columns may be cut so that they fit."""
    left, waiting = room, sorted(sizes)
    # columns narrower than an equal share leave room to the others
    while waiting and waiting[0] <= left / len(waiting):
        left -= waiting.pop(0)
    return max(left / len(waiting), LEAST) if waiting else room


def natural_width(text: str, ready: bool) -> float:
    """Return about how many points wide a text is, or LaTeX that is ready."""
    return CHARACTER * (visual_width(text) if ready else len(text))


def _natural(heading: str, cells: Sequence[tuple[str, bool]]) -> float:
    widths = [natural_width(text, ready) for text, ready in cells]
    return max([natural_width(heading, False), *widths])


def breakable(text: Any) -> str:
    """Return plain text escaped, with places where a line may end inside long names."""
    words = re.sub(r"\s+", " ", str(text)).split(" ")
    return " ".join(_word(word) for word in words)


def _word(word: str) -> str:
    if len(word) <= LONGEST:
        return escape(word)
    parts = re.findall(r"[^_]*_|[^_]+$", word)
    parts = [piece for part in parts for piece in _pieces(part)]
    return r"\allowbreak{}".join(escape(part) for part in parts)


def _pieces(part: str) -> list[str]:
    """Cut between words written together, and long ones anywhere."""
    words = re.split(r"(?<=[a-z0-9)])(?=[A-Z*+(^-])|(?<=[*(])(?=\w)", part)
    return [
        word[start : start + LONGEST]
        for word in words
        for start in range(0, len(word), LONGEST)
    ]
