"""A process model is run on a few rows before training; each mistake is one clear line.

Torch's own words for an ``if`` on a column or for a call of ``math.exp`` name neither the
user's line nor what to write instead. Here the function gets operands that know which
operations have no derivative, change the data or cannot be printed.
"""

import contextlib
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sciren import functions
from sciren.decoders.base import Decoder
from sciren.decoders.checked import (
    COPY,
    KNOWN,
    LOOP,
    NAMESPACES,
    STEP_LOOP,
    CheckedOperand,
    MistakeError,
    Printing,
    UndeclaredError,
    Watch,
)
from sciren.decoders.dry_run_place import Place
from sciren.decoders.dry_run_results import check_numbers, check_result
from sciren.decoders.dynamic import DynamicModel
from sciren.decoders.function import FunctionDecoder
from sciren.decoders.operand import plain
from sciren.decoders.step_view import StepResultError, StepView

ROWS = 16  # enough that no shape of a row is taken for the number of rows
DRAWS = 6  # a row counts as without a number where it has none for all of them


def check_process_model(
    decoder: Decoder, forcings: Mapping[str, Tensor], rows: int = 200
) -> None:
    """Run a user's process model on a few rows and refuse what cannot be trained.

    A dynamic model is checked by one step from typical states. The process models of this
    package are not checked.

    Args:
        decoder: the process model.
        forcings: name -> (n, ...) as observed; rows with gaps are passed over.
        rows: how many are tried, spread evenly.
    Raises:
        DecoderError: with file, line and what to write instead.
    """
    step = isinstance(decoder, DynamicModel)
    decoder = StepView(decoder) if isinstance(decoder, DynamicModel) else decoder
    place = Place.of(decoder)
    if place is None:
        return
    given = _rows(decoder, forcings, rows)
    count = len(next(iter(given.values()))) if given else ROWS
    if not count:
        return
    values = list(_draws(decoder, count))
    watch = Watch(place.file, STEP_LOOP if step else LOOP)
    with contextlib.redirect_stdout(Printing(watch)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # 1. With operands that know what is wrong: the best messages. A model that
        # mixes rows may do with columns what these refuse.
        if decoder.rowwise:
            _run_checked(decoder, values[0], given, watch, place)
        # 2. As in training, on tensors.
        result = _run_plain(decoder, values[0], given, place)
        # 3. As in simulations, on arrays.
        if step:
            _run_on_arrays(decoder, values[0], given, place)
        check_result(decoder, result, values[0], count, place)
        check_numbers(decoder, values, given, watch, place)
    if watch.printed:
        raise place.error(
            watch.printed, "prints, at every step of a training; remove the print"
        )


def _rows(
    decoder: Decoder, forcings: Mapping[str, Tensor], most: int
) -> dict[str, Tensor]:
    """Return rows without gaps, spread evenly, at least two of them."""
    needed = {name: forcings[name] for name in decoder.forcings if name in forcings}
    if not needed:
        return {}
    complete = torch.stack(
        [torch.isfinite(v)[:, None].flatten(1).all(1) for v in needed.values()]
    ).all(0)
    places = torch.nonzero(complete)[:, 0]
    if len(places) > most:
        places = places[torch.linspace(0, len(places) - 1, most).long()]
    while 0 < len(places) < 3:  # a condition on one row is none on a column
        places = places.repeat(2)
    return {name: v[places].detach().clone() for name, v in needed.items()}


def _draws(decoder: Decoder, rows: int) -> Iterator[dict[str, Tensor]]:
    """Yield parameters inside their bounds: where they start, and others."""
    # The first draw is the declared start, which a fit meets first; others span the
    # bounds or, where there are none, several powers of ten.
    for draw in range(DRAWS):
        size = 10.0 ** (draw - 1)  # from near a bound to far from it
        share = draw / DRAWS
        values = {}
        for parameter in decoder.parameters:
            if draw == 0 or parameter.kind == "fixed":
                value = parameter.initial
            elif parameter.bounded == "both":
                value = parameter.low + share * (parameter.high - parameter.low)
            elif parameter.bounded == "low":
                value = parameter.low + size
            elif parameter.bounded == "high":
                value = parameter.high - size
            else:
                value = size if draw % 2 else -size
            tensor = torch.full((rows,), value, dtype=torch.float64)
            values[parameter.name] = tensor.requires_grad_()
        yield values


def _run_checked(
    decoder: Decoder,
    values: Mapping[str, Tensor],
    forcings: Mapping[str, Tensor],
    watch: Watch,
    place: Place,
) -> None:
    """Refuse operations that a process model cannot do; other failures are left."""
    # The function may write into what it gets; the data must not suffer.
    copies = {name: value.clone() for name, value in forcings.items()}
    letters, function = ("p", "f"), decoder
    parts: tuple[Mapping[str, Tensor], ...] = (values, copies)
    if isinstance(decoder, FunctionDecoder):
        letters, function = tuple(decoder.takes), decoder.function
    if isinstance(decoder, StepView):
        parts = decoder.arguments(values, copies)
    namespaces = [
        NAMESPACES[letter](
            **{n: CheckedOperand(v, f"{letter}.{n}", watch) for n, v in part.items()}
        )
        for letter, part in zip(letters, parts, strict=True)
    ]
    try:
        plain(function(*namespaces))
    except MistakeError as mistake:
        text = str(mistake)
        if isinstance(mistake, UndeclaredError):
            text += _elsewhere(mistake.name, letters, parts)
        raise place.error(place.line(mistake), text) from mistake
    except (Exception, SystemExit, GeneratorExit):
        return  # an operand is no tensor; what fails with tensors as well is told then


def _elsewhere(
    name: str, letters: Sequence[str], parts: Sequence[Mapping[str, Tensor]]
) -> str:
    """Say where a name is declared that was sought at another place."""
    for letter, part in zip(letters, parts, strict=True):
        if name in part:
            kind, order = NAMESPACES[letter].kind, ", ".join(letters)
            return (
                f"; {name} is a {kind}, and the function takes ({order}) in this order"
            )
    return ""


def _run_plain(
    decoder: Decoder,
    values: Mapping[str, Tensor],
    forcings: Mapping[str, Tensor],
    place: Place,
) -> Any:
    names = types.SimpleNamespace
    given = {name: value.clone() for name, value in forcings.items()}
    try:
        result = decoder(names(**values), names(**given))
    except StepResultError as error:
        raise place.error(place.last_return(), str(error)) from error
    except (Exception, SystemExit, GeneratorExit) as error:
        raise place.error(place.line(error), _told(error)) from error
    for name, value in given.items():
        if not torch.equal(value, forcings[name]):
            line = place.function.__code__.co_firstlineno
            raise place.error(line, f"changes f.{name} in place; {COPY}")
    return result


def _run_on_arrays(
    decoder: Decoder,
    values: Mapping[str, Tensor],
    forcings: Mapping[str, Tensor],
    place: Place,
) -> None:
    """Refuse a step that runs on tensors only: series are simulated on arrays."""
    p, f = (
        types.SimpleNamespace(**{n: v.detach().numpy().copy() for n, v in part.items()})
        for part in (values, forcings)
    )
    try:
        decoder(p, f)
    except (Exception, SystemExit, GeneratorExit) as error:
        raise place.error(place.line(error), _told(error)) from error


def _told(error: BaseException) -> str:
    """Say what a failure means for a process model."""
    if isinstance(error, SystemExit):
        return "ends the program; remove exit or sys.exit and return the targets"
    if isinstance(error, NameError):
        name = error.name or ""
        if hasattr(functions, name):
            return f"{name} is not defined; add from sciren.functions import {name}"
        return f"{error}; parameters are p.name, forcings f.name"
    first = (str(error).strip().splitlines() or [""])[0]
    return (
        f"fails with {type(error).__name__}: {first}; write it with arithmetic and "
        f"sciren.functions ({KNOWN})"
    )
