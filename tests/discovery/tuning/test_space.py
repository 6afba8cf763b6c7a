"""Search spaces: what they hold comes back, and mistakes are told before training."""

import pytest

pytest.importorskip("optuna")

from discovery.config.file import config_from_mapping
from discovery.tuning.space import Choices, default_space, read_space, space_of
from discovery.tuning.tune import check_space
from sciren.errors import ConfigError

CONFIG = config_from_mapping(
    {"data": {"path": "d.csv"}, "features": ["a"], "targets": {"y": "y"}}
)


def test_every_kind_of_value_survives():
    values = [[], [2], "auto", None, True, 0.001, 3, "text"]
    space = space_of({"encoder.hidden": values, "train.a, train.b": [1, 2]}, "here")
    part = space.parts["encoder.hidden"]
    assert isinstance(part, Choices)
    assert [part.value(text) for text in part.texts] == values
    drawn = {"encoder.hidden": "[2]", "train.a, train.b": "1"}
    assert space.changes(drawn) == {"encoder.hidden": [2], "train.a": 1, "train.b": 1}


@pytest.mark.parametrize("engine", ["gauss-newton", "first-order"])
@pytest.mark.parametrize("kind", ["kan", "additive", "mlp", "linear"])
def test_default_spaces_fit_the_configuration(kind, engine):
    config = CONFIG.model_copy(
        update={"encoder": type(CONFIG).model_validate(
            CONFIG.model_dump(mode="json") | {"encoder": {"kind": kind}}
        ).encoder}
    )  # fmt: skip
    if engine == "first-order" or kind == "kan":
        check_space(config, default_space(config, engine))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.smooth: 3", "key 'train.smooth' is 3; write a list"),
        ("train.smooth: []", "write a list"),
        ("train.smooth: {low: 2, high: 1}", "low below high"),
        ("train.smooth: {low: 0, high: 1, log: true}", "above 0 where log"),
        ("train.smooth: {low: 0, top: 1}", "write low and high"),
    ],
)
def test_what_cannot_be_searched_is_told(tmp_path, text, message):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_space(path)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"train.smoooth": [1]}, "smoooth"),
        ({"encoder.grid": ["many"]}, "grid"),
        ({"seeds": [1]}, "seeds"),
    ],
)
def test_keys_and_values_are_checked_before_training(space, message):
    with pytest.raises(ConfigError, match=message):
        check_space(CONFIG, space_of(space, "here"))
