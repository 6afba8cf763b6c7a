"""One trained model of Table 3: a method and a split, its training and its figures."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from case_studies import cells
from case_studies.soil_carbon import table3_methods as methods
from case_studies.soil_carbon.table3_metrics import judge
from sciren import ScIReN, SciRenError, Split, fit, load_model, save_model
from sciren.datasets import SoilCarbonStudy, make_soil_carbon


@dataclass(frozen=True)
class Record:
    """What all cells of a run share.

    Args:
        out: folder of the results.
        mode: ours (Gauss-Newton), first-order, or paper.
        seed, truth, noise, n_sites: of the simulated sites.
    """

    out: Path
    mode: methods.Mode = "ours"
    seed: int = 0
    truth: int = 12345
    noise: float = 0.0
    n_sites: int = 1018

    @property
    def tag(self) -> str:
        """Ending of the names of files that are not made with the default settings."""
        parts = [] if self.mode == "ours" else [self.mode]
        parts += [] if self.truth == 12345 else [f"truth{self.truth}"]
        parts += [f"noise{self.noise:g}"] if self.noise else []
        parts += [f"sites{self.seed}"] if self.seed else []
        return "".join(f"_{part}" for part in parts)

    def study(self) -> SoilCarbonStudy:
        """Return the simulated sites."""
        return _study(self.n_sites, self.seed, self.truth, self.noise)


@lru_cache(maxsize=4)
def _study(n_sites: int, seed: int, truth: int, noise: float) -> SoilCarbonStudy:
    return make_soil_carbon(n_sites, seed, truth, noise)


@lru_cache(maxsize=4)
def _fingerprint(n_sites: int, seed: int, truth: int, noise: float) -> str:
    frame = _study(n_sites, seed, truth, noise).frame
    return hashlib.sha256(frame.to_numpy().tobytes()).hexdigest()


@dataclass(frozen=True)
class Cell(cells.Cell):
    """A method, a split from 1 to 5, and what all cells share."""

    method: methods.Method
    number: int
    record: Record

    @property
    def folder(self) -> Path:
        """Where result and model are kept."""
        name = f"table3-{self.method.slug}-{self.number}{self.record.tag}"
        return self.record.out / cells.FOLDER / name

    @property
    def title(self) -> str:
        """Name in messages."""
        return f"{self.method.name}, split {self.number}"

    def tables(self) -> tuple[SoilCarbonStudy, Split]:
        """Return the sites and the tables of the split."""
        study = self.record.study()
        return study, study.tables(self.number)

    def build(self) -> ScIReN:
        """Return the untrained model; its seed is the number of the split."""
        study, split = self.tables()
        return methods.build(self.method, study, split, self.record.mode, self.number)

    def depends_on(self) -> dict[str, Any]:
        """Return everything that the result depends on, apart from the program."""
        model, (_, split) = self.build(), self.tables()
        record = self.record
        config = methods.settings(self.method, split, record.mode, self.number)
        return {
            "method": self.method.name,
            "split": self.number,
            "encoder": {"kind": model.encoder.kind} | model.encoder.settings(),
            "constraints": [type(part).__name__ for part in model.constraints],
            "training": config.model_dump(),
            "data": _fingerprint(
                record.n_sites, record.seed, record.truth, record.noise
            ),
        }

    def model(self) -> ScIReN:
        """Return the trained model."""
        return load_model(self.folder, self.record.study().decoder())

    def labels(self, result: cells.Result) -> dict[str, Any]:
        """Return method, split and engine."""
        return {
            "method": self.method.name,
            "split": self.number,
            "engine": result.get("engine", ""),
        }

    def figures(self, result: cells.Result) -> str:
        """Return R2, KL and edges in a few words."""
        values = result["metrics"]
        names = ("r2_obs", "r2_latent", "r2_four", "kl")
        said = [f"{name} {values[name]:.5f}" for name in names]
        if not math.isnan(values["edges"]):
            said.append(f"{values['edges_true']:.0f} of 8 edges")
            said.append(f"{values['edges_false']:.0f} false")
        return ", ".join(said)


def compute(group: Sequence[Cell]) -> list[cells.Result]:
    """Train and judge the model of each cell, write both, and return the results.

    A training that fails is a result too: its figures are missing, its error is kept.
    """
    return [_compute(cell) for cell in group]


def _compute(cell: Cell) -> cells.Result:
    study, split = cell.tables()
    model = cell.build()
    config = methods.settings(cell.method, split, cell.record.mode, cell.number)
    result: cells.Result = {"split": cell.number}
    watch = cells.Stopwatch()
    try:
        history = fit(model, split.train, split.valid, config)
    except SciRenError as error:
        failed = {"failed": f"{type(error).__name__}: {error}"}
        return cell.store(result | failed | watch.spent())
    result |= {"engine": history.engine, "messages": list(history.messages)}
    result |= watch.spent()
    result["metrics"] = judge(model, study, split.test)
    if cell.method.name != methods.PURE:
        save_model(model, cell.folder)
    return cell.store(result)


def run(group: Sequence[Cell], workers: int = 1) -> list[cells.Result]:
    """Return the results of cells in their order, computing those that are missing."""
    return cells.run(group, compute, workers)
