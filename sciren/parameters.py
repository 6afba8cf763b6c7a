"""What a process model declares: its hidden parameters, and the columns it needs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sciren.errors import ParameterError, closest_names

Kind = Literal["latent", "constant", "fixed"]
KINDS = get_args(Kind)
Per = Literal["row", "group"]
Deviation = Literal["normal", "lognormal"]
STATE_INPUT = "state."  # prefix of an input that is a state of a dynamic process model


@dataclass(frozen=True)
class Parameter:
    """One hidden parameter of a process model.

    Args:
        name: identifier used in the process model, e.g. ``rb``.
        low, high: physical bounds, in ``unit``; infinite means unbounded.
        unit: physical unit, free text such as ``umol m-2 s-1``.
        meaning: one short phrase for tables and reports.
        kind: ``"latent"`` is predicted for each row by the encoder,
            ``"constant"`` is one learned number shared by all rows, ``"fixed"`` is a
            number that is not learned: its ``start``.
        start: physical value to start from; default: a value inside the bounds.
        per: dynamic process models only: a latent has one value a ``"row"``, or one a
            ``"group"`` (catchment, site, person), predicted from static features.
        inputs: dynamic process models only: ``["state.soil"]`` makes a latent a
            function of the model's own state at the start of the step, of an ODE at every
            instant.
        range: of that state, on which the function is learned; a straight line beyond.
        deviation: of a latent per group: the law of what its features do not explain,
            None for nothing.
    Raises:
        ParameterError: name, bounds, kind, start value or the words for groups and
            states are not usable.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    meaning: str = ""
    kind: Kind = "latent"
    start: float | None = None
    per: Per = "row"
    inputs: Sequence[str] = ()
    range: tuple[float, float] | None = None
    deviation: Deviation | None = None

    def __post_init__(self) -> None:
        # A list as it is written would make the frozen declaration unhashable.
        object.__setattr__(self, "inputs", tuple(self.inputs))
        if not self.name.isidentifier():
            raise ParameterError(
                f"parameter name {self.name!r} is not an identifier; "
                "use letters, digits and underscores, not starting with a digit"
            )
        if self.kind not in KINDS:
            raise ParameterError(
                f"parameter {self.name!r} has kind {self.kind!r}; "
                "use 'latent', 'constant' or 'fixed'"
            )
        if self.kind == "fixed" and self.start is None:
            raise ParameterError(
                f"parameter {self.name!r} is fixed, but has no value; give start=..."
            )
        if math.isnan(self.low) or math.isnan(self.high) or self.low >= self.high:
            raise ParameterError(
                f"parameter {self.name!r} has bounds [{self.low}, {self.high}]; "
                "low must be below high"
            )
        if self.start is not None and not self.low <= self.start <= self.high:
            raise ParameterError(
                f"parameter {self.name!r} starts at {self.start}, outside "
                f"[{self.low}, {self.high}]; choose a start inside the bounds"
            )
        # `positive` decides about logs, and log(0) has no place to go back from.
        if self.kind == "constant" and self.low >= 0 and self.initial <= 0:
            raise ParameterError(
                f"constant {self.name!r} is positive and learned in logs, but starts at "
                f"{self.initial}; choose a start above zero"
            )
        self._check_groups()
        self._check_inputs()

    def _check_groups(self) -> None:
        if self.per not in ("row", "group"):
            raise ParameterError(
                f"parameter {self.name!r} has per={self.per!r}; use 'row' or 'group'"
            )
        if self.deviation not in (None, "normal", "lognormal"):
            raise ParameterError(
                f"parameter {self.name!r} has deviation={self.deviation!r}; use None, "
                "'normal' or 'lognormal'"
            )
        if self.per == "group" and self.kind != "latent":
            raise ParameterError(
                f"constant {self.name!r} is one number for all groups; remove "
                "per='group', or make it a latent"
            )
        if self.deviation is not None and self.per != "group":
            raise ParameterError(
                f"parameter {self.name!r} has a deviation, which only groups have; add "
                "per='group'"
            )

    def _check_inputs(self) -> None:
        states = [name for name in self.inputs if name.startswith(STATE_INPUT)]
        if self.inputs and (self.kind != "latent" or self.per == "group"):
            raise ParameterError(
                f"parameter {self.name!r} has inputs {list(self.inputs)}, so it changes "
                "in time; leave out kind='constant' and per='group'"
            )
        if len(states) != len(self.inputs) or len(states) > 1:
            raise ParameterError(
                f"parameter {self.name!r} has inputs {list(self.inputs)}; name one state, "
                "such as inputs=['state.soil'] (features belong to the encoder)"
            )
        if bool(states) != (self.range is not None):
            raise ParameterError(
                f"parameter {self.name!r} needs inputs and range together: "
                "inputs=['state.soil'], range=(0, 250) with the values of that state"
            )
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ParameterError(
                f"parameter {self.name!r} has range {self.range}; its first number must "
                "be below the second"
            )

    @property
    def state_input(self) -> str | None:
        """Name of the state that the parameter is a function of, or None."""
        return self.inputs[0].removeprefix(STATE_INPUT) if self.inputs else None

    @property
    def bounded(self) -> Literal["both", "low", "high", "none"]:
        """Which of the two bounds are finite."""
        low, high = math.isfinite(self.low), math.isfinite(self.high)
        if low and high:
            return "both"
        return "low" if low else "high" if high else "none"

    @property
    def positive(self) -> bool:
        """Whether the parameter cannot be negative (constants then train in logs)."""
        return self.low >= 0

    @property
    def initial(self) -> float:
        """Start value: the given one, else the middle or one unit inside a bound."""
        if self.start is not None:
            return float(self.start)
        match self.bounded:
            case "both":
                return (self.low + self.high) / 2
            case "low":
                return self.low + 1.0
            case "high":
                return self.high - 1.0
        return 0.0


@dataclass(frozen=True)
class Forcing:
    """One observed column that a process model needs.

    Args:
        name: identifier used in the process model, e.g. ``ta``.
        low, high: range for which the model was made, in ``unit``; values beyond it
            are told, not refused.
        unit: physical unit, free text such as ``degC``.
        meaning: one short phrase for tables.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class ParameterTable:
    """All hidden parameters of one process model, in the order of declaration.

    Raises:
        ParameterError: a name occurs twice.
    """

    parameters: tuple[Parameter, ...]

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        object.__setattr__(self, "parameters", tuple(parameters))
        names = [parameter.name for parameter in self.parameters]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ParameterError(f"parameter names occur twice: {', '.join(twice)}")

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        known = [parameter.name for parameter in self.parameters]
        raise ParameterError(
            f"no parameter {name!r} is declared. {closest_names(name, known)}"
        )

    @property
    def latents(self) -> tuple[Parameter, ...]:
        """Parameters that the encoder predicts for each row."""
        return tuple(p for p in self.parameters if p.kind == "latent")

    @property
    def constants(self) -> tuple[Parameter, ...]:
        """Parameters shared by all rows."""
        return tuple(p for p in self.parameters if p.kind == "constant")

    @property
    def fixed(self) -> dict[str, float]:
        """Name -> value of the parameters that are not learned."""
        return {p.name: p.initial for p in self.parameters if p.kind == "fixed"}
