"""Labels are compared as written, and a missing one is refused in one way."""

import numpy as np
import pandas as pd
import pytest

from sciren.data import Table, split_by_group
from sciren.data.labels import ROLES, id_text, label_codes, refuse_missing
from sciren.errors import DataError


def test_six_ways_to_write_a_number_are_six_sites():
    sites = ["001", "01", "1", "0010", "010", "10"] * 3
    codes, labels = label_codes(sites, pd.RangeIndex(18), "site")
    assert len(labels) == 6
    assert [labels[code] for code in codes] == sites
    frame = pd.DataFrame({"x": np.arange(18.0), "site": sites})
    table = Table.from_frame(frame, ["x"], groups="site")
    assert len(set(table.blocks.tolist())) == 6
    split = split_by_group(table, seed=1)
    parts = [{sites[row] for row in part.row_ids} for part in split]
    assert sum(map(len, parts)) == 6


def test_numbers_keep_their_order_and_lose_no_digits():
    assert label_codes([10, 2, 1], pd.RangeIndex(3), "site")[1] == ["1", "2", "10"]
    assert label_codes(["b", "10", "2"], pd.RangeIndex(3), "site")[1] == [
        "2",
        "10",
        "b",
    ]
    assert id_text([1.0, 2.5, np.nan]).tolist()[:2] == ["1", "2.5"]
    assert id_text(pd.array([1, None], dtype="Int64")).isna().tolist() == [False, True]
    assert id_text([True, False]).tolist() == ["True", "False"]


def test_na_is_a_label_and_an_empty_cell_is_none():
    codes, labels = label_codes(["NA", "b"], pd.RangeIndex(2), "site")
    assert labels == ["NA", "b"]
    assert codes.tolist() == [0, 1]


@pytest.mark.parametrize("role", ROLES)
def test_a_missing_cell_names_column_row_count_and_remedy(role):
    missing = np.array([False, False, True, True])
    message = rf"column 'c' has no value in row 7 .*2 of 4 rows\); {ROLES[role]}"
    with pytest.raises(DataError, match=message):
        refuse_missing(missing, pd.Index([5, 6, 7, 8]), "column 'c'", role)


@pytest.mark.parametrize("empty", [None, np.nan, pd.NA])
def test_a_group_with_an_empty_cell_is_refused(empty):
    with pytest.raises(DataError, match="site has no value in row 1"):
        label_codes(["a", empty], pd.RangeIndex(2), "site")
