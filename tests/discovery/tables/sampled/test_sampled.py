"""A sample of a file: what it holds out is learned from nowhere, all else everywhere."""

import numpy as np
import pandas as pd
import pytest

from discovery.config.file import config_from_mapping, train_config
from discovery.runs.training import train
from discovery.runs.workflow import ready_run
from discovery.tables.prepare import prepare
from discovery.verdict.record import Reason, Verdict
from sciren.errors import ColumnError, ConfigError, DataError, NoRowsError

ROWS = 4000


def frame_of(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.uniform(-1, 1, (rows, 2)), columns=["a", "b"])
    data["ta"] = 12 + 6 * rng.standard_normal(rows)
    rb = 3 + np.sin(2 * data.a)
    data["reco"] = rb * 1.8 ** ((data.ta - 15) / 10) * (1 + 0.1 * rng.normal(size=rows))
    data["site"] = rng.integers(0, 40, rows)
    data["part"] = rng.choice(["train", "valid", "test"], rows, p=[0.7, 0.15, 0.15])
    data["time"] = pd.date_range("2001-01-01", periods=rows, freq="6h")
    data.loc[::31, "a"] = np.nan
    return data


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("discovery.tables.sampled.drawing.ROWS", 1500)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "rows.parquet"
    frame_of().to_parquet(path, row_group_size=700)
    return path


def config_of(path, data=(), **settings):
    base = {
        "data": {"path": str(path), "sample": 1200, **dict(data)},
        "features": ["a", "b"],
        "decoder": "q10",
        "forcings": {"ta": "ta"},
        "targets": {"reco": "reco"},
        "encoder": {"kind": "kan", "hidden": []},
        "split": {"kind": "random"},
    }
    return config_from_mapping(base | settings)


def learned_from(study):
    """Rows of the file that the blocks give, each once."""
    tables = [block.table() for block in study.blocks]
    rows = np.concatenate([table.row_ids for table in tables if table is not None])
    assert len(np.unique(rows)) == len(rows)
    return set(rows.tolist())


SPANS = {"train": ["2001", "2002"], "valid": "2003-01", "test": ["2003-02", "2003-12"]}


@pytest.mark.parametrize(
    ("data", "split", "unit"),
    [
        ({}, {"kind": "random"}, lambda frame: frame.index),
        ({"groups": "site"}, {"kind": "auto"}, lambda frame: frame.site),
        ({}, {"kind": "group", "column": "site"}, lambda frame: frame.site),
        ({"time": "time"}, {"kind": "auto"}, lambda f: f.time.dt.to_period("W")),
        ({"time": "time"}, {"kind": "time", **SPANS}, lambda f: f.time.dt.year > 2002),
        ({}, {"kind": "column", "column": "part"}, lambda frame: frame.part),
    ],
)
def test_rows_train_unless_their_unit_is_held_out(file, data, split, unit):
    study = prepare(config_of(file, {**data, "rows": "ta > 0"}, split=split))
    frame = pd.read_parquet(file)
    drawn = study.blocks[0].held.units
    usable = frame[(frame.ta > 0) & frame.a.notna()]
    units = unit(usable)
    # of the sample, by position in the file: what validates and tests
    positions = np.sort(
        np.random.default_rng(0).choice(ROWS, 1200, False, shuffle=False)
    )
    held = np.concatenate([study.split.valid.row_ids, study.split.test.row_ids])
    away = set(unit(frame.loc[positions[held]]))
    expected = set(usable.index[[one not in away for one in units]])
    assert drawn
    assert [block.rows for block in study.blocks] == [1400, 1400, 1200]
    assert learned_from(study) == expected
    assert 0.4 * len(usable) < len(expected) < len(usable)


def test_the_sample_is_of_the_file_and_of_the_seed_of_the_split(file):
    study, again = prepare(config_of(file)), prepare(config_of(file, split={"seed": 1}))
    same = prepare(config_of(file, seed=1))
    assert same.table.row_ids.tolist() == study.table.row_ids.tolist()
    frame = pd.read_parquet(file)
    assert study.read == 1200
    values = study.table.features[:, 0].numpy()
    assert set(values) <= set(frame.a)
    assert set(values) != set(again.table.features[:, 0].numpy())
    assert "1,200 of 4,000 rows, drawn with seed 0" in study.about_sample()
    larger = prepare(config_of(file, {"sample": 5000}))
    assert larger.read == ROWS


