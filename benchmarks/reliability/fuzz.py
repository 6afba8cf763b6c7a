"""Every loader fed with mutated files: only errors of ours, quickly, in little memory."""

import json
import random
import resource
import shutil
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.reliability.score import Attempts, Score
from benchmarks.reliability.study import record
from benchmarks.reliability.watched import PATIENCE, Watched
from sciren.errors import SciRenError

SECONDS, MEBIBYTES = 1.0, 500
TOKENS = (
    b"[" * 3000, b"{" * 3000, b"null", b"true", b"-1", b"1e999", b"9" * 400, b"NaN", b'""',
    b"[]", b"{}", b"\x00", b"\xff\xfe", b"!!python/object:os.system", b"&a [*a]", b"!!bool x",
    b"10000000000", b"0.5", b"'", b'"', b"\n", b",", b";", b":", b"../", b"=1+1",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**7, 10**30, 1e308, float("nan"), float("inf"), "", "x" * 5000,
    [], {}, [[]], [None], {"a": 1}, "linear", "../..", "-inf",
)  # fmt: skip
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
    from discovery.config.file import load_config
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
    decoder = _decoder()

    def network() -> Any:
        return load_model(model, decoder)

    def run_again() -> Any:
        return Discovery.load(copy, accept_edits=True)

    def read(name: str) -> Callable[[], Any]:
        return lambda: read_table(place / name)

    def curves() -> Any:
        return from_pykan(place / "kan", ["a", "b"])

    found = [
        Loader("SymbolicModel.load", place / "equations.json",
               lambda: SymbolicModel.load(place / "equations.json")),
        Loader("load_model", model / "model.json", network),
        Loader("load_model, sealed", model / "model.json", network, lambda: _seal(model)),
        Loader("load_model, tensors", model / "model.safetensors", network),
        Loader("from_pykan, config", place / "kan_config.yml", curves),
        Loader("from_pykan, state", place / "kan_state", curves),
        Loader("load_config", config, lambda: load_config(config)),
        Loader("read_table, csv", place / "data.csv", read("data.csv")),
        Loader("read_table, parquet", place / "data.parquet", read("data.parquet")),
        Loader("read_table, NetCDF", place / "data.nc", read("data.nc")),
        Loader("open_run", copy / "manifest.json", lambda: open_run(copy)),
    ]  # fmt: skip
    names = ("metrics.json", "verdict.json", "uncertainty.json", "equations.json",
             "candidates.csv", "importance.csv", "replicates.csv", "data.json")  # fmt: skip
    return found + [Loader(f"Discovery.load, {n}", copy / n, run_again) for n in names]


def fuzzed_loads(
    found: list[Loader],
    attempts: Attempts,
    slow: float = SECONDS,
    patience: float = PATIENCE,
) -> Score:
    """Load mutated files, each loader in turn.

    Args:
        found: the loaders;  attempts: how many files, and their seed.
        slow: CPU seconds that a load may take.
        patience: seconds after which a load is ended.
    """
    valid = {loader.name: loader.file.read_bytes() for loader in found}

    def restore(loader: Loader) -> None:
        loader.file.write_bytes(valid[loader.name])
        if loader.seal is not None:
            loader.seal()

    def attempt(number: int) -> list[str]:
        loader, rng = found[number % len(found)], attempts.draw(number)
        content = mutated(valid[loader.name], loader.file.suffix, rng)
        problem = _problem(loader, content, slow)
        restore(loader)
        return [problem] if problem else []

    def named(number: int, rng: random.Random) -> list[str]:
        name = found[number % len(found)].name
        return [f"{name}: {problem}" for problem in watched(number)]

    watched = Watched(attempt, lambda: [restore(loader) for loader in found], patience)
    try:
        return attempts.made("hostile files loaded", named)
    finally:
        watched.end()


def _problem(loader: Loader, content: bytes, slow: float) -> str:
    """Load once and say what is wrong, or nothing."""
    loader.file.write_bytes(content)
    if loader.seal is not None:
        loader.seal()
    before, peak = time.process_time(), _peak()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loader.load()
    except SciRenError:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.120}"
    seconds, grown = time.process_time() - before, _peak() - peak
    if seconds > slow:
        return f"took {seconds:.1f} s"
    return f"took {grown:.0f} MiB" if grown > MEBIBYTES else ""


def _peak() -> float:
    """Return the largest memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mutated(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """Return a file changed in one to four places, or in one value where it is JSON."""
    if suffix == ".json" and rng.random() < 0.6:
        return _other_value(content, rng)
    for _ in range(rng.randint(1, 4)):
        content = rng.choice((_flipped, _inserted, _cut, _doubled))(content, rng)
    return content


def _flipped(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return content
    place = rng.randrange(len(content))
    return content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :]


def _inserted(content: bytes, rng: random.Random) -> bytes:
    place = rng.randint(0, len(content))
    return content[:place] + rng.choice(TOKENS) + content[place:]


def _cut(content: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randint(0, len(content)) for _ in range(2))
    return content[:first] + content[last:] if rng.random() < 0.5 else content[:last]


def _doubled(content: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randint(0, len(content)) for _ in range(2))
    return content[:last] + content[first:]


def _other_value(content: bytes, rng: random.Random) -> bytes:
    """Put an odd value in the place of a random part of a JSON file."""
    data = json.loads(content)
    holder, depth = data, rng.randint(1, 8)
    while isinstance(holder, dict | list) and holder:
        keys: list[Any] = (
            list(holder) if isinstance(holder, dict) else [*range(len(holder))]
        )
        key, depth = rng.choice(keys), depth - 1
        inner = holder[key]
        if depth <= 0 or not isinstance(inner, dict | list) or not inner:
            _change(holder, key, rng)
            break
        holder = inner
    return json.dumps(data).encode()


def _change(holder: Any, key: Any, rng: random.Random) -> None:
    if rng.random() < 0.2:
        del holder[key]
    else:
        holder[key] = rng.choice(VALUES)


def _seal(model: Path) -> None:
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


def _decoder() -> Any:
    """Return the process model that `sciren init` writes."""
    import tempfile

    from discovery.config.process import load_decoder
    from discovery.config.starter import write_starter

    with tempfile.TemporaryDirectory() as folder:
        write_starter(Path(folder), process_model=True)
        return load_decoder(f"{folder}/my_process.py:light_use")
