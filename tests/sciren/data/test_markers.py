"""Gap markers are told from measurements, and declared ones from undeclared."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.data.markers import refuse_markers, replace_markers, undeclared_marker
from sciren.errors import DataError

MARKERS = [-9999, -9999.9, -6999, 9999, -99999, -999.9, 99.99, 1e20, 32767, -32768]


def with_marker(marker, count=2, rows=200, seed=0):
    values = np.random.default_rng(seed).normal(3, 4, rows)
    values[:count] = marker
    return values


@pytest.mark.parametrize("marker", MARKERS)
def test_the_markers_of_archives_are_found_with_their_count(marker):
    found = undeclared_marker(with_marker(marker))
    assert found is not None
    assert found.value == marker
    assert found.count == 2
    assert -20 < found.low < found.high < 20
    assert undeclared_marker(with_marker(marker), [marker]) is None


def test_two_kinds_of_markers_do_not_hide_each_other():
    values = with_marker(-9999, 20)
    values[20:30] = -6999
    found = undeclared_marker(values)
    assert found is not None
    assert found.value == -9999
    rest = undeclared_marker(np.where(values == -9999, np.nan, values))
    assert rest is not None
    assert rest.value == -6999


def test_any_other_repeated_extreme_far_outside_is_found():
    found = undeclared_marker(with_marker(-500.5, 5))
    assert found is not None
    assert found.value == -500.5
    assert undeclared_marker(with_marker(-500.5, 2)) is None  # two may be chance
    assert undeclared_marker(with_marker(0.0, 5) + 0) is None


@settings(deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from(["normal", "lognormal", "cauchy", "rain"])
)
def test_measurements_are_no_markers(seed, kind):
    rng = np.random.default_rng(seed)
    values = {
        "normal": rng.normal(10, 5, 300),
        "lognormal": rng.lognormal(0, 2, 300),
        "cauchy": np.round(rng.standard_cauchy(300), 3),
        "rain": np.where(rng.uniform(size=300) < 0.8, 0.0, rng.gamma(0.5, 9, 300)),
    }[kind]
    assert undeclared_marker(values) is None


@pytest.mark.parametrize(
    "values",
    [
        np.array([]), np.full(5, np.nan), np.array([7.0]), np.array([0.0, 1.0, 1.0, 9.0] * 9),
        np.array([1988.0, 1989.0, 1990.0] * 5), np.arange(5000.0) * 9999 / 4999,
    ],
    ids=["none", "gaps", "constant", "codes", "years", "up to 9999"],
)  # fmt: skip
def test_codes_and_even_ranges_are_no_markers(values):
    assert undeclared_marker(values) is None


def test_the_refusal_names_column_number_and_keys():
    with pytest.raises(DataError) as caught:
        refuse_markers({"ta": np.arange(5.0), "nee": with_marker(-9999.9)})
    message = str(caught.value)
    assert "column 'nee' is -9999.9 in 2 of 200 rows" in message
    assert "data: {missing: [-9999.9]}" in message
    assert "data: {not_missing: [-9999.9]}" in message


def test_words_and_numbers_are_replaced_but_in_ids():
    frame = pd.DataFrame(
        {"x": [-9999, 2], "word": ["--", "b"], "site": ["--", "-9999"]}
    )
    found = replace_markers(frame, ["-9999", "--"], keep=["site"])
    assert found.isna().to_numpy().tolist() == [
        [True, True, False],
        [False, False, False],
    ]
    assert frame["x"].tolist() == [-9999, 2]
