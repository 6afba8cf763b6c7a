"""A configuration and a file become tables; what does not fit is one clear line."""

import numpy as np
import pandas as pd
import pytest

from discovery.config.file import config_from_mapping
from discovery.tables.prepare import prepare
from sciren.errors import (
    ColumnError,
    ConfigError,
    DataError,
    DataWarning,
    DecoderError,
    SciRenError,
)


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    rows = 400
    frame = pd.DataFrame(
        {
            "time": pd.date_range("2003-01-01", periods=rows, freq="3D"),
            "sw": rng.normal(size=rows),
            "ta": rng.normal(10, 5, size=rows),
            "nee": rng.uniform(1, 2, size=rows),
            "site": rng.integers(0, 8, size=rows),
            "lon": rng.uniform(5, 20, size=rows),
            "lat": rng.uniform(45, 55, size=rows),
            "flat": 1.0,
        }
    )
    frame.loc[3, "sw"] = np.nan
    frame.loc[5, "nee"] = np.nan
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    return path


def config(path, **changes):
    data = {"path": path and str(path), "time": "time"} | changes.pop("data", {})
    return config_from_mapping(
        {
            "data": data,
            "features": ["sw"],
            "decoder": "q10",
            "forcings": {"ta": "ta"},
            "targets": {"reco": "nee"},
        }
        | changes
    )


def test_rows_keep_their_place_in_the_file(data):
    study = prepare(config(data, data={"rows": "nee == nee and ta > 0"}))
    frame = pd.read_csv(data)
    wanted = frame[(frame.nee.notna()) & (frame.ta > 0) & frame.sw.notna()]
    assert study.table.row_ids.tolist() == wanted.index.tolist()
    for part in (study.table, *study.split):
        np.testing.assert_array_equal(
            part.targets[:, 0].numpy(), frame.nee[part.row_ids].to_numpy()
        )
        np.testing.assert_array_equal(
            part.forcings["ta"].numpy(), frame.ta[part.row_ids].to_numpy()
        )


def test_columns_are_converted_before_anything_else(data):
    changes = {"units": {"ta": "K", "sw": "W m-2"}, "convert": {"ta": "degC"}}
    study = prepare(config(data, data={"rows": "ta > -268.15"}, **changes))
    frame = pd.read_csv(data).iloc[study.table.row_ids]
    np.testing.assert_allclose(study.table.forcings["ta"], frame.ta - 273.15)
    assert study.table.units["ta"] == "degC"
    assert (frame.ta > 5).all()


def test_classes_and_circles_come_from_the_configuration(data):
    changes = {
        "features": ["sw", "site"],
        "categorical": ["site"],
        "periodic": {"sw": 24},
    }
    kinds = prepare(config(data, **changes)).table.kinds
    assert kinds["site"].labels == tuple(map(str, range(8)))
    assert kinds["sw"].period == 24.0


def test_only_the_rows_of_some_labels_are_kept(data):
    said = []
    settings = {"only": {"site": ["2", "5"]}, "rows": "ta > 5"}
    study = prepare(config(data, data=settings), said.append)
    frame = pd.read_csv(data)
    wanted = frame[frame.site.isin([2, 5]) & (frame.ta > 5) & frame.sw.notna()]
    assert study.table.row_ids.tolist() == wanted.index.tolist()
    assert any("where site is 2 or 5" in line for line in said)


def test_what_was_read_kept_and_left_out_is_said(data):
    said = []
    prepare(config(data, data={"rows": "ta > 0"}), said.append)
    assert any("read 400 rows" in line for line in said)
    assert any("where ta > 0" in line for line in said)
    assert any("left out 1 rows" in line for line in said)


@pytest.mark.parametrize(
    "split",
    [
        None,
        {"kind": "time", "train": "2003", "valid": "2004", "test": ["2005", "2006"]},
        {"kind": "random", "fractions": [0.6, 0.2, 0.2]},
        {"kind": "group", "column": "site"},
        {"kind": "group"},
        {"kind": "block", "lon": "lon", "lat": "lat", "degrees": 1, "folds": 4},
    ],
    ids=lambda split: str(split and split["kind"]),
)
def test_every_split_uses_every_row_at_most_once_whatever_the_seed_of_the_run(
    data, split
):
    first = prepare(config(data, split=split, seed=1)).split
    rows = np.concatenate([part.row_ids for part in first])
    assert len(np.unique(rows)) == len(rows)
    assert all(len(part) > 10 for part in first)
    again = prepare(config(data, split=split, seed=2)).split
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.row_ids, other.row_ids)


@pytest.mark.parametrize(
    "split",
    [
        {"kind": "auto"},
        {"kind": "random"},
        {"kind": "group", "column": "site"},
        {"kind": "block", "lon": "lon", "lat": "lat", "degrees": 1, "folds": 4},
    ],
    ids=lambda split: split["kind"],
)
def test_a_split_is_drawn_by_its_own_seed(data, split):
    first, other = (
        prepare(config(data, split={**split, "seed": seed})).split for seed in (0, 1)
    )
    # a part of few groups may be the same by chance, all three are not
    assert any(
        mine.row_ids.tolist() != theirs.row_ids.tolist()
        for mine, theirs in zip(first, other, strict=True)
    )


