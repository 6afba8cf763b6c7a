"""List every public name of a package on its page of the reference.

The names are those of the package's own table of contents, so that a new one is there
without another list to keep.
"""

import ast
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_MARK = re.compile(r"^<!-- every public name of (\w+) -->$", re.MULTILINE)


def public_paths(package: str) -> list[str]:
    """Return the full path of every name that ``package/__init__.py`` imports for checkers."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    paths = [
        f"{node.module}.{alias.name}"
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return sorted(paths, key=lambda path: path.rpartition(".")[2].lower())


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the names in the place of the mark."""
    return _MARK.sub(
        lambda mark: "\n\n".join(f"::: {path}" for path in public_paths(mark[1])),
        markdown,
    )
