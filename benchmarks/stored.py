"""Stored figures: what commands printed, and the tables of documents made of them.

A file of JSON holds tables by name, each with the command that made it and its rows. The
tables between ``<!-- WORD: NAME -->`` and ``<!-- end -->`` in a document are those of the
file: they are written from it, and a test compares them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def markdown(rows: Rows) -> str:
    """Return rows as a Markdown table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([row[n] for n in names] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


@dataclass(frozen=True)
class StoredFigures:
    """Tables in a file, and the documents that show them.

    Attributes:
        word: that marks their places;  file: JSON;  documents: with such places.
    """

    word: str
    file: Path
    documents: tuple[Path, ...]

    def tables(self) -> dict[str, Any]:
        """Return name -> {"command", "rows"}."""
        return json.loads(self.file.read_text("utf-8")) if self.file.is_file() else {}

    def store(self, name: str, command: str, rows: Rows) -> None:
        """Put a table into the file, beside its command."""
        known = self.tables() | {name: {"command": command, "rows": list(rows)}}
        text = json.dumps(dict(sorted(known.items())), indent=1, default=float)
        _write(self.file, text + "\n")

    def within(self, text: str) -> str:
        """Return a document with the stored tables in their places.

        Raises:
            KeyError: it asks for a table that is not stored.
        """
        known = self.tables()

        def table(place: re.Match[str]) -> str:
            found = known[place[2]]
            rows = markdown(found["rows"])
            return f"{place[1]}`{found['command']}`\n\n{rows}\n{place[3]}"

        pattern = rf"(<!-- {self.word}: (\S+) -->\n).*?(<!-- end -->)"
        return re.sub(pattern, table, text, flags=re.DOTALL)

    def write_documents(self) -> list[Path]:
        """Write the stored tables into the documents; return those that changed."""
        changed = []
        for path in self.documents:
            text = path.read_text("utf-8")
            if (fresh := self.within(text)) != text:
                _write(path, fresh)
                changed.append(path)
        return changed


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_suffix(f"{path.suffix}.part")
    part.write_text(text, "utf-8")
    part.replace(path)
