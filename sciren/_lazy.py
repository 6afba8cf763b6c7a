"""Lazy names for package ``__init__`` files, so that importing them loads no torch."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a lazy package.

    Args:
        package: the package's ``__name__``, for messages.
        names: public name -> module that defines it.
    """

    def getattr_(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(names[name]), name)

    public = sorted(names)
    return getattr_, lambda: public, public
