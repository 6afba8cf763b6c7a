"""What `sciren init` writes is complete, valid, and never replaces anything."""

import pytest
import yaml

from discovery.config.file import load_config, train_config
from discovery.config.process import load_decoder
from discovery.config.settings import (
    DataSettings,
    DiscoverySettings,
    KANSettings,
    RunConfig,
)
from discovery.config.starter import write_starter
from sciren.errors import ConfigError


@pytest.mark.parametrize("process_model", [False, True])
def test_the_starting_configuration_is_valid_and_its_defaults_are_true(
    tmp_path, process_model
):
    path = write_starter(tmp_path / "new", process_model)[0]
    config = load_config(path)
    assert train_config(config).engine == "auto"
    assert config.discovery == DiscoverySettings()
    assert config.encoder == KANSettings()
    assert config.split.kind == "auto"
    assert config.constraint == "auto"
    assert config.seed == 0
    assert config.decoder is not None
    decoder = load_decoder(config.decoder.name)
    assert decoder is not None
    assert set(config.forcings) == set(decoder.forcings)
    assert set(config.targets) == set(decoder.targets)


def test_every_key_is_there_with_a_comment_above_it(tmp_path):
    path = write_starter(tmp_path)[0]
    text = path.read_text()
    given = yaml.safe_load(text)
    assert set(given) == set(RunConfig.model_fields)
    assert set(given["data"]) == set(DataSettings.model_fields)
    assert set(given["discovery"]) == set(DiscoverySettings.model_fields)
    lines = text.splitlines()
    groups = ("data", "encoder", "train", "discovery", "targets")
    for number, line in enumerate(lines):
        key = line.strip().split(":")[0]
        if line.strip() and not line.strip().startswith("#") and key not in groups:
            assert lines[number - 1].strip().startswith("#"), line


def test_the_process_model_is_short_and_has_one_latent_and_one_constant(tmp_path):
    path = write_starter(tmp_path, process_model=True)[1]
    code = path.read_text().split('"""')[2]
    assert len(code.strip().splitlines()) <= 15
    decoder = load_decoder(f"{path}:light_use")
    assert decoder is not None
    assert decoder.latent_names == ("efficiency",)
    assert decoder.constant_names == ("half",)


@pytest.mark.parametrize("name", ["CONFIG.yaml", "my_process.py"])
def test_nothing_is_written_when_one_of_the_files_is_there(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match=f"{name}: is there already and stays"):
        write_starter(tmp_path, process_model=True)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_killed_call_is_finished_by_the_same_call(tmp_path):
    write_starter(tmp_path, process_model=True)
    (tmp_path / "my_process.py").unlink()
    assert len(write_starter(tmp_path, process_model=True)) == 2
    with pytest.raises(ConfigError, match=r"CONFIG.yaml: is there already and stays"):
        write_starter(tmp_path, process_model=True)
