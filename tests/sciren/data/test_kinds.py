"""Kinds of features: which columns are classes, and what their numbers are."""

import numpy as np
import pandas as pd
import pytest

from sciren.data import Table
from sciren.data.kinds import (
    Categorical,
    Periodic,
    encoded_frame,
    kind_from_json,
    kinds_of,
)
from sciren.errors import ConfigError, DataError, FormatError

FRAME = pd.DataFrame(
    {
        "veg": ["ENF", "DBF", "CRO", "DBF"],
        "cover": [12, 1, 4, 1],
        "site": ["01", "1", "001", "1"],
        "wet": [True, False, True, True],
        "doy": [1.0, 100.0, 200.0, 366.0],
        "y": [1.0, 2.0, 3.0, 4.0],
    }
)


def test_words_and_truth_values_are_classes_and_numbers_where_that_is_said():
    kinds = kinds_of(FRAME, ["veg", "wet", "cover", "doy"])
    assert list(kinds) == ["veg", "wet"]
    assert list(kinds_of(FRAME, ["cover"], categorical=["cover"])) == ["cover"]
    levels = FRAME.assign(cover=FRAME["cover"].astype("category"))
    assert list(kinds_of(levels, ["cover"])) == ["cover"]


def test_classes_keep_whole_numbers_and_words_are_counted():
    veg, cover = Categorical.of(FRAME, "veg"), Categorical.of(FRAME, "cover")
    assert veg.labels == ("CRO", "DBF", "ENF")
    assert veg.encoded(FRAME, "veg").tolist() == [3, 2, 1, 2]
    assert cover.encoded(FRAME, "cover").tolist() == [12, 1, 4, 1]
    # 01, 1 and 001 are three classes, so that none of them is a number
    assert Categorical.of(FRAME, "site").codes == (1.0, 2.0, 3.0)


def test_a_word_that_training_had_not_is_unseen_and_an_empty_cell_stays_empty():
    veg = Categorical.of(FRAME, "veg")
    numbers = veg.encoded(pd.DataFrame({"veg": ["CRO", "GRA", None]}), "veg")
    np.testing.assert_array_equal(numbers, [1.0, 0.0, np.nan])
    assert veg.known(numbers).tolist() == [True, False, True]


def test_numbers_of_classes_are_encoded_once():
    kinds = kinds_of(FRAME, ["veg", "cover"], categorical=["cover"])
    encoded = encoded_frame(FRAME, kinds)
    pd.testing.assert_frame_equal(encoded_frame(encoded, kinds), encoded)


def test_a_table_keeps_kinds_through_rows_and_parts():
    table = Table.from_frame(
        FRAME, ["veg", "doy"], targets="y", periodic={"doy": 365.25}
    )
    assert table.take(slice(1, 3)).kinds == table.kinds
    assert table.kinds["doy"] == Periodic(365.25)
    assert table.features[:, 0].tolist() == [3, 2, 1, 2]


@pytest.mark.parametrize("kind", [Categorical.of(FRAME, "veg"), Periodic(24.0)])
def test_kinds_come_back_from_plain_data(kind):
    assert kind_from_json(kind.to_json()) == kind


@pytest.mark.parametrize(
    "stored", [None, {}, {"kind": "odd"}, {"kind": "periodic", "period": -1}, 3]
)
def test_what_is_no_kind_is_refused(stored):
    with pytest.raises(FormatError):
        kind_from_json(stored)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"categorical": ["veh"]}, ConfigError, "'veh' is none of the features"),
        ({"periodic": {"doy": 0.0}}, ConfigError, "use a positive number"),
        (
            {"categorical": ["doy"], "periodic": {"doy": 365}},
            ConfigError,
            "categorical or periodic",
        ),
    ],
)
def test_kinds_that_cannot_be_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        kinds_of(FRAME, ["veg", "doy"], **options)


def test_too_many_classes_are_refused():
    names = pd.DataFrame({"id": [f"plot {k}" for k in range(80)]})
    with pytest.raises(DataError, match=r"80 different values.*60 at most"):
        kinds_of(names, ["id"])
