"""Bytes of a file, or cells of a sheet, as lines of text; other kinds of files are named."""

import codecs
import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from discovery.tables.kinds import EXCEL
from discovery.tables.text_tables.form import as_setting, join_records
from discovery.tables.text_tables.sheets import sheet_lines
from sciren.errors import DataError

if TYPE_CHECKING:
    from discovery.config.reading import ReadingSettings

# byte order marks, the longer first: that of UTF-32 begins with that of UTF-16
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_PACKED = (
    (b"\x1f\x8b", ".csv.gz"),
    (b"PK\x03\x04", ".xlsx"),
    (b"\x89HDF", ".nc"),
    (b"PAR1", ".parquet"),
    (b"CDF", ".nc"),
)
"""First bytes of files that often have the ending of another kind, and their own ending;
the first three begin no text."""
_PAGES = {"<!doctype": "a web page", "<html": "a web page", "<?xml": "XML", "{": "JSON"}
"""First letters of texts that are no tables, and what they are."""


def file_lines(path: Path, reading: "ReadingSettings", most: int = -1) -> list[str]:
    """Return the lines of the file without their ends.

    Args:
        path: of the file;  reading: its encoding, and the sheet of a workbook.
        most: bytes to read, -1 for all; a line that they cut is left out.
    Raises:
        DataError: the file is empty, damaged, no text, or in another encoding.
    """
    if path.name.lower().endswith(EXCEL):
        return sheet_lines(
            path, reading.sheet, reading.separator or ",", reading.decimal, most >= 0
        )
    packed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            raw = file.read(most)
    except (OSError, EOFError, zlib.error) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        other = isinstance(error, gzip.BadGzipFile)
        hint = "; a text that is not packed ends with .csv" if other else ""
        raise DataError(
            f"{path}: the file cannot be read ({first[:200]}){hint}"
        ) from error
    if not raw.strip():
        raise DataError(f"{path}: the file is empty")
    cut = len(raw) == most
    text = _decoded(path, raw, reading.encoding, cut)
    if cut:
        text = text[: text.rfind("\n") + 1] or text
    # Not splitlines(): it also splits at form feeds and other marks inside of cells.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = text.lstrip()[:20].lower()
    page = next((what for word, what in _PAGES.items() if start.startswith(word)), None)
    if page is not None:
        raise DataError(
            f"{path}: this is {page}, not a table; download or save the table as csv"
        )
    if not any(line.strip() for line in lines):
        raise DataError(f"{path}: the file is empty")
    return join_records(lines, reading.separator or ",") if '"' in text else lines


def _decoded(path: Path, raw: bytes, encoding: str | None, cut: bool = False) -> str:
    """Decode by the settings, else by the mark at the beginning, else as UTF-8.

    Args:
        cut: whether the last bytes may be a part of a character.
    """
    marked = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    other = any(raw.startswith(mark) for mark, _ in _PACKED[:3])
    if encoding is None and marked is None and (other or b"\0" in raw[:65_536]):
        raise DataError(f"{path}: {_binary(raw)}")
    try:
        decoder = codecs.getincrementaldecoder(encoding or marked or "utf-8")()
        return decoder.decode(raw, final=not cut).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        advice = "name its encoding"
        if encoding is None and marked is None:
            # Windows' Western table reads nearly every byte, so it is only a proposal
            advice = f"if it was written by Windows, set {as_setting({'encoding': 'cp1252'})}"
        raise DataError(
            f"{path}: the text is not {(encoding or marked or 'UTF-8').upper()} "
            f"(byte {error.start}, line {line}); {advice}, or save it as UTF-8"
        ) from error


def _binary(raw: bytes) -> str:
    """Tell UTF-16 without a mark, in which every second byte is 0, from binary files."""
    sample = np.frombuffer(raw[: 2 * (min(len(raw), 4096) // 2)], dtype=np.uint8)
    zeros = [(sample[k::2] == 0).mean() for k in (0, 1)]
    if max(zeros) > 0.9 and min(zeros) < 0.1:
        name = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
        return (
            f"the text is UTF-16 without a mark; set {as_setting({'encoding': name})}"
        )
    kind = next((end for mark, end in _PACKED if raw.startswith(mark)), None)
    if kind is not None:
        return f"this is no text but what files named {kind} hold; name it so"
    return "this is a binary file, not text"
