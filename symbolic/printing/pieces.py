r"""A curve without closed form, written out: cubic pieces between knots, lines outside.

    f(x) = c_0 + c_1 t + c_2 t^2 + c_3 t^3,    t = x - k_j    for k_j <= x < k_{j+1}

so that an equation with a refused curve can be printed, typed and used like any other.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from symbolic.curves.spline_curve import SplineCurve
from symbolic.printing.numbers import Style, format_number, printed_value
from symbolic.printing.symbols import latex_symbol

Array = np.ndarray

READS_BACK = 1e-3
"""Share of a curve's range that the rounding of its printed pieces may cost, the width of
a line in a figure; digits are added until it holds."""

FEWEST_DIGITS, MOST_DIGITS = 4, 12


@dataclass(frozen=True)
class _Signs:
    """How a notation writes a factor t and the ends of a piece."""

    t: str
    at_most: str
    at_least: str


LATEX = _Signs(r"\, t", r"\le", r"\ge")
TEXT = _Signs("*t", "<=", ">=")


@dataclass(frozen=True)
class PrintedPieces:
    """A curve as pieces.

    Args:
        name: of the function;  argument: what it is a function of.
        curve: pieces in the unit of the argument.
    """

    name: str
    argument: str
    curve: SplineCurve

    @property
    def digits(self) -> int:
        """Fewest significant digits with which the printed pieces give the curve."""
        knots = self.curve.x
        grid = np.linspace(knots[0], knots[-1], 20 * len(knots))
        exact = self.curve.value(grid)
        for digits in range(FEWEST_DIGITS, MOST_DIGITS):
            off = np.abs(self.printed_value(grid, digits) - exact).max()
            if off <= READS_BACK * np.ptp(exact):
                return digits
        return MOST_DIGITS

    def printed_value(self, x: Array, digits: int) -> Array:
        """Value at x (n,) that a reader of the rounded pieces gets."""
        rounded = np.vectorize(lambda value: printed_value(float(value), digits))
        # the reader's own knots: a rounded knot moves its piece
        knots = rounded(self.curve.x)
        cubes = rounded(self.curve.coefficients)
        place = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(cubes) - 1)
        t = x - knots[place]
        return np.sum(cubes[place] * t[:, None] ** np.arange(3, -1, -1), axis=1)

    def pieces(self) -> Iterator[tuple[float, list[float], float | None, float | None]]:
        """Yield knot of t, factors of 1, t, t^2, t^3, and the ends (None: no end)."""
        curve, knots = self.curve, self.curve.x.tolist()
        # a line, the cubic pieces, a line
        first, last = curve.slopes
        yield knots[0], [float(curve.y[0]), first], None, knots[0]
        for k, cubes in enumerate(curve.coefficients.tolist()):
            yield knots[k], cubes[::-1], knots[k], knots[k + 1]
        yield knots[-1], [float(curve.y[-1]), last], knots[-1], None

    def latex(self, symbols: Mapping[str, str] | None = None) -> str:
        r"""Return ``f(x) = \begin{cases} ... \end{cases}``."""
        name, x = latex_symbol(self.name, symbols), latex_symbol(self.argument, symbols)
        number = self._number("latex")
        rows = [
            f"{_sum(factors, number, LATEX)}, & t = {_minus(x, knot, number)}, "
            f"& {_between(x, low, high, number, LATEX)}"
            for knot, factors, low, high in self.pieces()
        ]
        inside = " \\\\\n    ".join(rows)
        return (
            f"{name}\\left({x}\\right) = \\left\\{{\\begin{{array}}{{lll}}\n    {inside}\n"
            "  \\end{array}\\right."
        )

    def text(self) -> str:
        """Return one line a piece of plain text."""
        x, number = self.argument, self._number("text")
        rows = [
            f"  {_sum(factors, number, TEXT)}  with t = {_minus(x, knot, number)}"
            f"  if {_between(x, low, high, number, TEXT)}"
            for knot, factors, low, high in self.pieces()
        ]
        return "\n".join([f"{self.name}({x}) =", *rows])

    def rows(self) -> list[dict[str, str]]:
        """Return the table of pieces: from, to, knot and factors."""
        number = self._number("text")
        return [
            {
                "from": "" if low is None else number(low),
                "to": "" if high is None else number(high),
                "t =": _minus(self.argument, knot, number),
                **{
                    power: number(factors[k]) if k < len(factors) else ""
                    for k, power in enumerate(("1", "t", "t^2", "t^3"))
                },
            }
            for knot, factors, low, high in self.pieces()
        ]

    def _number(self, style: Style) -> Callable[[float], str]:
        digits = self.digits
        return lambda value: format_number(value, digits, style)


def _sum(factors: list[float], number: Callable[[float], str], signs: _Signs) -> str:
    text = ""
    for power, factor in enumerate(factors):
        # powers that are missing are left out, but for a sum of zeros
        if factor == 0 and text:
            continue
        sign = (
            ("-" if factor < 0 else "") if not text else " - " if factor < 0 else " + "
        )
        tail = "" if power == 0 else signs.t if power == 1 else f"{signs.t}^{power}"
        text += f"{sign}{number(abs(factor))}{tail}"
    return text


def _minus(x: str, knot: float, number: Callable[[float], str]) -> str:
    return f"{x} {'-' if knot >= 0 else '+'} {number(abs(knot))}"


def _between(
    x: str,
    low: float | None,
    high: float | None,
    number: Callable[[float], str],
    signs: _Signs,
) -> str:
    if low is None and high is not None:
        return f"{x} < {number(high)}"
    if low is not None and high is None:
        return f"{x} {signs.at_least} {number(low)}"
    assert low is not None
    assert high is not None
    return f"{number(low)} {signs.at_most} {x} < {number(high)}"
