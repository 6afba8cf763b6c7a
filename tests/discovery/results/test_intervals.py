"""Intervals of predictions follow from the resampled constants, row by row."""

import numpy as np
import pandas as pd
import pytest

from discovery import Discovery
from discovery.results.intervals import (
    drawn_constants,
    replicate_columns,
    replicates_table,
)


@pytest.fixture(scope="module")
def found(finished):
    return Discovery.load(finished / "runs" / "light_use")


@pytest.fixture(scope="module")
def frame(finished):
    return pd.read_csv(finished / "data.csv")


def test_limits_are_quantiles_over_the_resampled_equations(found, frame):
    draws, equations = found.replicates, found.equations
    assert set(draws) == {
        "half", "efficiency::efficiency_0", "efficiency::a_ta", "efficiency::a_vpd"
    }  # fmt: skip
    inside = [
        draws[f"efficiency::{name}"] for name in ("efficiency_0", "a_ta", "a_vpd")
    ]
    offset, warm, dry = (one.to_numpy()[:, None] for one in inside)
    ta, vpd, par = (frame[name].to_numpy() for name in ("ta", "vpd", "par"))
    efficiency = np.maximum(0, offset + warm * ta + dry * vpd)
    gpp = efficiency * par / (1 + par / draws["half"].to_numpy()[:, None])
    limits = replicate_columns(equations, draws, {"ta": ta, "vpd": vpd, "par": par})
    assert list(limits) == ["gpp_low", "gpp_high", "efficiency_low", "efficiency_high"]
    for name, values in (("gpp", gpp), ("efficiency", efficiency)):
        low, high = np.quantile(values, (0.025, 0.975), axis=0)
        np.testing.assert_allclose(limits[f"{name}_low"], low, rtol=1e-9)
        np.testing.assert_allclose(limits[f"{name}_high"], high, rtol=1e-9)


def test_limits_do_not_depend_on_the_size_of_a_chunk(found, frame, monkeypatch):
    columns = {name: frame[name].to_numpy() for name in ("ta", "vpd", "par")}
    whole = replicate_columns(found.equations, found.replicates, columns)
    monkeypatch.setattr(
        "discovery.results.intervals.AT_ONCE", 7 * len(found.replicates)
    )
    for name, values in replicate_columns(
        found.equations, found.replicates, columns
    ).items():
        np.testing.assert_array_equal(values, whole[name])


def test_limits_hold_the_prediction_and_mostly_the_truth(found, frame):
    result = found.predict(frame, intervals=True)
    inside = (result["efficiency_low"] <= frame["efficiency"]) & (
        frame["efficiency"] <= result["efficiency_high"]
    )
    assert inside.mean() > 0.5  # rows are not independent: one set of constants
    assert (result["gpp_low"] <= result["gpp_high"]).all()
    middle = (result["gpp_low"] + result["gpp_high"]) / 2
    spread = result["gpp_high"] - result["gpp_low"]
    assert ((result["gpp"] - middle).abs() < spread).mean() > 0.95
    assert list(found.predict(frame)) == ["gpp", "efficiency"]


def test_without_or_with_few_resamples_there_are_no_limits(found, frame):
    columns = {name: frame[name].to_numpy() for name in ("ta", "vpd", "par")}
    assert replicates_table(None).empty
    assert replicate_columns(found.equations, replicates_table(None), columns) == {}
    few = found.replicates.iloc[:5]
    assert replicate_columns(found.equations, few, columns) == {}


def test_constants_that_no_resample_holds_are_drawn_from_their_errors(found, frame):
    columns = {name: frame[name].to_numpy() for name in ("ta", "vpd", "par")}
    whole = replicate_columns(found.equations, found.replicates, columns)
    fewer = found.replicates.drop(columns="efficiency::a_ta")
    none = drawn_constants(found.equations)
    assert set(none) == set(found.replicates)
    for draws in (fewer, none):
        part = replicate_columns(found.equations, draws, columns)
        width, other = (one["gpp_high"] - one["gpp_low"] for one in (whole, part))
        assert 0.5 < np.median(other / width) < 10


def test_limits_narrow_with_the_level(found, frame):
    columns = {name: frame[name].to_numpy() for name in ("ta", "vpd", "par")}
    wide, narrow = (
        replicate_columns(found.equations, found.replicates, columns, level)
        for level in (0.95, 0.5)
    )
    assert (narrow["gpp_low"] >= wide["gpp_low"]).all()
    assert (narrow["gpp_high"] <= wide["gpp_high"]).all()
