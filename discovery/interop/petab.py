"""Encoder and process model of a run as a PEtab-SciML problem.

    problem.yaml      what belongs together (PEtab 2.0.0 with the extension sciml)
    net.yaml          the encoder as layers of torch;  net.hdf5: its weights
    hybridization.tsv encoder inputs <- features, raw latents <- encoder outputs
    mapping.tsv, parameters.tsv, conditions.tsv, experiments.tsv, measurements.tsv
    observables.tsv   process model behind the bounds of the latents
    model.xml         SBML: the columns and raw latents, which a condition sets

Each row is a condition and an experiment at time 0. The first and last layer hold the
scaling of features and latents, so that inputs are raw columns.

Reference: Schmiester et al. 2021 (PEtab, PLOS Computational Biology 17, e1008646);
the format of PEtab-SciML 0.0.1.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from discovery.interop.petab_layers import layers_of
from discovery.interop.petab_network import NET, network_record, write_weights
from discovery.interop.petab_rows import RowProblem
from discovery.interop.petab_series import SeriesProblem, check_series
from discovery.results.record import DiscoveryRecord
from sciren.data import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.errors import ConfigError

if TYPE_CHECKING:
    from sciren.data import Table
    from sciren.model import ScIReN

ROWS = 1_000
"""Most rows that become conditions; programs of the format solve each by itself."""


def petab_problem(
    run: Path, out: Path, overwrite: bool = False, rows: int = ROWS
) -> Path:
    """Write the encoder and process model of a run with its training rows.

    Args:
        run: folder of the run.
        out: new folder.
        overwrite: whether a problem at ``out`` may be replaced.
        rows: most training rows, evenly spaced; of series whole groups, one at least.
    Raises:
        ConfigError: something stands there, or encoder or process do not fit the format.
        DataError: no such run, or its data have gone.
    """
    from discovery.runs.folder import Kind, check_free, open_run, run_folder
    from discovery.runs.stored import load_discovery

    kind = Kind("PEtab problem", _is_problem)
    check_free(out, overwrite, kind)
    folder = open_run(run)
    model, table = _model_and_rows(folder, load_discovery(folder), rows)
    with run_folder(out, overwrite, kind) as hidden:
        write_problem(model, table, hidden)
    return out


def _model_and_rows(
    folder: Path, discovery: DiscoveryRecord, rows: int
) -> "tuple[ScIReN, Table | SeriesTable]":
    from discovery.runs.stored import network_of, stored_config
    from discovery.tables.prepare import prepare, prepare_rows

    if not discovery.has_network:
        raise ConfigError(
            f"{folder}: no network was trained, because no feature predicts a latent; the "
            "equations are source code in code/"
        )
    model = network_of(discovery)
    layers_of(model)  # before the table is read
    if isinstance(model.decoder, DynamicModel):
        check_series(model.decoder)
        series: SeriesTable = prepare(stored_config(folder)).split.train  # pyright: ignore[reportAssignmentType]
        # A group is one experiment and cannot be cut, so rows are counted in whole
        # groups.
        count = max(1, rows // max(1, int(series.lengths.mean())))
        return model, series.take(_spaced(len(series), count))
    table = prepare_rows(stored_config(folder), "a PEtab problem").split.train
    return model, table.take(_spaced(len(table), rows))


def _spaced(total: int, most: int) -> np.ndarray:
    """Positions of at most so many, evenly spaced."""
    return np.linspace(0, total - 1, min(most, total)).round().astype(int)


def _is_problem(folder: Path) -> bool:
    """Whether a folder is a problem of ours: one with a network beside its tables."""
    names = ("problem.yaml", f"{NET}.yaml", "hybridization.tsv")
    return all((folder / name).is_file() for name in names)


def write_problem(model: "ScIReN", table: "Table | SeriesTable", folder: Path) -> None:
    """Write a problem into a new folder.

    Args:
        model: trained, its encoder splines of one layer, linear or a perceptron.
        table: the rows that become conditions, or the series that become experiments.
    Raises:
        ConfigError: encoder or process do not fit the format.
    """
    layers = layers_of(model)
    # Both kinds know their tables; files, names and network are the same.
    of_series = isinstance(table, SeriesTable)
    problem = (SeriesProblem if of_series else RowProblem)(model, table, layers)  # pyright: ignore[reportArgumentType]
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in problem.tables().items():
        frame.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    (folder / "model.xml").write_text(problem.sbml(), encoding="utf-8")
    texts = {"problem": _record(), NET: network_record(layers)}
    for name, record in texts.items():
        text = yaml.safe_dump(record, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    write_weights(layers, folder / f"{NET}.hdf5")


def _record() -> dict[str, Any]:
    """Return the record of the files."""
    kinds = (
        "condition",
        "experiment",
        "observable",
        "measurement",
        "parameter",
        "mapping",
    )
    return {
        "format_version": "2.0.0",
        "model_files": {"process": {"location": "model.xml", "language": "sbml"}},
        **{f"{kind}_files": [f"{kind}s.tsv"] for kind in kinds if kind != "mapping"},
        "mapping_files": ["mapping.tsv"],
        "extensions": {
            "sciml": {
                "version": "0.1.0",
                "required": True,
                "neural_nets": {
                    NET: {
                        "location": f"{NET}.yaml",
                        "pre_initialization": True,
                        "format": "YAML",
                    }
                },
                "array_files": [f"{NET}.hdf5"],
                "hybridization_files": ["hybridization.tsv"],
            }
        },
    }
