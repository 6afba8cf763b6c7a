"""Tensors of a ``torch.save`` file, read without unpickling anything.

Not even ``torch.load(weights_only=True)`` is used: this toolkit runs on torch 2.4 and
later, and crafted files could get past that switch to run code (CVE-2025-32434, before
torch 2.6) or to damage memory (CVE-2026-24747, before 2.10). Such a file is a zip archive
of raw numbers and a list of instructions. Here the instructions are only listed
(`pickletools.genops` executes none), and the few that describe a table of tensors are
understood one by one; no name in the file is ever imported or called.
"""

import io
import math
import pickletools
import reprlib
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sciren.bounded import DAMAGE, MOST_TENSORS, read_bounded
from sciren.errors import FormatError

STORAGES = {
    "torch FloatStorage": torch.float32,
    "torch DoubleStorage": torch.float64,
    "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16,
}
TABLE, TENSOR, WEIGHT = (
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
)
IGNORED = {"PROTO", "FRAME", "STOP"}
CONSTANTS = {"NEWTRUE": True, "NEWFALSE": False, "NONE": None}
LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE",
}  # fmt: skip
# what damaged files lead to, in the parts of the standard library and torch used here
BROKEN = (*DAMAGE, struct.error)
SHARED = 4  # times that the numbers of a file may be shown by its tensors
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Return name -> tensor of a stored state_dict, on the CPU.

    Raises:
        FormatError: the file is missing, is no zip archive of torch.save, or holds
            anything beside a table of floating-point tensors.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(io.BytesIO(read_bounded(path, MOST_TENSORS))) as archive:
            return _Reader(archive).table()
    except FormatError as error:
        raise FormatError(f"{path} cannot be read: {error}") from error
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise FormatError(
            f"{path} is no file of torch.save in its present (zip) form: {error}"
        ) from error
    except BROKEN as error:
        raise FormatError(
            f"{path} holds no table of tensors: {error!r:.200}"
        ) from error


@dataclass(frozen=True)
class _Name:
    """A name that the file mentions; it stays text."""

    text: str


class _Mark:
    """Start of a group on the stack."""


