"""Errors of the toolkit: each message names the value, the place and the next step."""

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any


class SciRenError(Exception):
    """Base of every error that this toolkit raises on purpose."""


class ConfigError(SciRenError, ValueError):
    """A setting does not exist, is out of bounds or contradicts another one."""


class DataError(SciRenError, ValueError):
    """A file, column or row cannot be used as it is."""


class NoRowsError(DataError):
    """A filter leaves no row."""


class DownloadError(DataError):
    """A public data set cannot be fetched, or is not what it should be."""


class ColumnError(DataError, KeyError):
    """A column that somebody asked for is not in the table."""

    def __str__(self) -> str:
        """Return the plain message (KeyError would print its repr)."""
        return str(self.args[0]) if self.args else ""


class ShapeError(SciRenError, ValueError):
    """An array has the wrong number of rows, columns or dimensions."""


class ParameterError(SciRenError, ValueError):
    """A parameter's name, bounds, kind or start value is not usable."""


class DecoderError(SciRenError, ValueError):
    """A process model is missing, declares something wrong or returns something wrong."""


class FormatError(SciRenError, ValueError):
    """A stored model, equation or run cannot be read."""


class TrainingError(SciRenError, RuntimeError):
    """Training cannot start or cannot go on."""


class ExpressionError(SciRenError, ValueError):
    """A formula or filter holds something that is not allowed there."""


class DataWarning(UserWarning):
    """The data can be used, but the user should know something about them."""


def closest_names(name: str, present: Iterable[str]) -> str:
    """Return 'Closest names: a, b.' for a message, or the start of the list."""
    known = [str(other) for other in present]
    # 0.5: a letter or two wrong in a word of five still finds it.
    nearest = get_close_matches(str(name), known, n=3, cutoff=0.5)
    # A name in other letters, upper or lower, is the likeliest, and no match of difflib.
    same = [other for other in known if other.casefold() == str(name).casefold()]
    if same or nearest:
        first = list(dict.fromkeys([*same, *nearest]))[:3]
        return f"Closest names: {', '.join(first)}."
    shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return f"Present: {shown or 'none'}."


def check_keywords(
    function: Callable[..., Any], given: Iterable[str], further: Iterable[str]
) -> None:
    """Refuse keywords that a function which passes some of them on does not have.

    Args:
        function: that was called;  given: keywords that it does not name itself.
        further: those that it passes on.
    Raises:
        TypeError: as Python does, with the function that was called and the closest names.
    """
    known = set(further)
    for name in given:
        if name not in known:
            own = inspect.signature(function).parameters.values()
            named = [p.name for p in own if p.kind is not p.VAR_KEYWORD]
            raise TypeError(
                f"{function.__name__}() has no keyword {name!r}. "
                f"{closest_names(name, [*named, *further])}"
            )
