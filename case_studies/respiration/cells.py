"""One trained model of a table: a row and a seed, its result and its model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from case_studies import cells
from case_studies.respiration import methods
from case_studies.respiration.published import Row
from case_studies.respiration.record import Record
from sciren import Split
from sciren.datasets import RespirationStudy


@dataclass(frozen=True)
class Cell(cells.Cell):
    """A row, a seed, and what all cells share."""

    row: Row
    seed: int
    record: Record

    @property
    def folder(self) -> Path:
        """Where result and model are kept."""
        name = f"{self.row.slug}-seed{self.seed}{self.record.tag}"
        return self.record.out / cells.FOLDER / name

    @property
    def title(self) -> str:
        """Name in messages."""
        return f"{self.row.title}{self.record.tag}, seed {self.seed}"

    def depends_on(self) -> dict[str, Any]:
        """Return everything that the result depends on, apart from the program."""
        model = methods.build(self.row, self.record.mode, self.seed)
        settings = methods.settings(self.row, self.record.mode, self.seed)
        return {
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

    def tables(self) -> tuple[RespirationStudy, Split]:
        """Return the record of the cell and its tables."""
        return self.record.tables(self.row.setting, self.seed)

    def labels(self, result: cells.Result) -> dict[str, Any]:
        """Return table, method, seed, engine, hidden nodes and dropped features."""
        return {
            "table": self.row.table,
            "method": self.row.method,
            "seed": self.seed,
            "engine": result.get("engine", ""),
            "hidden_nodes": ", ".join(map(str, result.get("hidden", []))),
            "dropped": ", ".join(result.get("dropped", [])),
        }

    def figures(self, result: cells.Result) -> str:
        """Return R2, KL, hidden nodes and dropped features in a few words."""
        values = result["metrics"]
        said = [f"{name} {values[name]:.4f}" for name in ("r2_obs", "r2_latent", "kl")]
        if result["hidden"]:
            said.append(f"hidden nodes {result['hidden']}")
        if result["dropped"]:
            said.append(f"dropped {' '.join(result['dropped'])}")
        return ", ".join(said)
