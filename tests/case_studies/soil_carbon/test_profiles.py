"""Profiles: units, the mineral surface, rules that count what they drop, whole blocks."""

import numpy as np
import pandas as pd
import pytest

from case_studies.soil_carbon.profiles import (
    FOLDS,
    ProfileError,
    bulk_density,
    density_skill,
    over_depth,
)
from case_studies.soil_carbon.profiles_africa import FILE as AFRICA
from case_studies.soil_carbon.profiles_africa import read_africa
from case_studies.soil_carbon.profiles_sodah import FILE as SODAH
from case_studies.soil_carbon.profiles_sodah import read_sodah


@pytest.fixture
def read(write):
    return lambda frame, part="neon": read_sodah(write(frame, SODAH), part)


def test_carbon_is_grams_in_a_cubic_metre_at_the_middle_of_the_layer(sodah, read):
    found = read(sodah).layers
    first = sodah.iloc[0]
    assert found["depth"].iloc[0] == 0.05
    assert found["soc"].iloc[0] == pytest.approx(first["soc"] / 100 * first["bd"] * 1e6)
    assert len(found) == len(sodah)


def test_missing_bulk_density_follows_the_stated_rule(sodah, read):
    found = read(sodah)
    row = sodah.iloc[3]
    assert np.isnan(row["bd"])
    rule = 1.66 - 0.318 * np.sqrt(row["soc"])
    assert found.layers["soc"].iloc[3] == pytest.approx(row["soc"] * rule * 1e4)
    assert found.layers["bd_known"].mean() == 0.75
    assert "75%" in found.notes[0]
    assert "bd" not in found.features


def test_the_pedotransfer_rule_falls_with_carbon_and_stays_positive():
    density = bulk_density(pd.Series([0.0, 1.0, 10.0, 60.0]))
    assert density.iloc[0] == 1.66
    assert (density.diff().dropna() < 0).all()
    assert density.iloc[-1] == 0.15
    exact = pd.DataFrame({"soc": [1.0, 4.0], "bd": [1.66 - 0.318, 1.66 - 0.636]})
    skill = density_skill(exact)
    assert (skill["bias"], skill["rmse"], skill["rows"]) == pytest.approx((0, 0, 2))


def test_depths_count_from_the_mineral_surface(sodah, read):
    frame = sodah.copy()
    one = frame["profile_id"] == "p000"
    frame.loc[one, ["layer_top", "layer_bot"]] += 5.0
    litter = frame[one].head(1).assign(layer_top=0.0, layer_bot=5.0, soc=40.0, hzn="Oi")
    found = read(pd.concat([litter, frame]))
    assert found.dropped == {"organic horizon": 1}
    site = found.sites.index[found.sites["profile_id"] == "p000"][0]
    depths = found.layers.loc[found.layers["site"] == site, "depth"]
    assert sorted(depths) == pytest.approx([0.05, 0.2, 0.45, 0.8])


def test_peat_is_left_out_whole(sodah, read):
    frame = sodah.copy()
    one = frame["profile_id"] == "p001"
    frame.loc[one & (frame["layer_top"] < 60), "hzn"] = "Oa"
    found = read(frame)
    assert found.dropped == {"organic soil, 40 cm or more": 4}
    assert "p001" not in set(found.sites["profile_id"])


def test_repeats_are_averaged_and_other_networks_left_out(sodah, read):
    again = sodah.head(1).assign(soc=sodah["soc"].iloc[0] + 1.0)
    other = sodah.tail(4).assign(network="LTER", profile_id="q")
    found = read(pd.concat([sodah, again, other]))
    assert found.dropped == {"other networks": 4, "repeat of a layer, averaged": 1}
    mean = (sodah["soc"].iloc[0] + 0.5) * sodah["bd"].iloc[0] * 1e4
    assert found.layers["soc"].iloc[0] == pytest.approx(mean)


