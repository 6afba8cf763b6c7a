"""DynamicModel: a process model that carries a state from step to step.

A step is a memoryless process with the state as one more input. The functions of a
row-wise model (checks, symbols, derivatives) therefore serve a step as they are: they see
it as a `sciren.decoders.step_view.StepView`.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from sciren.decoders.function import FunctionDecoder
from sciren.decoders.linearity import nonlinear_states
from sciren.decoders.memory import MemorySettings, Method
from sciren.errors import DecoderError, check_keywords, closest_names
from sciren.parameters import Forcing, Parameter
from sciren.states import State


class DynamicModel(FunctionDecoder):
    """A plain function of one step, or of the derivative in time, with its declarations.

        time="step":  (s, p, f) -> {state: new value}, {target: value}
        time="ode":   (s, p, f) -> {state: d state / dt}  [, {target: value}]

    s, p and f are namespaces of the states at the start of the step, the parameters and
    the forcings of the row.

    ```python
    @process_model(
        parameters=[Parameter("k", low=0.01, high=0.9, per="group", unit="d-1")],
        state=[State("store", start=10, unit="mm")], time="step", warmup=365,
        forcings=["rain"], targets=["q"],
    )
    def bucket(s, p, f):
        q = p.k * s.store
        return {"store": s.store + f.rain - q}, {"q": q}
    ```

    Args:
        function: the step.
        name: short name for messages and files.
        parameters: hidden parameters: latents per group or per row, functions of a
            state, constants. Learned starts are added as constants.
        states: what is carried.
        forcings: observed columns that the model needs, in physical units.
        targets: names of the outputs, or target -> state that is observed itself.
        target_units: target -> unit, for labels.
        memory: how it runs from step to step.
        keywords: fields of `MemorySettings` by their names, which go before those of memory.
    Raises:
        DecoderError: a name that is used twice or not declared, or an unknown word.
    """

    takes: ClassVar[Mapping[str, str]] = {
        "s": "states",
        "p": "parameters",
        "f": "forcings",
    }

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        parameters: Sequence[Parameter],
        states: Sequence[State],
        forcings: Sequence[str | Forcing] = (),
        targets: Sequence[str] | Mapping[str, str] = ("y",),
        target_units: Mapping[str, str] | None = None,
        memory: MemorySettings | None = None,
        **keywords: Any,
    ) -> None:
        self.states = tuple(states)
        self.observed_states = dict(targets) if isinstance(targets, Mapping) else {}
        check_keywords(DynamicModel, keywords, MemorySettings.names())
        self.memory = replace(memory or MemorySettings(), **keywords)
        self.memory.check(name)
        self.time, self.solver = self.memory.time, self.memory.solver
        self.warmup, self.error = self.memory.warmup, self.memory.error
        self.balance = self.memory.balance
        # Learned starts become constants: everything that serves constants then serves
        # them.
        starts = [state.start_parameter() for state in states if state.learn_start]
        super().__init__(
            function, name, [*parameters, *starts], forcings, tuple(targets),
            target_units, rowwise=False,
        )  # fmt: skip

    def _check(self) -> None:
        super()._check()
        self._check_names()
        for parameter in self.parameters:
            state = parameter.state_input
            if state is not None and state not in self.state_names:
                raise DecoderError(
                    f"parameter {parameter.name!r} of {self.name!r} is a function of "
                    f"state {state!r}, which is not declared. "
                    f"{closest_names(state, self.state_names)}"
                )
        for state in self.states:
            self._check_share(state)
        self._check_balance()

    def _check_names(self) -> None:
        if not self.states:
            raise DecoderError(
                f"process model {self.name!r} has an empty list of states; leave out "
                "state= for a model without memory"
            )
        # One symbol each in printed equations: states, parameters and forcings must differ.
        names = [*self.state_names, *(p.name for p in self.parameters), *self.forcings]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DecoderError(
                f"process model {self.name!r} uses the name {twice[0]!r} twice among its "
                "states, parameters and forcings; rename one, since equations print them "
                "side by side"
            )
        for target, state in self.observed_states.items():
            if state not in self.state_names:
                raise DecoderError(
                    f"target {target!r} of {self.name!r} observes state {state!r}, which "
                    f"is not declared. {closest_names(state, self.state_names)}"
                )

    def _check_balance(self) -> None:
        if self.balance is None:
            return
        for name in self.balance.storage:
            if name not in self.state_names:
                raise DecoderError(
                    f"the balance of {self.name!r} stores in {name!r}, which is no state. "
                    f"{closest_names(name, self.state_names)}"
                )
        names = (*self.forcings, *self.targets)
        for name in self.balance.named:
            if name not in names and self.balance.flows is None:
                raise DecoderError(
                    f"the balance of {self.name!r} counts {name!r}, which is neither "
                    f"forcing nor target; give it by flows=. {closest_names(name, names)}"
                )

    def _check_share(self, state: State) -> None:
        if state.of is None:
            return
        known = {p.name: p for p in self.parameters}
        parameter = known.get(state.of)
        if parameter is None:
            raise DecoderError(
                f"state {state.name!r} of {self.name!r} starts as a share of "
                f"{state.of!r}, which is no parameter. {closest_names(state.of, known)}"
            )
        if parameter.kind == "latent" and parameter.per != "group":
            raise DecoderError(
                f"state {state.name!r} of {self.name!r} starts as a share of "
                f"{state.of!r}, which changes in time; use a constant or a latent with "
                "per='group'"
            )

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states in order of declaration."""
        return tuple(state.name for state in self.states)

    @functools.cached_property
    def method(self) -> Method:
        """The solver that is used.

        Raises:
            DecoderError: "linear" is asked of a system that is not.
        """
        if self.solver in ("rk4", "implicit"):
            return self.solver
        # Asked of the symbols once, when a solver is needed: sympy is slow to load.
        others = nonlinear_states(self)
        if self.solver == "linear" and others:
            raise DecoderError(
                f"process model {self.name!r} has solver='linear', but the derivative of "
                f"{others[0]!r} is not linear in the states, or cannot be written with "
                "symbols; use solver='rk4'"
            )
        return "rk4" if others else "linear"

    @property
    def group_latents(self) -> tuple[Parameter, ...]:
        """Latents with one value a group."""
        return tuple(p for p in self.parameters.latents if p.per == "group")

    @property
    def row_latents(self) -> tuple[Parameter, ...]:
        """Latents with one value a row, predicted from features of the row."""
        latents = self.parameters.latents
        return tuple(p for p in latents if p.per == "row" and not p.inputs)

    @property
    def state_latents(self) -> tuple[Parameter, ...]:
        """Latents that are functions of a state."""
        return tuple(p for p in self.parameters.latents if p.inputs)

    @property
    def latents_in_time(self) -> tuple[Parameter, ...]:
        """Latents that change along a series: of rows, and functions of a state."""
        return (*self.row_latents, *self.state_latents)

    def place_of_input(self, latent: str) -> int:
        """Return the place among the states of the one that a latent is a function of."""
        state = self.parameters[latent].state_input
        assert state is not None  # only latents of a state have functions
        return self.state_names.index(state)

    def __call__(self, p: Any, f: Any) -> Any:
        """Refuse to run without a state.

        Raises:
            DecoderError: always; a dynamic model runs on series.
        """
        raise DecoderError(
            f"process model {self.name!r} carries a state, so single rows have no result; "
            "give a SeriesTable instead of a Table"
        )
