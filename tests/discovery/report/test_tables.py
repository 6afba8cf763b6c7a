"""Tables of the report show numbers as a reader needs them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.report.tables import (
    constants_table,
    edges_table,
    facts_table,
    metrics_table,
    plain_table,
    verification_table,
)
from discovery.report.words import explained
from sciren.edge_columns import EDGE_COLUMNS


def texts(view):
    return [[cell.text for cell in row] for row in view.rows]


def headings(view):
    return [text for text, _ in view.headings]


def test_every_column_of_edges_is_explained():
    numbers = dict.fromkeys(("importance", "r2", "gap", "low", "high"), 0.5)
    edge = dict.fromkeys(EDGE_COLUMNS, "x") | numbers
    shown = headings(edges_table(pd.DataFrame([edge])))
    assert [heading for heading in shown if not explained(heading)] == []
    assert {"importance", "formula", "range", "note"} <= set(shown)


def test_half_an_explanation_is_none():
    assert explained("n")
    assert explained("R² test")
    assert not explained("n constants")


def test_columns_without_values_are_left_out():
    frame = pd.DataFrame(
        {"constant": ["q10"], "unit": [""], "high": [np.nan], "low": [1.0]}
    )
    assert headings(plain_table(frame, "x")) == ["constant", "low"]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("number", 0.99998, "0.99998"), ("number", 1.0, "1"), ("number", 152.24, "152.2"),
        ("r2", 0.976, "0.9760"), ("r2", -0.5, "−0.5000"), ("rmse", 3e-7, "3·10⁻⁷"),
        ("n", 56102, "56\u202f102"), ("passed", True, "yes"), ("ok", np.False_, "no"),
        ("unit", "umol m-2", "µmol m⁻²"), ("minima", [1.5, 5.0], "1.5, 5"),
        ("count", np.int64(3), "3"),
    ],
)  # fmt: skip
def test_cells_are_written_after_their_type(name, value, shown):
    frame = pd.DataFrame({name: pd.Series([value], dtype=object)})
    assert texts(plain_table(frame, "x")) == [[shown]]


@given(st.floats(0.9, 1.0, exclude_max=True))
def test_what_is_below_one_never_shows_as_one(value):
    shown = texts(plain_table(pd.DataFrame({"number": [value]}), "x"))[0][0]
    assert shown != "1" or 1 - value < 1e-8


def test_a_constant_is_rounded_to_its_error():
    frame = pd.DataFrame(
        {"constant": ["q10"], "estimate": [1.50031], "error": [0.0021]}
    )
    view = constants_table(frame)
    assert headings(view) == ["constant", "estimate"]
    assert texts(view) == [["q10", "1.500 ± 0.002"]]


def test_constants_without_errors_stay_as_they_are():
    assert texts(constants_table(pd.DataFrame({"estimate": [1.5]}))) == [["1.5"]]


LONG = pd.DataFrame(
    {
        "split": ["train", "test", "train", "test"],
        "model": ["network", "network", "equation", "equation"],
        "target": "reco",
        "r2": [0.98, 0.97, 0.96, np.nan],
        "n": [50, 20, 50, 20],
    }
)


def test_ends_of_an_interval_show_their_distance():
    frame = pd.DataFrame({"95 % from": [1.500136, -1.0], "95 % to": [1.50697, np.nan]})
    rows = plain_table(frame, "").rows
    assert [cell.text for cell in rows[0]] == ["1.5001", "1.5070"]
    assert [cell.text for cell in rows[1]] == ["−1", ""]


def test_splits_stand_side_by_side():
    view = metrics_table(LONG)
    assert headings(view) == ["target", "model", "R² test", "R² train"]
    assert texts(view) == [
        ["reco", "network", "0.9700", "0.9800"], ["reco", "equation", "", "0.9600"],
    ]  # fmt: skip
    assert view.caption.endswith("Observed rows: test 20, train 50.")


@pytest.mark.parametrize(
    "frame",
    [LONG.assign(n=[50, 20, 49, 20]), LONG.drop(columns="n")],
    ids=["differ", "unknown"],
)
def test_sizes_are_named_where_all_models_share_them(frame):
    assert "Observed rows" not in metrics_table(frame).caption


@pytest.mark.parametrize("frame", [LONG.drop(columns="split"), pd.concat([LONG, LONG])])
def test_other_tables_of_metrics_are_shown_as_they_are(frame):
    assert len(metrics_table(frame).rows) == len(frame)


def test_edges_are_sorted_and_their_notes_gathered():
    frame = pd.DataFrame({
        "source": list("abcd"), "target": "rb", "importance": [0.1, np.nan, 0.3, 0.6],
        "family": ["linear", "", "none", "log"], "formula": ["2*a", np.nan, None, "log(d)"],
        "latex": ["2a", None, None, ""], "low": [0.0, 1.0, np.nan, 3.0], "high": 5.5,
        "status": ["closed", "dropped", "refused", "closed"], "equals": ["", "", "", "exp"],
        "reason": ["", "", "none fits", ""], "chosen": ["user", "", "", "auto"],
    })  # fmt: skip
    view = edges_table(frame)
    column = dict(zip(headings(view), zip(*texts(view), strict=True), strict=True))
    assert column["edge"] == tuple(f"{name}\u00a0→\u00a0rb" for name in "dcab")
    assert column["family"] == ("log", "refused", "linear", "dropped")
    assert column["range"] == (
        "3\u00a0to\u00a05.5",
        "",
        "0\u00a0to\u00a05.5",
        "1\u00a0to\u00a05.5",
    )
    assert column["note"] == (
        "the data cannot tell it from exp", "none fits", "chosen by the user", "",
    )  # fmt: skip
    assert view.faint == {3}
    assert [row[3].latex for row in view.rows] == ["", "", "2a", ""]


def test_verification_ends_with_the_result():
    frame = pd.DataFrame({"check": ["a", "b"], "passed": [True, False]})
    assert texts(verification_table(frame)) == [["a", "PASS"], ["b", "FAIL"]]


def test_facts_may_nest():
    facts = {"rows_read": 1000, "dropped": {"missing ta": 3}, "period": None}
    assert facts_table(facts) == [
        ("rows read", "1\u202f000"), ("dropped: missing ta", "3"), ("period", ""),
    ]  # fmt: skip
