"""Bounds beside an equation: ``rb = 0.4*lai + 1, 0 <= rb``.

They hold as if they stood inside it: what is computed is the nearer bound beyond them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from symbolic.printing.latex import latex_printer
from symbolic.printing.text import text_printer


def text_beside(terms: Sequence[Any]) -> str:
    """Return what follows the text of an equation, or "".

    Args:
        terms: rising, the quantity among them, see `symbolic.terms.bounded.Beside`.
    """
    return f", {text_printer(terms, None).rising(terms)}" if terms else ""


def latex_beside(terms: Sequence[Any], symbols: Mapping[str, str] | None = None) -> str:
    """Return what follows the LaTeX of an equation, or ""; arguments as above."""
    if not terms:
        return ""
    return rf", \quad {latex_printer(terms, None, symbols).rising(terms)}"
