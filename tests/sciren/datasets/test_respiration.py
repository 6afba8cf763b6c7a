"""Laws of the synthetic record: truth, noise, split and repeatability."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sciren.datasets import make_respiration
from sciren.datasets.temperature import ROWS, TOWER_CORRELATIONS
from sciren.errors import ConfigError, DataError


@pytest.fixture(scope="module", params=["linear", "abs"])
def study(request):
    return make_respiration(request.param, seed=1)


def test_clean_respiration_is_the_q10_law_on_the_stated_base(study):
    frame = study.frame
    slope = 0.0075 * frame["sw_pot"] - 0.00375 * frame["dsw_pot"]
    if study.setting == "linear":
        rb = slope + 1.03506858
    else:
        rb = (slope - slope.mean()).abs() / slope.std(ddof=0) + 0.1
    np.testing.assert_allclose(study.truth.rb, rb, rtol=1e-12)
    np.testing.assert_array_equal(frame["rb_true"], study.truth.rb)
    clean = rb * 1.5 ** ((frame["ta"] - 15) / 10)
    np.testing.assert_allclose(frame["reco_clean"], clean, rtol=1e-12)
    again = study.truth.base_respiration(frame["sw_pot"], frame["dsw_pot"])
    np.testing.assert_allclose(again, study.truth.rb, rtol=1e-12)


def test_the_formula_as_text_gives_the_base_respiration(study):
    columns = {name: study.frame[name] for name in ("sw_pot", "dsw_pot")}
    found = pd.DataFrame(columns).eval(study.truth.formula)
    np.testing.assert_allclose(found, study.truth.rb, atol=5e-6)


def test_base_respiration_spans_the_published_range(study):
    low, high = {"linear": (0.2355, 6.136), "abs": (0.1, 1.575)}[study.setting]
    assert study.truth.rb.min() == pytest.approx(low, abs=2e-4)
    assert study.truth.rb.max() == pytest.approx(high, abs=1e-3)


def test_rows_of_the_split_are_the_published_ones(study):
    parts = (study.train, study.valid, study.test)
    assert [int(part.sum()) for part in parts] == [56_102, 17_520, 17_568]
    assert not (study.train & study.valid).any()
    assert not (study.valid & study.test).any()
    years = study.frame["time"].dt.year
    assert set(years[study.train]) == {2003, 2004, 2005, 2006}
    assert set(years[study.valid]) == {2007}
    assert set(years[study.test]) == {2008}
    early = years <= 2006
    warmest = study.frame["ta"][study.train].max()
    assert (study.frame["ta"][early & ~study.train] > warmest).all()


def test_noise_is_relative_truncated_and_of_the_stated_size(study):
    eps = study.frame["reco"] / study.frame["reco_clean"] - 1
    assert eps.abs().max() <= 0.95
    assert eps.mean() == pytest.approx(0, abs=1e-3)
    assert eps.std() == pytest.approx(0.1, abs=1e-3)
    lag = np.corrcoef(eps[:-1], eps[1:])[0, 1]
    assert abs(lag) < 0.02


def test_the_noise_ceiling_is_near_the_published_one(study):
    test = study.frame[study.test]
    residual = ((test["reco"] - test["reco_clean"]) ** 2).sum()
    ceiling = 1 - residual / ((test["reco"] - test["reco"].mean()) ** 2).sum()
    published = {"linear": 0.977, "abs": 0.967}[study.setting]
    assert ceiling == pytest.approx(published, abs=0.004)


def test_wide_noise_stays_inside_the_limit():
    frame = make_respiration(noise=2.0).frame
    eps = frame["reco"] / frame["reco_clean"] - 1
    assert eps.abs().max() <= 0.95
    assert (frame["reco"] > 0).all()


def test_the_seed_changes_the_noise_and_nothing_else():
    one, same, other = (make_respiration(seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one.frame, same.frame)
    differing = [c for c in one.frame if not one.frame[c].equals(other.frame[c])]
    assert differing == ["reco"]
    assert np.array_equal(one.train, other.train)


def test_without_noise_the_observations_are_clean():
    frame = make_respiration("abs", noise=0).frame
    assert frame["reco"].equals(frame["reco_clean"])


def test_correlations_stand_beside_those_of_the_tower(study):
    table = study.correlations
    assert table.loc["CH-Dav tower"].to_dict() == TOWER_CORRELATIONS
    for name, tower in TOWER_CORRELATIONS.items():
        ours = np.corrcoef(study.frame["ta"], study.frame[name])[0, 1]
        assert table.loc["this record", name] == pytest.approx(ours)
        assert ours == pytest.approx(tower, abs=0.05)


def test_a_measured_temperature_drives_the_record():
    ta = np.random.default_rng(3).normal(5, 8, ROWS).round(1)
    study = make_respiration("abs", temperature=ta)
    assert study.temperature == "measured"
    assert np.array_equal(study.frame["ta"], ta)
    assert study.train.sum() >= 56_102  # ties at the quantile are kept
    with pytest.raises(DataError, match="has 10 values"):
        make_respiration(temperature=ta[:10])


def test_tables_carry_the_same_numbers_and_point_back_to_the_truth(study):
    split = study.tables()
    assert [len(part) for part in split] == [56_102, 17_520, 17_568]
    for part, rows in zip(split, (study.train, study.valid, study.test), strict=True):
        here = study.frame[rows]
        np.testing.assert_array_equal(part.features, here[["sw_pot", "dsw_pot", "ta"]])
        np.testing.assert_array_equal(part.targets[:, 0], here["reco"])
        np.testing.assert_array_equal(part.forcings["ta"], here["ta"])
        np.testing.assert_array_equal(study.truth.rb[part.row_ids], here["rb_true"])
    assert split.test.target_names == ("reco",)
    assert split.test.units["ta"] == "degC"
    assert int(split.valid.blocks.max()) == 52  # 2007 touches 53 calendar weeks
    fewer = study.tables(["sw_pot", "dsw_pot"])
    assert fewer.train.feature_names == ("sw_pot", "dsw_pot")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "cubic"}, "setting 'cubic' does not exist"),
        ({"noise": -0.1}, "noise=-0.1"),
        ({"noise": np.nan}, "noise=nan"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_wrong_settings_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        make_respiration(**options)


def test_data_sets_load_no_torch():
    code = (
        "import sys; from sciren.datasets import make_respiration; "
        "make_respiration(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
