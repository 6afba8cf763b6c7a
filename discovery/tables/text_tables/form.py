"""The form of a text table: separator, decimal mark, head lines; which keys read it.

Nothing here changes how a table is read. Where a file does not fit its settings, the
message proposes the keys of `ReadingSettings` that fit its first lines.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SEPARATORS = (",", ";", "\t", "|", " ")
SAMPLE = 60  # lines that are looked at; head and first rows of a file

# what spreadsheets, R, Python and data loggers write into an empty cell
MISSING_WORDS = (
    "", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "-nan", "-NaN", "NULL", "null", "None",
    "<NA>", "#N/A", "#NA", "#N/A N/A", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN",
)  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]|%")
_PURE = re.compile(r"[\[(]?(1|-{1,2})[\])]?")  # unit of a number without dimension
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ].*)?")


def cells_of(line: str, separator: str) -> list[str]:
    """Return the cells of one line; a blank as separator is any white space."""
    # Without quotes a plain split is the same and much faster.
    if '"' not in line:
        if separator == " ":
            return line.split()
        return [cell.strip() for cell in line.split(separator)]
    rows = csv.reader([line], delimiter=separator, skipinitialspace=True)
    return [cell.strip() for cell in next(rows, [])]


def readable_name(name: str) -> str:
    """Return a name without characters that nobody sees: line breaks, zero width, marks.

    Blanks of any kind become one that can be typed.
    """
    shown = (c if c.isprintable() else " " * c.isspace() for c in name)
    return name if name.isprintable() else " ".join("".join(shown).split())


def join_records(lines: list[str], separator: str) -> list[str]:
    """Put a row that goes on behind a line break inside quotes on its first line.

    The other lines of such a row are empty, so that lines keep their numbers.
    """
    end = re.escape(separator)
    # closed cells, then one whose quotes stay open: a mark of inches opens none
    begun = re.compile(
        rf'(?:(?:\s*"(?:[^"]|"")*"\s*|(?!\s*")[^{end}]*){end})*\s*"(?:[^"]|"")*'
    )
    joined, k = list(lines), 0
    while k < len(joined):
        first, k = k, k + 1
        if joined[first].count('"') % 2 == 0 or not begun.fullmatch(joined[first]):
            continue
        for last in range(k, min(first + MOST_LINES, len(joined))):
            row = " ".join(line.strip() for line in joined[first : last + 1])
            if not begun.fullmatch(row):
                joined[first : last + 1] = [row, *[""] * (last - first)]
                k = last + 1
                break
    return joined


def is_number(text: str, decimal: str = ".") -> bool:
    """Whether a cell is a number with this decimal mark."""
    if decimal == ",":
        # With a decimal comma a point is a separator of thousands or of a date.
        if "." in text:
            return False
        text = text.replace(",", ".")
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_value(text: str, decimal: str) -> bool:
    return is_number(text, decimal) or _DATE.fullmatch(text) is not None


MOST_LINES = 50  # of one row; quotes that nothing closes are an error and no long cell


@dataclass(frozen=True)
class Form:
    """What the first lines of a text table look like.

    Args:
        separator, decimal: that read most cells as numbers or dates.
        header: line that names the columns, or None where there is none.
        units_row: line of units, or None.
        first: line of the first row of data.
        cells: number of cells of a row.
    """

    separator: str
    decimal: str
    header: int | None
    units_row: int | None
    first: int
    cells: int

    def keys(self, separator: str, decimal: str, header: int) -> dict[str, object]:
        """Return the keys that read this form where the settings have others.

        Args:
            separator, decimal, header: the present settings.
        """
        keys: dict[str, object] = {}
        if self.separator != separator:
            keys["separator"] = self.separator
        if self.decimal != decimal:
            keys["decimal"] = self.decimal
        below = self.header is not None and self.first - self.header > 1
        if self.header is not None and (below or self.header != header):
            keys["header"] = self.header
            if self.units_row is not None:
                keys["units_row"] = self.units_row
        return keys


def form_of(lines: Sequence[tuple[int, str]]) -> Form | None:
    """Return the form of a table from its first lines, or None where none is clear.

    Args:
        lines: (line of the file from 0, text), without comments and empty lines.
    """
    lines = lines[:SAMPLE]
    # The second half of the sample: head lines, however many, stand above.
    tail = [text for _, text in lines[len(lines) // 2 :]]
    best: tuple[float, int, str, str] | None = None
    for separator in SEPARATORS:
        rows = [cells_of(text, separator) for text in tail]
        counts = Counter(map(len, rows))
        width, often = counts.most_common(1)[0] if counts else (1, 0)
        # Every line must have the same number of cells, at least two.
        if width < 2 or often < len(rows):
            continue
        for decimal in (".", ","):
            if decimal == separator:
                continue
            share = _share([cell for row in rows for cell in row], decimal)
            # Ties go to the earlier separator and the decimal point; the small number
            # keeps rounding from deciding.
            if best is None or share > best[0] + 1e-9:
                best = (share, width, separator, decimal)
    if best is None or best[0] == 0:
        return None
    _, width, separator, decimal = best
    return _with_head(lines, width, separator, decimal)


def _share(cells: Sequence[str], decimal: str) -> float:
    """Share of the cells with content that are numbers or dates."""
    filled = [cell for cell in cells if cell not in MISSING_WORDS]
    return sum(_is_value(c, decimal) for c in filled) / len(filled) if filled else 0.0


def _with_head(
    lines: Sequence[tuple[int, str]], width: int, separator: str, decimal: str
) -> Form:
    """Find the first row of data and, above it, the lines of names and of units."""
    rows = [cells_of(text, separator) for _, text in lines]
    numeric = _numeric_columns(rows[len(rows) // 2 :], decimal)
    first, named = 0, False
    while first < len(rows) and is_head(rows[first], numeric, width, decimal):
        if named and len(rows[first]) != width:
            break  # a row of data that is too short or too long
        named = named or len(rows[first]) == width
        first += 1
    # Above the data: the first line that is filled best names the columns, the next
    # holds units, further ones statistics; shorter or emptier ones above are titles.
    head = [k for k in range(first) if len(rows[k]) == width]
    filled = [sum(cell != "" for cell in rows[k]) for k in head]
    head = head[filled.index(max(filled)) :] if head else head
    place = [number for number, _ in lines]
    return Form(
        separator, decimal,
        place[head[0]] if head else None,
        place[head[1]] if len(head) > 1 else None,
        place[first] if first < len(place) else place[-1] + 1,
        width,
    )  # fmt: skip


def _numeric_columns(rows: Sequence[Sequence[str]], decimal: str) -> list[int]:
    """Columns whose filled cells are mostly numbers or dates."""
    width = min(map(len, rows), default=0)
    return [k for k in range(width) if _share([row[k] for row in rows], decimal) > 0.5]


def is_head(
    cells: Sequence[str], numeric: Sequence[int], width: int, decimal: str
) -> bool:
    """Whether a line above the data holds words where the data have numbers."""
    if len(cells) != width:
        return True
    words = [cells[k] for k in numeric if cells[k] not in MISSING_WORDS]
    # units and statistics have letters; a dash or stars alone mark a gap, and only where
    # more than half of the words have letters 1, - or [-] is a unit
    letters = [w for w in words if not _is_value(w, decimal) and _LETTERS.search(w)]
    others = [w for w in words if w not in letters]
    return len(letters) > len(others) and all(_PURE.fullmatch(w) for w in others)


def below_header(rows: Sequence[Sequence[str]], decimal: str) -> int:
    """Return how many lines below the names are no data (units, statistics).

    Args:
        rows: cells of the lines after the names.
    """
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    # Which columns are numbers is asked of the lower half, where no line of units or of
    # statistics stands any more.
    numeric = _numeric_columns(
        [r for r in rows[len(rows) // 2 :] if len(r) == width], decimal
    )
    count = 0
    while (
        count < len(rows)
        and len(rows[count]) == width
        and is_head(rows[count], numeric, width, decimal)
    ):
        count += 1
    return count if count < len(rows) else 0


def as_setting(keys: Mapping[str, object]) -> str:
    """Return keys as a user writes them, ``data: {separator: ";", decimal: ","}``."""
    parts = [f"{name}: {_quoted(value)}" for name, value in keys.items()]
    return f"data: {{{', '.join(parts)}}}"


def _quoted(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace("\t", "\\t") + '"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    if isinstance(value, float | np.floating):
        return f"{value:.15g}"
    return "null" if value is None else str(value)
