"""Every function that reads a file of anybody, each with a valid file of its own."""

import json
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.reliability.study import record

PYKAN = """\
base_fun_name: silu
grid: [3]
k: [3]
symbolic.funs_name.0:
- - '0'
  - '0'
symbolic_enabled: true
width:
- [2, 0]
- [1, 0]
"""


@dataclass(frozen=True)
class Loader:
    """A function that reads a file of anybody.

    Attributes:
        name: for the report;  file: that is mutated;  load: reads it.
        seal: makes a mutated file pass the first check, such as its checksum.
    """

    name: str
    file: Path
    load: Callable[[], Any]
    seal: Callable[[], None] | None = None


def loaders(run: Path, place: Path) -> list[Loader]:
    """Return every loader, each on a valid file of its own.

    Args:
        run: a finished run;  place: an empty folder for files.
    """
    from discovery import ScIReNRegressor
    from discovery.archive.pack import archive
    from discovery.archive.reproduce import unpack
    from discovery.config.file import load_config
    from discovery.dynamics.equations import SeriesEquations
    from discovery.results.result import Discovery
    from discovery.runs.folder import open_run
    from discovery.tables.sources import read_table
    from sciren.checkpoint import load_model
    from sciren.pykan import from_pykan
    from symbolic import SymbolicModel

    copy = Path(shutil.copytree(run, place / "run"))
    model = Path(shutil.copytree(run / "checkpoints" / "model", place / "model"))
    shutil.copy(run / "equations.json", place / "equations.json")
    config = Path(shutil.copy(run / "config.yaml", place / "config.yaml"))
    frame = record(20).drop(columns="efficiency")
    frame.to_csv(place / "data.csv", index=False)
    frame.to_parquet(place / "data.parquet", index=False)
    frame.to_xarray().to_netcdf(place / "data.nc", engine="h5netcdf")
    _write_pykan(place / "kan")
    _write_estimator(place / "estimator")
    series = _series_equations(run, place / "series.json")
    packed = archive(run, place / "run.zip")
    decoder = process_of_starter()

    def network() -> Any:
        return load_model(model, decoder)

    def run_again() -> Any:
        return Discovery.load(copy, accept_edits=True)

    def read(name: str) -> Callable[[], Any]:
        return lambda: read_table(place / name)

    def fitted() -> Any:
        return ScIReNRegressor.load(place / "estimator")

    def unpacked() -> None:
        with tempfile.TemporaryDirectory() as out:
            unpack(packed, Path(out) / "again")

    def curves() -> Any:
        return from_pykan(place / "kan", ["a", "b"])

    found = [
        Loader("SymbolicModel.load", place / "equations.json",
               lambda: SymbolicModel.load(place / "equations.json")),
        Loader("load_model", model / "model.json", network),
        Loader("load_model, sealed", model / "model.json", network, lambda: seal(model)),
        Loader("load_model, tensors", model / "model.safetensors", network),
        Loader("from_pykan, config", place / "kan_config.yml", curves),
        Loader("from_pykan, state", place / "kan_state", curves),
        Loader("load_config", config, lambda: load_config(config)),
        Loader("read_table, csv", place / "data.csv", read("data.csv")),
        Loader("read_table, parquet", place / "data.parquet", read("data.parquet")),
        Loader("read_table, NetCDF", place / "data.nc", read("data.nc")),
        Loader("SeriesEquations.load", series, lambda: SeriesEquations.load(series)),
        Loader("ScIReNRegressor.load, json", place / "estimator" / "estimator.json", fitted),
        Loader("ScIReNRegressor.load, rows", place / "estimator" / "rows.npz", fitted),
        Loader("unpack", packed, unpacked),
        Loader("open_run", copy / "manifest.json", lambda: open_run(copy)),
    ]  # fmt: skip
    names = ("metrics.json", "verdict.json", "uncertainty.json", "equations.json",
             "candidates.csv", "importance.csv", "replicates.csv", "data.json")  # fmt: skip
    return found + [Loader(f"Discovery.load, {n}", copy / n, run_again) for n in names]


def seal(model: Path) -> None:
    """Give a mutated model the checksum that fits, so that it is built."""
    from sciren.checkpoint import _checksum

    try:
        stored = json.loads((model / "model.json").read_bytes())
        tensors = (model / "model.safetensors").read_bytes()
        stored["checksum"] = _checksum(stored, tensors)
    except (ValueError, TypeError, KeyError, RecursionError):
        return
    (model / "model.json").write_text(json.dumps(stored), encoding="utf-8")


def _write_pykan(path: Path) -> None:
    """Write a checkpoint as pykan does, two inputs and one output."""
    sizes = {
        "node_bias_0": (1,), "node_scale_0": (1,), "subnode_bias_0": (1,),
        "subnode_scale_0": (1,), "act_fun.0.grid": (2, 10), "act_fun.0.coef": (2, 1, 6),
        "act_fun.0.mask": (2, 1), "act_fun.0.scale_base": (2, 1),
        "act_fun.0.scale_sp": (2, 1), "symbolic_fun.0.mask": (1, 2),
        "symbolic_fun.0.affine": (1, 2, 4),
    }  # fmt: skip
    state = OrderedDict((name, torch.ones(size)) for name, size in sizes.items())
    state["symbolic_fun.0.mask"] *= 0
    state["act_fun.0.grid"] = torch.linspace(-3, 3, 10).repeat(2, 1)
    torch.save(state, f"{path}_state")
    Path(f"{path}_config.yml").write_text(PYKAN, encoding="utf-8")


def _write_estimator(folder: Path) -> None:
    """Write a regressor that is fitted to plain numbers."""
    from discovery import ScIReNRegressor
    from sciren.training import TrainConfig

    frame = record(40)
    quick = TrainConfig(epochs=1, profiles=False)
    regressor = ScIReNRegressor(train=quick, hidden=()).fit(
        frame[["ta", "vpd"]], frame.gpp
    )
    regressor.save(folder)


def _series_equations(run: Path, path: Path) -> Path:
    """Write a store that is filled by rain and emptied in proportion to itself."""
    from sympy import Symbol

    from symbolic.dynamics.recurrence import Recurrence, StateLaw

    store, rain, k = map(Symbol, ("store", "rain", "k"))
    law = Recurrence(
        (StateLaw("store", 10.0),), {"store": store + rain - k * store},
        {"q": k * store}, {"q": "q"}, ("k",), {"rain": "rain"}, "step", 1, 0, "rk4", {},
    )  # fmt: skip
    relations = json.loads((run / "equations.json").read_text(encoding="utf-8"))
    stored = {
        "format": "sciren series equations 1", "relations": relations,
        "recurrence": law.to_json(), "columns": {"group": "site", "time": "day"},
        "spread": {"q": {"offset": None, "quantiles": [-1.0, 0.0, 1.0]}},
        "own": {"s1": {"k": 0.3}}, "ranges": {"store": [0.0, 20.0]},
        "deviations": None, "verification": relations["verification"],
    }  # fmt: skip
    path.write_text(json.dumps(stored), encoding="utf-8")
    return path


def process_of_starter() -> Any:
    """Return the process model that `sciren init` writes."""
    from discovery.config.process import load_decoder
    from discovery.config.starter import write_starter

    with tempfile.TemporaryDirectory() as folder:
        write_starter(Path(folder), process_model=True)
        return load_decoder(f"{folder}/my_process.py:light_use")
