"""Units as people write them in column names, set upright."""

import re
from fractions import Fraction

from sciren.errors import FormatError
from symbolic.printing.symbols import escape
from symbolic.units.algebra import parse_unit
from symbolic.units.spelling import plain_spelling

_SIUNITX = {
    "degC": r"\degreeCelsius", "°C": r"\degreeCelsius", "K": r"\kelvin", "%": r"\percent",
    "m": r"\metre", "s": r"\second", "g": r"\gram", "mol": r"\mole", "W": r"\watt",
    "J": r"\joule", "Pa": r"\pascal", "N": r"\newton", "V": r"\volt", "A": r"\ampere",
    "Hz": r"\hertz", "S": r"\siemens", "L": r"\litre", "l": r"\litre", "bar": r"\bar",
    "h": r"\hour", "hr": r"\hour", "min": r"\minute", "d": r"\day", "day": r"\day",
    "ha": r"\hectare", "t": r"\tonne", "rad": r"\radian", "deg": r"\degree",
    "°": r"\degree",
}  # fmt: skip
_PREFIXES = {
    "T": r"\tera", "G": r"\giga", "M": r"\mega", "k": r"\kilo", "h": r"\hecto",
    "d": r"\deci", "c": r"\centi", "m": r"\milli", "u": r"\micro", "µ": r"\micro",
    "μ": r"\micro", "n": r"\nano", "p": r"\pico",
}  # fmt: skip
_PART = re.compile(r"(/?)([A-Za-zµμ°%]+)\^?([+-]?\d+(?:\.\d+)?)?")
_WORDS = {
    "degC": r"{}^{\circ}\mathrm{C}",
    "°C": r"{}^{\circ}\mathrm{C}",
    "°": r"{}^{\circ}",
    "deg": r"{}^{\circ}",
    "%": r"\%",
}


def latex_unit(unit: str) -> str:
    r"""Return a unit such as ``umol m-2 s-1`` for text mode; empty for none.

    Powers may be written ``m-2``, ``m^-2`` or ``/m2``; anything else is set as escaped
    text.
    """
    plain = plain_spelling(unit)
    # a stroke begins the word that it divides by
    words = [word for word in re.split(r"[\s*·]+", plain.replace("/", " /")) if word]
    matches = [_PART.fullmatch(word) for word in words]
    if not words:
        return ""
    # text that is no unit is printed as it was written
    if any(match is None for match in matches):
        return escape(unit)
    parts = [_part(*match.groups()) for match in matches if match is not None]
    return "$" + r"\,".join(parts) + "$"


def _part(slash: str, word: str, power: str | None) -> str:
    exponent = (power or ("1" if slash else "")).lstrip("+")
    if slash:
        # /m-2 is m2
        exponent = exponent[1:] if exponent.startswith("-") else f"-{exponent}"
    raised = f"^{{{exponent}}}" if exponent and exponent != "1" else ""
    return _letters(word) + raised


def _letters(word: str) -> str:
    if word in _WORDS:
        return _WORDS[word]
    if re.fullmatch(r"[uµμ](mol|m|g|L|l|s|V|A|W|Pa|bar|S)", word):
        return rf"\mathrm{{\mu {word[1:]}}}"
    return rf"\mathrm{{{word}}}" if word.isascii() else rf"\text{{{escape(word)}}}"


def siunitx_unit(unit: str) -> str:
    r"""Return a unit as ``\unit{...}`` of siunitx; as ``latex_unit`` where it knows no word.

    ``umol m-2 s-1`` becomes ``\unit{\micro\mole\metre\tothe{-2}\second\tothe{-1}}``.
    """
    try:
        # macros for every word, or none: half of a unit set otherwise looks like two units
        powers = parse_unit(unit).powers
    except FormatError:
        return latex_unit(unit)
    parts = [(_macro(word), power) for word, power in powers.items()]
    if not parts or any(macro is None for macro, _ in parts):
        return latex_unit(unit)
    inside = "".join(
        f"{macro}" if power == 1 else rf"{macro}\tothe{{{_exponent(power)}}}"
        for macro, power in parts
    )
    return rf"\unit{{{inside}}}"


def _macro(word: str) -> str | None:
    if word in _SIUNITX:
        return _SIUNITX[word]
    prefix, rest = word[:1], word[1:]
    readable = prefix in _PREFIXES and rest in _SIUNITX and rest.isalpha()
    return _PREFIXES[prefix] + _SIUNITX[rest] if readable else None


def _exponent(power: Fraction) -> str:
    return str(power) if power.denominator == 1 else f"{float(power):g}"
