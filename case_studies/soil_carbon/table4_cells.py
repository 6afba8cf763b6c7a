"""One trained model of Table 4: a method and a split, its training, figures and files."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from case_studies import cells
from case_studies.soil_carbon import table4_methods as methods
from case_studies.soil_carbon.profiles import FOLDS, Profiles
from case_studies.soil_carbon.table4_identify import identification
from discovery import partial_dependence
from sciren import ScIReN, SciRenError, Split, Table, edge_table, fit, r2
from sciren.decoders import CLM5Forcing, CLM5SoilCarbon

EFFECT_ROWS = 300  # that partial dependence is averaged over
EFFECT_GRID = 40


@dataclass(frozen=True, eq=False)
class Study:
    """What all cells of a run share.

    Args:
        profiles: the data.
        forcing: of their sites.
        out: folder of the results.
        predicted: parameters that the encoders predict.
        constants: parameters learned as one number for all sites; none as published.
    """

    profiles: Profiles
    forcing: CLM5Forcing
    out: Path
    predicted: tuple[str, ...] = methods.PREDICTED
    constants: tuple[str, ...] = methods.CALIBRATED

    @property
    def stem(self) -> str:
        """Beginning of the names of files."""
        return self.profiles.name.lower() + ("" if self.constants else "_fixed")

    def build(self, name: str, number: int, split: Split) -> ScIReN:
        """Return the untrained model of a method; its seed is the number of the split."""
        return methods.build(
            name, split, self.forcing, number, self.predicted, self.constants
        )

    def fingerprint(self) -> str:
        """Hash of the layers, the forcing and the folds."""
        made = hashlib.sha256()
        for name in self.profiles.layers.columns:
            values = self.profiles.layers[name].to_numpy(dtype=float)
            made.update(name.encode() + np.ascontiguousarray(values).tobytes())
        for name, value in self.forcing.items():
            made.update(name.encode() + value.contiguous().numpy().tobytes())
        made.update(np.ascontiguousarray(self.profiles.folds()).tobytes())
        return made.hexdigest()


@dataclass(frozen=True, eq=False)
class Cell(cells.Cell):
    """A method, a split, and what all cells share."""

    method: methods.Method
    number: int
    study: Study

    @property
    def folder(self) -> Path:
        """Where the files are kept."""
        name = f"{self.study.stem}-{self.method.slug}-{self.number}"
        return self.study.out / cells.FOLDER / name

    @property
    def title(self) -> str:
        """Name in messages."""
        return f"{self.method.name}, split {self.number}"

    def depends_on(self) -> dict[str, Any]:
        """Return everything that the result depends on, apart from the program."""
        study, name = self.study, self.method.name
        split = study.profiles.split(self.number)
        model = study.build(name, self.number, split)
        ways = methods.settings(name, self.number, len(split.train))
        return {
            "method": name,
            "split": self.number,
            "features": list(study.profiles.features),
            "predicted": list(study.predicted),
            "constants": list(study.constants),
            "encoder": {"kind": model.encoder.kind} | model.encoder.settings(),
            "constraints": [type(part).__name__ for part in model.constraints],
            "training": [way.model_dump() for way in ways],
            "data": study.fingerprint(),
        }

    def labels(self, result: cells.Result) -> dict[str, Any]:
        """Return method, split, engine and learning rate."""
        return {
            "method": self.method.name,
            "split": self.number,
            "engine": result.get("engine", ""),
            "learning_rate": result.get("learning_rate", math.nan),
        }

    def figures(self, result: cells.Result) -> str:
        """Return R2, mean absolute error and Pearson in a few words."""
        values = result["metrics"]
        return (
            f"R2 {values['r2']:.3f}, MAE {values['mae']:.0f}, "
            f"Pearson {values['pearson']:.3f}"
        )

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of a finished cell: predictions, latents, effects, edges, ..."""
        return pd.read_csv(self.folder / f"{name}.csv")


def compute(cell: Cell) -> cells.Result:
    """Train and judge the model of a cell, write its files, and return the result.

    A training that fails is a result too: its figures are missing, its error is kept.
    """
    split = cell.study.profiles.split(cell.number)
    watch = cells.Stopwatch()
    model, record = best_model(cell, split)
    result = {"split": cell.number} | record | watch.spent()
    cell.folder.mkdir(parents=True, exist_ok=True)
    if model is not None:
        result |= {"constants": model.constants(), "metrics": judge(model, split)}
        _keep(cell, model, split)
    return cell.store(result)


def run(group: Sequence[Cell]) -> list[cells.Result]:
    """Return the results of cells in their order, computing those that are missing."""
    return cells.run(group, _computed)


def _computed(group: Sequence[Cell]) -> list[cells.Result]:
    return [compute(cell) for cell in group]


def best_model(cell: Cell, split: Split) -> tuple[ScIReN | None, dict[str, Any]]:
    """Train in every way that competes; return the best on validation and its record."""
    study, seed, name = cell.study, cell.number, cell.method.name
    best: tuple[ScIReN | None, dict[str, Any]] = (
        None,
        {"failed": "nothing was trained"},
    )
    least, errors = float("inf"), []
    for config in methods.settings(name, seed, len(split.train)):
        model = study.build(name, seed, split)
        try:
            history = fit(model, split.train, split.valid, config)
        except SciRenError as error:
            errors.append(f"{type(error).__name__}: {error}")
            continue
        loss = _validation(model, split.valid)
        if loss < least:
            least = loss
            record = {"engine": history.engine, "messages": list(history.messages)}
            best = model, record | {"learning_rate": config.learning_rate}
    if best[0] is None and errors:
        return None, {"failed": errors[0]}
    return best


