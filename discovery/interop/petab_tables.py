"""What problems of rows and of series have in common: names, network, observables."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import sympy

from discovery.interop.petab_network import NET, Layer
from sciren.agreement import LOG_FLOOR
from symbolic.code.expressions import SIGNS, CodeText
from symbolic.code.identifiers import Identifiers
from symbolic.terms.rebuild import constrained

if TYPE_CHECKING:
    import pandas as pd

    from sciren.model import ScIReN

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

DIALECT = replace(
    SIGNS,
    choose=lambda condition, value, other: f"piecewise({value}, {condition}, {other})",
)
"""Mathematics of PEtab 2."""


class Problem(ABC):
    """The tables of a problem, with legal names for columns, latents and constants.

    Args:
        model: trained.
        layers: of its encoder.
        outputs_of: target -> formula of latents, constants, forcings (and states).
    """

    def __init__(
        self, model: "ScIReN", layers: Sequence[Layer], outputs_of: Mapping[str, Any]
    ) -> None:
        self.model, self.layers, self.outputs_of = model, layers, outputs_of
        name = self.name = Identifiers(RESERVED)
        self.features = [name("feature", feature) for feature in model.feature_names]
        self.forcings = [name("forcing", forcing) for forcing in model.decoder.forcings]
        self.raw = [name("raw", f"{latent}_raw") for latent in model.latent_names]
        # Names of the network's own ends; the table of hybridization ties them to
        # columns and latents.
        self.inputs = [f"{NET}_input{k + 1}" for k in range(len(self.features))]
        self.outputs = [f"{NET}_output{k + 1}" for k in range(len(self.raw))]

    @abstractmethod
    def conditions(self) -> "pd.DataFrame":
        """Return conditionId, targetId, targetValue."""

    @abstractmethod
    def experiments(self) -> "pd.DataFrame":
        """Return experimentId, time, conditionId."""

    @abstractmethod
    def measurements(self) -> "pd.DataFrame":
        """Return observableId, experimentId, time, measurement."""

    @abstractmethod
    def noise(self) -> dict[str, float]:
        """Return target -> deviation of the residuals in units of `error_size`."""

    @abstractmethod
    def sbml(self) -> str:
        """Return the model as text."""

    def tables(self) -> "dict[str, pd.DataFrame]":
        """Return name -> table."""
        import pandas as pd

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
            "conditions": self.conditions(),
            "experiments": self.experiments(),
            "observables": pd.DataFrame(self._observables()),
            "measurements": self.measurements(),
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
        for name, spread in self.noise().items():
            rows.append((self.name("noise", f"{name}_sd"), 0.0, np.inf, spread, "true"))
        # Splines stand in the network as products whose zeros must stay zeros.
        held = any(layer.partner for layer in self.layers)
        free = "false" if held else "true"
        return [*rows, (f"{NET}_ps", -np.inf, np.inf, "array", free)]

    def _observables(self) -> dict[str, list[Any]]:
        targets = list(self.model.target_names)
        # The observable holds the bounds and the process; the network gives raw latents.
        formulas = [self.formula(self.outputs_of[target]) for target in targets]
        return {
            "observableId": [self.observable(name) for name in targets],
            "observableFormula": formulas,
            "noiseFormula": list(map(self._noise_formula, targets, formulas)),
            "noiseDistribution": ["normal"] * len(targets),
        }

    def _noise_formula(self, target: str, observable: str) -> str:
        """Return the deviation of a target's errors, which may grow with its prediction."""
        deviation = self.name("noise", f"{target}_sd")
        scale = self.model.residual_scale
        if scale is None or scale.kind == "identity":
            return deviation
        place = self.model.target_names.index(target)
        offset = float(scale.offset[place])
        if scale.kind == "log":
            return f"{deviation}*max({observable} + {offset!r}, {LOG_FLOOR * offset!r})"
        return f"{deviation}*sqrt(({observable})^2 + {offset**2!r})"

    def error_size(self, predicted: np.ndarray) -> np.ndarray:
        """Return what errors of predictions (..., t) are proportional to."""
        import torch

        scale = self.model.residual_scale
        if scale is None:
            return np.ones_like(predicted)
        slope = scale.slope(torch.from_numpy(predicted)) * scale.sd
        return np.broadcast_to(1 / slope.numpy(), predicted.shape)

    def observable(self, target: str) -> str:
        """Return the name of a target's observable."""
        return f"{self.name('target', target)}_observed"

    def formula(self, expression: Any) -> str:
        """Return an expression in the mathematics of PEtab, latents from raw ones."""
        names = {own: self.name("forcing", own) for own in self.model.decoder.forcings}
        names |= self.constants | dict(zip(self.raw, self.raw, strict=True))
        names |= self.further_names()
        return CodeText(DIALECT, names).text(expression.subs(self.latents()))

    def further_names(self) -> dict[str, str]:
        """Return what else a formula may hold -> its name in the problem."""
        return {}

    @property
    def constants(self) -> dict[str, str]:
        """Constant -> its name in the problem."""
        return {
            parameter.name: self.name("constant", parameter.name)
            for parameter in self.model.constant_scale.parameters
        }

    def latents(self) -> Mapping[Any, Any]:
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


def sbml_document(level: str = "1") -> tuple[ElementTree.Element, ElementTree.Element]:
    """Return an empty document of SBML level 3 and its model.

    Args:
        level: version within level 3; mathematics has minima and maxima from 2 on.
    """
    place = f"http://www.sbml.org/sbml/level3/version{level}/core"
    root = ElementTree.Element("sbml", xmlns=place, level="3", version=level)
    return root, ElementTree.SubElement(root, "model", id="process")


def sbml_text(root: ElementTree.Element) -> str:
    """Return a document as text."""
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def long_conditions(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table with one column a target as one row a condition and target.

    Args:
        frame: conditionId beside the targets; empty cells are left out.
    """
    long = frame.melt("conditionId", var_name="targetId", value_name="targetValue")
    # The stable sort keeps the columns in order.
    return long.dropna().sort_values("conditionId", kind="stable")
