"""Chains of process models: outputs of one are forcings of the next; delays by a curve."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

from sciren.decoders.dynamic import DynamicModel
from sciren.errors import DecoderError
from sciren.parameters import Parameter
from sciren.states import State


class _Delay(DynamicModel):
    """A delay may have nothing to learn; a chain has parameters of its other models."""

    needs_latent: ClassVar[bool] = False


def cascade(
    *models: DynamicModel, name: str = "cascade", warmup: int | None = None
) -> DynamicModel:
    """Chain process models into one: every output is a forcing of the models after it.

    ```python
    river = cascade(degree_day_snow, soil, lag(triangle, 6, "q", "runoff", [base]))
    ```

    All models see the states at the start of the step. A parameter that two models declare
    alike is one parameter. Targets are those of the last model.

    Args:
        models: steps with memory (``time="step"``), two or more.
        name: of the chain.
        warmup: rows that run and are not compared; default the longest of the models.
    Raises:
        DecoderError: an ODE, a single model, a state or an output that is there twice, or
            one name for two different parameters.
    """
    _check(name, models)
    forcings: dict[str, Any] = {}
    made: set[str] = set()
    for model in models:
        for forcing in model.forcing_table:
            # What an earlier model gives is no forcing of the chain; equal forcings are
            # one.
            if forcing.name not in made:
                forcings.setdefault(forcing.name, forcing)
        made |= set(model.targets)

    def step(s: Any, p: Any, f: Any) -> Any:
        """Run the models one after the other."""
        # States of the start of the step for all: the order matters for outputs only.
        columns, states = dict(vars(f)), {}
        outputs: Mapping[str, Any] = {}
        for model in models:
            new, outputs = _run(model, s, p, columns)
            states |= new
            columns |= outputs
        return states, dict(outputs)

    last, longest = models[-1], max(model.warmup for model in models)
    return DynamicModel(
        step, name, _parameters(name, models), [s for m in models for s in m.states],
        list(forcings.values()), last.targets, last.target_units,
        warmup=longest if warmup is None else warmup,
    )  # fmt: skip


def lag(
    kernel: Callable[[float, Any], Any],
    length: int,
    inflow: str = "q",
    outflow: str = "q_late",
    parameters: Sequence[Parameter] = (),
    name: str = "lag",
    unit: str = "",
) -> DynamicModel:
    """Delay a flow by a unit hydrograph, for a `cascade` or alone.

        outflow_t = sum_k (kernel(k + 1, p) - kernel(k, p)) inflow_{t - k},  k < length

    Nothing is lost where kernel(0, p) = 0 and kernel(length, p) = 1. What is still on its
    way are ``length - 1`` states, so that derivatives cost as many; keep it short.

    Args:
        kernel: (rows since the inflow, p) -> share that has left, written with
            `sciren.functions`.
        length: rows after which all has left.
        inflow, outflow: names of forcing and target.
        parameters: of the kernel.
        name: of the model.
        unit: of the flows.
    Raises:
        DecoderError: a length below two, which delays nothing.
    """
    if length < 2:
        raise DecoderError(
            f"lag {name!r} has length {length}; give the rows after which all has left, "
            "two or more"
        )
    due = [f"{name}_{k}" for k in range(1, length)]

    def step(s: Any, p: Any, f: Any) -> Any:
        """Move what is due by a row and spread the inflow over the rows to come."""
        # due_k holds what leaves in k rows; the newest place is empty before the
        # inflow.
        waiting = [*(getattr(s, n) for n in due), 0.0]
        shares = [kernel(k + 1, p) - kernel(k, p) for k in range(length)]
        flows = [
            w + h * getattr(f, inflow) for w, h in zip(waiting, shares, strict=True)
        ]
        return dict(zip(due, flows[1:], strict=True)), {outflow: flows[0]}

    states = [State(n, unit=unit, meaning=f"due in {k + 1} rows")
              for k, n in enumerate(due)]  # fmt: skip
    return _Delay(
        step, name, parameters, states, [inflow], [outflow], {outflow: unit},
        warmup=length - 1,
    )  # fmt: skip


def _run(
    model: DynamicModel, s: Any, p: Any, columns: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the new states and the outputs of one model of a chain."""
    result = model.applied(
        s, p, SimpleNamespace(**{n: columns[n] for n in model.forcings})
    )
    new, outputs = (result, {}) if isinstance(result, Mapping) else result
    observed = {target: new[state] for target, state in model.observed_states.items()}
    return new, {**observed, **outputs}


def _parameters(name: str, models: Sequence[DynamicModel]) -> list[Parameter]:
    """Return the parameters of all models, equal ones once."""
    by_name: dict[str, Parameter] = {}
    for model in models:
        # the chain adds the learned starts of its states by itself
        starts = {state.start_name for state in model.states if state.learn_start}
        for parameter in model.parameters:
            if (
                parameter.name not in starts
                and by_name.setdefault(parameter.name, parameter) != parameter
            ):
                raise DecoderError(
                    f"cascade {name!r} has two different parameters {parameter.name!r}; rename "
                    f"that of {model.name!r}, or declare both alike to share it"
                )
    return list(by_name.values())


def _check(name: str, models: Sequence[DynamicModel]) -> None:
    if len(models) < 2:
        raise DecoderError(
            f"cascade {name!r} chains {len(models)} models; give two or more"
        )
    for model in models:
        if not isinstance(model, DynamicModel) or model.time != "step":
            raise DecoderError(
                f"cascade {name!r} holds {model.name!r}, which is no step with a state; "
                "declare it with state=[State(...)] and time='step'"
            )
    outputs = [target for model in models for target in model.targets]
    twice = sorted({output for output in outputs if outputs.count(output) > 1})
    if twice:
        raise DecoderError(
            f"cascade {name!r}: two of its models give {twice[0]!r}; rename one, since the "
            "models after them could not tell which is meant"
        )
