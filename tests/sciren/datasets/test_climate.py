"""The climate recipe: limits of each piece, monotone answers, and units that look wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.datasets import (
    ClimateRecipe,
    amplitude_from_latitude,
    climate_summary,
    forcing_from_climate,
    miami_npp,
)
from sciren.decoders.clm5.geometry import INTERFACES, NODES
from sciren.errors import ConfigError, DataError, ShapeError

GOOD = {"mat": 10.0, "amplitude": 10.0, "precipitation": 900.0, "latitude": 45.0}


def made(recipe=None, **change):
    return forcing_from_climate(**(GOOD | change), recipe=recipe)


def summary(**change):
    return climate_summary(**(GOOD | change)).iloc[0]


# -- production and inputs ------------------------------------------------------------
def test_the_miami_model_is_the_smaller_of_its_two_limits():
    # Lieth's curves by hand: 25 degC gives 2521, 1000 mm gives 1455 g of dry matter
    assert miami_npp(25.0, 1e9, 1.0) == pytest.approx(2520.5, abs=0.5)
    assert miami_npp(60.0, 1000.0, 1.0) == pytest.approx(1455.7, abs=0.5)
    assert miami_npp(25.0, 1000.0) == pytest.approx(0.45 * 1455.7, abs=0.3)


@given(st.floats(-20, 35), st.floats(0, 4000), st.floats(0, 5), st.floats(0, 500))
def test_more_warmth_or_rain_never_lowers_production(mat, rain, warmer, wetter):
    assert miami_npp(mat + warmer, rain + wetter) >= miami_npp(mat, rain)


def test_what_is_produced_falls_as_litter():
    forcing = made(npp=[500.0, 80.0], woody=[1.0, 0.0])
    parts = [getattr(forcing, f"input_{n}") for n in ("cwd", "litter1", "litter2")]
    total = sum(part.sum(1) for part in (*parts, forcing.input_litter3))
    assert total.tolist() == pytest.approx([500.0, 80.0])
    assert forcing.input_cwd[1].sum() == 0
    assert forcing.input_cwd[0].sum() == pytest.approx(150.0)


def test_trees_come_with_rain():
    dry, wet = summary(precipitation=100.0), summary(precipitation=2000.0)
    assert (dry["woody"], wet["woody"]) == (0.0, 1.0)
    assert dry["vegetation_carbon"] == pytest.approx(3.7 * dry["npp"])
    assert wet["vegetation_carbon"] == pytest.approx(25.0 * wet["npp"])


# -- heat -----------------------------------------------------------------------------
def test_the_temperature_wave_keeps_its_mean_fades_and_lags():
    recipe = ClimateRecipe(soil_warming=(0.0, 0.0))
    t = made(recipe).soil_temperature[0].numpy()
    assert t.mean(1) == pytest.approx(np.full(20, 283.15))
    damping = np.sqrt(recipe.diffusivity * 365.25 * 86400 / np.pi)
    month = 2 * np.pi * (np.arange(12) + 0.5) / 12
    wave = 2 / 12 * (t @ np.exp(-1j * month))  # first harmonic of each layer
    depth = np.array(NODES[:20])
    assert np.abs(wave) == pytest.approx(10 * np.exp(-depth / damping), rel=1e-9)
    lag = -np.unwrap(np.angle(wave))
    assert lag - lag[0] == pytest.approx((depth - depth[0]) / damping, abs=1e-9)


def test_summer_is_in_january_south_of_the_equator():
    forcing = made(latitude=[45.0, -45.0])
    assert forcing.soil_temperature[:, 0].argmax(1).tolist() == [6, 0]


def test_soil_is_warmer_than_air_where_it_is_cold_and_its_seasons_smaller():
    cold, hot = summary(mat=-2.0), summary(mat=25.0)
    assert cold["soil_mean"] - -2.0 == pytest.approx(3.6)
    assert cold["soil_amplitude"] == pytest.approx(10 - 3.6)
    assert hot["soil_mean"] - 25.0 == pytest.approx(-0.7)
    assert hot["soil_amplitude"] == 10.0


def test_only_permafrost_has_an_active_layer():
    frozen, thawed = summary(mat=-9.0, amplitude=16.0), summary(mat=3.0)
    assert 0.3 < frozen["thaw_depth"] < 1.5
    assert thawed["thaw_depth"] == 42.0
    assert summary(mat=-30.0, amplitude=5.0)["thaw_depth"] == 0.0


def test_amplitude_follows_latitude_and_continentality():
    inland = amplitude_from_latitude([0.0, 42.5, -42.5], 40.0)
    assert inland[0] == 0.5
    assert inland[1] == inland[2]
    # Gorczynski by hand: (40 + 20.4) sin(42.5) / 1.7 is a range of 24 K
    assert inland[1] == pytest.approx(12.0, abs=0.05)
    assert amplitude_from_latitude(42.5, 12.0) < inland[1]


# -- water, air, nutrients, rock --------------------------------------------------------
def test_evaporation_demand_is_that_of_oudin():
    # equator, 25 degC all year: about 36 MJ m-2 day-1 / 2.45 * 30 / 100 * 365 days
    found = summary(mat=25.0, amplitude=0.0, latitude=0.0)["pet"]
    assert found == pytest.approx(36.2 / 2.45 * 0.3 * 365, rel=0.02)
    assert summary(mat=-30.0, amplitude=3.0)["pet"] == 0.0


@given(st.floats(0, 3000), st.floats(0, 800))
def test_more_rain_never_dries_the_soil(rain, more):
    first = summary(precipitation=rain)["water"]
    assert summary(precipitation=rain + more)["water"] >= first - 1e-9


@given(
    st.floats(-30, 32), st.floats(0, 25), st.floats(0, 6000), st.floats(-70, 78),
    st.floats(-1, 1), st.sampled_from(["clm5", "century"]),
)  # fmt: skip
def test_any_climate_gives_forcing_that_the_model_takes(
    mat, amplitude, rain, latitude, swing, water
):
    recipe = ClimateRecipe(water=water)
    forcing = forcing_from_climate(
        mat, amplitude, rain, latitude, rain_swing=swing, recipe=recipe
    )
    assert len(forcing) == 1
    assert float(forcing.w_scalar.min()) >= 0.01
    assert float(forcing.w_scalar.max()) <= 1


def test_field_capacity_and_wilting_point_bound_the_unfrozen_water_scalar():
    wet = made(precipitation=8000.0, mat=25.0).w_scalar
    dry = made(precipitation=0.0, mat=25.0).w_scalar
    assert wet.max() == pytest.approx(np.log(2 / 0.033) / np.log(1000))
    assert dry.min() == pytest.approx(np.log(2 / 1.5) / np.log(1000))


def test_frost_dries_the_soil():
    water = made(mat=-2.0, amplitude=15.0, precipitation=3000.0).w_scalar[0, 0]
    assert water[0] < 0.15 < water[6]


def test_seasons_of_rain_matter_at_the_surface_more_than_at_depth():
    water = made(mat=24.0, rain_swing=1.0, latitude=10.0).w_scalar[0]
    swing = water.amax(1) - water.amin(1)
    assert swing[0] > 10 * swing[12]


def test_given_evaporation_replaces_the_computed_one():
    assert summary(pet=500.0)["pet"] == pytest.approx(500.0)
    assert summary(mat=-30.0, amplitude=3.0, pet=120.0)["pet"] == pytest.approx(120.0)


def test_waterlogging_takes_the_oxygen_at_depth():
    forcing = made(waterlogged=[0.0, 1.0])
    assert forcing.o_scalar[0].min() == 1
    assert forcing.o_scalar[1, 0, 0] > 0.9
    assert float(forcing.o_scalar[1, -1, 0]) == pytest.approx(0.2, abs=1e-6)


def test_bedrock_counts_whole_layers_above_it():
    depths = [np.nan, INTERFACES[8], INTERFACES[8] - 1e-6, 0.0, 99.0]
    layers = made(bedrock_depth=depths).nbedrock[:, 0].tolist()
    assert layers == [20, 9, 8, 1, 20]


# -- bad input ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mat": [10.0, 283.15]}, r"'mat' of site 1 is 283.15 degC.*subtract 273.15"),
        ({"mat": [np.nan]}, r"'mat' of site 0 is missing \(nan\)"),
        (
            {"amplitude": [-2.0]},
            r"'amplitude' of site 0 is -2 K.*half the yearly range",
        ),
        ({"precipitation": [5.0, -1.0]}, r"'precipitation' of site 1 is -1 mm yr-1"),
        ({"precipitation": [np.inf]}, r"'precipitation' of site 0 is inf"),
        ({"latitude": [123.0]}, r"'latitude' of site 0 is 123.*south is negative"),
        ({"pet": [-1.0]}, r"'pet' of site 0"),
        ({"npp": [np.nan, 3.0]}, r"'npp' of site 0 is missing.*1 of 2 sites"),
        ({"rain_swing": [1.5]}, r"'rain_swing' of site 0 is 1.5;"),
        ({"woody": [30.0]}, r"'woody' of site 0 is 30; .*share of the area"),
        ({"waterlogged": [-0.1]}, r"'waterlogged' of site 0"),
        ({"bedrock_depth": [250.0]}, r"is 250 m.*divide centimetres by 100"),
    ],
)
def test_a_wrong_value_names_site_column_and_next_step(change, message):
    with pytest.raises(DataError, match=message):
        made(**change)
    with pytest.raises(DataError, match=message):
        summary(**change)


def test_columns_of_different_length_are_refused():
    with pytest.raises(ShapeError, match=r"one value a site"):
        made(mat=[1.0, 2.0], amplitude=[1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match=r"one value a site"):
        made(mat=[[1.0, 2.0]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"wood_share": 1.5}, {"litter_shares": (0.5, 0.5, 0.5)}, {"capacity": 0.0},
        {"aridity": (0.7, 0.2)}, {"water": "budyko"},
    ],
)  # fmt: skip
def test_a_recipe_with_impossible_numbers_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ClimateRecipe(**wrong)
