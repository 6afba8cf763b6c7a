"""Stored figures: what the commands printed, and the tables of the documents made of them.

`figures.json` holds, for every part, its command and its rows. The tables between
``<!-- belief: PART -->`` and ``<!-- end -->`` in a document are those of the file; a test
compares them, and `python -m benchmarks.belief figures` writes them anew.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).with_name("figures.json")
DOCUMENTS = (ROOT / "benchmarks/belief/README.md", ROOT / "docs/verdict.md")

_PLACE = re.compile(r"(<!-- belief: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

Rows = Sequence[Mapping[str, Any]]


def markdown(rows: Rows) -> str:
    """Return rows as a Markdown table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([row[n] for n in names] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def stored() -> dict[str, Any]:
    """Return part -> {"command", "rows"}."""
    return json.loads(STORED.read_text("utf-8")) if STORED.is_file() else {}


def store(part: str, command: str, rows: Rows) -> None:
    """Put the rows of a part into the file, beside their command."""
    known = stored() | {part: {"command": command, "rows": list(rows)}}
    text = json.dumps(dict(sorted(known.items())), indent=1, default=float)
    _write(STORED, text + "\n")


def with_figures(text: str) -> str:
    """Return a document with the stored tables in their places.

    Raises:
        KeyError: a document asks for a part that is not stored.
    """
    known = stored()

    def table(place: re.Match[str]) -> str:
        found = known[place[2]]
        return (
            f"{place[1]}`{found['command']}`\n\n{markdown(found['rows'])}\n{place[3]}"
        )

    return _PLACE.sub(table, text)


def write_documents() -> list[Path]:
    """Write the stored tables into the documents; return those that changed."""
    changed = []
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        if (fresh := with_figures(text)) != text:
            _write(path, fresh)
            changed.append(path)
    return changed


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_suffix(f"{path.suffix}.part")
    part.write_text(text, "utf-8")
    part.replace(path)
