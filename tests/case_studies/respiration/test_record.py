"""Measured temperature and measured drivers in place of the simulated ones."""

import numpy as np
import pandas as pd
import pytest

from case_studies.respiration import __main__ as command
from case_studies.respiration.record import Record
from sciren.datasets.solar import half_hours, radiation_signals
from sciren.errors import ColumnError, DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("record")


@pytest.fixture(scope="module")
def tower(folder):
    """Nine other years with the columns of a tower's file."""
    time = half_hours(2013, 2021)
    ta = 5 + 10 * np.sin(np.arange(len(time)) / 2790) + np.arange(len(time)) % 7
    file = folder / "tower.csv.gz"
    text = pd.Series(time).dt.strftime("%Y-%m-%dT%H:%M")
    pd.DataFrame({"time": text, "ta": ta, "nee": np.nan}).to_csv(file, index=False)
    return file, ta


@pytest.fixture(scope="module")
def drivers(folder):
    """Some half-hours of one year, with other columns between them."""
    time, sw_pot, dsw_pot = radiation_signals(2004, 2004, 47.1)
    ta = sw_pot / 20 + np.arange(len(time)) % 5
    frame = pd.DataFrame(
        {"time": time, "ta": ta, "sw_pot": sw_pot, "x3": 0.0, "dsw_pot": dsw_pot}
    ).iloc[::4]
    frame["time"] = frame["time"].dt.strftime("%Y-%m-%dT%H:%M")
    frame.to_csv(folder / "drivers.csv", index=False)
    return folder / "drivers.csv", frame


def test_a_measured_temperature_is_laid_on_the_record(folder, tower):
    file, ta = tower
    record = Record(folder, temperature=file)
    study, split = record.tables("abs", 3)
    assert study.temperature == "measured"
    np.testing.assert_allclose(study.frame["ta"], ta)
    assert len(split.test) == 17_568
    assert "measured (tower.csv.gz) air temperature" in record.description


@pytest.mark.parametrize("setting", ["linear", "abs"])
def test_measured_drivers_replace_the_record(folder, drivers, setting):
    file, frame = drivers
    record = Record(folder, drivers=file)
    study, split = record.tables(setting, 1)
    for name in ("sw_pot", "dsw_pot", "ta"):
        np.testing.assert_allclose(study.frame[name], frame[name])
    assert min(map(len, split)) > 100
    assert "drivers.csv" in record.description


def test_fingerprints_follow_what_was_measured(folder, tower, drivers):
    measured = [
        Record(folder),
        Record(folder, temperature=tower[0]),
        Record(folder, drivers=drivers[0]),
    ]
    marks = [one.fingerprint() for one in measured]
    assert len(set(marks)) == 3
    assert marks[0] == "surrogate"
    other = folder / "other.csv"
    frame = drivers[1].copy()
    frame.iloc[5, 1] += 1e-6
    frame.to_csv(other, index=False)
    assert Record(folder, drivers=other).fingerprint() != marks[2]


def test_a_record_without_a_driver_says_which(folder, drivers, capsys):
    file = folder / "without.csv"
    drivers[1].drop(columns="dsw_pot").to_csv(file, index=False)
    with pytest.raises(ColumnError, match="no column 'dsw_pot'"):
        Record(folder, drivers=file).study("linear", 1)
    given = ["table1", "--out", str(folder), "--record", str(file)]
    assert command.main(given) == 1
    assert "no column 'dsw_pot'" in capsys.readouterr().err


def test_a_series_of_another_length_says_what_is_needed(folder):
    file = folder / "short.csv"
    pd.DataFrame({"ta": [1.0, 2.0]}).to_csv(file, index=False)
    with pytest.raises(DataError, match="has 2 values; the record needs 157776"):
        Record(folder, temperature=file).study("linear", 1)


def test_temperature_and_record_exclude_each_other(folder, tower, drivers, capsys):
    given = ["table1", "--out", str(folder), "--record", str(drivers[0])]
    with pytest.raises(SystemExit):
        command.main([*given, "--temperature", str(tower[0])])
    assert "not allowed with" in capsys.readouterr().err