@pytest.mark.parametrize("degrees", [1, 2])
def test_cells_of_the_split_are_the_blocks_of_every_resampling(data, degrees):
    how = {"kind": "block", "lon": "lon", "lat": "lat", "degrees": degrees, "folds": 4}
    table = prepare(config(data, split=how)).table
    frame = pd.read_csv(data).iloc[table.row_ids]
    cells = list(zip(frame.lon // degrees, frame.lat // degrees, strict=True))
    pairs = set(zip(cells, table.blocks.tolist(), strict=True))
    assert len(pairs) == len(set(cells)) == len(set(table.blocks.tolist()))


def test_named_groups_stay_the_blocks_of_a_split_by_place(data):
    how = {"kind": "block", "lon": "lon", "lat": "lat", "degrees": 1, "folds": 4}
    table = prepare(config(data, split=how, data={"groups": "site"})).table
    assert len(set(table.blocks.tolist())) == 8


def test_words_that_are_no_part_are_counted_and_named(data):
    frame = pd.read_csv(data)
    frame["part"] = np.resize(["train", "Train", "valid", "test", "train"], len(frame))
    frame.to_csv(data, index=False)
    with pytest.warns(DataWarning, match=r"rows are not used, because it says 'Train'"):
        prepare(config(data, split={"kind": "column", "column": "part"}))


def test_groups_stay_together(data):
    split = prepare(config(data, split={"kind": "group", "column": "site"})).split
    site = pd.read_csv(data).site
    sites = [set(site[part.row_ids]) for part in split]
    assert len(set.union(*sites)) == sum(len(some) for some in sites)


def test_a_column_can_say_where_rows_belong(data):
    frame = pd.read_csv(data)
    frame["part"] = np.resize(["train", "", "valid", "test", "train"], len(frame))
    frame.to_csv(data, index=False)
    split = prepare(config(data, split={"kind": "column", "column": "part"})).split
    for name, part in zip(("train", "valid", "test"), split, strict=True):
        assert set(frame.part[part.row_ids]) == {name}


def test_true_latents_are_known_for_every_row_of_the_file(data):
    study = prepare(config(data, truth={"rb": "lat"}, data={"rows": "ta > 5"}))
    frame = pd.read_csv(data)
    np.testing.assert_array_equal(study.truth["rb"], frame.lat)


def test_an_embedded_data_set_brings_split_units_and_truth():
    settings = {"name": "respiration", "settings": {"setting": "abs", "seed": 1}}
    changes = {
        "features": ["sw_pot", "dsw_pot", "ta"],
        "targets": ["reco"],
        "split": {"kind": "column", "column": "part"},
    }
    study = prepare(config(None, data={"dataset": settings, "path": None}, **changes))
    assert [len(part) for part in study.split] == [56102, 17520, 17568]
    assert study.table.units["ta"] == "degC"
    assert study.formulas["q10"] == "1.5"
    assert "respiration(setting=abs, seed=1)" in study.source
    again = prepare(config(None, data={"dataset": settings, "path": None}, **changes))
    assert again.fingerprint == study.fingerprint


def test_an_embedded_data_set_refuses_what_it_does_not_know():
    for wrong in ({"sed": 1}, {"setting": "cubic"}):
        dataset = {"name": "respiration", "settings": wrong}
        with pytest.raises(ConfigError, match=r"respiration.*cannot be made"):
            prepare(config(None, data={"dataset": dataset, "path": None}))


def test_without_a_process_model_the_targets_are_the_latents(data):
    study = prepare(config(data, decoder=None, forcings={}))
    assert study.decoder.targets == ("reco",)
    assert study.decoder.latent_names == ("reco",)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        (
            {"forcings": {}},
            ConfigError,
            "key 'forcings': process model 'q10' needs 'ta', which is not mapped",
        ),
        (
            {"forcings": {"ta": "ta", "tair": "ta"}},
            ConfigError,
            "key 'forcings.tair': .* knows no forcing of that name. Closest names: ta",
        ),
        ({"targets": {"nee": "nee"}}, ConfigError, "key 'targets.nee': .*no target"),
        ({"decoder": "q11"}, DecoderError, "Closest names: q10"),
        (
            {"features": ["swx"]},
            ColumnError,
            r"data.csv: .*'swx'.*Closest names: sw",
        ),
        ({"features": ["flat"]}, DataError, "data.csv: .*'flat'.*"),
        (
            {"forcings": {"ta": "tair"}},
            ColumnError,
            "data.csv: .*'tair'",
        ),
        ({"data": {"time": "tme"}}, ColumnError, "data.csv: .*'tme'.*time"),
        (
            {"data": {"rows": "tar > 0"}},
            SciRenError,
            "data.csv: data.rows: .*tar",
        ),
        ({"data": {"rows": "ta > 1e9"}}, DataError, "data.csv: data.rows: "),
        (
            {"data": {"only": {"site": "DE-Tha"}}},
            DataError,
            "data.csv: key 'data.only.site': no row says DE-Tha. Present: 0, 1",
        ),
        ({"data": {"only": {"tower": "1"}}}, ColumnError, "'data.only.tower'|'tower'"),
        ({"data": {"rows": "ta >"}}, SciRenError, "data.csv: data.rows: "),
        (
            {"split": {"kind": "group", "column": "sit"}},
            ColumnError,
            "data.csv: key 'split.column': there is no column 'sit'. Closest names: site",
        ),
        (
            {"data": {"groups": "sit"}},
            ColumnError,
            "data.csv: key 'data.groups': there is no column 'sit'. Closest names: site",
        ),
        (
            {"units": {"swc": "%"}},
            ColumnError,
            "data.csv: key 'units.swc': there is no column 'swc'. Closest names: sw",
        ),
        (
            {"truth": {"rc": "sw"}},
            ConfigError,
            "key 'truth.rc': .* has no latent of that name. Closest names: rb",
        ),
        (
            {"truth": {"rb": "swx"}},
            ColumnError,
            "data.csv: key 'truth.rb': there is no column 'swx'. Closest names: sw",
        ),
        (
            {"split": {"kind": "column", "column": "site"}},
            DataError,
            "data.csv: train has no rows: column 'site' holds '0', '1'.* it must say",
        ),
        (
            {"split": {"kind": "time", "train": "1990", "valid": "91", "test": "2003"}},
            SciRenError,
            "valid",
        ),
    ],
)
def test_what_does_not_fit_names_file_or_key(data, changes, kind, message):
    with pytest.raises(kind, match=message) as raised:
        prepare(config(data, **changes))
    assert "\n" not in str(raised.value)