def test_layers_without_what_is_needed_are_counted(sodah, read):
    frame = sodah.copy()
    frame.loc[frame["profile_id"] == "p002", "clay"] = np.nan
    frame.loc[frame["profile_id"] == "p010", ["layer_top", "layer_bot"]] += 600.0
    frame.loc[frame["profile_id"] == "p011", "map"] = np.nan
    found = read(frame)
    assert found.dropped == {
        "middle above the surface or below 3 m": 4,
        "no soil property anywhere": 4,
        "no climate": 4,
    }


def test_properties_are_means_by_thickness_over_what_is_known():
    frame = pd.DataFrame(
        {
            "profile_id": ["a", "a", "a", "b"],
            "layer_top": [0.0, 10.0, 90.0, 120.0],
            "layer_bot": [10.0, 90.0, 150.0, 150.0],
            "clay": [10.0, np.nan, 40.0, 30.0],
        }
    )
    means = over_depth(frame, ["clay"], 100.0)["clay"]
    assert means["a"] == pytest.approx(25.0)
    assert np.isnan(means["b"])


@pytest.mark.parametrize("kind", ["neon", "sodah", "africa"])
def test_every_set_gives_a_table_forcing_and_folds(
    kind, sodah, africa, tmp_path, write
):
    write(sodah, SODAH)
    write(africa, AFRICA)
    found = read_africa(tmp_path) if kind == "africa" else read_sodah(tmp_path, kind)
    table = found.table()
    assert table.feature_names == found.features
    assert len(found.forcing()) == len(found.sites)
    assert set(found.units) >= set(found.features)
    assert not found.layers.isna().any().any()
    folds = found.folds()
    groups = found.sites["group"].to_numpy()
    for group in np.unique(groups):
        assert len(set(folds[groups == group])) == 1
    counts = np.bincount(
        folds[np.unique(groups, return_index=True)[1]], minlength=FOLDS
    )
    assert counts.max() - counts.min() <= 1


def test_no_block_is_on_two_sides_and_features_stay_in_the_training_range(sodah, read):
    found = read(sodah)
    tested = []
    for number in range(1, FOLDS + 1):
        split = found.split(number)
        sides = [set(part.row_ids.tolist()) for part in split]
        group = found.sites["group"].to_numpy()[found.layers["site"].to_numpy()]
        blocks = [set(group[sorted(side)]) for side in sides]
        assert not blocks[0] & blocks[1]
        assert not blocks[0] & blocks[2]
        assert not blocks[1] & blocks[2]
        low, high = split.train.features.amin(0), split.train.features.amax(0)
        assert bool(
            ((split.test.features >= low) & (split.test.features <= high)).all()
        )
        tested += sides[2]
    assert sorted(tested) == list(range(len(found.layers)))


def test_africa_takes_its_climate_from_the_extremes(africa, tmp_path, write):
    write(africa, AFRICA)
    found = read_africa(tmp_path).sites.iloc[0]
    first = africa.iloc[0]
    span = first["tmax_warmest_month"] - first["tmin_coldest_month"]
    assert found["amplitude"] == pytest.approx(max((span - 12) / 2, 0.5))
    assert found["rain_swing"] == pytest.approx(190 / 210)
    assert found["waterlogged"] == 1.0


def test_africa_drops_peat_and_doubles_and_can_be_thinned(africa, tmp_path, write):
    peat = africa.head(1).assign(soc=20.0, profile_id="peat", lat=1.0)
    double = africa.tail(3).assign(profile_id="again")
    write(pd.concat([africa, peat, double]), AFRICA)
    found = read_africa(tmp_path)
    assert found.dropped == {
        "organic material, 12 % carbon or more": 1,
        "same place, depth and carbon again": 3,
    }
    assert len(read_africa(tmp_path, thin=5).sites) == 5


def test_a_missing_file_column_or_content_is_an_error(sodah, tmp_path, read):
    with pytest.raises(ProfileError, match=r"--data names the folder that holds soil"):
        read_sodah(tmp_path)
    with pytest.raises(ProfileError, match="lacks the columns mat, hzn"):
        read(sodah.drop(columns=["mat", "hzn"]))
    with pytest.raises(
        ProfileError, match=r"no layer is left after .* 'other networks'"
    ):
        read(sodah.assign(network="CZO"))
