"""Operands that refuse what a process model cannot do, each with its remedy."""

import io
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn

import torch
from torch import Tensor

from sciren.decoders.operand import FUNCTIONS, Operand
from sciren.errors import closest_names

KNOWN = "exp, log, sqrt, sin, cos, tanh, expit, absolute, maximum, minimum, where"


class MistakeError(Exception):
    """What a user's line does that a process model cannot do, and what to write."""


class UndeclaredError(MistakeError):
    """A name of s, p or f that was not declared there.

    Args:
        name: that was asked for;  text: what is said about it.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class CheckedOperand(Operand):
    """An operand that refuses what a process model cannot do.

    Args:
        value: tensor.
        role: ``p.k`` or ``f.ta`` for what was handed in, None for results.
        watch: collects the line where values without a number first appear.
    """

    __slots__ = ("role", "watch")

    def __init__(self, value: Any, role: str | None, watch: "Watch") -> None:
        super().__init__(value)
        self.role, self.watch = role, watch

    def made(self, value: Any, *inputs: Any) -> Any:
        """Return the result of an operation, after a look at its numbers."""
        # Conditions and shapes are no numbers that train: they pass unwatched.
        if not isinstance(value, Tensor):
            return value
        self.watch.see(value, inputs)
        return CheckedOperand(value, None, self.watch)

    def unknown(self, name: str) -> Exception:
        """Return the mistake of a function of numpy without a counterpart."""
        return MistakeError(
            f"numpy's {name} has no counterpart that can be trained and printed; use "
            f"arithmetic, numpy's {', '.join(sorted(FUNCTIONS)[:6])}, ... or "
            f"sciren.functions ({KNOWN})"
        )

    def __bool__(self) -> bool:
        raise MistakeError(
            "`if`, `and`, `or`, `min` or `max` asks for one answer, but values differ from "
            "row to row; use where(condition, a, b), minimum and maximum of "
            "sciren.functions"
        )

    def __float__(self) -> float:
        raise MistakeError(
            "`float` and functions of `math` take one number, but p and f hold a column; "
            f"use sciren.functions ({KNOWN})"
        )

    __int__ = __index__ = __complex__ = __float__  # type: ignore[assignment]

    def __iter__(self) -> NoReturn:
        raise MistakeError(self.watch.loop)

    def __getitem__(self, key: Any) -> Any:
        rows = key[0] if isinstance(key, tuple) and key else key
        # x[:, None] and x[..., 0] keep every row; x[3] and x[mask] of a column do not
        every = rows is None or rows is Ellipsis or isinstance(rows, slice)
        every = every and rows in (None, Ellipsis, slice(None))
        if isinstance(rows, int) or (not every and getattr(self.value, "ndim", 1) == 1):
            raise MistakeError(self.watch.loop)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise MistakeError(
            f"writes into {self._name}; use where(condition, a, b) instead"
        )

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise MistakeError(
            "np.array takes values out of the training; calculate with p and f themselves"
        )

    def __floordiv__(self, other: Any) -> NoReturn:
        raise MistakeError(
            "`//` divides to whole numbers, which has no derivative; use `/`, or "
            "where(condition, a, b) for steps"
        )

    __rfloordiv__ = __floordiv__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # protocols that numpy, pandas and copy ask for
            raise AttributeError(name)
        if name in ("item", "numpy", "detach", "tolist", "cpu"):
            raise MistakeError(
                f".{name}() takes values out of the training; calculate with p and f "
                "themselves"
            )
        # Torch's name for methods that write into their tensor.
        if self.role and name.endswith("_"):
            raise MistakeError(f".{name}() changes {self.role} in place; {COPY}")
        if not hasattr(self.value, name):
            raise MistakeError(
                f"a column has no .{name}; use arithmetic and sciren.functions ({KNOWN})"
            )
        return super().__getattr__(name)

    @property
    def _name(self) -> str:
        return f"single rows of {self.role or 'a result'}"


LOOP = (
    "takes single rows, as in a loop; write the formula once for the whole columns, and "
    "declare rowwise=False where rows depend on each other"
)
STEP_LOOP = (
    "takes single values, as in a loop; the function is one step, and is called for every "
    "time with all groups at once: what is carried on is a State"
)
COPY = "the data would change from step to step; write a new name, such as x = f.x - 1"


def _in_place(symbol: str, name: str) -> Callable[..., Any]:
    # x += 1 on a result makes a new value, as on a number; on p or f it would change
    # the data.
    forward = getattr(Operand, name.replace("__i", "__", 1))

    def refuse(self: CheckedOperand, other: Any) -> Any:
        if self.role:
            raise MistakeError(f"`{symbol}` changes {self.role} in place; {COPY}")
        return forward(self, other)

    return refuse


for _symbol, _name in (
    ("+=", "__iadd__"), ("-=", "__isub__"), ("*=", "__imul__"), ("/=", "__itruediv__"),
    ("**=", "__ipow__"), ("%=", "__imod__"),
):  # fmt: skip
    setattr(CheckedOperand, _name, _in_place(_symbol, _name))


class Watch:
    """Notes where the user's code first turns numbers into none, and where it prints.

    Args:
        file: the user's.
        loop: what a loop over values is told.
    """

    def __init__(self, file: str, loop: str = LOOP) -> None:
        self.file, self.line, self.printed, self.loop = file, 0, 0, loop

    def see(self, value: Tensor, inputs: tuple[Any, ...]) -> None:
        """Note the line where a result has no number although its inputs have."""
        # Only the first loss of a number counts: what follows from it is no mistake of
        # its line.
        defined = all(
            bool(torch.isfinite(operand).all())
            for operand in inputs
            if isinstance(operand, Tensor)
        )
        if not self.line and defined and not bool(torch.isfinite(value).all()):
            self.line = _line_of(sys._getframe(), self.file)


class Printing(io.StringIO):
    """Standard output that notes which line of the user's file prints."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def write(self, text: str) -> int:
        """Note which line of the file prints first, and print nothing."""
        self.watch.printed = self.watch.printed or _line_of(
            sys._getframe(), self.watch.file
        )
        return len(text)


def _line_of(frame: types.FrameType | None, file: str) -> int:
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    return frame.f_lineno if frame else 0


class Names(types.SimpleNamespace):
    """s, p or f: a name that was not declared is refused with the closest ones."""

    letter: ClassVar[str] = "f"
    kind: ClassVar[str] = "forcing"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UndeclaredError(
            name,
            f"{self.letter}.{name} is not declared as {self.kind}. "
            f"{closest_names(name, vars(self))} Declare it in @process_model or correct "
            "the name",
        )


class Parameters(Names):
    """p, whose names are parameters."""

    letter, kind = "p", "parameter"


class States(Names):
    """s, whose names are states."""

    letter, kind = "s", "state"


NAMESPACES: Mapping[str, type[Names]] = {"s": States, "p": Parameters, "f": Names}
