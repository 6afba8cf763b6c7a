"""Wheel and sdist whose bytes depend on the sources alone: `python -m release.distribution OUT`.

Dates are those of the last commit, or SOURCE_DATE_EPOCH:
https://reproducible-builds.org/specs/source-date-epoch/
"""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build(out: Path, root: Path = ROOT) -> dict[str, str]:
    """Build both from the committed files; return name -> SHA-256.

    Args:
        out: folder of the two files, is made.
        root: a checkout.
    """
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    date = os.environ.get("SOURCE_DATE_EPOCH") or _said(
        ["git", "log", "-1", "--format=%ct"], root
    )
    with tempfile.TemporaryDirectory() as place:
        packed = subprocess.run(
            ["git", "archive", "HEAD"], cwd=root, check=True, capture_output=True
        )
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(place, filter="data")
        for kind in ("build_wheel", "build_sdist"):
            call = f"from setuptools.build_meta import {kind}; {kind}({str(out)!r})"
            subprocess.run(
                [sys.executable, "-c", call], cwd=place, check=True, capture_output=True,
                env=os.environ | {"SOURCE_DATE_EPOCH": date},
            )  # fmt: skip
    for file in out.glob("*.tar.gz"):
        _level(file, int(date))
    files = sorted(file for file in out.iterdir() if file.suffix in (".whl", ".gz"))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def _said(command: list[str], root: Path) -> str:
    found = subprocess.run(
        command, cwd=root, check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


def _level(file: Path, date: int) -> None:
    """Pack an sdist again, sorted, of one date and owner; setuptools takes the clock's."""
    with tarfile.open(file) as archive:
        members = sorted(archive.getmembers(), key=lambda member: member.name)
        contents = [archive.extractfile(m) if m.isfile() else None for m in members]
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as target:
            for member, content in zip(members, contents, strict=True):
                member.mtime, member.uid, member.gid = date, 0, 0
                member.uname = member.gname = ""
                member.mode = 0o755 if member.isdir() else 0o644
                member.pax_headers = {}
                target.addfile(member, content)
    with (
        file.open("wb") as stream,
        gzip.GzipFile("", "wb", 9, stream, mtime=date) as packed,
    ):
        packed.write(plain.getvalue())


if __name__ == "__main__":
    for name, digest in build(Path(sys.argv[1])).items():
        sys.stdout.write(f"{digest}  {name}\n")
