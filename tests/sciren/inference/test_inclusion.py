"""Shares of resamples and of splits: firm edges always, nothing never, weak ones between."""

import numpy as np
import pandas as pd
import pytest

from sciren.inference import select
from sciren.inference.inclusion import redrawn_shares, with_inclusion
from tests.sciren.inference.conftest import drivers
from tests.sciren.inference.test_selection import plain


@pytest.fixture(scope="module")
def weak():
    """Selection where a acts firmly, b so weakly that the rows hardly show it, c not."""
    frame, rng = drivers(300, seed=1)
    frame["y"] = frame.a + 0.26 * frame.b + rng.standard_normal(300)
    return select(plain(frame, ["a", "b", "c"]))


def by_name(selection, shares):
    return {selection.name(edge)[0]: share for edge, share in shares.items()}


def test_a_split_decides_about_weak_edges_only(weak):
    shares = by_name(weak, redrawn_shares(weak))
    assert shares["a"] == 1
    assert 0 < shares["b"] < 1
    assert shares["c"] == 0
    assert redrawn_shares(weak) == redrawn_shares(weak)


def test_all_blocks_choose_what_the_selection_keeps(weak):
    shares = redrawn_shares(weak, splits=2, share=1.0)
    assert {edge for edge, share in shares.items() if share == 1} == set(weak.kept)
    assert set(shares.values()) <= {0, 1}


def test_rows_in_time_are_left_out_in_stretches():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((300, 2)), columns=["a", "b"])
    frame["time"] = pd.date_range("2020-01-01", periods=300, freq="h")
    frame["y"] = frame.a + 0.3 * rng.standard_normal(300)
    found = select(plain(frame, ["a", "b"], time="time"))
    assert by_name(found, redrawn_shares(found, 10)) == {"a": 1, "b": 0}


def test_resamples_lose_more_than_splits(weak):
    resampled = by_name(weak, with_inclusion(weak).inclusion)
    assert resampled["a"] == 1
    assert 0 < resampled["b"] < 1
