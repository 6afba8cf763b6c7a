"""Units of measurement as products of powers of words: parse, multiply, compare.

``umol m-2 s-1``, ``W/m2``, ``kg C m^-2 yr^-1``, ``m**0.5``, ``W/(m2 K)``. A word is kept as
it was written, so that the unit of a constant reads like the units it comes from; two
units are compared by their base dimensions. A substance after an amount (``gC``, ``g C``,
``umolCO2``, ``mg N``) is a dimension of its own. ``degC`` (also ``deg C``, ``degrees_C``,
``Celsius``) stands for a temperature difference.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from sciren.errors import FormatError
from symbolic.units.spelling import plain_spelling, with_elements

Powers = Mapping[str, Fraction]

_BASE = {
    "m": (1.0, "m"), "s": (1.0, "s"), "A": (1.0, "A"), "K": (1.0, "K"),
    "mol": (1.0, "mol"), "cd": (1.0, "cd"), "g": (1e-3, "kg"),
    "J": (1.0, "kg m2 s-2"), "W": (1.0, "kg m2 s-3"), "N": (1.0, "kg m s-2"),
    "Pa": (1.0, "kg m-1 s-2"), "Hz": (1.0, "s-1"), "V": (1.0, "kg m2 s-3 A-1"),
    "S": (1.0, "kg-1 m-2 s3 A2"), "Ohm": (1.0, "kg m2 s-3 A-2"), "L": (1e-3, "m3"),
    "l": (1e-3, "m3"), "bar": (1e5, "kg m-1 s-2"), "t": (1e3, "kg"),
    "eq": (1.0, "mol"), "molc": (1.0, "mol"),
    "cal": (4.184, "kg m2 s-2"),
}  # fmt: skip
_WHOLE = {
    "kg": (1.0, "kg"), "min": (60.0, "s"), "h": (3600.0, "s"), "hr": (3600.0, "s"),
    "hour": (3600.0, "s"), "d": (86400.0, "s"), "day": (86400.0, "s"),
    "week": (604800.0, "s"), "yr": (31557600.0, "s"), "year": (31557600.0, "s"),
    "a": (31557600.0, "s"), "ha": (1e4, "m2"), "degC": (1.0, "K"), "°C": (1.0, "K"),
    "celsius": (1.0, "K"), "kelvin": (1.0, "K"), "deg": (math.pi / 180, ""),
    "°": (math.pi / 180, ""), "rad": (1.0, ""), "%": (1e-2, ""), "percent": (1e-2, ""),
    "ppm": (1e-6, ""), "ppb": (1e-9, ""), "atm": (101325.0, "kg m-1 s-2"),
    "days": (86400.0, "s"), "years": (31557600.0, "s"), "hours": (3600.0, "s"),
    "weeks": (604800.0, "s"), "month": (2629800.0, "s"), "months": (2629800.0, "s"),
    "sec": (1.0, "s"), "second": (1.0, "s"), "seconds": (1.0, "s"),
    "minute": (60.0, "s"), "minutes": (60.0, "s"), "hrs": (3600.0, "s"),
    "meter": (1.0, "m"), "metre": (1.0, "m"), "meters": (1.0, "m"),
    "metres": (1.0, "m"), "Kelvin": (1.0, "K"), "ppmv": (1e-6, ""), "‰": (1e-3, ""),
    "permil": (1e-3, ""),
}  # fmt: skip
_PREFIXES = {
    "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "d": 1e-1, "c": 1e-2, "m": 1e-3,
    "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "p": 1e-12,
}  # fmt: skip
_SUBSTANCES = (
    "CO2", "H2O", "CH4", "N2O", "NO3", "NO2", "NH4", "SO4", "PO4", "O2", "DM", "C", "P",
    "N", "S", "K",
)  # fmt: skip
_AMOUNT = re.compile(rf"(.*(?:g|mol|t))({'|'.join(_SUBSTANCES)})")
_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<over>/)|(?P<times>\*(?!\*)|·|\.(?!\d))"
    r"|(?P<word>[^\W\d_]+\d?(?=[^\W\d_])[^\W\d_]*|(?:[^\W\d_]|[°%‰])+)"
    r"(?P<substance>(?<=CO|CH|NO|NH|SO|PO)[234]|(?<=H)2O)?"
    r"(?:(?:\^|\*\*)?(?P<power>\([+-]?\d+(?:\.\d+|/\d+)?\)|[+-]?\d+(?:\.\d+)?))?"
    r"|(?P<one>1(?![\d.])))"
)
NO_UNIT = ("1", "-", "--", "dimensionless", "unitless", "none", "fraction")
"""Texts that say that a quantity has no dimension; an empty text says nothing."""


@dataclass(frozen=True)
class Unit:
    """A product of powers of words.

    Args:
        powers: word -> exponent, none of them zero.
    """

    powers: Powers = field(default_factory=dict)

    def __mul__(self, other: "Unit") -> "Unit":
        powers = dict(self.powers)
        for word, power in other.powers.items():
            powers[word] = powers.get(word, Fraction(0)) + power
        return Unit({word: power for word, power in powers.items() if power})

    def __pow__(self, exponent: Fraction) -> "Unit":
        powers = {word: power * exponent for word, power in self.powers.items()}
        return Unit({word: power for word, power in powers.items() if power})

    def __truediv__(self, other: "Unit") -> "Unit":
        return self * other ** Fraction(-1)

    def __str__(self) -> str:
        # positive powers first: umol m-2 s-1
        ordered = sorted(self.powers.items(), key=lambda pair: pair[1] < 0)
        return " ".join(_word(word, power) for word, power in ordered)

    def dimensions(self) -> tuple[float, dict[str, Fraction]]:
        """Return the factor to SI units and the powers of the base dimensions."""
        scale, total = 1.0, Unit()
        for word, power in self.powers.items():
            factor, inside = _meaning(word)
            scale *= factor ** float(power)
            total = total * inside**power
        return scale, dict(total.powers)

    def equals(self, other: "Unit") -> bool:
        """Whether two units are the same, however they are written (J s-1 and W)."""
        # equal units leave a quotient without dimension and of size one
        scale, dimensions = (self / other).dimensions()
        return not dimensions and math.isclose(scale, 1.0, rel_tol=1e-9)

    @property
    def dimensionless(self) -> bool:
        """Whether the unit is that of a plain number."""
        return self.equals(Unit())


def parse_unit(text: str) -> Unit:
    """Read a unit such as ``umol m-2 s-1``; the texts of ``NO_UNIT`` give no unit.

    Raises:
        FormatError: this is no product of powers of words.
    """
    if text.strip() in ("", *NO_UNIT):
        return Unit()
    tokens = list(_tokens(with_elements(plain_spelling(text)), text))
    unit, rest = _product(tokens, text)
    if rest:
        raise _unreadable(text)
    return unit


def _tokens(spelled: str, text: str) -> Iterator[re.Match[str]]:
    place, stripped = 0, spelled.rstrip()
    while place < len(stripped):
        match = _TOKEN.match(stripped, place)
        # anything that is no token makes the whole text unreadable
        if match is None:
            raise _unreadable(text)
        yield match
        place = match.end()


def _product(
    tokens: list[re.Match[str]], text: str
) -> tuple[Unit, list[re.Match[str]]]:
    """Read factors up to a closing bracket; a stroke goes for the next factor alone."""
    unit, sign = Unit(), 1
    # W/m2 K is W m-2 K: a stroke ends with its factor
    while tokens:
        token, *tokens = tokens
        if token["over"]:
            sign = -1
            continue
        if token["times"]:
            continue
        if token["close"]:
            return unit, [token, *tokens]
        if token["open"]:
            inside, tokens = _product(tokens, text)
            if not tokens or not tokens[0]["close"]:
                raise _unreadable(text)
            tokens = tokens[1:]
        elif token["one"]:
            inside = Unit()
        else:
            # exact, so that m0.5 times m0.5 is m
            power = Fraction((token["power"] or "1").strip("()"))
            word = token["word"] + (token["substance"] or "")
            inside = Unit({word: power}) if power else Unit()
        unit, sign = unit * inside ** Fraction(sign), 1
    return unit, tokens


def _meaning(word: str) -> tuple[float, Unit]:
    """Return the factor of a word and its base dimensions; a new word is its own."""
    # 1. Words that take no prefix (min is a minute, ha a hectare). 2. Base units. 3.
    # Substances. 4. Prefix and base unit. 5. An amount of a substance. 6. What is left is a
    # dimension of its own.
    if word in _WHOLE:
        factor, base = _WHOLE[word]
        return factor, _base(base)
    if word in _BASE:
        factor, base = _BASE[word]
        return factor, _base(base)
    if word in _SUBSTANCES:
        return 1.0, Unit({f"of {word}": Fraction(1)})
    prefix, rest = word[:1], word[1:]
    if prefix in _PREFIXES and rest in _BASE:
        factor, base = _BASE[rest]
        return _PREFIXES[prefix] * factor, _base(base)
    amount = _AMOUNT.fullmatch(word)
    if amount:
        factor, inside = _meaning(amount[1])
        if _is_known(amount[1]):
            return factor, inside * Unit({f"of {amount[2]}": Fraction(1)})
    return 1.0, Unit({word: Fraction(1)})


def _is_known(word: str) -> bool:
    """Whether a word is a unit of this file, with or without a prefix."""
    prefixed = word[:1] in _PREFIXES and word[1:] in _BASE
    return word in _WHOLE or word in _BASE or prefixed


def _base(text: str) -> Unit:
    factors = re.findall(r"([A-Za-z]+)(-?\d+)?", text)
    return Unit({word: Fraction(power or "1") for word, power in factors})


def _word(word: str, power: Fraction) -> str:
    if power == 1:
        return word
    if power.denominator == 1:
        return f"{word}{power}"
    return f"{word}^{float(power):g}"


def _unreadable(text: str) -> FormatError:
    return FormatError(
        f"{text!r} is no unit; write powers of words such as 'umol m-2 s-1' or 'W/m2'"
    )
