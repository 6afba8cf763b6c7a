"""Build twice, install in a clean environment, run the demo elsewhere: `make dist-check`.

With ``--dependencies FOLDER`` the environment takes the dependencies from the site-packages
that lie there in place of installing them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from release.distribution import ROOT, build

_PLACES = "import {0}, sys; sys.stdout.write({0}.__file__)"


def check(place: Path, dependencies: Path | None = None) -> list[str]:
    """Do all of it in an empty folder; return what was seen, one sentence each.

    Raises:
        RuntimeError: the builds differ, or what runs is not what was installed.
    """
    first, second = build(place / "first"), build(place / "second")
    if first != second:
        raise RuntimeError(f"two builds differ: {first} and {second}")
    seen = [f"built twice, equal: {name} {digest}" for name, digest in first.items()]
    for name in first:
        folder = place / name.replace(".", "-")
        _installed(folder, place / "first" / name, dependencies)
        seen.append(_ran(folder, name))
    return seen


def _installed(folder: Path, file: Path, dependencies: Path | None) -> None:
    venv.create(folder, with_pip=True)
    options = ["--constraint", str(ROOT / "constraints.txt")]
    if dependencies is not None:
        # the setuptools that Python 3.11 brings along cannot read our pyproject.toml
        own = [folder / "bin/python", "-m", "pip", "uninstall", "--yes", "--quiet"]
        _done([*own, "setuptools"], folder)
        site = next((folder / "lib").glob("python*/site-packages"))
        # after the environment's own, so that what was built comes first
        (site / "dependencies.pth").write_text(f"{dependencies}\n")
        options = ["--no-deps", "--no-build-isolation", "--ignore-installed"]
    _done(
        [folder / "bin/python", "-m", "pip", "install", "--quiet", *options, file],
        folder,
    )


def _ran(folder: Path, name: str) -> str:
    """Run the demo from a folder that holds no sources."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    for package in ("sciren", "symbolic", "visualize", "discovery"):
        call = [folder / "bin/python", "-I", "-c", _PLACES.format(package)]
        place = Path(_done(call, elsewhere))
        if not place.is_relative_to(folder):
            raise RuntimeError(
                f"{name}: {package} comes from {place}, not from {folder}"
            )
    told = _done(
        [folder / "bin/sciren", "-q", "demo", "respiration", "-o", "run"], elsewhere
    )
    if not (elsewhere / "run" / "report.html").is_file():
        raise RuntimeError(f"{name}: the demo wrote no report")
    return (
        f"{name}, installed alone, demo run elsewhere: {told.strip().splitlines()[0]}"
    )


def _done(command: list[object], folder: Path) -> str:
    # a path of sources would run in place of what was installed
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    found = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if found.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {found.stderr.strip()}")
    return found.stdout


def main() -> None:
    """Check the commit that is checked out."""
    parser = argparse.ArgumentParser(
        prog="python -m release.check", description=__doc__
    )
    parser.add_argument("--dependencies", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sciren-dist-") as place:
        for sentence in check(Path(place), asked.dependencies):
            sys.stdout.write(f"{sentence}\n")


if __name__ == "__main__":
    main()
