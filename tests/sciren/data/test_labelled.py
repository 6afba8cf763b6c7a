"""Laws of data sets: same table as from a frame, further dimensions kept, names named."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from sciren.data import Table
from sciren.errors import ColumnError, DataError, ShapeError

SITES, LAYERS = 6, 3


@pytest.fixture
def dataset() -> xr.Dataset:
    step = np.arange(SITES, dtype=float)
    return xr.Dataset(
        {
            "clay": ("site", step * 2, {"units": "percent"}),
            "ph": ("site", step[::-1] + 4),
            "stock": ("site", step + 1, {"units": "kg m-2"}),
            "area": ("site", step + 0.5),
            "biome": ("site", list("aabbcc")),
            "water": (
                ("layer", "site"),
                np.arange(LAYERS * SITES).reshape(LAYERS, SITES),
            ),
            "depth": ("layer", [0.1, 0.2, 0.3]),
            "height": ((), 2.0),
        },
        coords={"day": ("site", pd.date_range("2013-01-01", periods=SITES, freq="7D"))},
    )


def test_variables_along_the_rows_equal_the_columns_of_a_frame(dataset):
    options = {"time": "day", "weights": "area", "groups": "biome"}
    features, targets = ["clay", "ph"], {"soc": "stock"}
    table = Table.from_dataset(dataset, features, {"c": "clay"}, targets, **options)
    names = ["clay", "ph", "stock", "area", "biome", "day"]
    frame = pd.DataFrame({name: dataset[name].to_numpy() for name in names})
    plain = Table.from_frame(frame, features, {"c": "clay"}, targets, **options)
    assert torch.equal(table.features, plain.features)
    assert torch.equal(table.targets, plain.targets)
    assert torch.equal(table.blocks, plain.blocks)
    assert torch.equal(table.forcings["c"], plain.forcings["c"])
    assert torch.equal(table.weights, plain.weights)
    assert np.array_equal(table.time, plain.time)
    assert table.forcing_columns == {"c": "clay"}
    assert table.units == {"clay": "percent", "stock": "kg m-2"}


def test_forcings_keep_further_dimensions_with_rows_first(dataset):
    table = Table.from_dataset(dataset, "clay", ["water"])
    assert table.forcings["water"].shape == (SITES, LAYERS)
    np.testing.assert_array_equal(table.forcings["water"], dataset["water"].T)
    assert table.forcing_columns == {}
    given = Table.from_dataset(dataset, "clay", {"ice": np.ones((SITES, 2, 2))})
    assert given.forcings["ice"].shape == (SITES, 2, 2)


def test_gaps_in_a_profile_drop_the_row(dataset):
    dataset["water"] = dataset["water"].astype(float)
    dataset["water"][1, 4] = np.nan
    table = Table.from_dataset(dataset, ["ph"], ["water"], "stock", units={"ph": "1"})
    assert table.row_ids.tolist() == [0, 1, 2, 3, 5]
    assert table.dropped == {"missing forcing water": 1}
    assert table.units["ph"] == "1"


def test_dimensions_of_one_place_are_passed_over(dataset):
    tower = dataset.expand_dims({"y": [46.8], "x": [9.9]})
    for row in (None, "site"):
        table = Table.from_dataset(tower, ["clay"], ["water"], ["stock"], row=row)
        assert table.features.shape == (SITES, 1)
        assert table.forcings["water"].shape == (SITES, LAYERS)
    one = Table.from_dataset(
        dataset.isel(site=[2]), ["clay"], ["water"], constant="keep"
    )
    assert one.forcings["water"].shape == (1, LAYERS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"features": ["clai"]}, ColumnError, "'clai' is not in.*Closest names: clay"),
        ({"targets": {"soc": "stok"}}, ColumnError, "'stok' is not in.*stock"),
        ({"forcings": ["wate"]}, ColumnError, "'wate' is not in.*water"),
        ({"time": "dy"}, ColumnError, "'dy' is not in.*day"),
        ({"row": "sites"}, ColumnError, "dimension 'sites' is not in.*site"),
        ({"features": ["water"]}, ShapeError, "rows of the data set are not clear"),
        ({"features": []}, ShapeError, "rows of the data set are not clear"),
        (
            {"targets": ["water"]},
            ShapeError,
            "'water' has dimensions .*needs only 'site'",
        ),
        (
            {"forcings": ["depth"]},
            ShapeError,
            "'depth' has .*without the row dimension",
        ),
        (
            {"features": ["clay", "height"]},
            ShapeError,
            "'height' has dimensions \\(\\)",
        ),
        ({"targets": ["biome"]}, DataError, "'biome' holds text in row 0"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(dataset, options, error, message):
    with pytest.raises(error, match=message):
        Table.from_dataset(dataset, **({"features": ["clay"]} | options))
