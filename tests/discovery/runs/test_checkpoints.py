"""What a stage finds is the same from its file as from its computation."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.runs.checkpoints import Checkpoints, exact, frame_of, frame_record
from sciren import TrainConfig
from sciren.errors import DataError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(PLAIN)
def test_plain_results_come_back_with_every_bit(tmp_path_factory, value):
    keep = Checkpoints(tmp_path_factory.mktemp("stages"))
    found = keep.data("a", lambda: value)
    np.testing.assert_equal(found, value)
    np.testing.assert_equal(keep.data("a", _fail), value)


def _fail():
    raise AssertionError("this stage was finished")


def test_a_stage_that_fails_is_not_finished(tmp_path):
    keep = Checkpoints(tmp_path / "new")
    with pytest.raises(AssertionError):
        keep.data("a", _fail)
    assert not list((tmp_path / "new").iterdir())
    assert keep.data("a", lambda: (1, 2)) == [1, 2]


def test_without_a_folder_nothing_is_kept():
    keep, calls = Checkpoints(), []
    for _ in range(2):
        assert keep.data("a", lambda: calls.append(1) or (1, 2)) == (1, 2)
    assert len(calls) == 2
    config = TrainConfig()
    assert keep.during_training(config) is config
    keep.forget_training()


def test_numbers_of_numpy_become_plain_and_stay_what_they_are():
    found = exact({1: (np.float64(np.nan), np.int64(3), np.array([0.1, -np.inf]))})
    assert math.isnan(found["1"][0])
    assert found["1"][1:] == [3, [0.1, -math.inf]]


def test_tables_come_back_with_their_columns_and_kinds(tmp_path):
    frame = pd.DataFrame(
        {
            "name": ["a", "b"],
            "count": [1, 2],
            "value": [0.1 + 0.2, np.nan],
            "chosen": [True, False],
        }
    )
    keep = Checkpoints(tmp_path)
    again = frame_of(keep.data("t", lambda: frame_record(frame)))
    pd.testing.assert_frame_equal(again, frame, rtol=0, atol=0)
    assert again.to_csv() == frame.to_csv()
    empty = pd.DataFrame(columns=["stage"])
    assert frame_of(frame_record(empty)).to_csv() == empty.to_csv()


def test_an_altered_stage_is_refused_and_an_unfinished_one_computed_again(tmp_path):
    keep = Checkpoints(tmp_path)
    assert keep.data("stage", lambda: {"a": 1}) == {"a": 1}
    assert keep.data("stage", lambda: {"a": 2}) == {"a": 1}
    (tmp_path / "stage.json").write_text('{"a": 7}')
    with pytest.raises(DataError, match=r"stage.json: was changed since"):
        keep.data("stage", lambda: {"a": 2})
    # killed between a file and its hash: the file may not be whole
    (tmp_path / "late.json").write_text('{"a": ')
    assert keep.data("late", lambda: {"a": 3}) == {"a": 3}
