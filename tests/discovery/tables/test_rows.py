"""Laws of row filters: same rows as numpy, nothing beyond the whitelist."""

import operator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discovery.tables.rows import select_rows
from sciren.errors import ColumnError, DataError, ExpressionError


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sw_pot_inst": [0.0, 0.0, 12.0, 0.0],
            "nee": [1.0, np.nan, 2.0, -3.0],
            "ta": [5, -2, 10, 0],
            "site": ["a", "b", "a", "b"],
        }
    )


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("sw_pot_inst == 0 and nee == nee", [0, 3]),
        ("nee != nee", [1]),
        ("not nee == nee", [1]),
        ("ta > 0 or nee < 0", [0, 2, 3]),
        ("-2 <= ta < 10", [0, 1, 3]),
        ("0 < ta", [0, 2]),
        ("(ta + 1) * 2 - 4 / 2 >= 8", [0, 2]),
        ("ta ** 2 == 4", [1]),
        ("ta % 3 == 1", [1, 2]),
        ("-ta > +1", [1]),
        ("1 / ta > 0 and not (nee > 1.5)", [0, 3]),
        ("ta > 0 and 1 < 2", [0, 2]),
        ("\n ta > 0 \n", [0, 2]),
        ("9 ** 9 ** 9 > ta", [0, 1, 2, 3]),
    ],
)
def test_rows_are_those_that_fulfil_the_condition(frame, condition, rows):
    mask = select_rows(frame, condition)
    assert mask.dtype == bool
    assert mask.shape == (4,)
    assert np.flatnonzero(mask).tolist() == rows


# every part of a condition is drawn as its text and as a function of one row (a, b)
COLUMN = st.sampled_from([("a", lambda row: row[0]), ("b", lambda row: row[1])])
NUMBER = st.integers(-5, 5).map(lambda n: (str(n), lambda row: n))


def joined(symbols: dict, parts: st.SearchStrategy) -> st.SearchStrategy:
    def join(left, symbol, right):
        (text, f), (other, g) = left, right
        return f"({text} {symbol} {other})", lambda row: symbols[symbol](f(row), g(row))

    return st.builds(join, parts, st.sampled_from(sorted(symbols)), parts)


SUMS = joined(
    {"+": operator.add, "-": operator.sub, "*": operator.mul}, st.one_of(COLUMN, NUMBER)
)
CHECKS = joined(
    {"<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne}, SUMS
)
CONDITIONS = st.recursive(
    CHECKS,
    lambda inner: st.one_of(
        joined({"and": operator.and_, "or": operator.or_}, inner),
        inner.map(lambda part: (f"(not {part[0]})", lambda row: not part[1](row))),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(CONDITIONS)
def test_any_condition_selects_the_rows_where_python_would_say_true(condition):
    text, holds = condition
    frame = pd.DataFrame(
        np.random.default_rng(0).integers(-3, 4, (30, 2)), columns=["a", "b"]
    )
    expected = [holds(row) or row[0] == 0 for row in frame.to_numpy().tolist()]
    found = select_rows(frame, f"{text} or a == 0")
    assert found.tolist() == expected


@pytest.mark.parametrize(
    "condition",
    [
        "__import__('os').system('true')",
        "ta.values > 0",
        "ta[0] > 0",
        "[x for x in ta] == 1",
        "(lambda: 1)() == ta",
        "ta > 0 if nee else ta < 0",
        "(y := ta) > 0",
        "ta is nee",
        "ta in (1, 2)",
        "ta // 2 == 1",
        "ta @ nee > 1",
        "(ta > 0) & (nee > 0)",
        "~(ta > 0)",
        "site == 'a'",
        "ta == True",
        "ta == 1j",
        "ta == None",
        "f'{ta}' == ta",
        "max(ta, nee) > 0",
        "'\\d' == ta",
    ],
)
def test_nothing_but_the_whitelist_is_read(frame, condition):
    with pytest.raises(ExpressionError, match=r"holds .*, which is not allowed"):
        select_rows(frame, condition)


@pytest.mark.parametrize(
    ("condition", "error", "message"),
    [
        ("sw_pot == 0", ColumnError, "names 'sw_pot', .*Closest names: sw_pot_inst"),
        ("site == 1", DataError, "row filter 'site == 1': column 'site' holds text"),
        ("ta > 99", DataError, "'ta > 99' leaves none of the 4 rows"),
        ("ta + 1", ExpressionError, "is a number, not a condition"),
        ("ta", ExpressionError, "is a number, not a condition"),
        ("1 < 2", ExpressionError, "names no column"),
        ("ta = 0", ExpressionError, "cannot be read at character"),
        ("ta >", ExpressionError, "cannot be read to its end"),
        ("ta > 0; ta < 1", ExpressionError, "cannot be read"),
        ("", ExpressionError, "cannot be read"),
        ("ta > \0", ExpressionError, "cannot be read"),
        ("ta > \ud800", ExpressionError, "cannot be read"),
        (
            "(ta > 0) + 1 == 2",
            ExpressionError,
            "calculates with the condition 'ta > 0'",
        ),
        ("ta and nee > 0", ExpressionError, "uses the number 'ta' as a condition"),
        ("not ta", ExpressionError, "uses the number 'ta' as a condition"),
        ("ta > 1" + "0" * 400, ExpressionError, "number that is too large"),
        ("ta > 0" + " and ta > 0" * 200, ExpressionError, "longer than 1000"),
        ("(" * 400 + "ta" + ")" * 400, ExpressionError, "cannot be read|nested"),
        ("ta > " + "-" * 900 + "1", ExpressionError, "cannot be read|nested"),
    ],
)
def test_a_filter_that_cannot_be_used_says_why(frame, condition, error, message):
    with pytest.raises(error, match=message):
        select_rows(frame, condition)


@pytest.mark.parametrize("quotes", ['"', "'", "`"])
@pytest.mark.parametrize("name", ["qc flag", "class", "T air (°C)", "2m", "nee/reco"])
def test_names_that_are_no_plain_words_stand_in_quotes(quotes, name):
    frame = pd.DataFrame({name: [0, 1, 2], "ta": [1.0, 2.0, 3.0]})
    quoted = f"{quotes}{name}{quotes}"
    assert select_rows(frame, f"{quoted} > 0 and ta < 3").tolist() == [
        False,
        True,
        False,
    ]
    with pytest.raises(ExpressionError, match="holds the value 'other'"):
        select_rows(frame, f"{quotes}other{quotes} == 1")


@pytest.mark.parametrize("name", ["qc flag", "class"])
def test_a_name_that_needs_quotes_is_told_so(name):
    frame = pd.DataFrame({name: [0, 1, 2]})
    with pytest.raises(ExpressionError, match=f"write the name '{name}' in quotes"):
        select_rows(frame, f"{name} > 0")
