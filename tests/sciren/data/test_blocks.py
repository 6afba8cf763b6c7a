"""Blocks: every row once, in order, and what is wrong is said before anything is read."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from sciren.data.blocks import dataset_blocks, parquet_blocks, table_blocks
from sciren.data.table import Table
from sciren.errors import ColumnError, ConfigError, DataError

COLUMNS = {"features": ["a"], "targets": {"y": "z"}}


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=23), "z": rng.normal(size=23), "b": "x"})


@pytest.fixture
def parquet(rows, tmp_path):
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=4)
    return tmp_path / "rows.parquet"


@pytest.mark.parametrize("size", [3, 9])
def test_every_row_is_in_one_block(rows, parquet, size):
    whole = Table.from_frame(rows, **COLUMNS)
    rows.drop(columns="b").to_xarray().to_netcdf(parquet.with_suffix(".nc"))
    several = (
        parquet_blocks(parquet, **COLUMNS, rows=size),
        dataset_blocks(parquet.with_suffix(".nc"), **COLUMNS, rows=size),
        table_blocks(whole, size),
    )
    for blocks in several:
        assert sum(block.rows for block in blocks) == 23
        found = Table.concatenate([block.table() for block in blocks])
        assert torch.equal(found.features, whole.features)
        assert torch.equal(found.targets, whole.targets)
        assert found.row_ids.tolist() == list(range(23))


def test_a_missing_column_names_the_closest(parquet):
    with pytest.raises(ColumnError, match="there is no column 'zz'"):
        parquet_blocks(parquet, ["a"], targets=["zz"])


def test_no_targets_and_no_features_are_refused(parquet):
    for features, targets in ((["a"], []), ([], ["z"])):
        with pytest.raises(ConfigError, match="name columns of both"):
            parquet_blocks(parquet, features, targets=targets)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "rows.parquet").write_text("a,z\n1,2\n")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        parquet_blocks(tmp_path / "rows.parquet", **COLUMNS)
    with pytest.raises(DataError, match="there is no such file or store"):
        dataset_blocks(tmp_path / "none.nc", **COLUMNS)


def test_a_file_without_rows_is_refused(rows, tmp_path):
    rows.head(0).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="has no rows"):
        parquet_blocks(tmp_path / "rows.parquet", **COLUMNS)


def test_classes_need_their_numbers(parquet):
    blocks = parquet_blocks(parquet, ["a", "b"], targets={"y": "z"})
    with pytest.raises(ConfigError, match="every block would number anew"):
        blocks[0].table()


def test_a_grid_is_no_table(tmp_path):
    grid = xr.Dataset({"a": (("x", "y"), np.ones((2, 3))), "z": ("x", np.ones(2))})
    grid.to_netcdf(tmp_path / "grid.nc")
    with pytest.raises(ColumnError, match=r"'a' has dimensions \('x', 'y'\)"):
        dataset_blocks(tmp_path / "grid.nc", **COLUMNS)


@pytest.mark.parametrize("size", [0, -5])
def test_blocks_without_rows_are_refused(rows, parquet, size):
    for blocks in (
        lambda: parquet_blocks(parquet, **COLUMNS, rows=size),
        lambda: table_blocks(Table.from_frame(rows, **COLUMNS), size),
    ):
        with pytest.raises(ConfigError, match=f"blocks have {size} rows"):
            blocks()


@pytest.mark.filterwarnings("ignore:.*onsolidated")  # stores of format 3
def test_damaged_values_and_variables_of_no_dimension_are_told(rows, tmp_path):
    pytest.importorskip("zarr")
    store = tmp_path / "rows.zarr"
    numbers = rows.drop(columns="b").to_xarray()
    numbers.mean("index").to_netcdf(tmp_path / "flat.nc")
    with pytest.raises(ColumnError, match=r"has dimensions \(\)"):
        dataset_blocks(tmp_path / "flat.nc", **COLUMNS)
    numbers.to_zarr(store)
    (block,) = dataset_blocks(store, **COLUMNS)
    for file in (store / "a").rglob("c/*"):
        file.write_bytes(b"no values")
    with pytest.raises(DataError, match=r"rows\.zarr: cannot be read"):
        block.table()
    (store / "zarr.json").write_text("[]")
    with pytest.raises(DataError, match=r"rows\.zarr: cannot be read"):
        dataset_blocks(store, **COLUMNS)
