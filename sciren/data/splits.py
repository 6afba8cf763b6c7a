"""Splits into training, validation and test rows: by time, group or at random."""

import datetime as dt
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sciren.data.frames import leading_rows
from sciren.data.labels import label_codes
from sciren.data.table import Table
from sciren.errors import ConfigError, DataError

Period = str | int | dt.date | Sequence[str | int | dt.date]

_STAMP = re.compile(r"\d{4}(-\d{2}(-\d{2}([T ]\d{2}(:\d{2}){0,2})?)?)?")
PARTS = ("train", "valid", "test")


class Split(NamedTuple):
    """Rows to learn from, to choose with, and to report on."""

    train: Table
    valid: Table
    test: Table


def split_by_time(table: Table, train: Period, valid: Period, test: Period) -> Split:
    """Split by periods, first and last included as a whole.

    Series of groups are split by `sciren.split_series`, because their states run on.

    Args:
        table: with a time column.
        train, valid, test: a year (``"2007"``), month (``"2007-03"``), day
            (``"2007-03-05"``), or a pair (first, last) of these.
    Raises:
        ConfigError: a period cannot be read, ends before it begins, or overlaps
            another one.
        DataError: the table has no time, or a part has no rows.
    """
    if table.time is None:
        raise DataError(
            "the table has no time; name the time column when the table is made, or "
            "split at random or by group"
        )
    spans = {
        part: period_span(period, part)
        for part, period in zip(PARTS, (train, valid, test), strict=True)
    }
    check_disjoint(spans)
    masks = [
        (table.time >= first) & (table.time < end) for first, end in spans.values()
    ]
    for part, mask in zip(PARTS, masks, strict=True):
        if not mask.any():
            first, end = (str(day.astype("datetime64[m]")) for day in spans[part])
            present = [str(t.astype("datetime64[m]")) for t in _limits(table.time)]
            raise DataError(
                f"{part} has no rows: it asks for {first} to {end}, the data run from "
                f"{present[0]} to {present[1]}"
            )
    return Split(*(table.take(mask) for mask in masks))


def _limits(time: np.ndarray) -> tuple[np.datetime64, np.datetime64]:
    return time.min(), time.max()


def period_span(period: Any, part: str) -> tuple[np.datetime64, np.datetime64]:
    """Return the first instant of a period and the first instant after it."""
    # A text is a sequence too, of its letters.
    single = isinstance(period, str) or not isinstance(period, Sequence)
    ends = [period] if single else list(period)
    if len(ends) not in (1, 2):
        raise ConfigError(
            f"{part} names {len(ends)} periods; give one, or the first and the last"
        )
    stamps = [_stamp(end, part) for end in ends]
    first = stamps[0].astype("datetime64[ns]")
    # One unit as written, so that "2007-03" ends with March, whatever its length.
    end = (stamps[-1] + 1).astype("datetime64[ns]")
    if first >= end:
        raise ConfigError(f"{part} ends before it begins: {ends[0]} to {ends[1]}")
    return first, end


def _stamp(value: Any, part: str) -> np.datetime64:
    """Return a stamp whose numpy unit (year, month, day, ...) is as it was written."""
    text = value.isoformat() if isinstance(value, dt.date) else str(value)
    try:
        if not _STAMP.fullmatch(text):
            raise ValueError
        stamp = np.datetime64(text)
    except ValueError as error:
        raise ConfigError(
            f"{part} period {value!r} cannot be read; "
            "write a year '2007', month '2007-03' or day '2007-03-05'"
        ) from error
    return stamp


def check_disjoint(spans: dict[str, tuple[np.datetime64, np.datetime64]]) -> None:
    """Refuse periods of parts that overlap.

    Raises:
        ConfigError: names the two parts and the day.
    """
    # Sorted by their start, only neighbours can overlap first.
    ordered = sorted(spans.items(), key=lambda item: item[1])
    for (earlier, (_, end)), (later, (first, _)) in pairwise(ordered):
        if first < end:
            day = str(first.astype("datetime64[D]"))
            raise ConfigError(
                f"{earlier} and {later} overlap from {day} on; scores need separate rows"
            )


def split_by_group(
    table: Table,
    groups: Any = None,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int = 0,
) -> Split:
    """Deal whole groups (sites, weeks) at random to the three parts.

    Args:
        table: n rows.
        groups: (n,) labels; default: the table's blocks.
        fractions: share of the groups in train, valid and test; at least one group
            goes to each.
        seed: of the shuffle.
    Raises:
        ConfigError: fractions are not three positive numbers that sum to 1.
        DataError: fewer than three groups, or a row without one.
        ShapeError: groups have another length than the table.
    """
    labels = table.blocks if groups is None else groups
    values = leading_rows(labels, len(table), "groups")
    ids, names = label_codes(values, pd.Index(table.row_ids), "groups")
    part_of_group = deal(len(names), fractions, seed, "groups")
    return Split(*(table.take(part_of_group[ids] == part) for part in range(3)))


def split_random(
    table: Table, fractions: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0
) -> Split:
    """Deal single rows at random to the three parts; rows keep their order inside.

    Neighbouring rows of a time series or a site resemble each other, so scores on
    such a split are too good: prefer time, block or group splits where they exist.

    Raises:
        ConfigError: fractions are not three positive numbers that sum to 1.
        DataError: fewer than three rows.
    """
    part_of_row = deal(len(table), fractions, seed, "rows")
    return Split(*(table.take(part_of_row == part) for part in range(3)))


def deal(count: int, fractions: Sequence[float], seed: int, what: str) -> np.ndarray:
    """Return (count,) part 0, 1 or 2, shuffled, none of them empty.

    Raises:
        ConfigError: fractions are not three positive numbers that sum to 1.
        DataError: fewer than three, so that a part would be empty.
    """
    shares = np.asarray(fractions, dtype=float)
    if shares.shape != (3,) or (shares <= 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise ConfigError(
            f"fractions {tuple(fractions)} must be three positive numbers (train, "
            "valid, test) that sum to 1"
        )
    if count < 3:
        raise DataError(
            f"{count} {what} cannot make three parts; at least 3 are needed"
        )
    # Rounding may miss the total by one; the largest part takes or gives it.
    sizes = np.maximum(1, np.round(shares * count)).astype(int)
    sizes[sizes.argmax()] += count - sizes.sum()
    parts = np.repeat(np.arange(3), sizes)
    return np.random.default_rng(seed).permutation(parts)
