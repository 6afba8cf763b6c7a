"""A curve without closed form is written so that a reader can compute it."""

import re

import numpy as np
import pytest
from tex_check import check_latex

from symbolic.curves.spline_curve import CLOSE, SplineCurve
from symbolic.printing.document import equation_block, to_document
from symbolic.printing.markdown import to_markdown
from symbolic.printing.pieces import READS_BACK, PrintedPieces
from symbolic.printing.printable import PrintableModel


def curve(low: float = -2.0, high: float = 3.0, size: float = 1.0) -> SplineCurve:
    x = np.linspace(low, high, 400)
    y = size * np.tanh(3 * (x - x.mean()) / np.ptp(x) * 2)
    ends = (y[1] - y[0]) / (x[1] - x[0]), (y[-1] - y[-2]) / (x[-1] - x[-2])
    return SplineCurve.through(x, y, ends, 120)


def computed(text: str, x: float) -> float:
    """Value that the printed text gives at x."""
    for line in text.splitlines()[1:]:
        body, rest = line.split("  with t = ")
        shift, condition = rest.split("  if ")
        if not all(_holds(part, x) for part in _parts(condition)):
            continue
        t = x - _signed(shift.split(" ", 1)[1])
        terms = re.findall(r"(-?) ?([\d.]+(?:e-?\d+)?)(\*t(?:\^(\d))?)?", body)
        return sum(
            float(sign + number) * t ** int(power or bool(factor))
            for sign, number, factor, power in terms
        )
    raise AssertionError(f"no piece for {x}")


def _signed(text: str) -> float:
    sign, number = text.split(" ")
    return float(number) if sign == "-" else -float(number)


def _parts(condition: str) -> list[tuple[float | None, str, float | None]]:
    words = [None if one.startswith("x") else one for one in condition.split(" ")]
    numbers = [w if w in (None, "<", "<=", ">=") else float(w) for w in words]
    pairs = range(0, len(numbers) - 2, 2)
    return [(numbers[k], numbers[k + 1], numbers[k + 2]) for k in pairs]  # type: ignore[misc]


def _holds(part: tuple[float | None, str, float | None], x: float) -> bool:
    low, sign, high = part
    first, second = (x if one is None else one for one in (low, high))
    return {"<": first < second, "<=": first <= second, ">=": first >= second}[sign]


@pytest.mark.parametrize("place", [0.0, 285.0, -1e4])
@pytest.mark.parametrize("size", [1.0, 1e-7])
def test_the_printed_text_computes_the_curve(place, size):
    table = curve(place - 2.0, place + 3.0, size)
    text = PrintedPieces("f", "x", table).text()
    grid = np.linspace(place - 2.5, place + 3.5, 61)
    read = [computed(text, x) for x in grid]
    assert np.abs(read - table.value(grid)).max() <= 2 * READS_BACK * np.ptp(table.y)


def test_a_curve_keeps_as_few_knots_as_come_close():
    x = np.linspace(0.0, 1.0, 400)
    assert len(SplineCurve.through(x, x**3, (0.0, 3.0), 120).x) == 3
    wave = np.sin(12 * x)
    table = SplineCurve.through(x, wave, (12.0, 12 * np.cos(12)), 120)
    assert 3 < len(table.x) < 40
    assert np.abs(table.value(x) - wave).max() <= CLOSE * np.ptp(wave)


def test_every_page_holds_the_pieces():
    pieces = PrintedPieces("f_y_a", "a", curve())
    model = PrintableModel(functions={"f_y_a": "a spline"}, pieces=(pieces,))
    assert r"\left\{\begin{array}" in equation_block(model)
    assert check_latex(to_document(model)) == []
    assert len(pieces.rows()) == len(pieces.curve.x) + 1
    assert "| t^3" in to_markdown(model)
