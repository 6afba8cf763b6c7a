"""What the text of a cell means: a number that is written badly, a date, or a word."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

_THOUSANDS = re.compile(r"-?\d{1,3}((,\d{3})+(\.\d*)?|(\.\d{3})+(,\d*)?)")
# 1 234.5 and 1'234.5 are nothing else; blanks that do not break are written by spreadsheets
_APART = re.compile(r"-?\d{1,3}(([ \u00a0\u202f]\d{3})+|(['\u2019]\d{3})+)([.,]\d*)?")
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
# a number beside what is no part of it: 9 %, 19.5°C, <0.5, 10E
_BESIDE = re.compile(r"([<>~≤≥]?)\s*-?\d+(?:[.,]\d+)?\s*([^\d\s]{0,8})")
# a measurement with its error, or an angle: 5.1 ± 0.2, 5.1 (0.2), 47°28'N
_WITH_MORE = re.compile(r"-?\d+([.,]\d+)?\s*(±|\+/?-|\(|°).*")
# 2020-01-31, 31.1.2020, 1/31/20, each with an hour or not; 12:30
_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([ T].*)?"
    r"|\d{1,2}:\d{2}(:\d{2})?"
)


def mostly_numbers(texts: Sequence[str]) -> bool:
    """Whether more than half of the different texts of a column read as numbers or dates.

    Numbers with a mark such as 9 % or 10E count where most of them share that mark: units do,
    while ranges (0-5yrs), ordinals (1st, 2nd) and codes of plots (3a, 3b) do not.

    Args:
        texts: cells that are not empty, each once.
    """
    stripped = [text.strip() for text in texts]
    others = (_WITH_MORE, _DATE)
    rest = [
        text
        for text in stripped
        if not _is_number(text) and not any(form.fullmatch(text) for form in others)
    ]
    marks = Counter(
        (match[1], match[2]) for text in rest if (match := _BESIDE.fullmatch(text))
    )
    [(_, alike)] = marks.most_common(1) or [(("", ""), 0)]
    units = marks.total() if 2 * alike > marks.total() else 0
    return 2 * (len(stripped) - len(rest) + units) > len(stripped)


def _is_number(text: str) -> bool:
    if (
        _THOUSANDS.fullmatch(text)
        or _APART.fullmatch(text)
        or _DECIMAL_COMMA.fullmatch(text)
    ):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def advice_on_text(cells: Sequence[Any], name: str) -> str:
    """Return what to do about cells that are no numbers.

    Args:
        cells: the cells;  name: of their column.
    """
    texts = [str(cell).strip() for cell in cells]
    if name in texts:
        return "the line of names stands among the rows again; remove it there"
    about_marks = _about_marks(texts)
    if about_marks:
        return about_marks
    # One word in all cells that fail, and no digit in it, is a word for a gap; #DIV/0! is
    # what a spreadsheet writes for one.
    word = not any(c.isdigit() for c in texts[0]) or texts[0].startswith("#")
    if len(set(texts)) == 1 and word:
        return f'write a number, or set data: {{missing: ["{texts[0]}"]}} for a gap'
    if all(_DATE.fullmatch(text) for text in texts):
        return (
            "dates are no amounts; name the column as data: {time: ...}, and make a column "
            "of the number that matters, such as the day of the year"
        )
    if all(_BESIDE.fullmatch(text) for text in texts):
        return (
            "write the number alone; what it is measured in stands under units (codes such "
            "as 3a belong under categorical)"
        )
    return (
        "write a number or leave the cell empty; if the column tells classes apart, list "
        "it under categorical, or as a target write 0 and 1"
    )


def _about_marks(texts: Sequence[str]) -> str:
    """Name the keys for marks in numbers; empty where it is not they that disturb."""
    if all(_APART.fullmatch(text) for text in texts):
        mark = "'" if re.search("['\u2019]", texts[0]) else " "
        return f'set the mark between thousands, data: {{thousands: "{mark}"}}'
    # 1.234 is 1234 or 1.234: where no cell shows both marks only the user can tell.
    if all(_THOUSANDS.fullmatch(text) for text in texts):
        mark, point = (",", ".") if "," in texts[0] else (".", ",")
        if any(point in text for text in texts):
            return f'set the mark between thousands, data: {{thousands: "{mark}"}}'
        return (
            f"{texts[0]} may be {texts[0].replace(mark, '')} or "
            f'{texts[0].replace(mark, ".")}: set data: {{thousands: "{mark}"}} for a '
            f'mark between thousands, data: {{decimal: "{mark}"}} for a decimal mark'
        )
    if all(_DECIMAL_COMMA.fullmatch(text) for text in texts):
        return 'write decimals with a point, or set data: {decimal: ","}'
    return ""
