"""Lines of text or of a sheet: skip comments and head lines, check them, read the cells."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.tables.text_tables.decoding import file_lines
from discovery.tables.text_tables.form import (
    MISSING_WORDS,
    SAMPLE,
    as_setting,
    below_header,
    cells_of,
    form_of,
    is_number,
    readable_name,
)
from sciren.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from discovery.config.reading import ReadingSettings

HEAD_BYTES = 262_144  # holds the head lines and enough rows to see the form
_WORDS = {
    ";": "semicolons",
    "\t": "tabs",
    "|": "upright strokes",
    " ": "blanks",
    ",": "commas",
}


@dataclass(frozen=True)
class _Head:
    """Names and units of the columns, and the line where the rows begin."""

    names: list[str]
    units: dict[str, str]
    first: int
    renamed: dict[str, str]


def read_text(
    path: Path, reading: "ReadingSettings", as_text: Collection[str] = ()
) -> "pd.DataFrame":
    """Read a text table, packed with gzip or not.

    Args:
        path: the file.
        reading: how it is written.
        as_text: columns whose cells stay text, empty cells missing.
    Returns:
        The rows; ``attrs`` hold "units" of the columns and "notes" on skipped lines.
    Raises:
        DataError: the file is no text of this form; the message proposes what fits.
    """
    # 1. Lines. 2. Head. 3. As many cells as names, in every row. 4. Parse.
    lines = file_lines(path, reading)
    head = _head(path, lines, reading)
    commented = reading.comment is not None and any(reading.comment in x for x in lines)
    comments = sum(_is_comment(x, reading) for x in lines) if commented else 0
    body = [x for x in lines[head.first :] if x.strip()]
    if comments:
        body = [x for x in body if not _is_comment(x, reading)]
    if not body:
        raise DataError(f"{path}: there are column names but no rows")
    _check_cells(path, body, head.names, reading.separator or ",", lines, head.first)
    frame = _parsed(body, head.names, reading, as_text)
    frame.attrs["units"] = head.units
    frame.attrs["notes"] = [
        *([f"skipped {comments} comment lines"] if comments else []),
        *(f"column {old!r} is read as {new!r}" for old, new in head.renamed.items()),
    ]
    return frame


def read_names(path: Path, reading: "ReadingSettings") -> list[str]:
    """Return the columns that the first lines of a text table name.

    Raises:
        DataError: as for `read_text`, as far as the first lines show it.
    """
    lines = file_lines(path, reading, HEAD_BYTES)
    last = max(reading.header or 0, reading.units_row or 0)
    if len(lines) <= last + 1 or not _first_lines(lines, reading):
        lines = file_lines(
            path, reading
        )  # a long head of comments, or a line cut in names
    return _head(path, lines, reading).names


def _is_comment(line: str, reading: "ReadingSettings") -> bool:
    return reading.comment is not None and line.lstrip().startswith(reading.comment)


def _head(path: Path, lines: Sequence[str], reading: "ReadingSettings") -> _Head:
    separator = reading.separator or ","
    shown = _first_lines(lines, reading)
    place = _header_place(path, lines, shown, reading)
    # Some instruments write the names as a comment: "# time, ta".
    named = lines[place].lstrip()
    if reading.comment is not None:
        named = named.removeprefix(reading.comment)
    written = cells_of(named, separator)
    names = [readable_name(name) for name in written]
    renamed = {n: name for n, name in zip(written, names, strict=True) if n != name}
    rest = [(number, line) for number, line in shown if number > place]
    units: dict[str, str] = {}
    if reading.units_row is not None:
        row = reading.units_row
        texts = cells_of(_line(path, lines, row, "units_row"), separator)
        units = {n: u for n, u in zip(names, _unit_texts(texts), strict=False) if u}
        rest = [(number, line) for number, line in rest if number != row]
    first = rest[0][0] if rest else len(lines)
    # Told where the head is, further lines that hold no data are passed over; untold,
    # the form is checked and a proposal made, never followed.
    if reading.header is not None or reading.units_row is not None:
        cells = [cells_of(line, separator) for _, line in rest[:SAMPLE]]
        further = below_header(cells, reading.decimal)  # statistics of data loggers
        first = rest[further][0] if rest else first
        first = max(first, (reading.units_row or 0) + 1)
    else:
        _check_form(path, names, shown, place, reading)
    _refuse_doubles(path, names)
    return _Head(names, units, first, renamed)


def _first_lines(
    lines: Sequence[str], reading: "ReadingSettings"
) -> list[tuple[int, str]]:
    """Return the first lines with content that are no comments, and their numbers."""
    content = (
        (number, line)
        for number, line in enumerate(lines)
        if line.strip() and not _is_comment(line, reading)
    )
    most = 2 * SAMPLE + max(reading.header or 0, reading.units_row or 0)
    return list(itertools.islice(content, most))


def _unit_texts(texts: Iterable[str]) -> list[str]:
    """Take units out of brackets; ``--`` stands for none."""
    return [text.strip("[]() ") if text.strip("-") else "" for text in texts]


def _line(path: Path, lines: Sequence[str], number: int, key: str) -> str:
    if number >= len(lines) or not lines[number].strip():
        raise DataError(
            f"{path}: key 'data.{key}' is {number}, but the file has no such line (it "
            f"has {len(lines)}, the first is 0)"
        )
    return lines[number]


def _header_place(
    path: Path,
    lines: Sequence[str],
    shown: Sequence[tuple[int, str]],
    reading: "ReadingSettings",
) -> int:
    if reading.header is not None:
        _line(path, lines, reading.header, "header")
        return reading.header
    if not shown:
        raise DataError(f"{path}: every line is a comment ({reading.comment} ...)")
    return shown[0][0]


def _check_form(
    path: Path,
    names: Sequence[str],
    shown: Sequence[tuple[int, str]],
    place: int,
    reading: "ReadingSettings",
) -> None:
    """Refuse a table whose first lines have another form, and say which."""
    form = form_of([pair for pair in shown if pair[0] > place])
    whole = form_of(shown)
    separator = reading.separator or ","
    if form is not None and form.separator != separator and len(names) == 1:
        keys = (whole or form).keys(separator, reading.decimal, place)
        raise DataError(
            f"{path}: cells are separated by {_WORDS[form.separator]}; set "
            f"{as_setting(keys)}"
        )
    if all(is_number(name, reading.decimal) for name in names):
        raise DataError(
            f"{path}: the first line holds numbers; it must name the columns"
            f"{_hidden_header(names, place, reading)}"
        )
    if whole is None or whole.separator != separator:
        return
    keys = as_setting(whole.keys(separator, reading.decimal, place))
    if whole.cells != len(names):
        if whole.header not in (None, place):
            raise DataError(
                f"{path}: line {place + 1} has {len(names)} cells, the rows below have "
                f"{whole.cells}; if other lines hold names and units, set {keys}"
            )
        return
    if whole.header not in (None, place):
        raise DataError(
            f"{path}: line {place + 1} names fewer columns than line {whole.header + 1}; "
            f"if that one holds the names, set {keys}"
        )
    if whole.first > shown[1][0] and whole.header is not None:
        raise DataError(
            f"{path}: line {shown[1][0] + 1} holds words where the lines below hold "
            f"numbers, such as units; set {keys}"
        )
    if whole.decimal == "," and reading.decimal == ".":
        raise DataError(
            f"{path}: numbers have a decimal comma; set {as_setting({'decimal': ','})}"
        )


def _hidden_header(names: Sequence[str], place: int, reading: "ReadingSettings") -> str:
    """Propose the last comment line as header where it may be one."""
    if place == 0 or reading.comment is None:
        return ""
    keys = as_setting({"header": place - 1})
    return f"; if the line above it does, after {reading.comment}, set {keys}"


def _refuse_doubles(path: Path, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        shown = ", ".join(map(repr, twice))
        raise DataError(
            f"{path}: columns occur more than once: {shown}; rename or remove them"
        )


def exact_numbers() -> dict[str, Any]:
    """Return what makes `pandas.read_csv` keep the last digit; since 3.1 it always does."""
    import pandas as pd

    release = tuple(map(int, pd.__version__.split(".")[:2]))
    return {} if release >= (3, 1) else {"float_precision": "round_trip"}


def _check_cells(
    path: Path,
    body: Sequence[str],
    names: Sequence[str],
    separator: str,
    lines: Sequence[str],
    first: int,
) -> None:
    """Refuse the first line that has more or fewer cells than there are names.

    Args:
        body: rows of data, as they stand among the ``lines`` of the file from ``first``.
    """
    expected = len(names)

    def number(row: int) -> int:
        """Line of a row in the file, the first is 1; equal lines are told apart."""
        wanted, place = body[: row + 1], first - 1
        for text in wanted:
            place = lines.index(text, place + 1)
        return place + 1

    counts = _cell_counts(path, body, separator, number)
    bad = np.flatnonzero(np.asarray(counts) != expected)
    if not len(bad):
        return
    k = int(bad[0])
    if counts[k] < expected:
        cut = ": the file seems to be cut off" if k == len(counts) - 1 else ""
        raise DataError(
            f"{path}: line {number(k)} has {counts[k]} of {expected} cells{cut}; complete "
            "or remove the line"
        )
    raise DataError(
        f"{path}: line {number(k)} has {counts[k]} cells, more cells than the {expected} "
        "named columns; name every column, or remove separators at the ends of the lines"
    )


def _cell_counts(
    path: Path, lines: Sequence[str], separator: str, number: Callable[[int], int]
) -> list[int]:
    if not any('"' in line for line in lines):
        if separator == " ":
            return [len(line.split()) for line in lines]
        return [line.count(separator) + 1 for line in lines]
    reader = csv.reader(
        (f"{line}\n" for line in lines),
        delimiter=separator, skipinitialspace=True, strict=True,
    )  # fmt: skip
    try:
        return [len(row) for row in reader]
    except csv.Error as error:
        row = min(reader.line_num, len(lines)) - 1
        raise DataError(
            f"{path}: line {number(row)} cannot be read ({error}); close the quotes"
        ) from error


def _parsed(
    lines: Sequence[str],
    names: list[str],
    reading: "ReadingSettings",
    as_text: Collection[str],
) -> "pd.DataFrame":
    import pandas as pd

    separator = reading.separator or ","
    words = [word for word in reading.missing or () if isinstance(word, str)]
    kept = {name for name in names if name in as_text}
    # In labels NA is Namibia and not a gap.
    gaps = {name: [""] if name in kept else [*MISSING_WORDS, *words] for name in names}
    # placeholders: pandas renames columns that have no name, and numbers in names
    columns = [str(k) for k in range(len(names))]
    frame = pd.read_csv(
        io.StringIO(_plain_thousands("\n".join(lines), reading.thousands)),
        sep=r"\s+" if separator == " " else separator,
        names=columns, header=None, index_col=False, low_memory=False,
        skipinitialspace=True, decimal=reading.decimal, thousands=reading.thousands,
        keep_default_na=False,
        na_values={c: gaps[n] for c, n in zip(columns, names, strict=True)},
        dtype={c: str for c, n in zip(columns, names, strict=True) if n in kept},
        **exact_numbers(),
    )  # fmt: skip
    frame = frame.set_axis(names, axis=1)
    for name in kept:
        texts = frame[name].str.strip()
        frame[name] = texts.where(texts != "", np.nan)
    return frame


def _plain_thousands(text: str, mark: str | None) -> str:
    """Return text with the mark between thousands as it is typed, not as it is set."""
    for typed, others in ((" ", "\u00a0\u202f\u2009"), ("'", "\u2019")):
        if mark == typed:
            text = text.translate(dict.fromkeys(map(ord, others), typed))
    return text
