"""Short texts on pictures: units, axis labels, numbers."""

import re

import numpy as np

from symbolic.printing.numbers import format_with_error
from symbolic.units.spelling import CELSIUS

_SUPERSCRIPT = str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹")
_DECIMALS = 6  # more of them are shown as a power of ten
_DIGITS = 6  # of an end of an interval
_PLAIN = 5  # whole numbers below this power of ten are written out: 1670, not 1.67·10³
_SCORE_DECIMALS = 7  # of a score near 1, before what it lacks is named instead
_SAME = 1e-12  # a score that lacks less is 1 up to the rounding of its sums
_WORDS = {"degC": "°C", "deg": "°", "ohm": "Ω", "percent": "%"}


def pretty_unit(unit: str) -> str:
    """Return ``"umol m-2 s-1"`` as ``"µmol m⁻² s⁻¹"``; other texts stay as they are.

    Only a known word, letters followed by an exponent, or a power of ten is changed;
    degrees Celsius have one spelling.
    """
    factors = CELSIUS.sub("degC", unit).split()
    return " ".join(_pretty_factor(factor) for factor in factors)


def _pretty_factor(factor: str) -> str:
    power = re.fullmatch(r"(?:1|(\d+\.?\d*))e([+-]?)0*(\d+)", factor)
    if power:  # 1e-4 in front of a unit
        times = f"{power[1]}·" if power[1] else ""
        sign = power[2].replace("+", "")
        return f"{times}10{(sign + power[3]).translate(_SUPERSCRIPT)}"
    # A word, then an exponent after ^ or **, or directly behind (m-2).
    match = re.fullmatch(
        r"([A-Za-zµ%°]+?)(?:(?:\^|\*\*)(-?\d+\.?\d*)|(-?\d+))?", factor
    )
    if not match:
        return factor
    word, exponent = match[1], match[2] or match[3]
    word = _WORDS.get(word, word)
    # u for micro only before units that are known: "unit" stays.
    if re.fullmatch(r"u(mol|g|m|s|Pa|W)", word):
        word = "µ" + word[1:]
    return word + (exponent or "").translate(_SUPERSCRIPT)


def unit_behind(unit: str) -> str:
    """Return what follows a number: ``" µmol m⁻²"``, or nothing where there is no unit."""
    from symbolic.units.algebra import NO_UNIT

    return "" if unit in ("", *NO_UNIT) else f" {pretty_unit(unit)}"


def with_unit(name: str, unit: str) -> str:
    """Return ``"name (unit)"``, or the name alone when there is no unit."""
    return f"{name} ({pretty_unit(unit)})" if unit else name


def number(value: float, digits: int = 3) -> str:
    """Return a number with ``digits`` significant digits, ``"–"`` when it is missing."""
    if value is None or np.isnan(value):
        return "–"
    text = f"{value:.{digits}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        # 1.67e+03 reads better as 1670.
        if 0 < int(exponent) < _PLAIN:
            return f"{float(text):.0f}".replace("-", "−")
        text = f"{mantissa}·10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    return text.replace("-", "−")


def scientific(value: float) -> str:
    """Return a positive number with its power of ten, as ``"10⁻⁴"`` or ``"2·10⁻⁴"``."""
    mantissa, exponent = f"{value:.2e}".split("e")
    factor = "" if float(mantissa) == 1 else f"{float(mantissa):g}·"
    return f"{factor}10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def score(value: float, digits: int = 4) -> str:
    """Return a score such as R² with ``digits`` decimals; only 1 itself is printed as 1.

    Scores that would round to 1 keep the first digit of what they lack: ``"0.99998"``, and
    ``"1 − 3·10⁻⁹"`` from the eighth decimal on.
    """
    if (
        abs(value) < _SAME
    ):  # the constant that fits best explains nothing, but for rounding
        return "0"
    lacking = 1 - value
    if abs(lacking) < _SAME:
        return "1"
    if not 0 < lacking < 0.5 * 10.0**-digits:
        plain = value == 1 or not 1e-4 <= abs(value) < 1e4
        return (
            number(value, digits) if plain else f"{value:#.{digits}g}".replace("-", "−")
        )
    decimals = int(np.floor(-np.log10(lacking))) + 1
    if decimals <= _SCORE_DECIMALS:
        return f"{value:.{decimals}f}"
    return f"1 − {number(lacking, 1)}"


def with_error(value: float, error: float) -> str:
    """Return value and error to the error's last place, as ``"1.500 ± 0.002"``.

    Rounded as equations are printed (``format_with_error``), a common power of ten
    written ``"(3.5 ± 2.5)·10¹⁰"``. An unknown or vanishing error is left out.
    """
    if not np.isfinite(error) or error <= 0 or not np.isfinite(value):
        return number(value)
    text = format_with_error(float(value), float(error), "text")
    return re.sub(r"e(-?\d+)", _times_power, text).replace("-", "−")


def _times_power(match: re.Match[str]) -> str:
    return f"·10{match[1].translate(_SUPERSCRIPT)}"


def interval(low: float, high: float) -> str:
    """Return both ends to the second digit of their distance: ``"1.5002 to 1.5069"``.

    Ends beyond six decimals, or that are not finite, have four significant digits.
    """
    width = high - low
    if not np.isfinite(width) or width <= 0:
        return f"{number(low, 4)} to {number(high, 4)}"
    # Two digits of the width: both ends differ visibly.
    decimals = max(1 - int(np.floor(np.log10(width))), 0)
    if decimals > _DECIMALS or max(abs(low), abs(high)) >= 10.0**_DIGITS:
        return f"{number(low, 4)} to {number(high, 4)}"
    return f"{low:.{decimals}f} to {high:.{decimals}f}".replace("-", "−")


def digits_within(low: float, high: float) -> int:
    """Return the digits that a value of a range needs to show three of its width.

    For 1988 to 1990 these are five, for 0 to 30 three.
    """
    size, width = max(abs(low), abs(high)), abs(high - low)
    return 3 + (int(np.floor(np.log10(size / width))) if 0 < width < size else 0)


def count(many: int) -> str:
    """Return a whole number with thin spaces between groups of three digits."""
    return f"{many:,}".replace(",", "\u202f")


def percent(share: float) -> str:
    """Return a share as a whole percentage; near its ends ``"<1 %"``, ``">99 %"``."""
    if share is None or np.isnan(share):
        return "–"
    if 0 < share < 0.01:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def shorten(text: str, most: int) -> str:
    """Return the text, its middle replaced by an ellipsis when it is longer."""
    if len(text) <= most:
        return text
    # Two thirds from the beginning, where names differ; the end tells units and
    # indices.
    head = (most - 1) * 2 // 3
    tail = most - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"