def _validation(model: ScIReN, table: Table) -> float:
    """Mean squared error on validation, gC2 m-6."""
    return float((model.predict(table).targets - table.targets).square().mean())


def judge(model: ScIReN, split: Split) -> dict[str, float]:
    """Figures of merit on every part: r2, mae (gC m-3), pearson, and r2 of logs."""
    figures = {}
    for part in ("train", "valid", "test"):
        table: Table = getattr(split, part)
        observed = table.targets[:, 0].numpy()
        predicted = model.predict(table).targets[:, 0].numpy()
        end = "" if part == "test" else f"_{part}"
        scores = scores_of(observed, predicted)
        figures |= {f"{name}{end}": value for name, value in scores.items()}
    return figures


def scores_of(observed: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """R2 = 1 - SSE / SST, mean absolute error, Pearson, and R2 of log(soc + 1 kg m-3)."""
    # one kg m-3 is little carbon: below it, logs would only compare what is not there
    logs = [np.log(np.maximum(soc, 0.0) + 1000.0) for soc in (observed, predicted)]
    return {
        "r2": r2(observed, predicted),
        "mae": float(np.abs(observed - predicted).mean()),
        "pearson": float(np.corrcoef(observed, predicted)[0, 1]),
        "r2_log": r2(*logs),
    }


def _keep(cell: Cell, model: ScIReN, split: Split) -> None:
    """Write what the report and the figures need of a trained model."""
    test = split.test
    predicted = model.predict(test)
    predictions = pd.DataFrame(
        {
            "row": test.row_ids,
            "site": test.forcings["site"].numpy().astype(int),
            "depth": test.forcings["depth"].numpy(),
            "observed": test.targets[:, 0].numpy(),
            "predicted": predicted.targets[:, 0].numpy(),
        }
    )
    files = {"predictions": predictions}
    if cell.method.name != methods.PURE:
        files["latents"] = site_latents(cell, model, split)
    if cell.method.name == methods.ONE_LAYER:
        files["effects"] = _effects(model, split.train)
        files["edges"] = edge_table(model, split.train)
        files["identification"] = identification(model, split.train)
    for name, frame in files.items():
        cells.write_whole(cell.folder / f"{name}.csv", frame.to_csv(index=False))


@torch.no_grad()
def held_scores(cell: Cell) -> dict[str, float]:
    """Figures of merit with every parameter held to its range at the training sites.

    Like the clipping of features, and made from the stored latents: an additive encoder
    can reach bounds at test sites that no training site came near, where carbon has no
    limit. Pure-NN has no parameters and keeps its figures.
    """
    file = cell.folder / "latents.csv"
    if not file.exists():
        return {}
    study, names = cell.study, list(cell.study.predicted)
    values = pd.read_csv(file).set_index("site")[names].sort_index()
    fold = study.profiles.folds()
    train = (fold != cell.number - 1) & (fold != cell.number % FOLDS)
    inside = values.clip(values[train].min(), values[train].max(), axis=1)
    layers = study.profiles.layers
    rows = pd.DataFrame(layers[fold[layers["site"]] == cell.number - 1])
    decoder = CLM5SoilCarbon(names, fixed=_constants(cell)).at_sites(study.forcing)
    forcings = {
        n: torch.tensor(np.asarray(rows[n], dtype=float)) for n in ("site", "depth")
    }
    latents = torch.tensor(inside.to_numpy()[rows["site"]])
    soc = decoder.evaluate(latents, torch.empty(0), forcings)[:, 0].numpy()
    return scores_of(np.asarray(rows["soc"]), soc)


def _constants(cell: Cell) -> dict[str, float]:
    """Constants that a finished cell has learned."""
    file = cell.folder / cells.RESULT
    result = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    learned = result.get("constants", {})
    parameters = CLM5SoilCarbon(constants=list(learned)).parameters
    priors = {parameter.name: parameter for parameter in parameters}
    # Back from the scale of the training a bound is not always exactly that bound.
    return {
        name: min(max(value, priors[name].low), priors[name].high)
        for name, value in learned.items()
    }


def site_latents(cell: Cell, model: ScIReN, split: Split) -> pd.DataFrame:
    """Physical latents of every site, each from its first layer, features clipped."""
    parts = (split.train, split.valid, split.test)
    rows = []
    for part in parts:
        values = model.latents(part).numpy()
        frame = pd.DataFrame(values, columns=list(model.latent_names))
        frame.insert(0, "site", part.forcings["site"].numpy().astype(int))
        rows.append(frame.groupby("site", as_index=False).first())
    joined = pd.concat(rows).sort_values("site", ignore_index=True)
    places = cell.study.profiles.sites[["lat", "lon"]].iloc[joined["site"]]
    return pd.concat([joined, places.reset_index(drop=True)], axis=1)


@torch.no_grad()
def _effects(model: ScIReN, table: Table) -> pd.DataFrame:
    """Effects of the features on the parameters in the unit interval."""

    def unit(x: np.ndarray) -> np.ndarray:
        raw = model.raw_latents(model.scaled(torch.as_tensor(x)))
        span = model.high - model.low
        return ((model.constrain(raw) - model.low) / span).numpy()

    effects = partial_dependence(unit, table, grid=EFFECT_GRID, rows=EFFECT_ROWS)
    names = {f"output{k + 1}": name for k, name in enumerate(model.latent_names)}
    return effects.assign(latent=effects["latent"].replace(names))
