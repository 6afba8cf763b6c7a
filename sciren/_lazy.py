"""Lazy names for package ``__init__`` files, so that importing them loads no torch."""

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def lazy(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a lazy package.

    The public names are those that the file imports for type checkers, under
    ``if TYPE_CHECKING:``; each is imported at its first use. They are read from the
    source, because a second list of them would have to be kept equal to the first.

    Args:
        package, file: the package's ``__name__``, for messages, and its ``__file__``.
    """
    names = {
        alias.name: node.module
        # Read, not imported: what stands under TYPE_CHECKING never runs.
        for block in ast.parse(Path(file).read_text(encoding="utf-8")).body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }

    def getattr_(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(names[name]), name)

    public = sorted(names)
    return getattr_, lambda: public, public
