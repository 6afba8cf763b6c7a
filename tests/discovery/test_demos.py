"""The demo finds the equation behind the simulated record."""

import numpy as np
import pytest

from discovery import Discovery
from discovery.demos import (
    demo_respiration,
    demo_soil_carbon,
    respiration_config,
    soil_carbon_config,
)
from discovery.report.summary import summary
from discovery.tables.prepare import decoder_of, prepare
from sciren.datasets import make_soil_carbon
from sciren.errors import ConfigError


def test_all_three_features_are_offered_with_the_published_split(tmp_path):
    config = respiration_config(tmp_path / "run", "abs", 3)
    assert config.features == ("sw_pot", "dsw_pot", "ta")
    assert config.data.dataset.settings == {"setting": "abs", "seed": 3}
    assert config.split.kind == "column"
    assert config.encoder.hidden == "auto"
    assert (config.seed, config.out) == (3, tmp_path / "run")


@pytest.mark.slow
def test_the_demo_ends_with_a_verified_equation(tmp_path):
    folder = demo_respiration(tmp_path / "run", "linear", 0, quiet=True)
    found = Discovery.load(folder)
    assert found.consistency == "PASS"
    values = found.constants.set_index("constant")["estimate"]
    assert values["a_sw_pot"] == pytest.approx(0.0075, rel=0.02)
    assert values["a_dsw_pot"] == pytest.approx(-0.00375, rel=0.02)
    assert values["q10"] == pytest.approx(1.5, abs=0.01)
    assert {"sw_pot", "dsw_pot"} == {
        str(symbol) for symbol in found.sympy()["rb"].free_symbols
    }
    text = summary(folder)
    assert "q10 = 1.50" in text
    assert "consistency: PASS" in text
    assert "truth: rb = 0.0075*sw_pot - 0.00375*dsw_pot + 1.03506858" in text


def test_the_soil_carbon_study_knows_sites_split_and_truth(tmp_path):
    config = soil_carbon_config(tmp_path / "run", 2)
    study = prepare(config)
    known = make_soil_carbon(seed=2)
    assert study.table.feature_names == known.features
    assert len(study.decoder.sites) == 1018
    assert study.formulas == known.truth.formulas
    for mine, wanted in zip(study.split, known.tables(1), strict=True):
        np.testing.assert_array_equal(mine.row_ids, wanted.row_ids)
        assert mine.targets.equal(wanted.targets)
    assert set(study.truth) == set(study.decoder.latent_names)


def test_the_soil_carbon_model_can_have_other_parameters(tmp_path):
    config = soil_carbon_config(tmp_path / "run")
    other = config.decoder.model_copy(update={"settings": {"predicted": ["q10"]}})
    decoder = decoder_of(config.model_copy(update={"decoder": other}))
    assert decoder.latent_names == ("q10",)
    assert "soil_temperature" in decoder.forcings


def test_settings_that_the_generator_does_not_take_are_named(tmp_path):
    config = soil_carbon_config(tmp_path / "run")
    dataset = config.data.dataset.model_copy(update={"settings": {"sites": 3}})
    data = config.data.model_copy(update={"dataset": dataset})
    with pytest.raises(ConfigError, match="unexpected keyword argument 'sites'"):
        prepare(config.model_copy(update={"data": data}))


@pytest.mark.slow
def test_the_soil_carbon_demo_finds_the_features_of_four_parameters(tmp_path):
    folder = demo_soil_carbon(tmp_path / "run", 0, quiet=True)
    found = Discovery.load(folder)
    assert found.consistency == "PASS"
    truth = make_soil_carbon(seed=0).truth
    edges = {
        (str(symbol), name)
        for name, expression in found.sympy().items()
        for symbol in expression.free_symbols
    }
    assert edges == truth.edges
    # single edges are not tested behind this process, and every curve has a band
    assert found.uncertainty is None
    bands = found.bands
    assert set(zip(bands["source"], bands["latent"], strict=True)) == edges
