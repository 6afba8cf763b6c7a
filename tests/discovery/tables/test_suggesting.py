"""What `sciren init --table` says of a table of series is what `sciren check` accepts."""

import numpy as np
import pandas as pd
import pytest
import yaml

from discovery.config.file import load_config
from discovery.config.starter import write_series_starter
from discovery.runs.check import check
from discovery.tables.suggesting import suggest_series
from sciren.datasets import make_catchments
from sciren.errors import ConfigError


def catchments(groups, years=2):
    frame = make_catchments(seed=0, groups=groups, years=years).frame
    return frame.rename(columns={"rain": "Precip [mm/d]", "q": "discharge"})


def written(folder, frame):
    path = folder / "series.csv"
    frame.to_csv(path, index=False)
    return path


def test_a_table_of_catchments_gets_a_process_and_features(tmp_path):
    path = written(tmp_path, catchments(8))
    (config,) = write_series_starter(tmp_path / "new", path)
    settings = load_config(config)
    assert (settings.data.time, settings.data.groups) == ("day", "basin")
    assert settings.decoder is not None
    assert settings.decoder.name == "gr4j"
    assert settings.forcings == {"p": "Precip [mm/d]", "pet": "pet"}
    assert settings.targets == {"q": "discharge"}
    assert {"x1", "x5"} <= set(settings.features)
    assert settings.split.kind == "group"
    assert "8 groups" in config.read_text()
    text = check(settings, quiet=True)
    assert "process model: gr4j" in text


def test_few_groups_are_judged_in_a_later_period(tmp_path):
    path = written(tmp_path, catchments(2, years=3))
    (config,) = write_series_starter(tmp_path / "new", path)
    settings = yaml.safe_load(config.read_text())
    assert settings["features"] == []
    assert settings["split"]["kind"] == "time"
    assert "too few for relations" in config.read_text()
    assert "every group fitted alone" in check(load_config(config), quiet=True)


def test_one_series_of_a_logger_needs_no_group(tmp_path):
    frame = catchments(1).drop(columns="basin")
    found = suggest_series(written(tmp_path, frame)).settings
    assert "groups" not in found["data"]
    assert found["split"]["train"][0] == str(pd.Timestamp(frame["day"].iloc[0]).date())


def test_a_clock_of_numbers_has_a_unit(tmp_path):
    frame = catchments(1).drop(columns="basin").assign(day=lambda f: np.arange(len(f)))
    assert suggest_series(written(tmp_path, frame)).settings["units"] == {"day": "d"}


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), "no column holds times"),
        (pd.DataFrame({"day": [1, 1], "p": [1.0, 2.0]}), "occurs twice"),
        (pd.DataFrame({"day": [1, 2], "p": [1.0, 2.0]}), "also needs"),
        (pd.DataFrame({"day": [1, 2], "dose": [1.0, 2.0]}), "none knows any of dose"),
    ],
)
def test_what_is_no_series_of_the_shelf_is_told(tmp_path, frame, message):
    with pytest.raises(ConfigError, match=message):
        suggest_series(written(tmp_path, frame))


def test_a_configuration_that_is_there_stays(tmp_path):
    (tmp_path / "CONFIG.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="stays as it is"):
        write_series_starter(tmp_path, written(tmp_path, catchments(1)))
    assert (tmp_path / "CONFIG.yaml").read_text() == "mine"


@pytest.mark.parametrize(("name", "unit"), [("time_min", "min"), ("Time_h", "h")])
def test_the_unit_of_times_is_the_end_of_their_name(tmp_path, name, unit):
    frame = pd.DataFrame({name: np.arange(30.0), "rain": 1.0, "pet": 2.0, "q": 0.5})
    settings = suggest_series(written(tmp_path, frame)).settings
    assert settings["data"]["time"] == name
    assert settings["units"] == {name: unit}
