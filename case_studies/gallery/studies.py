"""Run the studies of the gallery and keep what each says in one row."""

import runpy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sciren import SciRenError

if TYPE_CHECKING:
    from discovery import Discovery, RunConfig

HERE = Path(__file__).resolve().parent
# name of a model in the scores of a run -> column of the table
MODELS: Mapping[str, str] = {
    "equation": "equation",
    "network": "network",
    "curve of the state": "network",  # learned through the simulation, as a network is
    "constant latents": "constants",
    "mlp": "black_box",
}
SCORED = tuple(dict.fromkeys(MODELS.values()))
COLUMNS = (
    "study", "verdict", "target", "n", *(f"r2_{name}" for name in SCORED),
    "equations", "constants", "error", "cpu_seconds",
)  # fmt: skip


def studies() -> dict[str, Path]:
    """Return name -> configuration of every study, that of Davos among them."""
    found = {path.parent.name: path for path in sorted(HERE.glob("*/config.yaml"))}
    return {"davos": HERE.parent / "davos" / "config.yaml"} | found


def run_studies(
    names: Sequence[str],
    data: Path,
    out: Path,
    changes: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[dict[str, Any]]:
    """Run studies one after another; what fails becomes a row that says so.

    Args:
        names: of `studies`.
        data: folder under which the tables lie, at any depth.
        out: folder of the runs; one that is there is read instead of run again.
        changes: ``"key=value"`` for all configurations.
        say: hears which study begins.
    Yields:
        One row a target of each study, with the keys of `COLUMNS`.
    """
    for name in names:
        say(f"{name}: begins")
        start = time.process_time()
        try:
            discovery, config = _discovered(name, data, out / name, changes)
        except SciRenError as error:
            yield dict.fromkeys(COLUMNS) | {"study": name, "error": str(error)}
            continue
        seconds = round(time.process_time() - start, 1)
        for row in _rows(name, discovery, config):
            yield row | {"cpu_seconds": seconds}


def _discovered(
    name: str, data: Path, folder: Path, changes: Sequence[str]
) -> "tuple[Discovery, RunConfig]":
    from discovery import Discovery, load_config, run

    path = studies()[name]
    written = load_config(path).data.path
    assert written is not None  # every configuration of the gallery names its table
    place = prepared_table(path.parent, data, folder) or _found(written.name, data)
    places = [f"data.path={place.resolve()}", f"out={folder.resolve()}"]
    config = load_config(path, [*places, *changes])
    if not (folder / "equations.json").is_file():
        run(config, quiet=True)
    return Discovery.load(folder), config


def _found(table: str, data: Path) -> Path:
    found = sorted(data.rglob(table))
    if not found:
        raise SciRenError(f"{data}: holds no {table}, also not in its folders")
    return found[0]


def prepared_table(study: Path, data: Path, folder: Path) -> Path | None:
    """Write the table that a study joins itself, beside its run; None where it does not."""
    script = study / "prepare.py"
    if not script.is_file():
        return None
    try:
        frame = runpy.run_path(str(script))["table"](data)
    except (OSError, ValueError) as error:
        raise SciRenError(
            f"{data}: does not hold what {script} joins: {error}"
        ) from error
    place = folder.parent / f"{study.name}.csv"
    place.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(place, index=False)
    return place


def _rows(
    name: str, discovery: "Discovery", config: "RunConfig"
) -> Iterator[dict[str, Any]]:
    scores = discovery.scores["test"]
    equations = "; ".join(f"{k} = {text}" for k, text in _equations(discovery).items())
    constants = "; ".join(_constant(row) for row in discovery.process_constants)
    for target in config.targets:
        measured = {model: scores[model][target] for model in MODELS if model in scores}
        yield dict.fromkeys(COLUMNS) | {
            "study": name,
            "verdict": discovery.verdict.headline,
            "target": target,
            "n": next(iter(measured.values()))["n"],
            **{f"r2_{MODELS[model]}": one["r2"] for model, one in measured.items()},
            "equations": equations,
            "constants": constants,
        }


def _equations(discovery: "Discovery") -> dict[str, str]:
    from symbolic import to_text

    model = discovery.equations
    if model is None:
        return {}
    texts = {latent: to_text(model.printed(latent)) for latent in model.equations}
    functions = discovery.series.law.functions if discovery.series else {}
    return texts | {name: to_text(formula, 3) for name, formula in functions.items()}


def _constant(row: Mapping[str, Any]) -> str:
    known = "" if row["identified"] else ", not identified"
    other = row["in_equations"]
    held = f"; in the equations {other['estimate']:.3g}" if other else ""
    limits = f"{row['low']:.3g} to {row['high']:.3g}{held}{known}"
    return f"{row['constant']} = {row['estimate']:.3g} ({limits})"


def line_of(row: Mapping[str, Any]) -> str:
    """Return a row as the line that is printed."""
    if row["error"]:
        return f"{row['study']}: {row['error']}"
    scores = ", ".join(
        f"{name.replace('_', ' ')} {row[f'r2_{name}']:.3f}"
        for name in SCORED
        if row[f"r2_{name}"] is not None
    )
    return f"{row['study']}: R2 {scores}; {row['equations']}; {row['verdict']}"
