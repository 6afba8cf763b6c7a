r"""Names of columns and parameters as LaTeX symbols.

One letter is italic, several letters upright, what follows an underscore an upright
subscript, Greek names Greek, digits stay where they are: ``sw_pot`` becomes
``\mathrm{sw}_{\mathrm{pot}}``, ``BIO1`` stays ``\mathrm{BIO1}``.
"""

from collections.abc import Iterable, Mapping

from sciren.errors import ExpressionError
from symbolic.printing.spelling import transliterated

_LOWER = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma "
    "tau upsilon phi chi psi omega"
)
_UPPER = "Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega"
GREEK = frozenset((_LOWER + " " + _UPPER).split())
"""Names printed as Greek letters; pi is left out, it is the number."""

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "°": r"\textdegree{}",
    "µ": r"\textmu{}",
    "μ": r"\textmu{}",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "±": r"\textpm{}",
    "–": "--",
    "−": "--",
}


def latex_symbol(name: str, symbols: Mapping[str, str] | None = None) -> str:
    """Return the LaTeX of one name.

    Args:
        symbols: name -> final LaTeX, taken verbatim.
    """
    if symbols and name in symbols:
        return symbols[name]
    first, *rest = name.split("_")
    # a name that begins with an underscore has an empty base
    base = _word(first, italic=True) or r"\mathrm{}"
    if not rest:
        return base
    return base + "_{" + ",".join(_word(part, italic=False) for part in rest) + "}"


def latex_symbols(
    names: Iterable[str], symbols: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return name -> LaTeX for several names, all different.

    Names that would be printed alike, such as those with two kinds of mu, are counted.

    Raises:
        ExpressionError: the user gave two names one symbol.
    """
    printed: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in names:
        text = latex_symbol(name, symbols)
        # two names that look alike would be one quantity to a reader
        if taken.setdefault(text, name) != name:
            if symbols and (name in symbols or taken[text] in symbols):
                raise ExpressionError(
                    f"{taken[text]!r} and {name!r} are both printed as {text}; give one of "
                    "them another symbol with symbols={...}"
                )
            text = _counted(text, taken)
            taken[text] = name
        printed[name] = text
    return printed


def _counted(text: str, taken: Mapping[str, str]) -> str:
    """Return a symbol with the first number that makes it another one."""
    number = 2
    while (counted := f"{{{text}}}_{{({number})}}") in taken:
        number += 1
    return counted


def escape(text: str) -> str:
    """Return plain text for LaTeX, special characters escaped.

    Characters outside Latin-1 that have no escape are spelled in Latin letters, so that
    a document always compiles.
    """
    return "".join(
        _ESCAPES.get(character) or _latin(character) for character in str(text)
    )


def _latin(character: str) -> str:
    if ord(character) < 256:
        return character
    spelled = transliterated(character)
    return "".join(_ESCAPES.get(character, character) for character in spelled)


def _word(word: str, italic: bool) -> str:
    if word in GREEK:
        return "\\" + word
    # one letter is a variable, italic; digits stay as they are
    if word.isascii() and (word.isdigit() or (italic and len(word) == 1)):
        return word
    plain = word.isascii() and all(c.isalnum() or c in ".'" for c in word)
    inside = word if plain else rf"\text{{{escape(word)}}}"
    return rf"\mathrm{{{inside}}}"
