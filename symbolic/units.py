"""Units as people write them in column names, set upright."""

import re

from symbolic.symbols import escape

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
    words = [word for word in re.split(r"[\s*·]+", unit.replace("/", " /")) if word]
    matches = [_PART.fullmatch(word) for word in words]
    if not words:
        return ""
    if any(match is None for match in matches):
        return escape(unit)
    parts = [_part(*match.groups()) for match in matches if match is not None]
    return "$" + r"\,".join(parts) + "$"


def _part(slash: str, word: str, power: str | None) -> str:
    exponent = (power or ("1" if slash else "")).lstrip("+")
    if slash:
        exponent = exponent[1:] if exponent.startswith("-") else f"-{exponent}"
    raised = f"^{{{exponent}}}" if exponent and exponent != "1" else ""
    return _letters(word) + raised


def _letters(word: str) -> str:
    if word in _WORDS:
        return _WORDS[word]
    if re.fullmatch(r"[uµμ](mol|m|g|L|l|s|V|A|W|Pa|bar|S)", word):
        return rf"\mathrm{{\mu {word[1:]}}}"
    return rf"\mathrm{{{word}}}" if word.isascii() else rf"\text{{{escape(word)}}}"
