"""A process model is run on a few rows before training; each mistake is one clear line.

Torch's own words for an ``if`` on a column or for a call of ``math.exp`` name neither the
user's line nor what to write instead. Here the function gets operands that know which
operations have no derivative, change the data or cannot be printed.
"""

import ast
import contextlib
import inspect
import textwrap
import traceback
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
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
from sciren.decoders.dynamic import DynamicModel
from sciren.decoders.function import FunctionDecoder
from sciren.decoders.operand import plain
from sciren.decoders.step_view import StepResultError, StepView
from sciren.errors import DecoderError, closest_names

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
    place = _Place.of(decoder)
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
        _check_result(decoder, result, values[0], count, place)
        _check_numbers(decoder, values, given, watch, place)
    if watch.printed:
        raise place.error(
            watch.printed, "prints, at every step of a training; remove the print"
        )


class _Place:
    """File of a process model, for messages."""

    def __init__(self, file: str, function: Any) -> None:
        self.file, self.function = file, function

    @classmethod
    def of(cls, decoder: Decoder) -> "_Place | None":
        """Return where a process model stands; None for those of this package."""
        function: Any = (
            inspect.unwrap(decoder.function)
            if isinstance(decoder, FunctionDecoder)
            else type(decoder).__call__
        )
        module = getattr(function, "__module__", "") or ""
        code = getattr(function, "__code__", None)
        # Built-in models have tests; a check at each fit would only cost time.
        if code is None or module.split(".")[0] in ("sciren", "symbolic", "discovery"):
            return None
        return cls(code.co_filename, function)

    def error(self, line: int, text: str) -> DecoderError:
        """Return the error for a line of the file."""
        where = f", line {line}" if line else ""
        name = self.file if self.file.startswith("<") else str(Path(self.file))
        return DecoderError(f"{name}{where}: {text}")

    def line(self, error: BaseException) -> int:
        """Return the last line of the file that led to an error, or of the function."""
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == self.file and frame.lineno
        ]
        return lines[-1] if lines else self.function.__code__.co_firstlineno

    def last_return(self) -> int:
        """Return the line of the function's last ``return``, or its first line."""
        first = self.function.__code__.co_firstlineno
        try:
            source, first = inspect.getsourcelines(self.function)
            # By the syntax tree: a `return` in a string or comment is none.
            tree = ast.parse(textwrap.dedent("".join(source)))
        except (OSError, SyntaxError, TypeError):
            return first
        returns = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Return)]
        return first + max(returns) - 1 if returns else first


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
    place: _Place,
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
    place: _Place,
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
    place: _Place,
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


def _check_result(
    decoder: Decoder,
    result: Any,
    values: Mapping[str, Tensor],
    rows: int,
    place: _Place,
) -> None:
    """Refuse results that are not one number a row and target, with derivatives."""
    line = place.last_return()
    if result is None:
        raise place.error(line, "returns nothing; end with return and the targets")
    for target, column in _by_target(decoder, result, rows, line, place):
        said = f"target {target!r}"
        if isinstance(decoder, StepView) and target in decoder.described:
            said = target
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
    decoder: Decoder, result: Any, rows: int, line: int, place: _Place
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


def _check_numbers(
    decoder: Decoder,
    draws: list[dict[str, Tensor]],
    forcings: Mapping[str, Tensor],
    watch: Watch,
    place: _Place,
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
