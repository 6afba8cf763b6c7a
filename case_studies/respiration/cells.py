"""One trained model of a table: a row and a seed, its result and its file.

A result is written as soon as it is known and is used again as long as nothing that it
depends on has changed, so that broken runs go on.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from case_studies.respiration import methods
from case_studies.respiration.published import Row
from case_studies.respiration.record import Record
from case_studies.results import kept
from sciren import ScIReN, SciRenError, Split, load_model
from sciren.datasets import RespirationStudy

FOLDER = "cells"


@dataclass(frozen=True)
class Cell:
    """A row, a seed, and what all cells share."""

    row: Row
    seed: int
    record: Record

    @property
    def folder(self) -> Path:
        """Where result and model are kept."""
        name = f"{self.row.slug}-seed{self.seed}{self.record.tag}"
        return self.record.out / FOLDER / name

    def key(self) -> dict[str, Any]:
        """Return everything that the result depends on, apart from the program."""
        model = methods.build(self.row, self.record.mode, self.seed)
        settings = methods.settings(self.row, self.record.mode, self.seed)
        key = {
            "table": self.row.table,
            "method": self.row.method,
            "setting": self.row.setting,
            "constraint": self.row.constraint,
            "encoder": {"kind": model.encoder.kind} | model.encoder.settings(),
            "constants": model.constants(),
            "training": settings.model_dump(),
            "record": self.record.fingerprint(),
            "thin": self.record.thin,
        }
        return json.loads(json.dumps(key))

    def stored(self) -> dict[str, Any] | None:
        """Return the result, if it is there and still holds."""
        return kept(self.folder, self.key())

    def store(self, result: dict[str, Any]) -> dict[str, Any]:
        """Write a result, whole or not at all, and return it with its key."""
        found = {"key": self.key(), "seed": self.seed} | result
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / ".result.json.part"
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        part.replace(self.folder / "result.json")
        return found

    def tables(self) -> tuple[RespirationStudy, Split]:
        """Return the record of the cell and its tables."""
        return self.record.tables(self.row.setting, self.seed)

    def model(self) -> ScIReN:
        """Return the trained model; one that cannot be read is trained again."""
        try:
            return load_model(self.folder)
        except SciRenError as error:
            from case_studies.respiration.training import compute

            say(f"{error}; training it again")
            compute([self])
        return load_model(self.folder)

    def describe(self, result: dict[str, Any]) -> str:
        """Return a line about the finished cell."""
        start = f"{self.row.title}{self.record.tag}, seed {self.seed}:"
        spent = f"{result['cpu_seconds']:.1f} s CPU"
        if "failed" in result:
            return f"{start} {result['failed']} ({spent})"
        values = result["metrics"]
        shown = [f"{name} {values[name]:.4f}" for name in ("r2_obs", "r2_latent", "kl")]
        width = f", hidden nodes {result['hidden']}" if result["hidden"] else ""
        dropped = (
            f", dropped {' '.join(result['dropped'])}" if result["dropped"] else ""
        )
        return f"{start} {', '.join(shown)}{width}{dropped}, {spent}"


def say(message: str) -> None:
    """Tell the person who waits."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
