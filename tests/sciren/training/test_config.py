"""Settings of training are frozen, bounded and complete."""

import pytest
from pydantic import ValidationError

from sciren.training.config import PAPER, TrainConfig


def test_the_defaults_are_valid_and_frozen():
    config = TrainConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "epoch\n.*not permitted"),
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"learning_rate": 0}, "greater than 0"),
        ({"smooth": -1}, "greater than or equal to 0"),
        ({"engine": "adam"}, "'auto', 'gauss-newton' or 'first-order'"),
        ({"schedule": "cosine"}, "'one-cycle' or 'constant'"),
        ({"precision": "float16"}, "'float32' or 'float64'"),
        ({"profile_range": {"q10": (3, 1)}}, "'q10': 3.0 is not below 1.0"),
        ({"offset": 0}, "greater than 0"),
        ({"ladder_gain": 1}, "less than 1"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        TrainConfig(**settings)


def test_the_preset_fills_in_the_published_settings():
    config = TrainConfig(preset="paper")
    assert all(getattr(config, name) == value for name, value in PAPER.items())
    assert config.learning_rate == 1e-3
    assert config.violation_reduction == "sum"


def test_keys_that_are_given_win_over_the_preset():
    config = TrainConfig(preset="paper", epochs=7, entropy=0.5)
    assert (config.epochs, config.entropy, config.l1) == (7, 0.5, 0.01)


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_a_changed_copy_is_checked_and_changes_nothing_else(preset):
    config = TrainConfig(preset=preset, seed=4)
    changed = config.replace(l1=0.25)
    assert changed.l1 == 0.25
    assert changed.replace(l1=config.l1) == config
    with pytest.raises(ValidationError, match="not permitted"):
        config.replace(l_1=0.1)


def test_every_setting_survives_a_file():
    config = TrainConfig(preset="paper", profile_range={"q10": (0.3, 10)})
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
