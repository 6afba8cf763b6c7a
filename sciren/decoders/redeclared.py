"""A process model whose parameters are declared anew: latent, constant, fixed, bounds."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from sciren.decoders.base import Decoder
from sciren.decoders.dynamic import DynamicModel
from sciren.decoders.function import FunctionDecoder
from sciren.errors import DecoderError, ParameterError, closest_names
from sciren.parameters import KINDS, Parameter

Change = float | str | Mapping[str, Any]
CHANGEABLE = (
    "kind", "value", "low", "high", "start", "unit", "meaning", "per", "inputs", "range",
    "deviation",
)  # fmt: skip
NUMBERS = ("value", "low", "high", "start")
OF_LATENTS = {"per": "row", "inputs": (), "range": None, "deviation": None}
"""What only latents have, and the default that other kinds take."""


def redeclare(
    decoder: Decoder,
    parameters: Mapping[str, Change] | None = None,
    targets: Sequence[str] | None = None,
) -> Decoder:
    """Return a process model with other declarations and the same equations.

    ```python
    redeclare(lloyd_taylor, {"e0": 200, "rb": {"high": 30}})   # e0 is fixed at 200
    redeclare(lloyd_taylor, {"e0": "latent"})
    ```

    Args:
        parameters: name -> what changes: a mapping of ``kind``, ``low``, ``high``,
            ``start``, ``unit``, ``meaning`` or ``value`` (fixed at it); a number alone is
            a value, a word alone is a kind.
        targets: the outputs that are observed, in this order; default all.
    Raises:
        DecoderError: the process model has no such parameter or target.
        ParameterError: a change is none of these, or a declaration is not usable.
    """
    # Changes of changes become one: the original stays at the bottom, so that settings
    # and pickles do not nest.
    again = isinstance(decoder, RedeclaredDecoder | RedeclaredModel)
    original = decoder.original if again else decoder
    before = decoder.changes if again else {}
    changes = dict(before)
    for name, change in (parameters or {}).items():
        changes[name] = {**before.get(name, {}), **_as_mapping(name, change)}
    outputs = tuple(decoder.targets if targets is None else targets)
    if not changes and outputs == original.targets:
        return original
    if isinstance(original, DynamicModel):
        return RedeclaredModel(original, changes, outputs)
    return RedeclaredDecoder(original, changes, outputs)


def _as_mapping(name: str, change: Change) -> dict[str, Any]:
    if isinstance(change, str):
        return {"kind": change}
    # True is an int in Python and would become the number 1.
    if isinstance(change, int | float) and not isinstance(change, bool):
        return {"kind": "fixed", "value": float(change)}
    if not isinstance(change, Mapping):
        raise ParameterError(
            f"parameter {name!r} cannot become {change!r}; write a number, one of "
            f"{', '.join(KINDS)}, or a mapping of {', '.join(CHANGEABLE)}"
        )
    unknown = [key for key in change if key not in CHANGEABLE]
    if unknown:
        raise ParameterError(
            f"parameter {name!r} has no {unknown[0]!r}. "
            f"{closest_names(str(unknown[0]), CHANGEABLE)}"
        )
    for key in NUMBERS:
        _refuse_text(name, key, change.get(key))
    fixed = {"kind": "fixed"} if "value" in change else {}
    return {**fixed, **change}


def _refuse_text(name: str, key: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Real | None):
        raise ParameterError(
            f"parameter {name!r} has {key}={value!r}; write a number, such as {key}: 0.5"
        )


def _changed(parameter: Parameter, change: Mapping[str, Any]) -> Parameter:
    """Return a parameter with its changes; a value is where a fixed one starts."""
    fields = dict(change)
    # A fixed parameter keeps its value where others keep their start.
    if "value" in fields:
        fields["start"] = fields.pop("value")
    elif fields.get("kind") == "fixed" and "start" not in fields:
        fields["start"] = parameter.initial
    start = fields.get("start", parameter.start)
    low, high = fields.get("low", parameter.low), fields.get("high", parameter.high)
    if "start" not in fields and start is not None and not low <= start <= high:
        fields["start"] = None  # the old start does not bind new bounds
    # A latent made a constant must lose what only latents have, or its check refuses
    # it.
    if fields.get("kind", "latent") != "latent":
        fields = {**OF_LATENTS, **fields}
    return dataclasses.replace(parameter, **fields)


class RedeclaredDecoder(FunctionDecoder):
    """The equations of another decoder under other declarations; see `redeclare`."""

    def __init__(
        self,
        original: Decoder,
        changes: Mapping[str, Mapping[str, Any]],
        targets: Sequence[str],
    ) -> None:
        _check_known(
            original, "parameter", changes, [p.name for p in original.parameters]
        )
        _check_known(original, "target", targets, original.targets)
        self.original, self.changes = original, {n: dict(c) for n, c in changes.items()}
        super().__init__(
            _function_of(original),
            original.name,
            [_changed(p, changes.get(p.name, {})) for p in original.parameters],
            original.forcing_table,
            targets,
            {n: u for n, u in original.target_units.items() if n in targets},
            original.rowwise,
            latex=original.equation_latex(),
        )
        self.expensive = original.expensive

    def __call__(self, p: Any, f: Any) -> Any:
        """Return the targets that are declared, target -> array."""
        result = super().__call__(p, f)
        if not hasattr(result, "keys"):
            # By name, since only some of the original's targets may be declared.
            names = self.original.targets
            result = dict(
                zip(names, [result] if len(names) == 1 else result, strict=True)
            )
        return {name: result[name] for name in self.targets}

    def settings(self) -> dict[str, Any]:
        """Arguments of `decoder_named` that rebuild a built-in process model."""
        changes = {name: dict(change) for name, change in self.changes.items()}
        outputs = self.targets != self.original.targets
        return {
            **self.original.settings(),
            **({"parameters": changes} if changes else {}),
            **({"targets": list(self.targets)} if outputs else {}),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the original and what was changed."""
        return redeclare, (self.original, self.changes, self.targets)


class RedeclaredModel(DynamicModel):
    """The steps of another dynamic model under other declarations; see `redeclare`."""

    def __init__(
        self,
        original: DynamicModel,
        changes: Mapping[str, Mapping[str, Any]],
        targets: Sequence[str],
    ) -> None:
        starts = {state.start_name for state in original.states if state.learn_start}
        known = [p for p in original.parameters if p.name not in starts]
        _check_known(original, "parameter", changes, [p.name for p in known])
        _check_known(original, "target", targets, original.targets)
        if tuple(targets) != original.targets:
            raise DecoderError(
                f"process model {original.name!r} has the targets "
                f"{', '.join(original.targets)}; give a column for each"
            )
        self.original, self.changes = original, {n: dict(c) for n, c in changes.items()}
        super().__init__(
            original.function, original.name,
            [_changed(p, changes.get(p.name, {})) for p in known],
            original.states, original.forcing_table,
            original.observed_states or original.targets, original.target_units,
            original.memory,
        )  # fmt: skip

    def settings(self) -> dict[str, Any]:
        """Arguments of `decoder_named` that rebuild a built-in process model."""
        return {"parameters": {name: dict(c) for name, c in self.changes.items()}}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the original and what was changed."""
        return redeclare, (self.original, self.changes)


def _function_of(decoder: Decoder) -> Callable[..., Any]:
    return (
        decoder.function if isinstance(decoder, FunctionDecoder) else decoder.__call__
    )


def _check_known(decoder: Decoder, what: str, names: Any, known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise DecoderError(
                f"process model {decoder.name!r} has no {what} {name!r}. "
                f"{closest_names(str(name), known)}"
            )
