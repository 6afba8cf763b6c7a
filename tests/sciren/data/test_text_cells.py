"""Text is classes unless most of it reads as numbers or dates, and advice says which."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.data.frames import numeric_column
from sciren.data.kinds import kinds_of
from sciren.data.text_cells import advice_on_text, mostly_numbers
from sciren.errors import DataError

CLASSES = [
    ["0-5yrs", "6-11yrs", "12+ yrs"],
    ["25-34", "35-44", "75+"],
    ["0-39g/day", "40-79", "80-119", "120+"],
    ["1st", "2nd", "3rd", "Crew"],
    ["<1", "1-5", ">5"],
    ["3a", "3b", "4a", "4b"],
    ["ENF", "DBF", "3-leaf"],
    ["1", "2", "A", "B", "C"],
]
NUMBERS = [
    ["10E", "11E"],
    ["9 %", "12 %"],
    ["1,5", "2,25"],
    ["1 200", "1'300"],
    ["1.1", "<0.5", "2"],
    ["1.2", "3.4", "n/a"],
    ["1", "2", "3", "4a"],
    ["5 ± 1", "6 ± 2"],
    ["47°28'N", "12°30'N"],
    ["2020-01-01", "2020-02-01"],
    ["1/31/2020 10:00", "2/1/2020 10:00"],
    ["12:30", "13:00"],
]


@pytest.mark.parametrize("texts", CLASSES)
def test_ranges_ordinals_and_words_are_classes(texts):
    frame = pd.DataFrame({"a": texts})
    [kind] = kinds_of(frame, ["a"]).values()
    assert sorted(kind.labels) == sorted(texts)


@pytest.mark.parametrize("texts", NUMBERS)
def test_numbers_that_are_written_badly_and_dates_are_no_classes(texts):
    frame = pd.DataFrame({"a": texts})
    assert kinds_of(frame, ["a"]) == {}
    with pytest.raises(DataError, match="'a' holds text in row"):
        numeric_column(frame, "a")


@given(st.lists(st.floats(allow_nan=False, width=32).map(str), min_size=2), st.text())
def test_one_cell_does_not_make_classes_of_numbers(numbers, other):
    assert mostly_numbers([*dict.fromkeys(numbers), *dict.fromkeys(numbers[:1])])
    if len(set(numbers)) > 1:
        assert mostly_numbers([*dict.fromkeys([*numbers, other])])


@pytest.mark.parametrize(
    ("texts", "advice"),
    [
        (["2020-01-01", "3.2.2021"], "dates are no amounts"),
        (["9 %", "10 %"], "number alone.*categorical"),
        (["x", "y"], "list it under categorical"),
        (["n/a", "n/a"], 'missing: \\["n/a"\\]'),
    ],
)
def test_the_advice_follows_from_all_cells_that_fail(texts, advice):
    assert re.search(advice, advice_on_text(texts, "a"))
