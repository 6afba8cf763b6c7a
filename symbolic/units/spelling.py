"""Ways in which people write units, brought to one spelling before they are read."""

import re

_SIGNS = str.maketrans(
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀₁₂₃₄₅₆₇₈₉−–⋅×",
    "0123456789-+0123456789--··",
)
CELSIUS = re.compile(
    r"(?<![^\W\d_])(?:deg(?:ree)?s?[ _]?(?:C|Celsius|celsius)|℃|° ?C|Celsius)"
    r"(?![^\W\d_])"
)
_ANGLE = re.compile(r"\bdegrees?(?:_(?:north|east|south|west|N|E|S|W))?\b")
# a place in the calendar; no time that has passed, so no multiple of a second
_CALENDAR = (
    (re.compile(r"\b(?:day[ _]of[ _](?:the[ _])?year|DOY|DoY|julian[ _]day)\b", re.I), "doy"),
    (re.compile(r"\bhour[ _]of[ _](?:the[ _])?day\b", re.I), "hourofday"),
)  # fmt: skip
_IN_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_BRACES = re.compile(r"\^?\{([+-]?[\d.]+)\}")
_CHARGE = re.compile(r"mol ?\((?:\+|c|-)\)")
# elements whose symbols are units too: after a mass or an amount they are elements
_ELEMENT = re.compile(
    r"(?<![^\W\d_])([TGMkhdcmuµμnp]?(?:g|mol)|t)[ _·](N|S|K)(?![\w^*+-]|\s*\*\*)"
)


def plain_spelling(text: str) -> str:
    """Return a unit with plain digits and signs, ``degC`` and ``doy``.

    ``W m⁻²`` becomes ``W m-2``, ``degrees_C`` becomes ``degC``, ``day of year`` ``doy``.
    """
    # [mm d-1] of a table's head
    text = _IN_BRACKETS.sub(r"\1", text.strip())
    # m^{-2} of LaTeX, and raised digits, to plain ones
    text = _BRACES.sub(r"\1", text.translate(_SIGNS))
    # mol(+), mol(-): moles of charge
    text = _CHARGE.sub("molc", CELSIUS.sub("degC", text))
    for pattern, word in _CALENDAR:
        text = pattern.sub(word, text)
    return _ANGLE.sub("deg", text)


def with_elements(text: str) -> str:
    """Join an element to the mass before it: ``mg N kg-1`` is nitrogen, not newton."""
    return _ELEMENT.sub(r"\1\2", text)
