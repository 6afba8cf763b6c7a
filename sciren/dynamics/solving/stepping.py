"""One step of a dynamic model on arrays or tensors: the states after it, its outputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.solving.integrators import ADVANCE
from sciren.functions import maximum, minimum
from sciren.states import State

Values = (
    Sequence[Any] | np.ndarray
)  # of states, parameters or forcings, one after the other


Named = Mapping[str, Any]
Advance = Callable[[Named, Any], tuple[Named, Named]]


@dataclass(frozen=True)
class Step:
    """(states, parameters, forcings, interval) -> (new states, outputs), each a list.

    The same lines serve numpy in the loop over time and torch for the derivatives of all
    steps at once.

    Args:
        model: the declarations and the function.
        parameter_names: of the values that the function sees as p.
        substeps: of the solver within one interval, where the function gives
            derivatives.
        on_arrays: whether all values are numpy arrays and p holds fixed parameters too;
            the function is then called as it stands, without operands in between.
        functions: latent of a state -> its value at states, for derivatives: their
            latents move with the state within an interval.
    """

    model: DynamicModel
    parameter_names: tuple[str, ...]
    substeps: int = 1
    on_arrays: bool = False
    functions: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def __call__(
        self, states: Values, parameters: Values, forcings: Values, interval: Any
    ) -> tuple[list[Any], list[Any]]:
        """Return the states at the end of the interval and the outputs of the row."""
        p = SimpleNamespace(**dict(zip(self.parameter_names, parameters, strict=True)))
        f = SimpleNamespace(**dict(zip(self.model.forcings, forcings, strict=True)))
        return self.run(states, p, f, interval)

    def run(
        self, states: Values, p: Any, f: Any, interval: Any
    ) -> tuple[list[Any], list[Any]]:
        """Do the same with namespaces that are made already."""
        if self.model.time == "ode":
            new, outputs = self._integrate(states, p, f, interval)
        else:
            new, outputs = self._called(states, p, f)
            if self._bounded:
                new = self._held(new)
        observed = self.model.observed_states
        if observed:
            # A row of an ODE is an instant, its start; a row of steps is an interval.
            by_state = dict(
                zip(
                    self.model.state_names,
                    states if self.model.time == "ode" else new,
                    strict=True,
                )
            )
            outputs = {t: by_state[s] for t, s in observed.items()} | dict(outputs)
        return new, [outputs[name] for name in self._targets]

    def in_loop(self, p: Any, f: Any) -> Advance:
        """Return (states, interval) -> (new states, outputs) by name, of arrays for a loop.

        Args:
            p: namespace that the loop keeps filled, fixed parameters included;  f: so too.
        """
        on_arrays, names = replace(self, on_arrays=True), self._names
        if self.model.time == "ode" or self.model.observed_states or self._bounded:

            def run(states: Named, interval: Any) -> tuple[Named, Named]:
                now = [states[name] for name in names]
                new, outputs = on_arrays.run(now, p, f, interval)
                return (
                    dict(zip(names, new, strict=True)),
                    dict(zip(self._targets, outputs, strict=True)),
                )

            return run
        # What `run` asks in every step is the same in all, and its lists are not needed:
        # on a few groups they would cost a third of a step.
        s = SimpleNamespace()
        function, known = on_arrays.model.function, vars(s)

        def advance(states: Named, interval: Any) -> tuple[Named, Named]:
            known.update(states)
            return function(s, p, f)

        return advance

    @cached_property
    def _targets(self) -> tuple[str, ...]:
        return tuple(self.model.targets)

    @cached_property
    def _bounded(self) -> bool:
        return any(state.bounded for state in self.model.states)

    def _held(self, values: Values) -> list[Any]:
        """Return new states inside their bounds."""
        return [
            _held(v, state) for v, state in zip(values, self.model.states, strict=True)
        ]

    def _called(
        self, states: Values, p: Any, f: Any
    ) -> tuple[list[Any], Mapping[str, Any]]:
        names, s = self._names, SimpleNamespace()
        vars(s).update(zip(names, states, strict=True))
        result = self._function(s, p, f)
        # A mapping alone has no outputs: only states are observed. Asked of the exact
        # type first, since an abstract class takes as long as five operations.
        alone = type(result) is not tuple and isinstance(result, Mapping)
        values: Any
        values, outputs = (result, {}) if alone else result
        return [values[name] for name in names], outputs

    @cached_property
    def _function(self) -> Callable[..., Any]:
        return self.model.function if self.on_arrays else self.model.called

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self.model.state_names

    def _integrate(
        self, states: Values, p: Any, f: Any, interval: Any
    ) -> tuple[list[Any], Mapping[str, Any]]:
        """Carry the states over an interval in which the forcings are constant."""

        def rates(at: Values) -> list[Any]:
            self._follow(at, p)
            return self._called(at, p, f)[0]

        # Outputs belong to the instant of the row, before the states move on.
        self._follow(states, p)
        _, outputs = self._called(states, p, f)
        advance, h = ADVANCE[self.model.method], interval / self.substeps
        now = list(states)
        for _number in range(self.substeps):
            now = advance(rates, now, h)
            if self._bounded:
                now = self._held(now)
        return now, outputs

    def _follow(self, states: Values, p: Any) -> None:
        """Give p the latents of states at these states."""
        known = vars(p)
        for latent, place in self._inputs:
            known[latent] = self.functions[latent](states[place])

    @cached_property
    def _inputs(self) -> tuple[tuple[str, int], ...]:
        return tuple((n, self.model.place_of_input(n)) for n in self.functions)


def _held(value: Any, state: State) -> Any:
    """Return a new state inside its bounds."""
    if state.low is not None:
        value = maximum(value, state.low)
    return value if state.high is None else minimum(value, state.high)
