"""Constraints with the oldest versions that pyproject.toml allows: `python -m release.oldest`.

torch stays at the version of constraints.txt: its wheels are hundreds of megabytes each,
and the older ones are not built for every Python that the others are tested with.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = ("torch",)
_BOUND = re.compile(r"(?P<name>[\w.-]+)(\[[\w,]+\])?>=(?P<version>[\w.]+)")


def oldest(root: Path = ROOT) -> Iterator[str]:
    """Yield ``name==version`` of every core dependency, sorted as they are declared.

    Raises:
        ValueError: a dependency has no lower bound.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    pinned = (root / "constraints.txt").read_text().splitlines()
    for text in project["dependencies"]:
        bound = _BOUND.fullmatch(text)
        if bound is None:
            raise ValueError(f"pyproject.toml: dependency {text!r} has no lower bound")
        name = bound["name"]
        if name in KEPT:
            yield next(line for line in pinned if line.startswith(f"{name}=="))
        else:
            yield f"{name}=={bound['version']}"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in oldest()))