class _Reader:
    """Stack machine for the few instructions that describe tensors."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.size = sum(info.file_size for info in archive.infolist())
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.shown = 0  # bytes of all tensors that were made
        described = [n for n in archive.namelist() if n.endswith("/data.pkl")]
        if len(described) != 1:
            raise FormatError("the archive has no list of tensors (data.pkl)")
        self.folder = described[0].removesuffix("data.pkl")
        order = self.folder + "byteorder"
        if order in archive.namelist() and self._bytes(order) != b"little":
            raise FormatError("its numbers are not stored in little-endian order")

    def table(self) -> dict[str, Tensor]:
        # genops lists instructions without running any; unknown ones are refused in
        # `_build`.
        for code, argument, _ in pickletools.genops(
            self._bytes(f"{self.folder}data.pkl")
        ):
            if code.name not in IGNORED:
                self._step(code.name, argument)
        # At its end a pickle leaves one object; anything else fails here.
        (table,) = self.stack
        if not isinstance(table, dict):
            raise FormatError("it is no table of tensors")
        for name, value in table.items():
            if not isinstance(name, str) or not isinstance(value, Tensor):
                raise FormatError(f"entry {name!r} is no tensor")
        return table

    def _bytes(self, name: str) -> bytes:
        info = self.archive.getinfo(name)
        # torch stores without compression; a small file cannot unfold into a huge one.
        if info.compress_type != zipfile.ZIP_STORED:
            raise FormatError(f"part {name!r} is compressed, which torch never does")
        return self.archive.read(info)

    def _step(self, code: str, argument: Any) -> None:
        stack = self.stack
        if code in LITERALS:
            stack.append(argument)
        elif code in CONSTANTS:
            stack.append(CONSTANTS[code])
        elif code in TUPLES:
            stack.append(tuple(self._take(TUPLES[code])))
        elif code in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif code in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        else:
            self._build(code, argument)

    def _build(self, code: str, argument: Any) -> None:
        stack = self.stack
        match code:
            case "GLOBAL":
                stack.append(_Name(str(argument)))
            case "MARK":
                stack.append(_Mark())
            case "EMPTY_TUPLE":
                stack.append(())
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "TUPLE":
                stack.append(tuple(self._group()))
            case "SETITEM":
                key, value = self._take(2)
                self._fill([key, value])
            case "SETITEMS":
                self._fill(self._group())
            case "BINPERSID":
                stack.append(self._storage(stack.pop()))
            case "REDUCE":
                name, arguments = self._take(2)
                stack.append(self._made(name, arguments))
            case "BUILD":  # version marks of the table, of no use here
                stack.pop()
            case _:
                raise FormatError(f"it holds an instruction {code} beside its tensors")

    def _take(self, count: int) -> list[Any]:
        values = self.stack[-count:]
        if len(values) != count:
            raise FormatError("its list of tensors is broken off")
        del self.stack[-count:]
        return values

    def _group(self) -> list[Any]:
        for start in reversed(range(len(self.stack))):
            if isinstance(self.stack[start], _Mark):
                values = self.stack[start + 1 :]
                del self.stack[start:]
                return values
        raise FormatError("its list of tensors is broken off")

    def _fill(self, items: list[Any]) -> None:
        table = self.stack[-1]
        if not isinstance(table, dict):
            raise FormatError("it fills something that is no table")
        for key in items[::2]:
            if not isinstance(key, str):  # a tuple of tuples takes forever to hash
                raise FormatError("a name of its table is no text")
        table.update(zip(items[::2], items[1::2], strict=True))

    def _storage(self, described: Any) -> Tensor:
        # ("storage", kind, key, device, count); the device does not matter to numbers.
        _, kind, key, _, count = described
        if kind.text not in STORAGES:
            raise FormatError(f"it holds numbers of the kind {kind.text!r}")
        raw = self._bytes(f"{self.folder}data/{key}")
        dtype = STORAGES[kind.text]
        # What the list says and what the archive holds must agree before torch reads
        # memory.
        if len(raw) != count * dtype.itemsize:
            raise FormatError(
                f"part {key!r} has {len(raw)} bytes for {count} numbers of {dtype}"
            )
        if not raw:
            return torch.empty(0, dtype=dtype)
        self._count(len(raw))
        # bytearray, because torch needs memory that may be written.
        return torch.frombuffer(bytearray(raw), dtype=dtype)

    def _made(self, name: Any, arguments: Any) -> Any:
        text = name.text if isinstance(name, _Name) else reprlib.repr(name)
        if text == TABLE and arguments in ((), ([],)):
            return {}
        if text == TENSOR:
            tensor = _view(*arguments[:4])
            self._count(tensor.numel() * tensor.element_size())
            return tensor
        if text == WEIGHT:
            return arguments[0]
        raise FormatError(
            f"it asks for {text!r:.200}, which is no tensor; nothing was called"
        )

    def _count(self, size: int) -> None:
        """Refuse a file that shows the same numbers again and again."""
        self.shown += size
        if self.shown > SHARED * self.size + 2**20:
            raise FormatError(
                f"its tensors together are more than {SHARED} times its size"
            )


def _view(
    numbers: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> Tensor:
    numbers_only = isinstance(size, tuple) and isinstance(stride, tuple)
    if not numbers_only or not all(type(n) is int for n in (offset, *size, *stride)):
        raise FormatError("the shape of a tensor is no list of whole numbers")
    if min((offset, *size, *stride)) < 0 or len(size) != len(stride):
        raise FormatError(f"a tensor has size {size} and stride {stride}")
    # Position of the last number that the view would touch.
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    # torch would also repeat numbers (stride 0), so that a few fill the memory
    if math.prod(size) > len(numbers) or (math.prod(size) and last >= len(numbers)):
        raise FormatError(f"a tensor of size {size} reaches beyond its numbers")
    return numbers.as_strided(size, stride, offset).clone()
