"""Recurrence: new states and outputs of one step as sympy formulas, stored as data."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import sympy

from sciren.bounded import damage_told
from sciren.dynamics.solving.integrators import ADVANCE
from sciren.errors import ExpressionError, FormatError
from symbolic.expression.evaluate import NUMPY
from symbolic.expression.sharing import numbered, shared_parts
from symbolic.expression.tracing import trace_step
from symbolic.expression.tree import from_tree, to_tree
from symbolic.expression.walk import build

FORMAT = "sciren recurrence 1"


@dataclass(frozen=True)
class StateLaw:
    """How a state begins and where it is held.

    Attributes:
        name, unit: of the state.
        start: before the first row; a share of the parameter ``of`` where that is given.
        start_name: constant that holds a learned start, or "".
        low, high: bounds after every step, None for none.
    """

    name: str
    start: float
    of: str | None = None
    start_name: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Recurrence:
    """One step of a process as formulas.

    Attributes:
        states: in the order of the process.
        new: state -> its value after the step, before it is held in its bounds; for
            ``time="ode"`` its derivative.
        outputs: target -> formula of states at the start of the step, parameters and
            forcing columns.
        observed: target -> state that is observed itself.
        parameters: names of latents and constants.
        forcings: process model's name -> column, the symbol in the formulas.
        time: "step" or "ode";  solver, substeps: of an ODE in an interval, see
            `sciren.dynamics.solving.integrators`.
        warmup: first rows that run and are not compared.
        functions: latent -> formula of the states at the start of the step, columns of
            the row and constants.
    """

    states: tuple[StateLaw, ...]
    new: Mapping[str, sympy.Expr]
    outputs: Mapping[str, sympy.Expr]
    observed: Mapping[str, str]
    parameters: tuple[str, ...]
    forcings: Mapping[str, str]
    time: Literal["step", "ode"] = "step"
    substeps: int = 1
    warmup: int = 0
    solver: Literal["linear", "rk4", "implicit"] = "rk4"
    functions: Mapping[str, sympy.Expr] = field(default_factory=dict)

    @classmethod
    def of(
        cls, model: Any, columns: Mapping[str, str] | None = None, substeps: int = 1
    ) -> "Recurrence":
        """Trace a dynamic model.

        Args:
            model: `sciren.decoders.DynamicModel`.
            columns: forcing's name -> column.
            substeps: of the solver of an ODE.
        Raises:
            ExpressionError: the step cannot be written with symbols.
        """
        columns = dict(columns or {})
        # the process asks for names, the formulas hold the columns behind them
        forcings = {str(n): str(columns.get(n, n)) for n in model.forcings}
        # Formulas of latents stay formulas of their own, so that they can be read.
        formulas = getattr(model, "formulas", {})
        traced = trace_step(getattr(model, "base", model), columns)
        if traced is None:
            raise ExpressionError(
                f"the step of {model.name!r} cannot be run on symbols; write it with "
                "arithmetic and sciren.functions, and name forcing columns otherwise "
                "than states and parameters"
            )
        fixed = model.parameters.fixed
        states = tuple(
            StateLaw(
                state.name,
                # a start that is a share of a fixed parameter is a number
                float(state.start) * fixed.get(state.of, 1.0),
                None if state.of in fixed else state.of,
                state.start_name if state.learn_start else "", state.low, state.high, state.unit,
            )
            for state in model.states
        )  # fmt: skip
        return cls(
            states, traced[0], traced[1], dict(model.observed_states),
            tuple(p.name for p in model.parameters if p.kind != "fixed"),
            forcings,
            model.time, substeps, model.warmup,
            model.method if model.time == "ode" else "rk4",
            formulas,
        )  # fmt: skip

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return (*self.observed, *self.outputs)

    def written_out(self) -> "Recurrence":
        """Return the recurrence with the functions of states inside its formulas."""
        if not self.functions:
            return self
        replacement = {
            sympy.Symbol(n, real=True): formula for n, formula in self.functions.items()
        }
        return replace(
            self,
            new={
                name: formula.xreplace(replacement)
                for name, formula in self.new.items()
            },
            outputs={
                name: formula.xreplace(replacement)
                for name, formula in self.outputs.items()
            },
            functions={},
        )

    @cached_property
    def _step(self) -> Callable[[Sequence[Any]], tuple[list[Any], dict[str, Any]]]:
        """One step on values of states, parameters and forcings: new states, outputs."""
        names = [
            *(state.name for state in self.states), *self.parameters,
            *self.forcings.values(),
        ]  # fmt: skip
        law = self.written_out()
        formulas = [*(law.new[s.name] for s in self.states), *law.outputs.values()]
        parts, short = shared_parts(formulas, names, numbered())
        known = [*names, *(str(symbol) for symbol, _ in parts)]
        symbols = [sympy.Symbol(name, real=True) for name in known]
        # parts first, in their order: a part may hold those before it
        first = [build(formula, symbols, None, NUMPY) for _, formula in parts]
        last = [build(formula, symbols, None, NUMPY) for formula in short]

        def step(given: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
            values = list(given)
            for part in first:
                values.append(part(values))
            results = [function(values) for function in last]
            count = len(self.states)
            return results[:count], dict(
                zip(self.outputs, results[count:], strict=True)
            )

        return step

    def run(
        self,
        parameters: Mapping[str, np.ndarray],
        forcings: Mapping[str, np.ndarray],
        intervals: np.ndarray | float = 1.0,
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Run the recurrence freely from its starts.

        Args:
            parameters: name -> (G,) or a number, learned starts among them.
            forcings: process model's name -> (T, G).
            intervals: (T, G) time from a row to the next, of an ODE.
        Returns:
            state -> (T + 1, G), target -> (T, G).
        Raises:
            ExpressionError: a parameter or forcing is missing.
        """
        inputs = self._inputs(parameters, forcings)
        shape = np.broadcast_shapes(
            *(np.shape(column) for column in inputs), np.shape(intervals), (1, 1)
        )
        # everything becomes (T, G): times down, groups across
        rows = np.broadcast_to(np.asarray(intervals, dtype=float), shape)
        inputs = [np.broadcast_to(column, shape) for column in inputs]
        fixed = [np.broadcast_to(np.asarray(parameters[n], float), shape[1:])
                 for n in self.parameters]  # fmt: skip
        # 1. States before the first row; 2. row by row: outputs from the states at its start,
        # the states at its end; 3. stacked over time.
        now = self._starts(parameters, shape[1:])
        states = {s.name: [value] for s, value in zip(self.states, now, strict=True)}
        outputs: dict[str, list[np.ndarray]] = {name: [] for name in self.targets}
        with np.errstate(all="ignore"):
            for t in range(shape[0]):
                row = [column[t] for column in inputs]
                # one evaluation gives outputs and, for an ODE, the first derivatives
                first, out = self._step([*now, *fixed, *row])
                ahead = self._ahead(now, first, [*fixed, *row], rows[t])
                # an observed state is that of the row's time for an ODE, that at the end of its
                # step else
                by_state = dict(
                    zip(states, now if self.time == "ode" else ahead, strict=True)
                )
                out |= {
                    target: by_state[state] for target, state in self.observed.items()
                }
                for name, value in out.items():
                    outputs[name].append(np.broadcast_to(value, shape[1:]))
                now = ahead
                for name, value in zip(states, now, strict=True):
                    states[name].append(value)
        return _stacked(states), _stacked(outputs)

    def _inputs(
        self, parameters: Mapping[str, Any], forcings: Mapping[str, Any]
    ) -> list[np.ndarray]:
        for kind, wanted, known in (
            ("parameter", self.parameters, parameters),
            ("forcing", self.forcings, forcings),
        ):
            missing = [name for name in wanted if name not in known]
            if missing:
                raise ExpressionError(
                    f"{kind} {missing[0]!r} of the recurrence is missing"
                )
        return [np.asarray(forcings[name], dtype=float) for name in self.forcings]

    def _starts(
        self, parameters: Mapping[str, Any], shape: tuple[int, ...]
    ) -> list[np.ndarray]:
        values = []
        for state in self.states:
            start = parameters[state.start_name] if state.start_name else state.start
            factor = parameters[state.of] if state.of else 1.0
            # a start may be a share of a parameter, such as a capacity
            values.append(np.broadcast_to(np.asarray(start, float) * factor, shape))
        return values

    def _ahead(
        self, now: list[Any], first: list[Any], others: list[Any], interval: Any
    ) -> list[Any]:
        """Return the states after the interval, inside their bounds.

        Args:
            now: states at its start.
            first: what the step gives there.
            others: parameters and forcings.
            interval: time to the next row.
        """

        # derivatives (or new values) at any states of this row
        def at(states: Sequence[Any]) -> list[Any]:
            return self._step([*states, *others])[0]

        if self.time == "step":
            return self._held(first)
        # bounds are held after every substep, so that no derivative is asked outside them
        for _ in range(self.substeps):
            now = self._held(ADVANCE[self.solver](at, now, interval / self.substeps))
        return now

    def _held(self, values: list[Any]) -> list[Any]:
        return [
            np.clip(value, -math.inf if s.low is None else s.low,
                    math.inf if s.high is None else s.high)
            for value, s in zip(values, self.states, strict=True)
        ]  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return nested lists, mappings, strings and numbers."""
        return {
            "format": FORMAT,
            "states": [asdict(state) for state in self.states],
            "new": {name: to_tree(formula) for name, formula in self.new.items()},
            "outputs": {
                name: to_tree(formula) for name, formula in self.outputs.items()
            },
            "observed": dict(self.observed),
            "parameters": list(self.parameters),
            "forcings": dict(self.forcings),
            "time": self.time,
            "substeps": self.substeps,
            "warmup": self.warmup,
            "solver": self.solver,
            "functions": {
                name: to_tree(formula) for name, formula in self.functions.items()
            },
        }

    @classmethod
    def from_json(cls, stored: Any) -> "Recurrence":
        """Rebuild a recurrence from its JSON content; nothing in it is executed.

        Raises:
            FormatError: something is missing or of the wrong kind.
        """
        if not isinstance(stored, dict) or stored.get("format") != FORMAT:
            raise FormatError(f"this is no recurrence of the format {FORMAT!r}")
        with damage_told(FormatError, "the recurrence cannot be read"):
            time = stored["time"]
            # recurrences of the first months had one solver, and did not name it
            solver = stored.get("solver", "rk4")
            # only what the program itself may write
            if time not in ("step", "ode") or solver not in ADVANCE:
                raise ValueError(f"time {time!r}, solver {solver!r}")
            return cls(
                tuple(StateLaw(**state) for state in stored["states"]),
                {name: from_tree(tree) for name, tree in stored["new"].items()},
                {name: from_tree(tree) for name, tree in stored["outputs"].items()},
                dict(stored["observed"]),
                tuple(map(str, stored["parameters"])),
                dict(stored["forcings"]),
                time,
                int(stored["substeps"]),
                int(stored["warmup"]),
                solver,
                # nor had they functions of states
                {n: from_tree(tree) for n, tree in stored.get("functions", {}).items()},
            )


def _stacked(series: Mapping[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in series.items()}
