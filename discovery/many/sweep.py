"""sweep: one discovery for each value of a column, such as each site or tower."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from discovery.config.file import config_from_mapping
from discovery.config.settings import RunConfig
from discovery.many.outcomes import Outcome, Sweep, Task
from discovery.many.sites import Site, sites_of
from discovery.many.tables import facts_frame, mapped_column, site_frame
from discovery.runs.alone import alone
from discovery.runs.files import make_folder, read_record, write_csv, write_json
from discovery.runs.folder import check_free, is_run
from sciren.errors import ConfigError, SciRenError
from sciren.execution import Executor, InOrder

SWEEP, FACTS, RECORD = "sweep.csv", "facts.csv", "sweep.json"


def sweep(
    config: RunConfig,
    over: str,
    executor: Executor | None = None,
    least: int = 50,
    quiet: bool = False,
) -> Sweep:
    """Discover the equations of every value of a column, and collect them in a table.

    ``config.out`` becomes a folder with one run for each value, ``sweep.csv`` (one row a
    value: rows used, verdict, equations, constants with limits, scores), ``facts.csv``
    (the same, one row a fact), ``sweep.json`` and a map where coordinates are known. What
    is finished already stays, so that the same call goes on after an interrupt; a value
    whose run fails has the reason in its row.

    Args:
        config: of one run; it has no ``data.only`` for the column.
        over: column, read as text.
        executor: who runs them; default one after the other.
        least: rows that a value needs to be tried.
        quiet: no progress on stderr.
    Raises:
        ConfigError: the folder of the results holds something else.
        ColumnError: there is no such column.
        DataError: the table cannot be read, or no value has rows enough.
    """
    from discovery.runs.workflow import progress_of
    from sciren.execution import run_all

    out = Path(config.out)
    _check_folder(out)
    progress = progress_of(quiet)
    sites = sites_of(config, over, least, progress.say)
    tasks = [_task(config, over, site) for site in sites]
    with alone(out, "sweep"):
        make_folder(out)
        outcomes = run_all(discover_one, tasks, executor or InOrder(), progress, over)
        result = Sweep(over, out, tuple(sites), tuple(outcomes))
        write(result)
    return result


def _check_folder(out: Path) -> None:
    """Refuse a folder with anything but a sweep in it."""
    if is_run(out):
        raise ConfigError(
            f"{out}: is a single run; choose another folder for the sweep, with "
            "--set out=FOLDER"
        )
    if (out / RECORD).is_file() or not out.exists():
        return
    strange = [path.name for path in out.iterdir() if not _ours(path)]
    if strange:
        check_free(out, overwrite=False)


def _ours(path: Path) -> bool:
    return is_run(path) or path.name.endswith(".unfinished")


def _task(config: RunConfig, over: str, site: Site) -> Task:
    settings = json.loads(config.model_dump_json())
    # All runs read the same file; each keeps the rows of its value.
    settings["data"]["only"] = {**settings["data"]["only"], over: [site.label]}
    settings["out"] = str((Path(config.out) / site.folder).resolve())
    return Task(site.label, settings)


def discover_one(task: Task) -> Outcome:
    """Run one discovery of a sweep, or go on with it; a failure is part of the result."""
    from discovery.report.compare import facts_of
    from discovery.runs.stored import load_discovery
    from discovery.runs.workflow import run

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the report of the run has them
            folder = run(
                # resume: a finished run is left as it is, an interrupted one goes on.
                config_from_mapping(task.settings, task.label),
                quiet=True,
                resume=True,
            )
        facts = tuple(asdict(fact) for fact in facts_of(load_discovery(folder)))
        rows = read_record(folder / "data.json", "rows")["rows"]
    # One site without enough rows must not end the sweep of a thousand.
    except SciRenError as error:
        return Outcome(task.label, error=" ".join(str(error).split()))
    return Outcome(task.label, facts, rows)


def write(result: Sweep) -> None:
    """Write the tables, the record and the map of a sweep."""
    frame = site_frame(result)
    write_csv(result.folder / SWEEP, frame)
    write_csv(result.folder / FACTS, facts_frame(result))
    write_json(
        result.folder / RECORD,
        {
            "over": result.over,
            "runs": {site.label: site.folder for site in result.sites},
            "errors": {o.label: o.error for o in result.outcomes if o.error},
        },
    )
    _write_map(result, frame)


def _write_map(result: Sweep, frame: Any) -> None:
    placed = [site for site in result.sites if site.place is not None]
    name = mapped_column(frame)
    if not placed or name is None:
        return
    from visualize import plot_map
    from visualize.paper.both import save_both

    values = dict(zip(frame[result.over], frame[name], strict=True))
    places: Sequence[tuple[float, float]] = [s.place for s in placed if s.place]
    figure = plot_map(
        [lon for lon, _ in places],
        [lat for _, lat in places],
        [values[site.label] for site in placed],
        name=name,
    )
    save_both(figure, result.folder / "map.png", result.folder / "map.pdf", 200)
