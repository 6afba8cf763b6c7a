"""The forward loop over time, in numpy, all groups at once; states are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from sciren.data.labels import stamp_text
from sciren.data.series import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.solving.stepping import Step
from sciren.errors import ColumnError, DataError, TrainingError, closest_names


class StateFunction(Protocol):
    """A latent as a function of one state, in physical units."""

    def value(self, x: np.ndarray) -> np.ndarray:
        """Return the latent at states of any shape."""
        ...

    def slope(self, x: np.ndarray) -> np.ndarray:
        """Return its derivative by the state."""
        ...

    def by_constants(self, x: np.ndarray) -> np.ndarray:
        """Return its derivatives by the constants of the function, (..., K)."""
        ...


@dataclass(frozen=True)
class Values:
    """Physical values of all parameters of a model.

    Attributes:
        parameters: name -> (G,), or (T, G) where it changes in time; without learned
            starts and latents of a state.
        starts: state -> (G,), learned or declared, a share where it is one.
        functions: latent -> function of its state.
    """

    parameters: Mapping[str, np.ndarray]
    starts: Mapping[str, np.ndarray]
    functions: Mapping[str, StateFunction] = field(default_factory=dict)


@dataclass(frozen=True)
class Trajectory:
    """States (n, T + 1, G) at the start of every row and after the last; outputs (m, T, G).

    Attributes:
        values: the parameters that it belongs to.
    """

    states: np.ndarray
    outputs: np.ndarray
    values: Values


@dataclass(frozen=True)
class SeriesProcess:
    """A dynamic model on the series of a table.

    Args:
        model: process model.
        table: series with its forcings.
        substeps: Runge-Kutta steps within one interval.
    Raises:
        ColumnError: a forcing of the model is not in the table.
        DataError: rows are irregular in time and the model counts steps.
    """

    model: DynamicModel
    table: SeriesTable
    substeps: int = 1

    def __post_init__(self) -> None:
        for name in self.model.forcings:
            if name not in self.table.forcings:
                raise ColumnError(
                    f"process model {self.model.name!r} needs forcing {name!r}, which the "
                    f"series do not have. {closest_names(name, self.table.forcings)} "
                    "Map it with forcings={model's name: column}"
                )
        if self.model.time == "step" and not self.regular:
            steps = self.table.intervals[self.table.active]
            raise DataError(
                f"process model {self.model.name!r} counts steps, but the rows of the series "
                f"are {steps.min():g} to {steps.max():g} {self.table.time_unit} apart; read "
                "the table with gaps='raise' to see where, or declare time='ode'"
            )

    @cached_property
    def regular(self) -> bool:
        """Whether all rows are equally far apart, so that noise may remember rows."""
        steps = self.table.intervals[self.table.active]
        # 1e-6: times in decimals are equally far apart up to their rounding
        return bool(np.ptp(steps) <= 1e-6 * steps.max())

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Names that the function is given as p: all but learned starts and fixed ones."""
        starts = {state.start_name for state in self.model.states if state.learn_start}
        others = {*starts, *self.model.parameters.fixed}
        return tuple(p.name for p in self.model.parameters if p.name not in others)

    @cached_property
    def step(self) -> Step:
        """One step on arrays or tensors."""
        return Step(self.model, self.parameter_names, self.substeps)

    @cached_property
    def forcings(self) -> np.ndarray:
        """(F, T, G) in the order of the model."""
        shape = (0, *self.table.time.shape)
        parts = [self.table.forcings[name] for name in self.model.forcings]
        return np.stack(parts) if parts else np.empty(shape)

    @cached_property
    def intervals(self) -> np.ndarray:
        """(T, G) time from a row to the next, 0 where padded."""
        return self.table.intervals

    def initial(self, values: Values) -> np.ndarray:
        """Return the states before the first row, (n, G)."""
        parameters = {**self.model.parameters.fixed, **values.parameters}
        # A start declared as a share is a share of a parameter, learned or fixed.
        first = [
            values.starts[state.name]
            * (parameters[state.of] if state.of is not None else 1.0)
            for state in self.model.states
        ]
        # The zeros only say how many groups there are, where all starts are single
        # numbers.
        return np.array(np.broadcast_arrays(*first, np.zeros(len(self.table)))[:-1])

    def simulate(self, values: Values) -> Trajectory:
        """Run all groups through all rows.

        What has no number stays so to the end of its group: `check_finite` names it.
        """
        rows, count = self.table.time.shape
        states = np.empty((len(self.model.states), rows + 1, count))
        outputs = np.empty((len(self.model.targets), rows, count))
        states[:, 0] = self.initial(values)
        static = {n: v for n, v in values.parameters.items() if np.ndim(v) < 2}
        moving = {n: v for n, v in values.parameters.items() if np.ndim(v) == 2}
        # The namespaces are filled anew in every row: making them would cost more than
        # the step.
        p = SimpleNamespace(**{**self.model.parameters.fixed, **static})
        f = SimpleNamespace()
        step, functions = self.step_of(values)
        names = self.model.state_names
        inputs = {
            latent: names[self.model.place_of_input(latent)] for latent in functions
        }
        # Rows are taken apart before the loop: an index into all of an array costs about
        # as much as an operation of the step on a few groups.
        forced = [
            (name, list(rows))
            for name, rows in zip(self.model.forcings, self.forcings, strict=True)
        ]
        carried = list(zip(self.model.state_names, states, strict=True))
        given_out = list(zip(self.model.targets, outputs, strict=True))
        intervals, advance = list(self.intervals), step.in_loop(p, f)
        known, given = vars(p), vars(f)
        now: Mapping[str, Any] = {name: series[0] for name, series in carried}
        with np.errstate(all="ignore"):  # a trial step of a fit may leave the numbers
            for t in range(rows):
                for name, value in forced:
                    given[name] = value[t]
                for name, value in moving.items():
                    known[name] = value[t]
                for name, function in functions.items():
                    known[name] = function.value(now[inputs[name]])
                now, out = advance(now, intervals[t])
                for name, series in carried:
                    series[t + 1] = now[name]
                for name, series in given_out:
                    series[t] = out[name]
        return Trajectory(states, outputs, values)

    def step_of(self, values: Values) -> tuple[Step, Mapping[str, StateFunction]]:
        """Return a step with the functions that it asks itself, and those of its rows.

        In a step of a row a latent has the value at its start; in derivatives it moves
        with the state.
        """
        if self.model.time == "step":
            return self.step, values.functions
        known = {name: function.value for name, function in values.functions.items()}
        return (replace(self.step, functions=known) if known else self.step), {}

    def input_of(self, latent: str, trajectory: Trajectory) -> np.ndarray:
        """Return the state that a latent is a function of, (T, G), at the starts of rows."""
        return trajectory.states[self.model.place_of_input(latent), :-1]

    def parameters_at(self, trajectory: Trajectory) -> list[np.ndarray]:
        """Return what the function saw as p, each (T, G) or (G,), in order."""
        values = dict(trajectory.values.parameters)
        for name, function in trajectory.values.functions.items():
            values[name] = function.value(self.input_of(name, trajectory))
        return [np.asarray(values[name], dtype=float) for name in self.parameter_names]

    def take(self, groups: Any) -> "SeriesProcess":
        """Return the process on some groups."""
        return replace(self, table=self.table.take(groups))


def check_finite(process: SeriesProcess, trajectory: Trajectory) -> None:
    """Refuse a simulation that has no numbers.

    Raises:
        TrainingError: names the group, the row, and the state or target.
    """
    # States first: an output without a number follows from them.
    for names, kind, values in (
        (process.model.state_names, "state", trajectory.states[:, 1:]),
        (process.model.targets, "target", trajectory.outputs),
    ):
        bad = ~np.isfinite(values) & process.table.active
        if bad.any():
            number, row, group = (int(k) for k in np.argwhere(bad)[0])
            when = stamp_text(process.table.time[row, group])
            raise TrainingError(
                f"{kind} {names[number]!r} of group {process.table.groups[group]} has no "
                f"number from row {process.table.row_ids[row, group]} of the table on "
                f"({when}); hold the state in its bounds with "
                "State(low=..., high=...), keep arguments inside with maximum(x, 1e-6), or "
                "choose other starts for the parameters"
            )
