"""The record of a training."""

import pandas as pd

from sciren.training.history import History


def test_steps_become_a_table_with_every_term():
    history = History("first-order", "because")
    history.append("adamw", 1, {"total": 3.0, "data": 2.0, "entropy": 1.0})
    history.append("adamw", 2, {"total": 1.0, "data": 1.0, "valid": 4.0})
    frame = history.frame()
    assert list(frame.columns) == ["stage", "step", "total", "data", "entropy", "valid"]
    assert frame["total"].tolist() == [3.0, 1.0]
    assert pd.isna(frame.loc[0, "valid"])
    assert pd.isna(frame.loc[1, "entropy"])


def test_terms_are_copied():
    history, terms = History("first-order"), {"total": 1.0}
    history.append("adamw", 1, terms)
    terms["total"] = 2.0
    assert history.frame()["total"].tolist() == [1.0]


def test_a_sentence_is_kept_once():
    history = History("first-order")
    for message in ("one", "two", "one"):
        history.say(message)
    assert history.messages == ["one", "two"]


def test_histories_share_nothing():
    one, other = History("first-order"), History("first-order")
    one.say("something")
    one.append("adamw", 1, {})
    one.selection.append({})
    one.summaries["k"] = 1
    assert (other.messages, other.rows, other.selection) == ([], [], [])
    assert other.summaries == {}


def test_an_empty_history_is_an_empty_table():
    assert History("gauss-newton").frame().empty
