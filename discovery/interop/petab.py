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

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import sympy
import yaml

from discovery.interop.petab_layers import layers_of
from discovery.interop.petab_network import (
    NET,
    Layer,
    network_record,
    write_weights,
)
from sciren.errors import ConfigError
from symbolic.code.expressions import FUNCTIONS, RELATIONS, CodeText, Dialect
from symbolic.code.identifiers import Identifiers
from symbolic.terms.rebuild import constrained

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Table
    from sciren.model import ScIReN

ROWS = 1_000
"""Most rows that become conditions; programs of the format solve each by itself."""

RESERVED = (
    "time",
    "exp",
    "log",
    "abs",
    "min",
    "max",
    "piecewise",
    "pi",
    "e",
    "inf",
    NET,
)

DIALECT = Dialect(
    number=repr,
    functions=FUNCTIONS,
    power=lambda base, exponent, whole: f"(({base})^({exponent}))",
    choose=lambda condition, value, other: f"piecewise({value}, {condition}, {other})",
    relations=RELATIONS,
    both="&&",
    either="||",
    invert="!",
    truth=("false", "true"),
    larger="max",
    smaller="min",
    missing="nan",
)
"""Mathematics of PEtab 2."""


def petab_problem(
    run: Path, out: Path, overwrite: bool = False, rows: int = ROWS
) -> Path:
    """Write the encoder and process model of a run with its training rows.

    Args:
        run: folder of the run.
        out: new folder.
        overwrite: whether a problem at ``out`` may be replaced.
        rows: most training rows, evenly spaced.
    Raises:
        ConfigError: something stands there, or encoder or process do not fit the format.
        DataError: no such run, or its data have gone.
    """
    from discovery.runs.folder import Kind, check_free, open_run, run_folder
    from discovery.runs.stored import load_discovery, network_of, stored_config
    from discovery.tables.prepare import prepare_rows

    kind = Kind("PEtab problem", _is_problem)
    check_free(out, overwrite, kind)
    folder = open_run(run)
    model = network_of(load_discovery(folder))
    layers_of(model)  # before the table is read
    table = prepare_rows(stored_config(folder), "a PEtab problem").split.train
    if len(table) > rows:
        places = np.linspace(0, len(table) - 1, rows).round().astype(int)
        table = table.take(places)
    with run_folder(out, overwrite, kind) as hidden:
        write_problem(model, table, hidden)
    return out


def _is_problem(folder: Path) -> bool:
    """Whether a folder is a problem of ours: one with a network beside its tables."""
    names = ("problem.yaml", f"{NET}.yaml", "hybridization.tsv")
    return all((folder / name).is_file() for name in names)


