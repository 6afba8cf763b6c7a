"""Splits of series: by group, by period, or both; never by row."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sciren.data.series import SeriesTable
from sciren.data.splits import PARTS, Period, check_disjoint, deal, period_span
from sciren.errors import ConfigError, DataError


class SeriesSplit(NamedTuple):
    """Series to learn from, to choose with, and to report on."""

    train: SeriesTable
    valid: SeriesTable
    test: SeriesTable


def split_series(
    table: SeriesTable,
    fractions: Sequence[float] | None = None,
    periods: Mapping[str, Period] | None = None,
    seed: int = 0,
) -> SeriesSplit:
    """Split series by whole groups, by periods, or by both.

    A relation with static features needs groups that were left out; a later period tells
    whether the process itself holds. With both, every part has its own groups in its own
    period.

    Args:
        table: series.
        fractions: share of the groups in train, valid and test, dealt at random; at least
            one group goes to each. Default (0.7, 0.15, 0.15), or no split by group where
            there are periods.
        periods: ``train``, ``valid`` and ``test`` -> a year, month, day or pair of
            these, as in `sciren.split_by_time`. Rows before a period run, without being
            compared, so that its states are right.
        seed: of the shuffle.
    Raises:
        ConfigError: fractions or periods cannot be used.
        DataError: too few groups, or a part without any row.
    """
    if fractions is None and periods is None:
        fractions = (0.7, 0.15, 0.15)
    parts = [table] * len(PARTS)
    if fractions is not None:
        # Groups first, then periods: with both, no group and no time is in two parts.
        part_of_group = deal(len(table), fractions, seed, "groups")
        parts = [table.take(part_of_group == part) for part in range(len(PARTS))]
    if periods is not None:
        parts = _in_periods(parts, periods)
    return SeriesSplit(*parts)


def _in_periods(
    parts: Sequence[SeriesTable], periods: Mapping[str, Period]
) -> list[SeriesTable]:
    if set(periods) != set(PARTS):
        raise ConfigError(f"periods name {sorted(periods)}; name {', '.join(PARTS)}")
    if parts[0].time.dtype.kind != "M":
        raise DataError(
            "the time column holds numbers, so there are no periods; split by group"
        )
    spans = {part: period_span(periods[part], part) for part in PARTS}
    check_disjoint(spans)
    return [
        _part(table, spans[name], name)
        for table, name in zip(parts, PARTS, strict=True)
    ]


def _part(
    table: SeriesTable, span: tuple[np.datetime64, np.datetime64], name: str
) -> SeriesTable:
    inside = table.active & (table.time >= span[0]) & (table.time < span[1])
    if not inside.any():
        asked = " to ".join(str(day.astype("datetime64[D]")) for day in span)
        limits = [
            str(t.astype("datetime64[D]")) for t in (table.time.min(), table.time.max())
        ]
        raise DataError(
            f"{name} has no rows: it asks for {asked}, the series run from {limits[0]} to "
            f"{limits[1]}"
        )
    return table.within(*span)
