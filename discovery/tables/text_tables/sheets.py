"""Sheets of Excel files as lines of text, so that one reader checks every table."""

import csv
import datetime as dt
import io
import itertools
import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sciren.errors import DataError

HEAD_ROWS = 200  # more than head lines and the rows that show the form of a table

MOST_UNPACKED = 100
"""Bytes that a byte of a workbook may unfold to; sheets of numbers reach about 15."""
SMALL = 64 * 2**20
"""Bytes, or 8 of a cell each, that any workbook may unfold to."""

_MERGED = re.compile(r'<mergeCell ref="([A-Z]+\d+:[A-Z]+\d+)"')
# Office Open XML, ISO/IEC 29500-1, 18.3.1.4: a cell with formula f and its result v
_NOT_COMPUTED = re.compile(
    r'<c r="([A-Z]+\d+)"[^>]*><f[^>]*>[^<]*</f>(?:<v ?/>|<v></v>)?</c>'
)

# what openpyxl raises for files that are no workbooks, or damaged ones
_DAMAGED = (OSError, ValueError, LookupError, TypeError, EOFError, SyntaxError)


def sheet_lines(
    path: Path,
    sheet: str | None,
    separator: str,
    decimal: str,
    head: bool = False,
) -> list[str]:
    """Return the rows of a sheet as lines of separated cells, dates in ISO 8601.

    Args:
        path: of the workbook;  sheet: its name, needed where several hold cells.
        separator, decimal: of the lines that are returned.
        head: whether the first rows are enough.
    Raises:
        DataError: no workbook, or no such sheet; the message names the sheets.
    """
    if find_spec("openpyxl") is None:
        raise DataError(
            f"{path}: reading Excel needs an extra; pip install 'sciren[excel]', or save "
            "the sheet as csv"
        )
    import zipfile

    import openpyxl

    try:
        _check_size(path)
        # data_only: values as the spreadsheet last computed them, not its formulas.
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            page = book[_sheet(path, book, sheet)]
            rows = page.iter_rows(values_only=True)
            cells: list[Sequence[Any]] = list(
                itertools.islice(rows, HEAD_ROWS if head else None)
            )
            _check_span(path, cells)
            cells = _filled(path, page, cells)
        finally:
            book.close()
    except DataError:
        raise
    except (*_DAMAGED, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: this is not an Excel workbook ({error}); a text table has another "
            "ending, such as .csv"
        ) from error
    return _lines(cells, separator, decimal)


def _check_size(path: Path) -> None:
    """Refuse a small workbook that unfolds to a large one."""
    import zipfile

    with zipfile.ZipFile(path) as packed:
        size = sum(part.file_size for part in packed.infolist())
    if size > max(SMALL, MOST_UNPACKED * path.stat().st_size):
        raise DataError(
            f"{path}: {path.stat().st_size:,} bytes would unfold to {size:,}; save the "
            "sheet as csv"
        )


def _check_span(path: Path, cells: Sequence[Sequence[Any]]) -> None:
    """Refuse a sheet that is nearly all empty: a cell at its far end spans all of it."""
    width = max(map(len, cells), default=0)
    if 8 * len(cells) * width > max(SMALL, MOST_UNPACKED * path.stat().st_size):
        raise DataError(
            f"{path}: the sheet spans {len(cells):,} rows and {width:,} columns, nearly all "
            "empty; delete the cells that stand apart, or save the table as csv"
        )


def _filled(path: Path, page: Any, cells: list[Sequence[Any]]) -> list[Sequence[Any]]:
    """Return the cells with merged ones written out, and refuse formulas never computed.

    A merged text, such as a site beside its rows, holds for every row of its range; of a
    number the sheet does not say whether it was measured once or in every row.

    Raises:
        DataError: numbers merged over rows, or formulas without their results.
    """
    from openpyxl.utils import range_boundaries

    # openpyxl tells of merged cells and of formulas only when it reads all twice
    with page._get_source() as source:
        content = source.read().decode("utf-8", "replace")
    formula = _NOT_COMPUTED.search(content)
    if formula:
        raise DataError(
            f"{path}: cell {formula[1]} holds a formula that was never computed; open the "
            "workbook in a spreadsheet and save it, or save the sheet as csv"
        )
    filled: list[Any] = [list(row) for row in cells]
    for place in _MERGED.findall(content):
        edges: Any = range_boundaries(place)  # of cells, none is open
        left, top, right, bottom = edges
        if top == bottom or top > len(filled) or left > len(filled[top - 1]):
            continue
        value = filled[top - 1][left - 1]
        if value is not None and not isinstance(value, str):
            raise DataError(
                f"{path}: cells {place} are merged, so {value} stands in the first of "
                f"{bottom - top + 1} rows alone; unmerge them and fill every row"
            )
        for row in filled[top:bottom]:
            row[left - 1 : right] = [value] * len(row[left - 1 : right])
    return filled


def _sheet(path: Path, book: Any, sheet: str | None) -> str:
    """Return the sheet that is asked for, or the only one with cells."""
    shown = ", ".join(map(repr, book.sheetnames))
    if sheet is not None:
        if sheet in book.sheetnames:
            return sheet
        raise DataError(f"{path}: there is no sheet {sheet!r}; it has {shown}")
    filled = [
        page.title
        for page in book.worksheets
        if any(cell is not None for row in _first_rows(page) for cell in row)
    ]
    if not filled:
        raise DataError(f"{path}: the file is empty")
    if len(filled) > 1:
        raise DataError(
            f"{path}: there are several sheets ({', '.join(map(repr, filled))}); name one, "
            f"such as sheet: {filled[0]}"
        )
    return filled[0]


def _first_rows(page: Any) -> Iterable[Sequence[Any]]:
    return itertools.islice(page.iter_rows(values_only=True), HEAD_ROWS)


def _lines(cells: Sequence[Sequence[Any]], separator: str, decimal: str) -> list[str]:
    """Write rows as lines, as wide as the last column that holds anything."""
    # Sheets report the width of their widest formatting; empty columns on the right are
    # none.
    width = max(
        (k + 1 for row in cells for k, cell in enumerate(row) if cell is not None),
        default=0,
    )
    lines = []
    for row in cells:
        texts = [_text(cell, decimal) for cell in row[:width]]
        texts += [""] * (width - len(texts))
        place = io.StringIO()
        csv.writer(place, delimiter=separator, lineterminator="").writerow(texts)
        lines.append(place.getvalue() if any(texts) else "")
    return lines


def _text(cell: Any, decimal: str) -> str:
    """Return a cell as text on one line."""
    match cell:
        case None:
            return ""
        case bool():
            return str(cell)
        case float():
            # repr keeps all digits; whole numbers are written without ".0", since
            # sheets know no integers.
            return repr(cell).removesuffix(".0").replace(".", decimal)
        case dt.datetime():
            return cell.isoformat(sep=" ")
        case dt.date() | dt.time():
            return cell.isoformat()
    # A line break inside a cell would end the line.
    return " ".join(str(cell).split())
