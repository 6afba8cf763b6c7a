"""The climate command: waves that are put in come out, and pieces move what they should."""

import numpy as np
import pandas as pd
import pytest

from case_studies.layout import plain_grid
from case_studies.soil_carbon import __main__ as dispatcher
from case_studies.soil_carbon.climate_damping import FILE as TEMPERATURE
from case_studies.soil_carbon.climate_damping import damping_table, fit_wave
from case_studies.soil_carbon.climate_sensitivity import CHANGES, sensitivity_table
from case_studies.soil_carbon.profiles_africa import FILE as AFRICA
from case_studies.soil_carbon.profiles_sodah import FILE as SODAH
from case_studies.soil_carbon.profiles_sodah import read_sodah
from sciren.datasets import ClimateRecipe

DEPTHS = (0.02, 0.1, 0.2, 0.4)


def wave(days, fade, lag, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    day, z = (a.ravel() for a in np.meshgrid(np.arange(days), DEPTHS))
    t = (
        9.0
        + 2.0 * z
        + 8.0 * np.exp(-z / fade) * np.cos(2 * np.pi * day / 365.25 - 1.0 - z / lag)
    )
    return day, z, t + noise * rng.standard_normal(len(t))


@pytest.mark.parametrize("days", [170, 365, 800])
def test_a_wave_comes_back_even_from_half_a_year(days):
    found = fit_wave(*wave(days, 1.3, 1.3))
    assert found["damping"] == pytest.approx(1.3, rel=1e-4)
    assert found["amplitude"] == pytest.approx(8.0, rel=1e-4)
    assert (found["mean"], found["gradient"]) == pytest.approx((9.0, 2.0), abs=1e-3)
    assert found["rmse"] < 1e-5


def test_fading_and_lag_can_be_told_apart():
    found = fit_wave(*wave(700, 0.7, 2.0), apart=True)
    assert (found["damping"], found["lag_depth"]) == pytest.approx((0.7, 2.0), rel=1e-4)


def test_a_held_damping_depth_is_no_better_than_the_fitted_one():
    day, z, t = wave(400, 1.0, 1.0, noise=0.3)
    free, held = fit_wave(day, z, t), fit_wave(day, z, t, damping=2.0)
    assert held["damping"] == 2.0
    assert free["rmse"] < held["rmse"]


def temperature_frame(fade):
    day, z, t = wave(420, fade, fade, noise=0.2)
    return pd.DataFrame(
        {
            "dataset": "d20200305_VARGAS",
            "date": pd.Timestamp("2006-01-01") + pd.to_timedelta(day, unit="D"),
            "depth_cm": 100 * z,
            "tsoil": t,
        }
    )


def test_the_table_names_the_site_and_gives_an_honest_error(write):
    data = write(temperature_frame(1.2), TEMPERATURE)
    row = damping_table(data).iloc[0]
    assert row["site"] == "James Reserve"
    assert abs(row["damping"] - 1.2) < 4 * row["damping_se"] < 0.4
    assert row["diffusivity"] == pytest.approx(
        np.pi * row["damping"] ** 2 / (365.25 * 86_400) * 1e6
    )
    assert row["rmse"] <= row["rmse_recipe"]


def test_a_depth_at_its_limit_has_no_error(write):
    row = damping_table(write(temperature_frame(1e6), TEMPERATURE)).iloc[0]
    assert row["damping"] > 10
    assert np.isnan(row["damping_se"]) or row["damping_se"] > 0


def test_pieces_move_the_stock_as_they_must(sodah, write):
    found = sensitivity_table(read_sodah(write(sodah, SODAH))).set_index("piece")
    assert set(found.index) == set(CHANGES)
    # the model is linear in its input
    assert found.loc["NPP 20 % larger", "low_percent"] == pytest.approx(20.0)
    assert found.loc["NPP 20 % larger", "high_percent"] == pytest.approx(20.0)
    share = 100 * (0.5 / ClimateRecipe().carbon_share - 1)
    assert found.loc["0.50 gC per g of dry matter", "median_percent"] == pytest.approx(
        share
    )
    assert found.loc["waterlogged everywhere", "low_percent"] > 0
    assert found["mean_absolute_percent"].is_monotonic_decreasing


def test_the_command_writes_what_it_prints(sodah, africa, write, tmp_path, capsys):
    write(temperature_frame(1.0), TEMPERATURE)
    write(africa, AFRICA)
    data, out = write(sodah, SODAH), tmp_path / "out"
    asked = ["climate", "--data", str(data), "--out", str(out)]
    assert dispatcher.main(asked) == 0
    text = capsys.readouterr().out
    for name in ("damping", "sensitivity_neon", "sensitivity_africa"):
        assert f"## climate_{name}" in text
        assert (out / f"climate_{name}.csv").exists()


def test_missing_data_end_with_one_line(tmp_path, capsys):
    asked = ["climate", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert dispatcher.main(asked) == 1
    assert "--data names the folder" in capsys.readouterr().err


def test_numbers_are_rounded_to_significant_digits():
    table = pd.DataFrame({"site": ["a"], "value": [0.00123456]})
    assert plain_grid(table).splitlines()[-1] == "| a    | 0.00123 |"
