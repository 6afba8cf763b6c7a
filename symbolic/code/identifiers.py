"""Names of columns and parameters as legal identifiers of a programming language."""

import re
from collections.abc import Collection

from symbolic.printing.spelling import transliterated

LONGEST = 60
"""Characters of an identifier; Fortran allows 63."""


class Identifiers:
    """Gives every name an identifier of its own.

    Args:
        reserved: words that the language, or the code itself, has taken.
        folded: whether upper and lower case are the same to the language.
    """

    def __init__(self, reserved: Collection[str], folded: bool = False) -> None:
        self._folded = folded
        self._taken = {self._key(word) for word in reserved}
        self._known: dict[tuple[str, str], str] = {}

    def __call__(self, kind: str, name: str) -> str:
        """Return the identifier of a name; the same one whenever it is asked for again.

        Args:
            kind: what is named; equal names of two kinds get different identifiers.
        """
        known = self._known.get((kind, name))
        if known is None:
            known = self._known[kind, name] = self._new(name)
        return known

    def _new(self, name: str) -> str:
        # letters of ASCII, digits and underscores are legal everywhere
        word = re.sub(r"[^A-Za-z0-9_]+", "_", transliterated(name)).strip("_")
        # no language lets a name begin with a digit, Fortran none with an underscore
        if not word or not word[0].isalpha():
            word = f"x_{word}".rstrip("_")
        word = word[:LONGEST].rstrip("_")
        tried, number = word, 1
        # two columns may differ in signs alone, or in case where the language ignores it
        while self._key(tried) in self._taken:
            number += 1
            tail = f"_{number}"
            tried = word[: LONGEST - len(tail)] + tail
        self._taken.add(self._key(tried))
        return tried

    def _key(self, word: str) -> str:
        return word.lower() if self._folded else word