def test_units_and_stores_are_read_as_a_whole_table_is(file, tmp_path):
    frame = pd.read_parquet(file).drop(columns=["site", "part", "time"])
    dataset = frame.assign(a=frame.a + 273.15).to_xarray()
    dataset.a.attrs["units"] = "K"
    dataset.to_netcdf(tmp_path / "rows.nc")
    study = prepare(config_of(tmp_path / "rows.nc", convert={"a": "degC"}))
    block = study.blocks[0].table()
    expected = frame.a.to_numpy()[block.row_ids]
    np.testing.assert_allclose(block.features[:, 0].numpy(), expected, atol=1e-9)
    assert block.units["a"] == study.table.units["a"] == "degC"


def test_classes_keep_their_numbers_in_every_block(file):
    study = prepare(config_of(file, features=["a", "part"]))
    assert study.blocks[0].table().kinds == study.table.kinds


def test_all_rows_are_solved_on(file):
    config = config_of(file, {"rows": "ta > 0"}, discovery={"baselines": False})
    study = prepare(config)
    ready = ready_run(study, train_config(config))
    training = train(study, ready.training, notes=ready.notes)
    said = " ".join(training.notes)
    rows = len(learned_from(study))
    assert f"curves and constants from all {rows:,}" in said
    assert "rest on a sample of 1,200 of 4,000 rows" in said
    # of a sample alone the error would be twice as large
    constant = training.identification[0]
    assert constant.estimate == pytest.approx(1.8, abs=4 * constant.error)


def test_a_verdict_names_what_it_was_judged_on():
    doubt = Reason("skilful", "reco", False, "It does not predict", fatal=True)
    verdict = Verdict.of([doubt])
    more = verdict.adding(Reason("skilful", "sample", True, "A sample", rank=0))
    assert more.headline == verdict.headline
    assert more.sentences() == ["It does not predict.", "A sample."]


@pytest.mark.parametrize(
    ("data", "settings", "said"),
    [
        ({}, {"split": {"kind": "block", "lon": "a", "lat": "b"}}, "block counts its"),
        ({}, {"encoder": {"kind": "kan", "hidden": [2]}}, "hidden layer"),
        ({}, {"encoder": {"kind": "mlp"}}, "many rows are for one-layer"),
        ({}, {"train": {"noise": "robust"}}, "noise 'robust'"),
        (
            {"time": "time", "groups": "site"},
            {"decoder": "linear_reservoir", "split": {"kind": "auto"}},
            "has states",
        ),
    ],
)
def test_what_needs_all_rows_is_refused_before_reading(tmp_path, data, settings, said):
    with pytest.raises(ConfigError, match=said):
        prepare(config_of(tmp_path / "not there.parquet", data, **settings))


def test_settings_that_need_neighbours_are_refused():
    for data, said in (
        ({"format": "fluxnet"}, "sample and format do not go together"),
        ({"clock": "hour"}, "sample and clock do not go together"),
        ({"path": None, "dataset": "respiration"}, "embedded data fit into memory"),
        ({"sample": 10}, "greater than or equal to 1000"),
    ):
        with pytest.raises(ConfigError, match=said):
            config_of("rows.parquet", data)


def test_files_that_are_read_as_a_whole_are_refused(tmp_path):
    frame_of(50).to_csv(tmp_path / "rows.csv")
    with pytest.raises(ConfigError, match="write the table as Parquet"):
        prepare(config_of(tmp_path / "rows.csv"))


def test_missing_columns_and_empty_samples_are_errors(file):
    with pytest.raises(ColumnError, match="no column 'c'"):
        prepare(config_of(file, features=["a", "c"]))
    with pytest.raises(DataError, match="no such file"):
        prepare(config_of(file.with_name("no.parquet")))
    with pytest.raises(NoRowsError, match="leaves none of the 1200 rows"):
        prepare(config_of(file, {"rows": "ta > 1000"}))
