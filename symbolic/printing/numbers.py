"""How numbers are printed: significant digits, powers of ten, digits after an error."""

import math
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, get_args

from sciren.errors import ConfigError

Style = Literal["latex", "text"]
ErrorStyle = Literal["pm", "text", "parentheses", "siunitx"]
SMALLEST_PLAIN, LARGEST_PLAIN = -3, 4
"""Plain notation from 10**-3 up to 10**4; powers of ten outside."""
_PLUS_MINUS = {"latex": r"\pm", "text": "±"}
MOST = 6  # digits of a constant or an end of an interval


def format_number(
    value: float,
    digits: int | None = 3,
    style: Style = "latex",
    decimal_comma: bool = False,
) -> str:
    r"""Return a number with significant digits, trailing zeros kept.

    ``0.0042 -> 0.00420``, ``0.00042 -> 4.20 \times 10^{-4}``, ``12 -> 12.0``,
    ``12345 -> 1.23 \times 10^{4}``.

    Args:
        digits: significant digits; None for the shortest text that reads back to the
            same double, always with a decimal point.
        style: "latex" or "text" (``4.20e-4``).
        decimal_comma: ``4{,}2`` or ``4,2`` instead of ``4.2``.
    Raises:
        ConfigError: fewer than one digit.
    """
    if digits is not None and digits < 1:
        raise ConfigError(f"digits = {digits}; print at least one")
    if not math.isfinite(value):
        return _not_finite(value, style)
    # by the shortest text of the double, not by its binary digits: 0.1 has one digit; + 0.0
    # turns -0.0 into 0.0
    exact = Decimal(repr(float(value) + 0.0))
    number = exact if digits is None else _significant(value, digits)
    return _with_comma(_layout(number, digits is None, style), style, decimal_comma)


def interval_digits(low: float, high: float) -> int:
    """Return the significant digits at which the two ends of an interval differ well.

    Two digits of the width are shown: 1.498 to 1.503, not 1.50 to 1.50.
    """
    width, size = abs(high - low), max(abs(low), abs(high))
    if not (math.isfinite(width) and math.isfinite(size)) or width == 0 or size == 0:
        return 3
    # digits before the place where the ends part, and two of it
    digits = math.floor(math.log10(size)) - math.floor(math.log10(width)) + 2
    return min(max(digits, 3), MOST)


def format_with_error(
    value: float,
    error: float,
    style: ErrorStyle = "pm",
    decimal_comma: bool = False,
) -> str:
    r"""Return a value with its error, both to the error's last meaningful place.

    The error keeps one significant digit, two when it starts with 1; the value ends at
    the same decimal place: ``0.123 \pm 0.004``, ``0.123 ± 0.004`` ("text"),
    ``0.123(4)``, ``\num{0.123 +- 0.004}``.
    Without a positive finite error the value stands alone. No more than six digits are
    shown: a smaller error stands for itself, ``2.96311 \pm 2 \times 10^{-11}``.

    Raises:
        ConfigError: unknown style.
    """
    if style not in get_args(ErrorStyle):
        raise ConfigError(f"style {style!r}; use pm, text, parentheses or siunitx")
    written: Style = "text" if style == "text" else "latex"
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        plain = format_number(value, 3, written, decimal_comma)
        bare = format_number(value, 3, "text")
        return rf"\num{{{bare}}}" if style == "siunitx" else plain
    rounded, place = _round_error(Decimal(repr(float(error))))
    # an error far below the value would ask for digits that nobody can use
    if value and _place(Decimal(repr(float(value)))) - place >= MOST:
        return _with_small_error(value, error, style, decimal_comma)
    number = _round_to(Decimal(repr(float(value))), place)
    # value and error share one power of ten
    power = _power_of_ten(max(abs(number), rounded))
    number, rounded = number.scaleb(-power), rounded.scaleb(-power)
    if style == "siunitx":
        scale = f" e{power}" if power else ""
        return rf"\num{{{number:f} +- {rounded:f}{scale}}}"
    if style == "parentheses":
        text = f"{number:f}({_in_last_place(number, rounded)})"
    else:
        text = f"{number:f} {_PLUS_MINUS[written]} {rounded:f}"
        text = f"({text})" if power else text
    return _with_comma(_times_power(text, power, written), written, decimal_comma)


def _with_small_error(
    value: float, error: float, style: ErrorStyle, decimal_comma: bool
) -> str:
    """Value with the most digits that are shown, and an error below the last of them."""
    if style == "siunitx":  # a number and its error share one power of ten there
        return rf"\num{{{format_number(value, MOST, 'text')}}}"
    written: Style = "text" if style == "text" else "latex"
    parts = (
        format_number(value, MOST, written, decimal_comma),
        format_number(error, 1, written, decimal_comma),
    )
    return f" {_PLUS_MINUS[written]} ".join(parts)


def printed_value(value: float, digits: int | None) -> float:
    """Return the double that a reader of the printed number gets."""
    # the same rounding as in print, so that the printed formula can be checked
    if digits is None or not math.isfinite(value):
        return float(value)
    return float(_significant(value, digits))


def _place(number: Decimal) -> int:
    """Decimal place of the first significant digit (0 for units)."""
    return number.adjusted() if number else 0


def _significant(value: float, digits: int) -> Decimal:
    number = Decimal(repr(float(value)))
    if not number:
        return Decimal(0)
    place = _place(number) - digits + 1
    rounded = _round_to(number, place)
    # 9999.7 becomes 10000, which has one digit more than asked for.
    carried = rounded.adjusted() > number.adjusted()
    return _round_to(rounded, place + 1) if carried else rounded


def _round_to(number: Decimal, place: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(place), rounding=ROUND_HALF_EVEN)


def _round_error(error: Decimal) -> tuple[Decimal, int]:
    """Round to one digit, to two when the error starts with 1 (0.0196 to 0.020)."""
    place = _place(error)
    # 0.096 rounds to 0.1, which begins with 1 only by rounding: one digit
    carried = _round_to(error, place).adjusted() > place
    if int(error.scaleb(-place)) == 1 and not carried:
        place -= 1
    return _round_to(error, place), place


def _power_of_ten(number: Decimal) -> int:
    place = _place(number)
    return 0 if SMALLEST_PLAIN <= place < LARGEST_PLAIN else place


def _layout(number: Decimal, shortest: bool, style: Style) -> str:
    power = _power_of_ten(number)
    # a number that reads back has a point, to be no integer
    if not power:
        text = f"{number:f}"
        return f"{text}.0" if shortest and "." not in text else text
    text = f"{number.scaleb(-power):f}"
    if shortest:
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return _times_power(text, power, style)


def _times_power(text: str, power: int, style: Style) -> str:
    """Write a power of ten behind a number; nothing for the power 0."""
    if not power:
        return text
    return f"{text}e{power}" if style == "text" else rf"{text} \times 10^{{{power}}}"


def _in_last_place(number: Decimal, error: Decimal) -> str:
    # 0.123(4): the error in units of the last digit
    exponent = min(int(number.as_tuple().exponent), 0)
    if exponent and error >= 1:
        return f"{error:f}"
    return str(int(error.scaleb(-exponent)))


def _with_comma(text: str, style: Style, decimal_comma: bool) -> str:
    if not decimal_comma:
        return text
    return text.replace(".", "{,}" if style == "latex" else ",")


def _not_finite(value: float, style: Style) -> str:
    if math.isnan(value):
        return r"\text{n/a}" if style == "latex" else "n/a"
    sign = "-" if value < 0 else ""
    return sign + (r"\infty" if style == "latex" else "inf")
