"""Files that may come from anybody, read within bounds (size, nesting, memory) or refused."""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from sciren.errors import DataError, FormatError, SciRenError

MEBIBYTE = 2**20
MOST_JSON = 64 * MEBIBYTE  # equations of 50 latents with all candidates take 2
MOST_TENSORS = 1024 * MEBIBYTE
MOST_NESTED = 100  # brackets; settings have up to 4

DAMAGE = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What Python and torch raise where data are other than a reader expects; nesting without
end is a RuntimeError."""

MAGNITUDES = (1e-50, 1e50)
"""Largest absolute values of columns that are fitted as they are: products of four such
numbers stay finite. Measured by tests/reliability/test_units.py."""


def check_magnitude(part: str, name: str, largest: float, least: float = 0.0) -> None:
    """Refuse a column whose squares overflow or vanish: nothing would be learned from it.

    Args:
        part, name: what the column is, and its name, for the message.
        largest: its largest absolute value.
        least: that this may be, where it is not zero.
    Raises:
        DataError: with the size, and the sizes that are fitted.
    """
    low, high = MAGNITUDES
    if largest > high or 0 < largest < least:
        raise DataError(
            f"{part} {name!r} is {largest:.3g} at most, and fitting squares it; divide "
            f"the column by a power of ten, into {low:g} to {high:g}"
        )


def read_bounded(path: Path, most: int = MOST_JSON) -> bytes:
    """Return the content of a regular file.

    Args:
        path: the file.
        most: bytes that it may have.
    Raises:
        OSError: it cannot be read, is no regular file (a device never ends), or is larger.
    """
    with path.open("rb") as stream:
        # Of the open file, not of its name, which could be another file a moment later.
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        if status.st_size > most:
            size = f"{status.st_size / MEBIBYTE:.0f} MiB"
            raise OSError(errno.EFBIG, f"it has {size}, more than {most // MEBIBYTE}")
        return stream.read(most)


def parse_json(content: bytes | str) -> Any:
    """Return the data of a JSON text.

    Raises:
        ValueError: it is no JSON, or nested so deeply that reading would never end.
    """
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def check_nesting(text: str) -> None:
    """Refuse a YAML text with brackets inside brackets without end.

    Its reader looks 1024 characters ahead from every open bracket, which takes a second
    for a few thousand of them.

    Raises:
        ValueError: more than MOST_NESTED are open at once.
    """
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > MOST_NESTED:
            raise ValueError("brackets inside brackets without end")


def check_encoder_size(kind: str, settings: Mapping[str, Any], stored: int) -> None:
    """Refuse an encoder that is larger than the numbers that were stored for it.

    Args:
        kind: of the encoder;  settings: its arguments.
        stored: numbers in the file of tensors.
    Raises:
        FormatError: it would not fit, so the two files do not belong together.
    """
    numbers = _numbers(kind, settings)
    if numbers > stored:
        raise FormatError(
            f"the stored encoder {kind!r} would hold at least {numbers:,} numbers, its "
            f"tensors are {stored:,}"
        )


def _numbers(kind: str, settings: Mapping[str, Any]) -> int:
    """Return a lower bound of the parameters of an encoder."""
    inputs, outputs = int(settings["n_inputs"]), int(settings["n_outputs"])
    if kind == "mlp":
        width, depth = int(settings.get("width", 1)), int(settings.get("depth", 1))
        return width * (inputs + outputs + (depth - 1) * width)
    if kind == "additive":
        return inputs * outputs * int(settings.get("width", 1))
    if kind == "linear":
        return inputs * outputs
    # As `KANEncoder` reads them: hidden nodes per latent unless shared, one interval
    # count for all layers or one for each; what is not given counts as one.
    groups = 1 if settings.get("shared") or kind != "kan" else outputs
    hidden = [int(width) * groups for width in settings.get("hidden") or ()]
    widths = [inputs, *hidden, outputs]
    grid = settings.get("grid")
    layers: Sequence[Any] = grid if isinstance(grid, list | tuple) else [grid or 1]
    pieces = [int(layer) for layer in layers] * (len(widths) - len(layers))
    pairs = zip(pairwise(widths), [*pieces, *[1] * len(widths)], strict=False)
    return sum(a * b * max(count, 1) for (a, b), count in pairs)


@contextmanager
def damage_told(
    kind: type[SciRenError],
    what: str,
    remedy: str = "",
    passed: type[SciRenError] | tuple[type[SciRenError], ...] = SciRenError,
    also: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Turn what damaged data raise inside into one error that says where and what to do.

    Args:
        kind: of the error;  what: the file, and what cannot be done with it.
        remedy: the next step.
        passed: errors that say what is wrong already, and go on as they are.
        also: what the reader of the format raises besides.
    """
    try:
        yield
    except passed:
        raise
    except (*DAMAGE, *also, SciRenError) as error:
        ours = isinstance(error, SciRenError)
        reason = str(error) if ours else f"{error!r:.200}"
        raise kind(f"{what}: {reason}" + (f"; {remedy}" if remedy else "")) from error
