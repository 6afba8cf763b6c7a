"""Laws of the splits: every row at most once, wholes stay whole, periods inclusive."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.data import Table, split_by_group, split_by_time, split_random
from sciren.errors import ConfigError, DataError, ShapeError


def days_table(first: str = "2005-01-01", last: str = "2008-12-31") -> Table:
    time = pd.date_range(first, last, freq="D")
    frame = pd.DataFrame({"time": time, "x": np.arange(len(time), dtype=float)})
    return Table.from_frame(frame, ["x"], time="time", constant="keep")


def test_periods_are_whole_and_both_ends_belong_to_them():
    split = split_by_time(days_table(), ("2005", "2006"), "2007", "2008")
    assert [len(part) for part in split] == [730, 365, 366]
    first, last = split.train.time[[0, -1]].astype("datetime64[D]").astype(str)
    assert (first, last) == ("2005-01-01", "2006-12-31")


@pytest.mark.parametrize(
    ("period", "rows"),
    [
        ("2007", 365),
        (2007, 365),
        ("2007-02", 28),
        (("2007-02", "2007-03"), 59),
        ("2007-02-03", 1),
        (dt.date(2007, 2, 3), 1),
        (["2007-01-30", "2007-02"], 30),
        (("2007",), 365),
    ],
)
def test_a_period_is_as_long_as_it_is_written(period, rows):
    split = split_by_time(days_table(), "2005", period, "2008")
    assert len(split.valid) == rows


@pytest.mark.parametrize(
    ("periods", "error", "message"),
    [
        (("2005", "spring", "2008"), ConfigError, "valid period 'spring'"),
        (("2005", "2007-13", "2008"), ConfigError, "valid period '2007-13'"),
        (("2005", "now", "2008"), ConfigError, "valid period 'now'"),
        (
            (("2006", "2005"), "2007", "2008"),
            ConfigError,
            "train ends before it begins",
        ),
        ((("2005",) * 3, "2007", "2008"), ConfigError, "train names 3 periods"),
        (
            (("2005", "2007"), "2007", "2008"),
            ConfigError,
            "train and valid overlap from 2007-01-01 on",
        ),
        (
            ("2005", "2007", "2011"),
            DataError,
            "test has no rows.*2011-01-01.*data run from 2005-01-01.* to 2008-12-31",
        ),
    ],
)
def test_periods_that_cannot_be_used_are_named(periods, error, message):
    with pytest.raises(error, match=message):
        split_by_time(days_table(), *periods)


def test_a_table_without_time_cannot_be_split_by_time():
    table = Table.from_frame(pd.DataFrame({"x": [1.0, 2.0]}), ["x"])
    with pytest.raises(DataError, match="no time"):
        split_by_time(table, "2005", "2006", "2007")


@settings(deadline=None)
@given(st.integers(3, 60), st.integers(0, 5))
def test_a_random_split_deals_every_row_once_and_repeats(rows, seed):
    table = Table.from_frame(pd.DataFrame({"x": np.arange(float(rows))}), ["x"])
    split = split_random(table, (0.6, 0.2, 0.2), seed)
    dealt = np.concatenate([part.row_ids for part in split])
    assert sorted(dealt.tolist()) == list(range(rows))
    assert all(len(part) for part in split)
    again = split_random(table, (0.6, 0.2, 0.2), seed)
    assert all(
        np.array_equal(a.row_ids, b.row_ids) for a, b in zip(split, again, strict=True)
    )


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=12, max_size=40), st.integers(0, 5))
def test_groups_stay_whole(labels, seed):
    labels = [0, 1, 2, *labels]
    table = Table.from_frame(pd.DataFrame({"x": np.arange(float(len(labels)))}), ["x"])
    split = split_by_group(table, np.array(labels), seed=seed)
    parts = [set(np.array(labels)[part.row_ids].tolist()) for part in split]
    assert all(parts)
    assert set().union(*parts) == set(labels)
    assert sum(map(len, parts)) == len(set(labels))
    assert sum(map(len, split)) == len(labels)


def test_blocks_of_the_table_are_the_default_groups():
    table = days_table()
    split = split_by_group(table, seed=1)
    weeks = [set(table.blocks[part.row_ids].tolist()) for part in split]
    assert not weeks[0] & weeks[1]
    assert not weeks[1] & weeks[2]
    assert len(weeks[0]) == pytest.approx(0.7 * len(set().union(*weeks)), abs=1)


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.9, 0.2, -0.1), (0.5, 0.5, 0.5)])
def test_fractions_must_be_three_and_sum_to_one(fractions):
    with pytest.raises(ConfigError, match="three positive numbers"):
        split_random(days_table(), fractions)


def test_too_few_wholes_and_wrong_lengths_are_refused():
    table = Table.from_frame(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), ["x"])
    with pytest.raises(DataError, match="2 groups cannot make three parts"):
        split_by_group(table, np.array([0, 1, 1]))
    with pytest.raises(ShapeError, match="groups has 2 rows"):
        split_by_group(table, np.array([0, 1]))
