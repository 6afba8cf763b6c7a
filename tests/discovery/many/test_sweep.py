"""sweep: one run for each site, the same whoever runs it, restartable."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from discovery.config.file import load_config
from discovery.many.sites import sites_of
from discovery.many.sweep import SWEEP, sweep
from sciren.errors import ColumnError, ConfigError, DataError


@pytest.fixture(scope="module")
def towers(tmp_path_factory, start_study):
    """A study with three sites: two of 150 rows, whose levels differ, and one of 5."""
    folder = tmp_path_factory.mktemp("towers")
    config = start_study(folder)
    frame: Any = pd.read_csv(folder / "data.csv").head(308)
    frame["site"] = ["001"] * 150 + ["b/c"] * 150 + ["few"] * 5 + [None] * 3
    frame["lon"], frame["lat"] = np.where(frame.site == "001", 7.5, 9.0), 47.0
    second = frame.site == "b/c"
    frame.loc[second, "gpp"] *= 2
    frame.to_csv(folder / "data.csv", index=False)
    return config


@pytest.fixture(scope="module")
def settings(towers, quick):
    changes = (*quick, "discovery.baselines=false", "out=all")
    return load_config(towers, changes, towers.parent)


@pytest.fixture(scope="module")
def swept(settings):
    return sweep(settings, "site", quiet=True)


@pytest.mark.slow
def test_each_site_has_a_run_and_a_row(swept):
    frame: Any = pd.read_csv(swept.folder / SWEEP, dtype={"site": str})
    assert frame["site"].tolist() == ["001", "b/c"]
    assert frame["rows"].tolist() == [150, 150]
    assert frame["error"].isna().all()
    assert frame["lon"].tolist() == [7.5, 9.0]
    for name in ("verdict", "consistency", "efficiency", "half_low", "half_high"):
        assert frame[name].notna().all()
    assert (swept.folder / "001" / "report.html").is_file()
    assert (swept.folder / "b_c" / "equations.json").is_file()
    assert (swept.folder / "map.png").is_file()
    assert "2 values of site" in swept.sentence()


@pytest.mark.slow
def test_a_second_call_finds_everything_done(swept, settings):
    before = (swept.folder / SWEEP).read_bytes()
    stamp = (swept.folder / "001" / "metrics.json").stat().st_mtime_ns
    assert sweep(settings, "site", quiet=True).outcomes == swept.outcomes
    assert (swept.folder / SWEEP).read_bytes() == before
    assert (swept.folder / "001" / "metrics.json").stat().st_mtime_ns == stamp


def test_a_site_that_fails_says_why_in_its_row(towers, quick, tmp_path):
    frame: Any = pd.read_csv(towers.parent / "data.csv")
    frame = frame[frame.site == "001"].assign(gpp=np.nan)
    frame.to_csv(tmp_path / "data.csv", index=False)
    changes = (*quick, f"data.path={tmp_path / 'data.csv'}", f"out={tmp_path / 'out'}")
    result = sweep(load_config(towers, changes), "site", quiet=True)
    assert "1 values of site: 1 without a run (001: " in result.sentence()
    row = pd.read_csv(tmp_path / "out" / SWEEP, dtype={"site": str}).iloc[0]
    assert row["site"] == "001"
    assert row["error"] == result.outcomes[0].error


def test_mistakes_are_told_before_any_work(settings, towers, quick, light):
    with pytest.raises(ColumnError, match=r"no column 'sites'.*Closest names: site"):
        sites_of(settings, "sites", 1, print)
    with pytest.raises(DataError, match="no value of 'site' has 1000 rows"):
        sites_of(settings, "site", 1000, print)
    data = settings.data.model_copy(update={"sample": 1000})
    with pytest.raises(ConfigError, match="a sweep fits each value by itself"):
        sites_of(settings.model_copy(update={"data": data}), "site", 1, print)
    with pytest.raises(ConfigError, match="is a single run"):
        sweep(load_config(towers, (*quick, f"out={light}")), "site")


def test_values_with_too_few_rows_are_named(settings):
    heard = []
    assert [site.rows for site in sites_of(settings, "site", 50, heard.append)] == [
        150,
        150,
    ]
    assert heard == [
        "left out 3 rows without a value of site",
        "left out 1 value of site with fewer than 50 rows: few",
    ]
