"""What a process model returned on a few rows: one number a row and target, with slopes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sciren.decoders.base import Decoder
from sciren.decoders.checked import (
    Watch,
)
from sciren.decoders.dry_run_place import Place
from sciren.decoders.step_view import StepView
from sciren.errors import closest_names


def check_result(
    decoder: Decoder,
    result: Any,
    values: Mapping[str, Tensor],
    rows: int,
    place: Place,
) -> None:
    """Refuse results that are not one number a row and target, with derivatives."""
    line = place.last_return()
    if result is None:
        raise place.error(line, "returns nothing; end with return and the targets")
    for target, column in _by_target(decoder, result, rows, line, place):
        said = f"target {target!r}"
        if isinstance(decoder, StepView) and target in decoder.described:
            said = target
        # In this order each message is the plainest that is true: a list, one number,
        # another shape, other numbers, no derivative.
        if isinstance(column, list | tuple):
            raise place.error(
                line,
                f"returns a list of {len(column)} for {said}; write the formula once for "
                "the whole columns and return one array",
            )
        if not isinstance(column, Tensor) or column.dim() == 0:
            raise place.error(
                line,
                f"returns a single value for {said} and {rows} rows; calculate one value "
                "a row, without mean, sum or item",
            )
        if column.shape != (rows,):
            raise place.error(
                line,
                f"returns shape {tuple(column.shape)} for {said} and {rows} rows; return "
                "one value a row, shape (rows,)",
            )
        if column.is_complex():
            raise place.error(
                line, f"returns complex numbers for {said}; return their real part"
            )
        if not column.requires_grad:
            raise place.error(
                line,
                f"{said} does not depend on any parameter; calculate it from p, without "
                "round, int or detach on the way",
            )


def _by_target(
    decoder: Decoder, result: Any, rows: int, line: int, place: Place
) -> list[tuple[str, Any]]:
    """Return target and column; a list of one array a target is fine."""
    names = decoder.targets
    if isinstance(result, Mapping):
        missing = [name for name in names if name not in result]
        if missing:
            near = closest_names(missing[0], map(str, result))
            raise place.error(line, f"does not return target {missing[0]!r}. {near}")
        return [(name, result[name]) for name in names]
    if len(names) == 1:
        return [(names[0], result)]
    if isinstance(result, Tensor) and result.shape == (rows, len(names)):
        return list(zip(names, result.unbind(1), strict=True))
    if not isinstance(result, list | tuple) or len(result) != len(names):
        raise place.error(
            line,
            f"returns no {len(names)} arrays for the targets {', '.join(names)}; return "
            "a mapping target -> array",
        )
    return list(zip(names, result, strict=True))


def check_numbers(
    decoder: Decoder,
    draws: list[dict[str, Tensor]],
    forcings: Mapping[str, Tensor],
    watch: Watch,
    place: Place,
) -> None:
    """Refuse rows without a number, and targets without a slope, for any parameters."""
    # A row may lack a number for some parameters (a log below zero): only one that
    # lacks it for all of them can never be fitted.
    always: Tensor | None = None
    moved: set[str] = set()
    for values in draws:
        constants = [values[name] for name in decoder.constant_names]
        latents = [values[name] for name in decoder.latent_names]
        shared = torch.stack(constants, 1) if constants else latents[0][:, None][:, :0]
        predicted = decoder.evaluate(torch.stack(latents, 1), shared, dict(forcings))
        moved |= {
            n
            for n in decoder.targets
            if n not in moved and _moves(decoder, n, predicted, values)
        }
        bad = ~torch.isfinite(predicted.detach()).all(1)
        always = bad if always is None else always & bad
    for target in decoder.targets:
        if target not in moved:
            raise place.error(
                watch.line or place.last_return(),
                f"target {target!r} does not change with any parameter; round, floor and "
                "comparisons have no slope to learn from, leave them out",
            )
    if always is None or not bool(always.any()):
        return
    row = int(torch.nonzero(always)[0])
    inputs = [f"f.{n} = {float(v[row]):g}" for n, v in forcings.items() if v.dim() == 1]
    states = decoder.model.state_names if isinstance(decoder, StepView) else ()
    inputs += [
        f"{'s' if n in states else 'p'}.{n} = {float(v[row]):g}"
        for n, v in draws[0].items()
    ]
    raise place.error(
        watch.line or place.last_return(),
        f"gives no number, for example where {', '.join(inputs)}: a logarithm, root or "
        "power of a negative number, or a division by zero; keep the argument inside "
        "with maximum(x, 1e-6), or filter these rows",
    )


def _moves(
    decoder: Decoder, target: str, predicted: Tensor, values: Mapping[str, Tensor]
) -> bool:
    """Whether a target changes with a parameter; nan, which is told as such, does."""
    column = predicted[:, decoder.targets.index(target)]
    # uneven weights, because slopes of a mean over rows would cancel in a plain sum
    weights = torch.arange(1.0, 1 + len(column), dtype=column.dtype)
    slopes = torch.autograd.grad(
        column @ weights, list(values.values()), retain_graph=True, allow_unused=True
    )
    return any(slope is not None and bool((slope != 0).any()) for slope in slopes)
