"""Laws of the simulated soil profiles: places, features, forcing, truth, splits."""

import numpy as np
import pytest
import torch

from sciren.data import split_by_block
from sciren.datasets import make_soil_carbon
from sciren.datasets.soil_carbon import PARAMETERS
from sciren.datasets.soil_sites import EAST, FEATURES, NORTH, SOUTH, WEST, correlations
from sciren.decoders.clm5 import CLM5SoilCarbon
from sciren.decoders.clm5.parameters import NAMES
from sciren.errors import ConfigError

SEEDS = (0, 1, 2, 3)
SOIL, GROWTH = ("clay", "cec", "wilting_point"), ("bio12", "npp", "vegc")


@pytest.fixture(scope="module", params=SEEDS)
def study(request):
    return make_soil_carbon(seed=request.param)


def test_sites_lie_in_the_conterminous_united_states(study):
    assert len(study.sites) == 1018
    assert study.sites["lon"].between(WEST, EAST).all()
    assert study.sites["lat"].between(SOUTH, NORTH).all()


def test_features_keep_their_ranges_and_name_their_units(study):
    assert len(FEATURES) == 10
    assert study.features == tuple(FEATURES)
    for name, feature in FEATURES.items():
        assert study.sites[name].between(feature.low, feature.high).all()
        assert study.units[name] == feature.unit
        assert study.sites[name].std() > 0.1 * (feature.high - feature.low)
    assert (study.sites["clay"] + study.sites["sand"]).max() <= 100


@pytest.mark.parametrize(
    ("group", "low", "high"), [(SOIL, 0.8, 0.9), (GROWTH, 0.7, 0.8)]
)
def test_related_features_are_correlated_as_stated(study, group, low, high):
    found = study.sites[list(group)].corr().to_numpy()[np.triu_indices(3, 1)]
    assert ((found > low) & (found < high)).all(), found


def test_the_stated_correlations_can_exist():
    matrix = correlations().to_numpy()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_cold_sites_lie_in_the_north_and_wet_ones_in_the_east(study):
    assert study.sites["bio1"].corr(study.sites["lat"]) < -0.4
    assert study.sites["bio12"].corr(study.sites["lon"]) > 0.3


def test_bedrock_is_below_all_layers_at_two_fifths_of_the_sites(study):
    rock = study.forcing.nbedrock[:, 0].numpy()
    assert (study.forcing.nbedrock == study.forcing.nbedrock[:, :1]).all()
    assert abs((rock == 20).mean() - 0.4) < 0.05
    assert set(rock[rock != 20]) == set(range(6, 20))


def test_forcing_follows_the_features(study):
    forcing, sites = study.forcing, study.sites
    deep = forcing.soil_temperature[:, -1].mean(1).numpy() - 273.15
    np.testing.assert_allclose(deep, sites["bio1"], atol=0.2)
    names = ("input_cwd", "input_litter1", "input_litter2", "input_litter3")
    inputs = sum(getattr(forcing, name).sum(1) for name in names)
    np.testing.assert_allclose(inputs, sites["npp"], rtol=1e-12)
    wetness = forcing.w_scalar.mean((1, 2)).numpy()
    assert np.corrcoef(wetness, sites["bio12"])[0, 1] > 0.6
    share = forcing.input_cwd.sum(1) / inputs
    assert np.corrcoef(share, sites["vegc"])[0, 1] > 0.3
    np.testing.assert_allclose(forcing.sand[:, 0, 0], sites["sand"], rtol=1e-12)


def test_every_site_has_two_to_eight_sorted_depths(study):
    counts = study.frame.groupby("site").size()
    assert counts.index.tolist() == list(range(1018))
    assert set(counts) == set(range(2, 9))
    assert study.frame["depth"].between(10**-2.5, 10**0.5).all()
    assert study.frame.groupby("site")["depth"].is_monotonic_increasing.all()


def test_a_quarter_of_the_sites_or_more_do_not_feel_w_scaling(study):
    blind = ~study.truth.sensitive["w_scaling"].to_numpy()
    assert blind.mean() >= 0.25
    assert study.truth.sensitive.drop(columns="w_scaling").to_numpy().all()
    decoder = CLM5SoilCarbon(PARAMETERS)
    unit = torch.tensor(study.truth.unit.to_numpy(), requires_grad=True)
    soc = decoder.soc(decoder.steady_state(decoder.complete(unit), study.forcing))
    soc.sum().backward()
    slopes = unit.grad[:, PARAMETERS.index("w_scaling")].numpy()
    assert (slopes[blind] == 0).all()
    assert (slopes[~blind] != 0).all()


def test_observations_are_the_model_at_the_true_parameters(study):
    names = [f"{name}_true" for name in PARAMETERS]
    rows = torch.arange(0, len(study.frame), 7)
    part = study.table().take(rows)
    latents = torch.tensor(study.frame[names].to_numpy()[rows])
    found = study.decoder().evaluate(latents, latents[:, :0], part.forcings)
    np.testing.assert_allclose(found, part.targets, rtol=1e-9)
    middle = [n for n in NAMES if n not in PARAMETERS]
    assert study.decoder().predicted == PARAMETERS
    assert len(middle) == 17


def test_folds_are_whole_blocks_dealt_as_published(study):
    sites = study.sites
    wanted = split_by_block(sites["lon"], sites["lat"], 2.0, 5, 12345)
    np.testing.assert_array_equal(sites["fold"], wanted)
    for split in range(1, 6):
        parts = study.tables(split)
        owners = [set(part.forcings["site"].int().tolist()) for part in parts]
        assert sum(map(len, owners)) == 1018 == len(set.union(*owners))
        assert set(sites["fold"][list(owners[1])]) == {split % 5}
        assert set(sites["fold"][list(owners[2])]) == {split - 1}
        assert sum(map(len, parts)) == len(study.frame)


def test_the_same_seed_gives_the_same_record():
    one, again = (make_soil_carbon(80, seed=5, noise=0.1) for _ in range(2))
    assert one.frame.equals(again.frame)
    assert one.sites.equals(again.sites)
    other = make_soil_carbon(80, seed=6, noise=0.1)
    assert not one.sites["lon"].equals(other.sites["lon"])


def test_noise_is_relative_and_changes_nothing_else():
    clean, noisy = (make_soil_carbon(200, seed=1, noise=sd) for sd in (0.0, 0.2))
    np.testing.assert_array_equal(clean.frame["soc"], clean.frame["soc_clean"])
    np.testing.assert_array_equal(clean.frame["soc_clean"], noisy.frame["soc_clean"])
    ratio = noisy.frame["soc"] / noisy.frame["soc_clean"] - 1
    assert abs(ratio.std() - 0.2) < 0.03
    assert (noisy.frame["soc"] > 0).all()


def test_fewer_features_can_be_offered():
    split = make_soil_carbon(80).tables(2, ["npp", "bio1"])
    assert split.train.feature_names == ("npp", "bio1")


@pytest.mark.parametrize(
    "wrong", [{"n_sites": 10}, {"seed": -1}, {"noise": -0.1}, {"truth": -1}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(
        ConfigError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"
    ):
        make_soil_carbon(**wrong)


def test_there_are_five_splits():
    with pytest.raises(ConfigError, match="split 6"):
        make_soil_carbon(80).tables(6)
