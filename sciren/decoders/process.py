"""Process models from plain functions, and the identity for plain regression."""

import re
from collections.abc import Callable, Mapping, Sequence
from keyword import iskeyword
from typing import Any, overload

from sciren.decoders.base import Decoder
from sciren.decoders.dynamic import DynamicModel
from sciren.decoders.function import FunctionDecoder
from sciren.decoders.memory import Error, MemorySettings, Solver, Time
from sciren.errors import DecoderError, check_keywords
from sciren.parameters import Forcing, Parameter
from sciren.states import Balance, State


@overload
def process_model(
    parameters: Sequence[Parameter],
    forcings: Sequence[str | Forcing] = ...,
    targets: Sequence[str] = ...,
    target_units: Mapping[str, str] | None = ...,
    name: str | None = ...,
    rowwise: bool = ...,
    state: None = ...,
    *,
    latex: str | None = ...,
) -> Callable[[Callable[..., Any]], FunctionDecoder]: ...
@overload
def process_model(
    parameters: Sequence[Parameter],
    forcings: Sequence[str | Forcing] = ...,
    targets: Sequence[str] | Mapping[str, str] = ...,
    target_units: Mapping[str, str] | None = ...,
    name: str | None = ...,
    rowwise: bool = ...,
    *,
    state: Sequence[State],
    time: Time = ...,
    solver: Solver = ...,
    warmup: int = ...,
    error: Error | None = ...,
    balance: Balance | None = ...,
) -> Callable[[Callable[..., Any]], DynamicModel]: ...
def process_model(
    parameters: Sequence[Parameter],
    forcings: Sequence[str | Forcing] = (),
    targets: Sequence[str] | Mapping[str, str] = ("y",),
    target_units: Mapping[str, str] | None = None,
    name: str | None = None,
    rowwise: bool = True,
    state: Sequence[State] | None = None,
    *,
    latex: str | None = None,
    **memory: Any,
) -> Callable[[Callable[..., Any]], Decoder]:
    """Turn a plain function ``(p, f)`` into a decoder (decorator).

    ```python
    @process_model(
        parameters=[Parameter("rate", low=0), Parameter("k", low=0, kind="constant")],
        forcings=["light"], targets=["uptake"],
    )
    def saturating(p, f):
        return p.rate * f.light / (p.k + f.light)
    ```

    Write it with plain arithmetic and `sciren.functions` (exp, log, ...), so that the
    same lines also print as an equation; functions of numpy and scipy with the same
    meaning (np.exp, np.where, scipy.special.expit) do as well.

    With ``state`` the function is one step ``(s, p, f)`` of a model with memory.

    Args:
        parameters, forcings, targets, target_units, rowwise: see `Decoder`.
        name: defaults to the function's.
        state: of a model with memory, see `sciren.decoders.DynamicModel`.
        latex: equation of a function that symbols cannot pass, such as one of matrices.
        memory: ``time``, ``solver``, ``warmup``, ``error`` and ``balance`` of a model with
            memory, as `sciren.decoders.memory.MemorySettings` says.
    Raises:
        DecoderError: declarations that do not fit together.
        TypeError: a keyword that does not exist.
    """

    check_keywords(process_model, memory, MemorySettings.names())
    settings = MemorySettings(**memory)

    def decorate(function: Callable[..., Any]) -> Decoder:
        called = name or function.__name__
        if state is not None:
            return DynamicModel(
                function, called, parameters, state, forcings, targets, target_units,
                settings,
            )  # fmt: skip
        # Settings of memory without a state are a state forgotten, not settings to
        # ignore.
        _refuse_memory(called, parameters, targets, settings)
        return FunctionDecoder(
            function, called, parameters, forcings, tuple(targets), target_units,
            rowwise, latex=latex,
        )  # fmt: skip

    return decorate


def _refuse_memory(
    name: str,
    parameters: Sequence[Parameter],
    targets: Sequence[str] | Mapping[str, str],
    memory: MemorySettings,
) -> None:
    """Refuse declarations that mean nothing without a state."""
    asked = [f"parameter {p.name!r} has inputs" for p in parameters if p.inputs]
    asked += [
        f"parameter {p.name!r} has per='group'" for p in parameters if p.per != "row"
    ]
    asked += ["targets name states"] if isinstance(targets, Mapping) else []
    asked += [f"{word}={value!r}" for word, value in memory.set_by_user().items()]
    if asked:
        raise DecoderError(
            f"process model {name!r}: {asked[0]}, which needs a state; add "
            "state=[State(...)], or remove it for a model without memory"
        )


class IdentityDecoder(Decoder):
    """Plain regression: every target is a latent of its own, without bounds.

    A latent is called as its target, with underscores for what no identifier may hold.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        names = _identifiers(targets)
        super().__init__("identity", [Parameter(name) for name in names], (), targets)

    def __call__(self, p: Any, f: Any) -> Any:
        """Return the latents."""
        pairs = zip(self.targets, self.latent_names, strict=True)
        return {target: getattr(p, name) for target, name in pairs}

    def slopes(self, p: Any, f: Any) -> tuple[Any, dict[str, Any]] | None:
        """Return the latent and one, where there is one target."""
        if len(self.targets) > 1:
            return None
        (name,) = self.latent_names
        value = getattr(p, name)
        return value, {name: value * 0 + 1}


def _identifiers(targets: Sequence[str]) -> list[str]:
    """Turn column names into different identifiers: "NEE (µmol)" -> NEE_µmol."""
    names: list[str] = []
    for target in targets:
        name = re.sub(r"\W+", "_", target).strip("_") or "y"
        name = name if name.isidentifier() and not iskeyword(name) else f"y_{name}"
        # Two columns may differ in signs only that no identifier holds.
        while name in names:
            name += "_"
        names.append(target if target.isidentifier() else name)
    return names
