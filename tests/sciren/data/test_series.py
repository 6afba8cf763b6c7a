"""Series of groups: long tables in, padded arrays out, splits by group and period."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sciren import SeriesTable, split_series
from sciren.errors import ColumnError, ConfigError, DataError, ShapeError

COLUMNS: dict[str, Any] = {
    "group": "basin", "time": "day", "static": ["area"], "features": ["season"],
    "forcings": {"rain": "p"}, "targets": ["q"],
}  # fmt: skip


def long(lengths=(6, 4, 5)):
    parts = []
    for number, length in enumerate(lengths):
        days = pd.date_range("2001-12-29", periods=length)
        parts.append(
            pd.DataFrame(
                {
                    "basin": f"b{number}",
                    "day": days.astype(str),
                    "area": 10.0 + number,
                    "season": np.sin(np.arange(length) + number),
                    "p": 100.0 * number + np.arange(length),
                    "q": np.arange(length) % 3 + 1.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def read(frame, **changes):
    return SeriesTable.from_frame(frame, **dict(COLUMNS, **changes))


def test_ragged_series_stand_in_columns_and_padding_repeats_the_last_row():
    table = read(long())
    assert table.groups == ("b0", "b1", "b2")
    assert table.time.shape == (6, 3)
    assert table.active.sum(0).tolist() == [6, 4, 5] == table.lengths.tolist()
    assert table.static[:, 0].tolist() == [10, 11, 12]
    assert table.forcings["rain"][:, 1].tolist() == [100, 101, 102, 103, 103, 103]
    assert np.isnan(table.targets[4:, 1, 0]).all()
    assert not table.compared(warmup=2)[:2].any()
    np.testing.assert_array_equal(table.intervals, table.active * 1.0)


def test_the_order_of_the_rows_does_not_matter():
    frame = long()
    shuffled = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    one, other = read(frame), read(shuffled)
    np.testing.assert_array_equal(one.targets, other.targets)
    np.testing.assert_array_equal(one.forcings["rain"], other.forcings["rain"])
    rows = other.row_ids[other.active]
    np.testing.assert_array_equal(
        shuffled["p"].to_numpy()[rows], other.forcings["rain"][other.active]
    )


def test_missing_targets_are_kept_and_not_compared():
    frame = long()
    frame.loc[[1, 7], "q"] = np.nan
    compared = read(frame).compared()[..., 0]
    assert compared.sum() == 13
    assert not compared[1, 0]
    assert not compared[1, 1]


def changed(**cells):
    frame = long()
    for column, (row, value) in cells.items():
        frame.loc[row, column] = value
    return frame


WRONG = {
    "a static column that changes": (
        changed(area=(8, 3.5)),
        "inside group b1, to 3.5 in row 8",
    ),
    "a missing forcing": (changed(p=(2, np.nan)), "missing forcing p in row 2"),
    "a missing row": (long().drop(index=2), "group b0 jumps from 2001-12-30"),
    "a time twice": (changed(day=(3, "2001-12-31")), "keep one of them, or their mean"),
    "one time": (long().assign(day="2001-12-31"), "says when each row was"),
    "an empty group": (
        changed(basin=(3, None)),
        "group column 'basin' has no value in row 3",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_table_that_is_no_series_is_refused_by_its_row(name):
    frame, text = WRONG[name]
    with pytest.raises(DataError) as error:
        read(frame)
    assert text in str(error.value)


def test_irregular_times_are_kept_where_the_model_can():
    table = read(long().drop(index=2), gaps="keep")
    assert table.intervals[1, 0] == 2
    with pytest.raises(ConfigError, match="gaps='fill'"):
        read(long(), gaps="fill")


def test_numbers_are_a_time_with_a_unit():
    frame = long()
    frame["day"] = frame.groupby("basin").cumcount() * 0.5
    table = read(frame, time_unit="min")
    assert table.time_unit == "min"
    assert np.ptp(table.intervals[table.active]) == 0
    with pytest.raises(DataError, match="no periods"):
        split_series(table, periods=dict.fromkeys(("train", "valid", "test"), "2001"))


def test_unknown_columns_are_told_with_the_closest():
    with pytest.raises(ColumnError, match="Closest names: basin"):
        read(long(), group="basn")
    with pytest.raises(DataError, match="no group is called 'b9'"):
        read(long()).named(["b9"])


def test_one_series_needs_no_group():
    frame = long((5,)).drop(columns="basin")
    table = read(frame, group=None, static=[])
    assert len(table) == 1
    assert table.static.shape == (1, 0)


def test_groups_are_dealt_whole_and_periods_run_in():
    table = read(long((6, 6, 6, 6)))
    parts = split_series(table, (0.5, 0.25, 0.25), seed=3)
    names = [set(part.groups) for part in parts]
    assert set.union(*names) == set(table.groups)
    assert sum(map(len, names)) == 4
    periods = {
        "train": ("2001-12-29", "2001-12-30"),
        "valid": "2001-12-31",
        "test": "2002",
    }
    later = split_series(table, periods=periods)
    counts = [part.compared().sum() for part in later]
    assert counts == [8, 4, 12]
    assert later.valid.rows == 3  # the two days before run, without being compared
    both = split_series(table, (0.5, 0.25, 0.25), periods, seed=3)
    assert both.test.compared().sum() == 3


def test_splits_that_cannot_be_are_refused():
    table = read(long((6, 6, 6)))
    with pytest.raises(ConfigError, match="name train, valid, test"):
        split_series(table, periods={"train": "2001"})
    with pytest.raises(DataError, match="valid has no rows"):
        split_series(table, periods={"train": "2001", "valid": "2005", "test": "2006"})
    with pytest.raises(DataError, match="2 groups cannot make three parts"):
        split_series(table.take([0, 1]))


def test_parts_of_different_shapes_are_refused():
    from dataclasses import replace

    table = read(long())
    with pytest.raises(ShapeError, match="features have shape"):
        replace(table, features=table.features[:2])
    with pytest.raises(ShapeError, match="2 static rows for 3 series"):
        replace(table, static=table.static[:2])
