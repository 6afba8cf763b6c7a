"""A configuration is complete, frozen, and refuses what it does not know."""

import inspect
from typing import get_args

import pytest
from pydantic import ValidationError

from discovery.config import settings
from discovery.config.file import (
    config_from_mapping,
    load_config,
    resolved_yaml,
    train_config,
    write_resolved_config,
)
from sciren.errors import ConfigError

EXAMPLE = """\
data:
  path: tower.csv.gz
  time: time
  rows: "sw_pot_inst == 0 and nee == nee"
features: [sw_pot, dsw_pot, ta]
decoder: q10
forcings: {ta: ta}
targets: {reco: nee}
units: {ta: degC, nee: umol m-2 s-1}
encoder: {kind: kan, hidden: []}
constraint: auto
split: {kind: time, train: ["2013", "2018"], valid: 2019, test: ["2020", "2021"]}
train: {engine: auto}
discovery: {families: [linear, quadratic, exp, log, abs], members: 5}
seed: 0
out: runs/davos
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE)
    return path


def test_the_example_of_the_design_reads_as_it_stands(file):
    config = load_config(file)
    assert config.features == ("sw_pot", "dsw_pot", "ta")
    assert config.decoder is not None
    assert config.decoder.name == "q10"
    assert config.targets == {"reco": "nee"}
    assert config.encoder.kind == "kan"
    assert isinstance(config.split, settings.TimeSplit)
    assert config.split.train == ("2013", "2018")
    assert config.split.valid == "2019"


def test_a_config_cannot_be_changed(file):
    with pytest.raises(ValidationError, match="frozen"):
        load_config(file).seed = 1


def test_relative_paths_count_from_the_file_and_overrides_from_here(file, tmp_path):
    here = tmp_path / "elsewhere"
    config = load_config(file, ["decoder=my.py:model"], here)
    assert config.data.path == tmp_path / "tower.csv.gz"
    assert config.out == tmp_path / "runs/davos"
    assert config.decoder is not None
    assert config.decoder.name == f"{here}/my.py:model"
    config = load_config(file, ["data.path=a.csv", "out=results"], here)
    assert (config.data.path, config.out) == (here / "a.csv", here / "results")
    absolute = tmp_path / "b.csv"
    assert load_config(file, [f"data.path={absolute}"]).data.path == absolute


def test_the_results_go_beside_the_file_when_no_folder_is_named(file):
    file.write_text(EXAMPLE.replace("out: runs/davos\n", ""))
    assert load_config(file).out == file.parent / "runs" / "config"


def test_groups_can_be_left_out_or_shortened(file):
    config = load_config(
        file, ["encoder=mlp", "split=null", "targets=[reco]", "decoder=null"]
    )
    assert config.encoder == settings.MLPSettings()
    assert config.split == settings.AutoSplit()
    assert config.targets == {"reco": "reco"}
    assert config.decoder is None
    assert load_config(file, ["encoder={hidden: [2]}"]).encoder.kind == "kan"
    assert load_config(file, ["encoder.hidden=null"]).encoder == settings.KANSettings()


def test_overrides_reach_groups_that_the_file_does_not_name(file):
    config = load_config(
        file, ["discovery.pins={ta -> rb: linear}", "train.epochs=7", "seed=3"]
    )
    assert config.discovery.pins == {"ta -> rb": "linear"}
    train = train_config(config)
    # the seed of the run decides no hidden layer
    assert (train.epochs, train.seed, config.seed) == (7, 0, 3)
    assert train.bootstrap == 0  # of the curves; discovery.bootstrap is the equations'
    assert not train.ladder
    assert train_config(load_config(file, ["encoder.hidden=auto"])).ladder
    own = ["encoder.hidden=auto", "train={ladder: false, bootstrap: 9, seed: 4}"]
    train = train_config(load_config(file, own))
    assert (train.ladder, train.bootstrap, train.seed) == (False, 9, 4)
    file.write_text(EXAMPLE.replace("train: {engine: auto}\n", ""))
    assert train_config(load_config(file, ["train.epochs=8"])).epochs == 8


def test_the_resolved_file_runs_again_and_names_versions(file, tmp_path):
    config = load_config(file, ["decoder=my.py:f", "constraint={rb: relu}"])
    write_resolved_config(config, tmp_path / "resolved.yaml")
    text = (tmp_path / "resolved.yaml").read_text()
    assert load_config(tmp_path / "resolved.yaml") == config
    assert "# torch " in text
    assert "# python " in text
    assert text == resolved_yaml(config)


WRONG = [
    ("feature=[a]", "key 'feature' does not exist. Closest names: features."),
    ("train.epoch=3", "key 'train.epoch' does not exist. Closest names: epochs"),
    ("encoder.hiden=[1]", "key 'encoder.hiden' does not exist. Closest names: hidden"),
    ("data.tim=a", "key 'data.tim' does not exist. Closest names: time"),
    ("decoder={nme: q10}", "key 'decoder.nme' does not exist. Closest names: name."),
    ("discovery.member=3", "Closest names: members."),
    ("features=ta", "key 'features' is 'ta': write a list, such as [a, b]"),
    ("features=[ta, ta]", "'ta' stands twice; name each feature once"),
    ("targets={}", "key 'targets' is {}: give at least one"),
    ("data=null", "key 'data' is null: write lines of `key: value`"),
    ("data.path=null", "name the file of the observations as path"),
    ("data.dataset=respiration", "name the file of the observations as path"),
    ("data={dataset: respirat}", "Closest names: respiration"),
    ("encoder.kind=kam", "key 'encoder.kind' is 'kam'. Closest names: kan."),
    ("encoder.hidden=[0]", "write auto, or the nodes of each hidden layer"),
    ("encoder.hidden=deep", "key 'encoder.hidden' is 'deep': write auto, or the nodes"),
    ("encoder.shared=maybe", "key 'encoder.shared' is 'maybe': write true or false"),
    ("encoder=5", "key 'encoder' is 5"),
    ("split={kind: time}", "key 'split.train' is missing"),
    ("split.train=[a, b, c]", "write a period"),
    (
        "split={kind: random, fractions: [0.5, 0.4, 0.3]}",
        "the three shares sum to 1.2, not to 1",
    ),
    (
        "split={fractions: [0.5, 0.5]}",
        "key 'split.fractions' is [0.5, 0.5]: give 3 values",
    ),
    ("constraint=hardsigmoid", "use one of auto, identity, hard_sigmoid"),
    ("constraint={rb: reluu}", "key 'constraint.rb' is 'reluu'"),
    ("seed=-1", "key 'seed' is -1: it should be greater than or equal to 0"),
    ("seed=abc", "key 'seed' is 'abc': write a whole number"),
    ("discovery.members=0", "key 'discovery.members' is 0: it should be greater"),
    ("train=5", "key 'train' is 5"),
    ("train.epochs=x", "key 'train.epochs' is 'x': write a whole number"),
    ("train.profile_range={q10: [3, 1]}", "key 'train'"),
    ("seed=true", "key 'seed' is true: it should be a number"),
    ("encoder.grid=true", "key 'encoder.grid' is true: it should be a number"),
    ("train.epochs=on", "key 'train.epochs' is 'on': write a whole number"),
    ("train.smooth=false", "key 'train.smooth' is false: it should be a number"),
    ("periodic={ta: true}", "key 'periodic.ta' is true: it should be a number"),
]


@pytest.mark.parametrize(("override", "message"), WRONG)
def test_a_wrong_setting_is_one_line_with_file_key_and_advice(file, override, message):
    with pytest.raises(ConfigError) as raised:
        train_config(load_config(file, [override]), str(file))
    text = str(raised.value)
    assert text.startswith(f"{file}: ")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set seed: write key=value"),
        ("=3", "--set =3: write key=value"),
        ("data..path=3", "write key=value"),
        ("decoder.name=x", "'decoder' is 'q10' and holds no keys"),
        ("features=[a", "--set features=.*line 1: not readable as YAML"),
    ],
)
def test_a_wrong_override_names_itself(file, override, message):
    with pytest.raises(ConfigError, match=message):
        load_config(file, [override])


def test_several_wrong_keys_are_counted():
    with pytest.raises(ConfigError, match=r"settings: key 'data' is missing \(2 more"):
        config_from_mapping({})
    with pytest.raises(ConfigError, match=r"'fetures' does not exist.*\(3 more"):
        config_from_mapping({"fetures": ["a"]})


def test_encoder_settings_are_the_arguments_of_the_encoders():
    from sciren.encoders import ENCODERS

    groups = {
        "kan": settings.KANSettings,
        "additive": settings.AdditiveSettings,
        "linear": settings.LinearSettings,
        "mlp": settings.MLPSettings,
    }
    assert set(groups) == set(ENCODERS)
    for kind, group in groups.items():
        arguments = inspect.signature(ENCODERS[kind]).parameters
        given_by_the_run = {"n_inputs", "n_outputs", "seed"}
        assert set(group.model_fields) - {"kind"} == set(arguments) - given_by_the_run
        for name in set(group.model_fields) - {"kind", "hidden"}:
            assert group.model_fields[name].default == arguments[name].default


def test_constraint_names_are_those_of_the_core():
    from sciren.constraints import CONSTRAINTS

    assert set(get_args(settings.ConstraintName)) == {"auto", *CONSTRAINTS}


def test_no_feature_is_refused_without_a_process(file):
    with pytest.raises(ConfigError, match=r"features is \[\]: give at least one"):
        load_config(file, ["features=[]", "decoder=null"])
