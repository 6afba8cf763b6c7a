"""The page of licences, from what the installed packages say: `python -m release.licences`."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
HEAD = """\
# Licences of the dependencies

ScIReN itself is under the MIT licence. A plain installation brings the packages below, with the
versions of `constraints.txt`; the last column is what each says of itself. This page is written by
`make licences`.

| package | version | licence |
| --- | --- | --- |
"""
_NAME = re.compile(r"[\w.-]+")


def page(root: Path = ROOT) -> str:
    """Return the page: every package that a plain installation needs, sorted."""
    rows = [
        f"| {name} | {version} | {licence} |"
        for name, version, licence in _needed(root)
    ]
    return HEAD + "\n".join(rows) + "\n"


def _needed(root: Path) -> Iterator[tuple[str, str, str]]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    waiting, found = list(project["dependencies"]), {}
    while waiting:
        match = _NAME.match(waiting.pop())
        name = match.group().lower().replace("_", "-") if match else ""
        if name in found:
            continue
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another system, or an extra
            continue
        found[name] = package
        waiting += [
            need
            for need in package.requires or ()
            if _asked_here(need) and not _of_a_build(need)
        ]
    for name in sorted(found):
        package = found[name]
        yield (
            package.metadata["Name"],
            package.version.split("+")[0],
            licence_of(package),
        )


def _asked_here(need: str) -> bool:
    """Whether a requirement holds on this system and without extras."""
    marker = Requirement(need).marker
    return marker is None or marker.evaluate({"extra": ""})


def _of_a_build(need: str) -> bool:
    """Whether only some builds of torch bring a package along."""
    return need.startswith(("nvidia-", "cuda-", "triton"))


def licence_of(package: metadata.Distribution) -> str:
    """Return the licence that a package declares, in one line."""
    told = package.metadata
    expression = told.get("License-Expression")
    classified = [
        line.rpartition(" :: ")[2]
        for line in told.get_all("Classifier") or ()
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    text = (told.get("License") or "").strip().splitlines()
    return expression or ", ".join(classified) or (text[0] if text else "not declared")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
