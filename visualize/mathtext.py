"""Formulas without TeX: what matplotlib's mathtext can read, and how large it is."""

import re
from functools import lru_cache

from matplotlib.cbook import is_math_text
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

_SAME = {  # commands that mathtext lacks -> what looks the same
    r"\left\lvert": r"\left|", r"\right\rvert": r"\right|",
    r"\lvert": "|", r"\rvert": "|", r"\vert": "|",
    r"\tfrac": r"\frac", r"\le": r"\leq", r"\ge": r"\geq", r"\ne": r"\neq",
    r"\textsf": r"\text",  # labels of classes
    r"\displaystyle": "", r"\textstyle": "", r"\nonumber": "", r"\notag": "",
    r"\big": "", r"\bigl": "", r"\bigr": "", r"\Big": "", r"\Bigl": "", r"\Bigr": "",
    r"\allowbreak": "", r"\limits": "", r"\lbrace": r"\{", r"\rbrace": r"\}",
}  # fmt: skip
_HINTED = 1.05  # plain text gets a little wider on a screen of 100 dots per inch
_COMMAND = re.compile(r"\\(?:left|right)\\[lr]vert(?![a-zA-Z])|\\[a-zA-Z]+")
_DOLLAR = re.compile(r"(?<!\\)\$")
_SIGN = re.compile(r"\\text[a-z]+")  # \textdegree and the like stand inside \text{...}
_LABEL = re.compile(r"\\label\{[^{}]*\}")


def bare(latex: str) -> str:
    """Return the mathematics in one line, without dollar signs and labels."""
    return " ".join(_LABEL.sub("", latex).split()).strip("$").strip()


def to_mathtext(latex: str) -> str | None:
    """Return ``$...$`` that matplotlib can draw, None when it cannot.

    Args:
        latex: one line of mathematics, without or with dollar signs.
    """
    source = respelled(latex)
    try:
        # Measuring parses it: the one way to learn whether mathtext can read it.
        return source if source and text_size(source, 10)[0] > 0 else None
    except ValueError:
        return None


def respelled(latex: str) -> str | None:
    """Return ``$...$`` with the commands of mathtext, None where it has letters without.

    Whether mathtext can read it shows when it is typeset. Letters and signs beyond ASCII
    are not drawn: mathtext would put dummies in their place.
    """
    # Whole commands are compared, so that \le does not change \left.
    source = _COMMAND.sub(lambda match: _SAME.get(match[0], match[0]), bare(latex))
    if not source.isascii() or not source.isprintable():
        return None
    # A dollar inside would end the mathematics.
    if _DOLLAR.search(source) or _SIGN.search(source):
        return None
    return f"${source}$"


@lru_cache(maxsize=4096)
def text_size(text: str, points: float, math: bool = True) -> tuple[float, float]:
    """Return width and height in inches of a text in the pictures' font.

    Args:
        text: plain, or with mathematics between dollar signs.
        points: font size.
        math: whether dollar signs mark mathematics.
    Raises:
        ValueError: mathtext cannot read the mathematics.
    """
    font = FontProperties(family="DejaVu Sans", size=points)
    font.set_math_fontfamily("dejavusans")
    ismath = math and bool(is_math_text(text))
    text = text if ismath else text.replace(r"\$", "$")
    width, height, _ = text_to_path.get_text_width_height_descent(text, font, ismath)
    hinted = 1.0 if ismath else _HINTED
    return float(width) * hinted / 72, float(height) / 72