def write_problem(model: "ScIReN", table: "Table", folder: Path) -> None:
    """Write a problem into a new folder.

    Args:
        model: trained, its encoder splines of one layer, linear or a perceptron.
        table: the rows that become conditions.
    Raises:
        ConfigError: encoder or process do not fit the format.
    """
    layers = layers_of(model)
    problem = _Problem(model, table, layers)
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in problem.tables().items():
        frame.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    (folder / "model.xml").write_text(problem.sbml(), encoding="utf-8")
    texts = {"problem": problem.record(), NET: network_record(layers)}
    for name, record in texts.items():
        text = yaml.safe_dump(record, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    write_weights(layers, folder / f"{NET}.hdf5")


class _Problem:
    """The tables of a problem, with legal names for columns, latents and constants."""

    def __init__(
        self, model: "ScIReN", table: "Table", layers: Sequence[Layer]
    ) -> None:
        from symbolic.expression.tracing import trace

        process = trace(model.decoder, {name: name for name in model.decoder.forcings})
        if process is None or model.decoder.name == "identity":
            raise ConfigError(
                f"process model {model.decoder.name!r} cannot be written as a formula, "
                "which PEtab needs"
            )
        self.model, self.process, self.layers = model, process, layers
        # Rows without any target would be conditions that nothing is measured in.
        self.table = table.take(table.observed.any(1))
        name = self.name = Identifiers(RESERVED)
        self.features = [name("feature", feature) for feature in model.feature_names]
        self.forcings = [name("forcing", forcing) for forcing in model.decoder.forcings]
        self.raw = [name("raw", f"{latent}_raw") for latent in model.latent_names]
        # Names of the network's own ends; the table of hybridization ties them to
        # columns and latents.
        self.inputs = [f"{NET}_input{k + 1}" for k in range(len(self.features))]
        self.outputs = [f"{NET}_output{k + 1}" for k in range(len(self.raw))]

    def tables(self) -> "dict[str, pd.DataFrame]":
        """Return name -> table."""
        import pandas as pd

        rows = [f"row{k + 1}" for k in range(len(self.table))]
        ends = ["lowerBound", "upperBound", "nominalValue", "estimate"]
        return {
            "mapping": pd.DataFrame(self._mapping()),
            "hybridization": pd.DataFrame(
                {
                    "targetId": self.inputs + self.raw,
                    "targetValue": self.features + self.outputs,
                }
            ),
            "parameters": pd.DataFrame(
                self._parameters(), columns=["parameterId", *ends]
            ),
            "conditions": self._conditions(rows),
            "experiments": pd.DataFrame(
                {"experimentId": rows, "time": 0, "conditionId": rows}
            ),
            "observables": pd.DataFrame(self._observables()),
            "measurements": self._measurements(rows),
        }

    def _mapping(self) -> dict[str, list[str]]:
        inputs = [f"{NET}.inputs[0][{k}]" for k in range(len(self.inputs))]
        outputs = [f"{NET}.outputs[0][{k}]" for k in range(len(self.outputs))]
        return {
            "petabEntityId": [*self.inputs, *self.outputs, f"{NET}_ps"],
            "modelEntityId": [*inputs, *outputs, f"{NET}.parameters"],
        }

    def _parameters(self) -> list[tuple[Any, ...]]:
        constants = self.model.constants()
        rows: list[tuple[Any, ...]] = [
            (
                self.name("constant", parameter.name),
                parameter.low,
                parameter.high,
                constants[parameter.name],
                "true",
            )
            for parameter in self.model.constant_scale.parameters
        ]
        for name, spread in self._noise().items():
            rows.append((self.name("noise", f"{name}_sd"), 0.0, np.inf, spread, "true"))
        # Splines stand in the network as products whose zeros must stay zeros.
        held = any(layer.partner for layer in self.layers)
        free = "false" if held else "true"
        return [*rows, (f"{NET}_ps", -np.inf, np.inf, "array", free)]

    def _noise(self) -> dict[str, float]:
        """Return target -> deviation of the residuals."""
        predicted = self.model.predict(self.table).targets.detach().numpy()
        # The noise of PEtab is a parameter; it starts at the deviation of the
        # residuals.
        order = [self.table.target_names.index(n) for n in self.model.target_names]
        residuals = self.table.targets.numpy()[:, order] - predicted
        spread = np.nanstd(residuals, axis=0)
        return dict(zip(self.model.target_names, spread.tolist(), strict=True))

    def _conditions(self, rows: Sequence[str]) -> "pd.DataFrame":
        import pandas as pd

        table = self.table
        columns = dict(zip(self.features, table.features.numpy().T, strict=True))
        for name, own in zip(self.forcings, self.model.decoder.forcings, strict=True):
            columns[name] = table.forcings[own].numpy()
        frame = pd.DataFrame(columns).assign(conditionId=list(rows))
        long = frame.melt("conditionId", var_name="targetId", value_name="targetValue")
        # One row a condition and column; the stable sort keeps the columns in order.
        return long.sort_values("conditionId", kind="stable")

    def _observables(self) -> dict[str, list[Any]]:
        names = {own: self.name("forcing", own) for own in self.model.decoder.forcings}
        names |= {
            parameter.name: self.name("constant", parameter.name)
            for parameter in self.model.constant_scale.parameters
        }
        names |= dict(zip(self.raw, self.raw, strict=True))
        latents = self._latents()
        formulas, targets = [], list(self.model.target_names)
        for target in targets:
            # The observable holds the bounds and the process; the network gives raw
            # latents.
            formula = self.process[target].subs(latents)
            formulas.append(CodeText(DIALECT, names).text(formula))
        return {
            "observableId": [
                f"{self.name('target', name)}_observed" for name in targets
            ],
            "observableFormula": formulas,
            "noiseFormula": [self.name("noise", f"{name}_sd") for name in targets],
            "noiseDistribution": ["normal"] * len(targets),
        }

    def _latents(self) -> Mapping[Any, Any]:
        """Return latent -> its bounds applied to the raw latent."""
        model = self.model
        latents = {}
        for k, name in enumerate(model.latent_names):
            constraint = model.constraints[k]
            temperature = float(getattr(constraint, "temperature", 1.0))
            ends = float(model.low[k]), float(model.high[k])
            raw = sympy.Symbol(self.raw[k], real=True)
            bounded = constrained(raw, constraint.name, *ends, temperature)
            latents[sympy.Symbol(name, real=True)] = bounded
        return latents

    def _measurements(self, rows: Sequence[str]) -> "pd.DataFrame":
        import pandas as pd

        parts = []
        for name in self.model.target_names:
            values = self.table.targets[:, self.table.target_names.index(name)].numpy()
            frame = pd.DataFrame(
                {
                    "observableId": f"{self.name('target', name)}_observed",
                    "experimentId": list(rows),
                    "time": 0,
                    "measurement": values,
                }
            )
            parts.append(frame[np.isfinite(values)])
        return pd.concat(parts)

    def sbml(self) -> str:
        """Return a model whose parameters are columns and raw latents."""
        place = "http://www.sbml.org/sbml/level3/version1/core"
        root = ElementTree.Element("sbml", xmlns=place, level="3", version="1")
        model = ElementTree.SubElement(root, "model", id="process")
        listed = ElementTree.SubElement(model, "listOfParameters")
        for name in [*self.features, *self.forcings, *self.raw]:
            ElementTree.SubElement(
                listed, "parameter", id=name, value="0", constant="true"
            )
        ElementTree.indent(root)
        text = ElementTree.tostring(root, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'

    def record(self) -> dict[str, Any]:
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
            **{
                f"{kind}_files": [f"{kind}s.tsv"] for kind in kinds if kind != "mapping"
            },
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
