"""Laws of the table: what goes in comes out, and bad input names its place."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.data import Table
from sciren.errors import ColumnError, ConfigError, DataError, DataWarning, ShapeError


def small_frame(rows: int = 8) -> pd.DataFrame:
    step = np.arange(rows, dtype=float)
    return pd.DataFrame(
        {
            "time": pd.date_range("2013-01-01T00:15", periods=rows, freq="3D"),
            "sw_pot": 100 + step,
            "ta": step - 3.5,
            "nee": 2 * step,
            "site": ["a", "b"] * (rows // 2),
            "sun": np.where(step % 2, 1.0, 2.0),
        }
    )


def table_of(frame: pd.DataFrame, **options) -> Table:
    given = {"forcings": {"ta": "ta"}, "targets": {"reco": "nee"}} | options
    return Table.from_frame(frame, ["sw_pot", "ta"], **given)


def test_columns_arrive_in_order_in_float64_and_physical_units():
    frame = small_frame()
    table = table_of(frame, units={"ta": "degC"})
    assert table.features.dtype == torch.float64
    np.testing.assert_array_equal(table.features, frame[["sw_pot", "ta"]])
    np.testing.assert_array_equal(table.forcings["ta"], frame["ta"])
    np.testing.assert_array_equal(table.targets[:, 0], frame["nee"])
    assert table.feature_names == ("sw_pot", "ta")
    assert table.target_names == ("reco",)
    assert table.target_columns == {"reco": "nee"}
    assert table.forcing_columns == {"ta": "ta"}
    assert table.units == {"ta": "degC"}
    assert table.time is None
    assert table.weights is None
    assert table.dropped == {}
    assert len(table) == 8


def test_lists_of_names_mean_decoder_and_column_share_the_name():
    table = Table.from_frame(small_frame(), "sw_pot", ["ta"], "nee")
    assert table.feature_names == ("sw_pot",)
    assert table.forcing_columns == {"ta": "ta"}
    assert table.target_columns == {"nee": "nee"}


def test_without_targets_the_table_serves_prediction():
    table = Table.from_frame(small_frame(), ["ta"])
    assert table.targets.shape == (8, 0)
    assert table.forcings == {}


def test_rows_with_gaps_are_dropped_and_each_counts_once():
    frame = small_frame()
    frame.loc[[1, 2], "sw_pot"] = np.nan
    frame.loc[[2, 5], "ta"] = np.nan
    frame.loc[7, "nee"] = np.nan
    table = table_of(frame)
    assert table.row_ids.tolist() == [0, 3, 4, 6, 7]
    assert table.dropped == {"missing feature sw_pot": 2, "missing feature ta": 1}
    assert sum(table.dropped.values()) == len(frame) - len(table)
    assert table.observed[:, 0].tolist() == [True, True, True, True, False]


def test_a_missing_forcing_drops_the_row_or_stays_on_request():
    frame = small_frame().assign(ta=[1.0, np.nan] * 4)
    dropped = Table.from_frame(frame, ["sw_pot"], {"air": "ta"}, ["nee"])
    assert dropped.dropped == {"missing forcing ta": 4}
    kept = Table.from_frame(
        frame, ["sw_pot"], {"air": "ta"}, ["nee"], missing_forcing="keep"
    )
    assert len(kept) == 8
    assert kept.dropped == {}
    assert torch.isnan(kept.forcings["air"]).sum() == 4


def test_forcings_may_be_profiles_with_one_leading_row_a_sample():
    frame = small_frame()
    profile = np.arange(8 * 3 * 2, dtype=np.float32).reshape(8, 3, 2)
    profile[4, 1, 1] = np.nan
    table = table_of(frame, forcings={"ta": "ta", "cryo": profile})
    assert table.forcings["cryo"].shape == (7, 3, 2)
    assert table.forcings["cryo"].dtype == torch.float64
    assert table.dropped == {"missing forcing cryo": 1}
    tensor = torch.from_numpy(np.nan_to_num(profile))
    assert table_of(frame, forcings={"cryo": tensor}).forcings["cryo"].shape[1:] == (
        3,
        2,
    )


def test_blocks_are_rows_then_calendar_weeks_then_groups():
    frame = small_frame()
    assert table_of(frame).blocks.tolist() == list(range(8))
    # 2013-01-01 was a Tuesday, so Mondays 7, 14 and 21 January begin new weeks
    weeks = [0, 0, 1, 1, 1, 2, 2, 3]
    assert table_of(frame, time="time").blocks.tolist() == weeks
    sites = [0, 1] * 4
    assert table_of(frame, time="time", groups="site").blocks.tolist() == sites
    assert table_of(frame, groups=frame["site"].to_numpy()).blocks.tolist() == sites


@settings(deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=20))
def test_taking_rows_keeps_every_part_aligned(rows):
    frame = small_frame()
    table = table_of(frame, time="time", weights=np.arange(1.0, 9.0))
    part = table.take(np.array(rows))
    assert part.row_ids.tolist() == rows
    np.testing.assert_array_equal(part.features, frame[["sw_pot", "ta"]].iloc[rows])
    np.testing.assert_array_equal(part.forcings["ta"], frame["ta"].iloc[rows])
    np.testing.assert_array_equal(part.targets[:, 0], frame["nee"].iloc[rows])
    np.testing.assert_array_equal(part.weights, np.array(rows) + 1.0)
    np.testing.assert_array_equal(part.time, frame["time"].to_numpy()[rows])
    ids = part.blocks.tolist()
    assert sorted(set(ids)) == list(range(len(set(ids))))
    same = table.blocks[rows][:, None] == table.blocks[rows][None, :]
    assert torch.equal(part.blocks[:, None] == part.blocks[None, :], same)


def test_rows_can_be_taken_by_mask_slice_and_tensor():
    table = table_of(small_frame())
    mask = torch.arange(8) % 2 == 0
    assert table.take(mask).row_ids.tolist() == [0, 2, 4, 6]
    assert table.take(slice(2, 4)).row_ids.tolist() == [2, 3]
    assert table.take(mask).take(torch.tensor([3, 0])).row_ids.tolist() == [6, 0]


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(
                not torch.cuda.is_available(), reason="this machine has no CUDA device"
            ),
        ),
    ],
)
def test_moving_keeps_the_numbers_and_rows_can_be_taken_there(device):
    table = table_of(small_frame(), weights=np.ones(8), time="time")
    moved = table.to(device)
    assert moved.features.device.type == device
    assert torch.equal(moved.features.cpu(), table.features)
    odd = torch.arange(8, device=device) % 2 == 1
    part = moved.take(odd)
    assert part.blocks.device.type == device
    assert part.row_ids.tolist() == [1, 3, 5, 7]
    assert torch.equal(part.targets.cpu(), table.take(odd.cpu()).targets)


def test_ranges_cover_every_column_that_was_observed():
    frame = small_frame().assign(extra=np.arange(8.0) * 10)
    frame.loc[7, "nee"] = np.nan
    table = Table.from_frame(
        frame, ["sw_pot"], {"a": "extra", "p": np.ones((8, 2))}, {"reco": "nee"}
    )
    assert table.column_ranges() == {
        "sw_pot": (100.0, 107.0),
        "extra": (0.0, 70.0),
        "nee": (0.0, 12.0),
    }


def test_weights_may_be_a_column():
    table = table_of(small_frame(), weights="sun")
    assert table.weights is not None
    assert table.weights.tolist() == [2.0, 1.0] * 4


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"targets": ["ne"]}, ColumnError, "target 'ne'.*Closest names: nee"),
        ({"forcings": {"ta": "t_air"}}, ColumnError, "forcing 't_air'"),
        ({"weights": "wt"}, ColumnError, "weights 'wt'"),
        ({"time": "tmie"}, ColumnError, "time 'tmie'.*Closest names: time"),
        ({"groups": "sit"}, ColumnError, "groups 'sit'.*Closest names: site"),
        ({"targets": ["nee", "nee"]}, DataError, "target 'nee' is listed twice"),
        ({"targets": {"reco": 3}}, DataError, "target 'reco' must name a column"),
        ({"targets": ["site"]}, DataError, "'site' holds text in row 0.*'a'"),
        ({"targets": ["time"]}, DataError, "'time' holds datetime64"),
        ({"forcings": {"p": np.ones((3, 2))}}, ShapeError, "'p' has 3 rows.*8 rows"),
        ({"forcings": {"p": 1.0}}, ShapeError, "'p' has a single value"),
        (
            {"forcings": {"p": np.full((8, 2), np.inf)}},
            DataError,
            "'p' is infinite in row 0",
        ),
        ({"weights": -np.ones(8)}, DataError, "weight -1.0 in row 0"),
        ({"weights": np.zeros(8)}, DataError, "all weights are zero"),
        ({"groups": ["a"] * 7 + [None]}, DataError, "groups has no value in row 7"),
        ({"missing": "skip"}, ConfigError, "missing='skip' does not exist"),
        ({"constant": "no"}, ConfigError, "constant='no' does not exist"),
        ({"missing_forcing": ""}, ConfigError, "missing_forcing='' does not exist"),
    ],
)
def test_a_wrong_request_names_what_is_wrong(options, error, message):
    with pytest.raises(error, match=message):
        table_of(small_frame(), **options)


def with_value(column: str, row: int, value: object) -> pd.DataFrame:
    frame = small_frame().astype({column: object})
    frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (with_value("ta", 3, "warm"), "'ta' holds text in row 3 .*'warm' .1 of 8 rows"),
        (with_value("ta", 3, "2,5"), "write decimals with a point"),
        (with_value("nee", 5, np.inf), "'nee' is infinite in row 5"),
        (with_value("ta", 2, "inf"), "'ta' is infinite in row 2"),
        (small_frame().assign(ta=1 + 2j), "'ta' holds complex128 values"),
        (small_frame().assign(ta=7.0), "feature 'ta' is 7 in all 8 usable rows"),
        (small_frame().assign(ta=0.0), "feature 'ta' is 0 in all 8"),
        (small_frame().assign(nee=np.nan), "target column 'nee' has no value"),
        (small_frame().iloc[:0], "no rows"),
        (small_frame().assign(ta=np.nan), "none of the 8 rows.*feature ta: 8"),
    ],
)
def test_bad_cells_are_named(frame, message):
    with pytest.raises(DataError, match=message):
        table_of(frame)


def test_rows_are_named_by_their_label():
    frame = small_frame().set_index("time")
    frame.loc[frame.index[2], "ta"] = np.inf
    with pytest.raises(DataError, match="infinite in row 2013-01-07"):
        table_of(frame)


def test_a_gap_is_an_error_on_request():
    frame = small_frame()
    frame.loc[4, "ta"] = np.nan
    with pytest.raises(DataError, match="missing feature ta in row 4"):
        table_of(frame, missing="raise")


def test_a_target_observed_only_where_features_are_missing_is_not_observed():
    frame = small_frame()
    frame["nee"] = [1.0] + [np.nan] * 7
    frame.loc[0, "ta"] = np.nan
    with pytest.raises(DataError, match="'nee' has no value in any of the 7 usable"):
        table_of(frame)


def test_a_constant_feature_is_kept_on_request():
    table = table_of(small_frame().assign(ta=7.0), constant="keep")
    assert table.features[:, 1].unique().tolist() == [7.0]


def test_double_columns_and_double_or_no_features_are_refused():
    frame = small_frame()
    double = pd.concat([frame, frame[["ta"]]], axis=1)
    with pytest.raises(DataError, match="occur more than once: 'ta'"):
        table_of(double)
    with pytest.raises(DataError, match="feature 'ta' is listed twice"):
        Table.from_frame(frame, ["ta", "ta"])
    with pytest.raises(DataError, match="no features are named"):
        Table.from_frame(frame, [])
    with pytest.raises(ColumnError, match=r"feature 'swpot'.*sw_pot"):
        Table.from_frame(frame, ["swpot"])


@pytest.mark.parametrize(
    "stamps",
    [
        pd.date_range("2013-01-01T00:15", periods=8, freq="3D").as_unit("s"),
        [f"2013-01-{1 + 3 * i:02d}T00:15" for i in range(8)],
        [f"2013-01-{1 + 3 * i:02d} 00:15:00" for i in range(8)],
        [int(f"201301{1 + 3 * i:02d}0015") for i in range(8)],
    ],
    ids=["datetime", "iso", "iso space", "integer"],
)
def test_time_is_read_as_local_clock_time(stamps):
    table = table_of(small_frame().assign(time=stamps), time="time")
    assert table.time is not None
    assert table.time.dtype == "datetime64[ns]"
    np.testing.assert_array_equal(table.time, small_frame()["time"].to_numpy())


@pytest.mark.parametrize(
    "stamps",
    [
        pd.date_range("2013-01-01T00:15", periods=8, freq="3D", tz="Etc/GMT-1"),
        [f"2013-01-{1 + 3 * i:02d}T00:15+01:00" for i in range(8)],
    ],
    ids=["zone", "offset"],
)
def test_a_clock_that_loses_its_offset_is_told(stamps):
    with pytest.warns(DataWarning, match="'time' is written with its offset"):
        table = table_of(small_frame().assign(time=stamps), time="time")
    assert table.time is not None
    np.testing.assert_array_equal(table.time, small_frame()["time"].to_numpy())


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        (["2013-01-01"] * 7 + ["soon"], "'time' has 'soon' in row 7"),
        (["2013-01-01"] * 7 + [None], "'time' has .* in row 7"),
        (np.arange(8.0), "plain numbers"),
        (np.arange(8), "plain numbers"),
        (["01.02.2013"] * 8, "'01.02.2013' in row 0"),
        (
            ["2013-01-01T00:00+01:00"] * 4 + ["2013-07-01T00:00+02:00"] * 4,
            "one time zone",
        ),
    ],
)
def test_a_time_that_cannot_be_read_is_named(stamps, message):
    with pytest.raises(DataError, match=message):
        table_of(small_frame().assign(time=stamps), time="time")


def test_numbers_in_nullable_boolean_and_text_columns_are_read():
    frame = small_frame()
    frame["sw_pot"] = pd.array([1, 2, None, 4, 5, 6, 7, 8], dtype="Int64")
    frame["ta"] = [str(i) for i in range(8)]
    frame["nee"] = [True, False] * 4
    table = table_of(frame)
    assert table.dropped == {"missing feature sw_pot": 1}
    assert table.features[:, 1].tolist() == [0.0, 1.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert table.targets[:, 0].tolist() == [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("column", ["sw_pot", "ta", "nee"])
def test_an_undeclared_gap_marker_is_refused_with_the_keys_that_declare_it(column):
    frame = small_frame()
    frame.loc[[2, 3], column] = -9999
    with pytest.raises(
        DataError, match=rf"'{column}' is -9999 in 2 of 8 rows.*missing"
    ):
        table_of(frame)
    declared = table_of(frame, gap_markers=[-9999])
    gaps = sum(declared.dropped.values()) + int((~declared.observed).sum())
    assert gaps == 2
    kept = table_of(frame, not_missing=[-9999])
    assert len(kept) == 8
    assert bool(kept.observed.all())


def test_the_usual_gap_marker_among_other_values_is_pointed_out():
    frame = small_frame()
    frame["nee"] = [-9999.0, -20000, 0, 20000, 5, 6, 7, 8]
    with pytest.warns(DataWarning, match="'nee' is -9999 in 1 of 8 rows"):
        table_of(frame)


def test_units_of_the_frame_come_along_and_given_ones_go_first():
    frame = small_frame()
    frame.attrs["units"] = {"ta": "K", "sw_pot": "W m-2", "sun": "1"}
    units = table_of(frame, units={"ta": "degC"}).units
    assert units == {"ta": "degC", "sw_pot": "W m-2"}


def test_parts_of_different_length_are_refused():
    with pytest.raises(ShapeError, match="one row per sample"):
        Table(torch.ones(3, 1), {}, torch.ones(2, 1), ("x",), ("y",))
    with pytest.raises(ShapeError, match=r"features have shape \(3, 1\) and 2 names"):
        Table(torch.ones(3, 1), {}, torch.ones(3, 1), ("x", "z"), ("y",))


def test_parts_put_together_are_the_table_again():
    frame = pd.DataFrame({"a": range(12), "y": range(12), "site": list("abc") * 4})
    frame["time"] = pd.date_range("2020-01-01", periods=12, freq="D")
    table = Table.from_frame(frame, ["a"], (), ["y"], groups="site", time="time")
    parts = [table.take(np.arange(12) % 3 == k) for k in (1, 2, 0)]
    whole = Table.concatenate(parts)
    torch.testing.assert_close(whole.features, table.features)
    torch.testing.assert_close(whole.targets, table.targets)
    assert (whole.row_ids == table.row_ids).all()
    assert (whole.groups == table.groups).all()
    assert (whole.time == table.time).all()


def test_groups_of_different_frames_stay_apart():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": 1.0, "site": ["a", "a", "b"]})
    table = Table.from_frame(frame, ["a"], (), ["y"], groups="site")
    both = Table.concatenate([table, table])
    assert len(both) == 6
    assert len(np.unique(both.groups)) == 4
