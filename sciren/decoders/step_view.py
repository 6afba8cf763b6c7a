"""One step of a dynamic model as a row-wise process, for checks, symbols and derivatives."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from sciren.decoders.dynamic import DynamicModel
from sciren.decoders.function import FunctionDecoder
from sciren.errors import DecoderError, closest_names
from sciren.parameters import Parameter
from sciren.states import State


class StepResultError(DecoderError):
    """A step returned something else than its states and targets."""


class StepView(FunctionDecoder):
    """One step of a dynamic model as a row-wise process: states are inputs like latents.

    Its targets are the new states (derivatives) and the outputs.
    """

    takes: ClassVar[Mapping[str, str]] = DynamicModel.takes

    def __init__(self, model: DynamicModel) -> None:
        self.model = model
        parameters = {p.name: p for p in model.parameters}
        # States become latents of the view: checks draw them inside their bounds, and
        # symbols print them like parameters.
        states = [
            Parameter(
                state.name,
                state.lower,
                state.upper,
                state.unit,
                state.meaning,
                start=_typical(state, parameters),
            )
            for state in model.states
        ]
        starts = {state.start_name for state in model.states if state.learn_start}
        used = [p for p in model.parameters if p.name not in starts]
        outputs = [t for t in model.targets if t not in model.observed_states]
        word = "new state" if model.time == "step" else "derivative of state"
        self.described = {f"{word} {state.name}": state.name for state in model.states}
        super().__init__(
            model.function, model.name, [*states, *used], model.forcing_table,
            (*self.described, *outputs),
        )  # fmt: skip
        self.outputs = tuple(outputs)

    def arguments(
        self, p: Mapping[str, Any], f: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the values of s, p and f."""
        states = {name: p[name] for name in self.model.state_names}
        parameters = {name: value for name, value in p.items() if name not in states}
        return states, parameters, f

    def __call__(self, p: Any, f: Any) -> Any:
        """Return new states and outputs under the names of `targets`."""
        parts = self.arguments(vars(p), vars(f))
        return self.combined(
            self.called(*(SimpleNamespace(**values) for values in parts))
        )

    def combined(self, result: Any) -> dict[str, Any]:
        """Return what the function gave as one mapping.

        Raises:
            StepResultError: it is no mapping of states, and of targets where there are any.
        """
        states, outputs = result_parts(self.model, result)
        named = {word: states[name] for word, name in self.described.items()}
        return named | {name: outputs[name] for name in self.outputs}


def result_parts(
    model: DynamicModel, result: Any
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the mappings of states and of outputs that a step gave, checked by name.

    Raises:
        StepResultError: says what is missing and what to return.
    """
    outputs = [t for t in model.targets if t not in model.observed_states]
    # A model whose targets are all states returns the states alone.
    if isinstance(result, Mapping) and not outputs:
        result = (result, {})
    both = isinstance(result, tuple | list) and len(result) == 2
    if not both or not all(isinstance(mapping, Mapping) for mapping in result):
        state, target = model.state_names[0], (outputs or ["y"])[0]
        asked = f'{{"{state}": ...}}' + (f', {{"{target}": ...}}' if outputs else "")
        of, states = "a step", "the new states"
        if model.time == "ode":
            of, states = "a process with time='ode'", "the derivatives of the states"
        raise StepResultError(
            f"{of} returns mappings of {states} and of the targets: "
            f"return {asked}; it returned a {type(result).__name__}"
        )
    for words, names, part in (
        ("state", model.state_names, result[0]),
        ("target", outputs, result[1]),
    ):
        for name in names:
            if name not in part:
                raise StepResultError(
                    f"does not return {words} {name!r}. "
                    f"{closest_names(name, map(str, part))}"
                )
        more = [str(name) for name in part if name not in names]
        if more:
            raise StepResultError(
                f"returns {words} {more[0]!r}, which is not declared. "
                f"{closest_names(more[0], names)}"
            )
    return result[0], result[1]


def _typical(state: State, parameters: Mapping[str, Parameter]) -> float:
    """Return a value of a state to try the model with."""
    value = state.start * (parameters[state.of].initial if state.of else 1.0)
    return min(max(value, state.lower), state.upper)
