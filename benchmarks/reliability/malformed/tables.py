"""Degenerate tables: outliers, copies of the target, too few rows, broken files."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.reliability.malformed.case import (
    DATA,
    Kind,
    Malformed,
    table,
    with_cell,
    with_column,
)

NUMBERS = ("x1", "x2", "ta", "reco")
SAME: dict[str, Callable[[pd.Series], pd.Series]] = {
    "itself": lambda y: y,
    "another unit": lambda y: 1000 * y,
    "a shifted copy": lambda y: 3 - 2 * y,
    "its logarithm": np.log,
    "its square": lambda y: y**2,
    "its inverse": lambda y: 1 / y,
    "its rank": lambda y: y.rank(),
}
ODD_CELLS = (
    "broken",
    "inf",
    "-inf",
    "1e400",
    "1,5",
    "NaN()",
    "0x1F",
    "--",
    "1 2",
    "٣",
    "½",
)
NAMES = ('a"b', "a\\b", "a;b", "x" * 300, "=1+1", "@cmd", "-x", "µ", "σ²", "a b", "a,b", "🌱🌱",
         "None", "p", "exp", "0", "x1.1", "{x}", "$x$", "<b>", "%s", "class", "rb", "q10",
         "e\u0301", "\u03bc")  # fmt: skip


def outlier(rng: random.Random) -> Malformed:
    """One value that is larger than the others by powers of ten."""
    name, power = rng.choice(NUMBERS), rng.randint(6, 40)
    value = rng.choice((1, -1)) * 10.0**power
    change = with_cell(name, rng.randrange(120), value)
    return Malformed(f"outlier of 1e{power} in {name}", change, place=f"{name!r}")


def constant(rng: random.Random) -> Malformed:
    """A column with one value."""
    name, value = rng.choice(("x1", "x2", "reco")), rng.choice((0.0, 1e-9, 7, -3e5))
    return Malformed(f"{name} is {value} everywhere", with_column(name, value))


def nearly_constant(rng: random.Random) -> Malformed:
    """A column whose spread is rounding."""
    name, size = rng.choice(("x1", "x2", "reco")), rng.choice((1.0, 1e6, 1e-6))
    noise = 1 + 2e-16 * np.arange(120)
    return Malformed(f"{name} differs by rounding", with_column(name, size * noise))


def few_rows(rng: random.Random) -> Malformed:
    """Fewer rows than an honest split needs."""
    rows = rng.randint(1, 14)
    return Malformed(f"{rows} rows", lambda frame: frame.iloc[:rows])


def few_targets(rng: random.Random) -> Malformed:
    """A target that was observed a few times."""
    rows = rng.randint(0, 14)
    return Malformed(
        f"{rows} targets",
        lambda frame: frame.assign(reco=frame.reco.where(frame.index < rows)),
    )


def copied_target(rng: random.Random) -> Malformed:
    """A feature that is the target, or an invertible function of it."""
    what, name = rng.choice(list(SAME)), rng.choice(("x1", "x2"))
    change = with_column(name, lambda frame: SAME[what](frame.reco))
    return Malformed(f"{name} is the target: {what}", change, place=f"{name!r}")


def target_as_feature(rng: random.Random) -> Malformed:
    """The column of the target among the features."""
    return Malformed(
        "target as feature", settings={"features": ["x1", "reco"]}, place="reco"
    )


def wild_weights(rng: random.Random) -> Malformed:
    """Weights that cannot be meant."""
    values: list[float] = [1e300, -1.0, np.inf, np.nan, 0.0, 1.0, 1e-300]
    value = rng.choice(values)
    weights = np.zeros(120) if value in (0, 1) else np.ones(120)
    weights[rng.randrange(120)] = value
    name = f"a weight of {value}, others {weights[:2].min():g}"
    return Malformed(name, with_column("w", weights), {"data": {"weights": "w"}})


def odd_cell(rng: random.Random) -> Malformed:
    """A cell that is no number."""
    name, text = rng.choice(NUMBERS), rng.choice(ODD_CELLS)
    return Malformed(
        f"{text!r} in {name}",
        with_cell(name, rng.randrange(120), text),
        place=f"{name!r}",
    )


def empty_column(rng: random.Random) -> Malformed:
    """A column without values."""
    name = rng.choice(NUMBERS)
    return Malformed(f"{name} is empty", with_column(name, np.nan))


def cut_bytes(rng: random.Random) -> Malformed:
    """A file that ends in the middle of a line, or holds bytes of another file."""
    content = table().to_csv(index=False).encode()
    place = rng.randrange(1, len(content) - 200)
    row = content[:place].rfind(b"\n")
    content = content[: max(row, 1)] + content[row : row + 9]
    content = rng.choice(
        (content, content[:place] + bytes(9), b"\xff\xfe\x00" + content)
    )
    return Malformed(f"cut at {place}", files=_bytes(DATA, content))


def packed(rng: random.Random) -> Malformed:
    """A damaged file of another kind."""
    name = rng.choice(("data.csv.gz", "data.parquet", "data.nc"))
    content = gzip.compress(table().to_csv(index=False).encode())
    if name.endswith("parquet"):
        content = b"PAR1" + content
    place = rng.randrange(4, len(content) - 8)
    changed = content[:place] + rng.randbytes(8) + content[place + 8 :]
    return Malformed(
        f"damaged {name}", files=_bytes(name, rng.choice((changed, content[:place]))),
        settings={"data": {"path": name}}, place=name,
    )  # fmt: skip


def twice_named(rng: random.Random) -> Malformed:
    """Two columns of one name."""
    name = rng.choice(NUMBERS)
    return Malformed(
        f"{name} twice",
        lambda frame: pd.concat([frame, frame[[name]]], axis=1),
        place=f"{name!r}",
    )


def groups(rng: random.Random) -> Malformed:
    """Fewer groups than there are parts, or a row without one."""
    values = rng.choice(
        (["a"] * 120, ["a", "b"] * 60, [None] + ["a", "b", "c"] * 39 + ["a", "b"])
    )
    return Malformed(
        f"groups {values[:3]}", with_column("site", values),
        {"data": {"groups": "site"}, "split": {"kind": "group"}},
    )  # fmt: skip


def stamps(rng: random.Random) -> Malformed:
    """A time stamp that is none."""
    text = rng.choice(("", "2013-13-01", "soon", "99999-01-01", "2013-02-30", "12"))
    return Malformed(
        f"stamp {text!r}", with_cell("time", rng.randrange(120), text), place="'time'"
    )


def named(rng: random.Random) -> Malformed:
    """Columns of any name that a table can have, as feature or forcing."""
    name, other = rng.sample(NAMES, 2)
    return Malformed(
        f"a feature called {name[:20]!r}, a forcing {other[:20]!r}",
        lambda frame: frame.rename(columns={"x1": name, "ta": other}),
        {"features": [name, "x2"], "forcings": {"ta": other}}, sound=True,
    )  # fmt: skip


def wide_header(rng: random.Random) -> Malformed:
    """A header over 64 KiB or over 256 KiB, what is used at its end or its beginning."""
    size = rng.choice((70_000, 150_000, 270_000, 300_000))
    names = [f"spectral_band_{k:06d}_nm" for k in range(size // 24)]
    more = pd.DataFrame(0.5, index=range(120), columns=names)
    return Malformed(
        f"a header of {size:,} characters",
        lambda frame: pd.concat([more, frame] if rng.random() < 0.5 else [frame, more], axis=1),
        sound=True,
    )  # fmt: skip


def unit(rng: random.Random) -> Malformed:
    """A table in a unit far from one."""
    name, power = rng.choice(("x1", "x2", "reco")), rng.choice((-290, -40, 12, 45, 180))
    factor = 10.0**power
    return Malformed(
        f"{name} in units of 1e{power}",
        with_column(name, lambda frame: frame[name] * factor), sound=True,
    )  # fmt: skip


def _bytes(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


KINDS: tuple[Kind, ...] = (
    outlier, constant, nearly_constant, few_rows, few_targets, copied_target,
    target_as_feature, wild_weights, odd_cell, empty_column, cut_bytes, packed, twice_named,
    groups, stamps, named, wide_header, unit,
)  # fmt: skip
