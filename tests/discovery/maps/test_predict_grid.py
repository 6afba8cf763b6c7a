"""Maps: every cell as its row, the same whoever computes, restartable."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

pytest.importorskip("zarr")

from discovery import Discovery
from discovery.maps import grid as grids
from discovery.maps.grid import open_grid
from discovery.maps.predict_grid import predict_grid
from sciren.errors import ColumnError, ConfigError, DataError, DataWarning
from sciren.execution import InOrder

pytestmark = pytest.mark.filterwarnings("ignore::sciren.errors.DataWarning")


@pytest.fixture
def cells(tmp_path):
    """A grid of 3 days x 4 x 5 cells; vpd has no time, par the dimensions the other way."""
    rng = np.random.default_rng(0)
    dataset = xr.Dataset(
        {
            "ta": (("day", "lat", "lon"), rng.uniform(0, 25, (3, 4, 5))),
            "vpd": (("lat", "lon"), rng.uniform(0, 30, (4, 5))),
            "par": (("lon", "day"), rng.uniform(1, 12, (5, 3))),
        },
        {"lat": [40.0, 41, 42, 43], "lon": np.arange(5.0), "day": [1, 2, 3]},
    )
    dataset["ta"][0, 0, 0] = np.nan
    dataset["lat"].attrs["units"] = "degrees_north"
    dataset.to_netcdf(tmp_path / "grid.nc")
    return tmp_path / "grid.nc"


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(grids, "CELLS", 10)


def _rows(path):
    order = ("day", "lat", "lon")
    with xr.open_dataset(path) as dataset:
        whole = xr.broadcast(dataset)[0].transpose(*order)
        return pd.DataFrame(
            {n: whole[n].to_numpy().ravel() for n in ("ta", "vpd", "par")}
        )


@pytest.mark.parametrize("using", ["equations", "network"])
def test_every_cell_is_predicted_as_its_row(
    light, cells, tmp_path, small_blocks, using
):
    out = tmp_path / "out.zarr"
    said = predict_grid(light, cells, out, using)
    assert said == f"wrote {out}: 3 day x 4 lat x 5 lon, by {using}"
    expected = Discovery.load(light).predict(_rows(cells), using, interval=0.95)
    with xr.open_zarr(out) as result:  # and no warning about its metadata
        assert set(result.data_vars) == set(expected.columns)
        for name in expected:
            values = result[name].to_numpy().ravel()
            np.testing.assert_allclose(values, expected[name], rtol=1e-6)
        assert result["lat"].attrs["units"] == "degrees_north"
        assert result["outside"].attrs["flag_meanings"] == "inside outside"
        assert result.attrs["Conventions"] == "CF-1.11"
    assert not list(tmp_path.glob(".*unfinished"))


def test_an_interrupted_map_goes_on_and_ends_the_same(
    light, cells, tmp_path, small_blocks
):
    predict_grid(light, cells, tmp_path / "whole.zarr", interval=None)

    class Interrupted(InOrder):
        def results(self, function, items):
            for number, result in enumerate(super().results(function, items)):
                if number == 2:
                    raise KeyboardInterrupt
                yield result

    out = tmp_path / "part.zarr"
    with pytest.raises(KeyboardInterrupt):
        predict_grid(light, cells, out, interval=None, executor=Interrupted())
    assert not out.exists()
    done = []

    class Counting(InOrder):
        def results(self, function, items):
            done.append(len(items))
            return super().results(function, items)

    predict_grid(light, cells, out, interval=None, executor=Counting())
    blocks = len(open_grid(cells, ["ta", "vpd", "par"]).regions())
    assert done == [blocks - 2]
    for file in (tmp_path / "whole.zarr").rglob("*"):
        other = out / file.relative_to(tmp_path / "whole.zarr")
        assert (
            other.is_dir() if file.is_dir() else other.read_bytes() == file.read_bytes()
        )


def test_a_map_that_was_killed_when_it_was_in_place_leaves_nothing(
    light, cells, tmp_path, small_blocks
):
    out, hidden = tmp_path / "out.zarr", tmp_path / ".out.zarr.unfinished"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.rmtree", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            predict_grid(light, cells, out, interval=None)
    assert out.is_dir()
    assert hidden.is_dir()
    predict_grid(light, cells, out, interval=None, overwrite=True)
    assert out.is_dir()
    assert not hidden.exists()


def _interrupt(path, ignore_errors=False):
    """Stop where the map is in place and what it was made from is removed."""
    if not ignore_errors:
        raise KeyboardInterrupt


def test_blocks_cover_every_cell_once(cells, small_blocks):
    grid = open_grid(cells, ["vpd", "ta"])
    assert list(grid.sizes) == ["day", "lat", "lon"]
    counts = np.zeros(grid.shape, dtype=int)
    for region in grid.regions():
        counts[tuple(slice(*ends) for ends in region.values())] += 1
        assert len(grid.block(region)) <= 10
    assert (counts == 1).all()


def test_cells_beyond_the_data_are_told(light, tmp_path, cells):
    with xr.open_dataset(cells) as dataset:
        dataset.assign(ta=dataset["ta"] + 100).to_netcdf(tmp_path / "hot.nc")
    with pytest.warns(DataWarning, match="of the cells are outside the rows"):
        predict_grid(light, tmp_path / "hot.nc", tmp_path / "out.zarr")


def test_other_units_are_refused_and_other_spellings_are_not(cells):
    with xr.open_dataset(cells) as dataset:
        dataset.ta.attrs["units"] = "K"
        dataset.vpd.attrs["units"] = "see manual"
        dataset.par.attrs["units"] = "umol/m2/s"
        path = cells.with_name("units.nc")
        dataset.to_netcdf(path)
    grid = open_grid(path, ["ta", "vpd", "par"])
    grids.check_units(grid, {"vpd": "hPa", "par": "umol m-2 s-1"})
    with pytest.raises(DataError, match=r"'ta' is in K, .* from degC; convert"):
        grids.check_units(grid, {"ta": "degC"})


def test_what_cannot_be_mapped_is_told(light, cells, tmp_path):
    with xr.open_dataset(cells) as dataset:
        dataset.rename(vpd="vpdd").to_netcdf(tmp_path / "other.nc")
        dataset.rename(vpd="VPD").to_netcdf(tmp_path / "capitals.nc")
        dataset.assign(vpd=dataset["vpd"].astype(str)).to_netcdf(tmp_path / "text.nc")
    out = tmp_path / "out.zarr"
    with pytest.raises(ColumnError, match=r"no variable 'vpd'. Closest names: vpdd"):
        predict_grid(light, tmp_path / "other.nc", out)
    with pytest.raises(ColumnError, match=r"no variable 'vpd'. Closest names: VPD"):
        predict_grid(light, tmp_path / "capitals.nc", out)
    with pytest.raises(DataError, match=r"text.nc: variable 'vpd' holds .*not numbers"):
        predict_grid(light, tmp_path / "text.nc", out)
    with pytest.raises(DataError, match=r"missing.nc: there is no such file"):
        predict_grid(light, tmp_path / "missing.nc", out)
    with pytest.raises(ConfigError, match=r"map.nc: a map is a Zarr store; give it a"):
        predict_grid(light, cells, tmp_path / "map.nc")
    out.mkdir()
    with pytest.raises(ConfigError, match="is there already"):
        predict_grid(light, cells, out)
    with pytest.raises(ConfigError, match="is no Zarr store"):
        predict_grid(light, cells, out, overwrite=True)
    with xr.open_dataset(cells) as dataset:
        dataset.to_zarr(tmp_path / "cells.zarr", consolidated=False)
    own = tmp_path / "cells.zarr"
    with pytest.raises(ConfigError, match="holds the rows that are predicted for"):
        predict_grid(light, own, own, overwrite=True)