def test_parameters_are_declared_anew_by_the_configuration(data):
    study = prepare(config(data, parameters={"q10": 2, "rb": {"high": 9}}))
    assert study.decoder.parameters.fixed == {"q10": 2.0}
    assert study.decoder.parameters["rb"].high == 9
    with pytest.raises(ConfigError, match=r"key 'parameters': .* no parameter 'q1'"):
        prepare(config(data, parameters={"q1": 2}))


def test_outputs_without_a_column_are_left_out(data):
    study = prepare(
        config(
            data,
            decoder="nee_lasslop",
            forcings={"rg": "sw", "ta": "ta", "vpd": "ta"},
            targets={"nee": "nee"},
        )
    )
    assert study.decoder.targets == ("nee",)


SITES = ["001", "01", "1", "0010", "010", "10", "NA", "-9999"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_sites_are_apart_as_they_are_written(tmp_path, ending):
    rows = 10 * len(SITES)
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "site": SITES * 10,
            "sw": rng.normal(size=rows),
            "ta": rng.normal(10, 5, size=rows),
            "nee": rng.uniform(1, 2, size=rows),
        }
    )
    path = tmp_path / f"sites.{ending}"
    {"csv": frame.to_csv, "parquet": frame.to_parquet}[ending](path, index=False)
    whole = config(path, data={"time": None, "groups": "site"}, split="group")
    table = prepare(whole).table
    assert len(table) == rows
    assert len(np.unique(table.groups)) == len(SITES)
    only = {"time": None, "only": {"site": ["01", "NA"]}}
    assert len(prepare(config(path, data=only)).table) == 20


def test_an_icos_file_is_read_by_its_format_alone(tmp_path):
    ends = pd.date_range("2020-05-01T00:30", periods=1440, freq="30min")
    rng = np.random.default_rng(2)
    gap = np.arange(1440) % 40 == 0
    pd.DataFrame(
        {
            "TIMESTAMP_START": (ends - pd.Timedelta("30min")).strftime("%Y%m%d%H%M"),
            "TIMESTAMP_END": ends.strftime("%Y%m%d%H%M"),
            "TA_F_MDS": rng.normal(10, 5, 1440),
            "TA_F_MDS_QC": np.where(np.arange(1440) % 10 == 3, 2, 0),
            "SW_IN_F_MDS": rng.uniform(0, 800, 1440),
            "NEE_VUT_REF": np.where(gap, -9999, rng.normal(size=1440)),
        }
    ).to_csv(tmp_path / "ICOSETC_BE-Bra_FLUXNET_HH_L2.csv", index=False)
    read = config(
        tmp_path / "ICOSETC_BE-Bra_FLUXNET_HH_L2.csv",
        data={"format": "fluxnet", "time": None},
        features=["SW_IN_F_MDS"],
        forcings={"ta": "TA_F_MDS"},
        targets={"reco": "NEE_VUT_REF"},
    )
    table = prepare(read).table
    assert len(table) == 1440 - 144  # poor fills of the forcing are gaps
    assert str(table.time[0]) == "2020-05-01T00:15:00.000000000"
    assert int(table.observed.sum()) == int((~gap & (np.arange(1440) % 10 != 3)).sum())
    assert table.units["TA_F_MDS"] == "degC"
    assert table.units["NEE_VUT_REF"] == "umol m-2 s-1"
