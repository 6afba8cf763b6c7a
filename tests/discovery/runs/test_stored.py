"""A run read back is what was found."""

import json

import pandas as pd
import pytest

from discovery import Discovery
from discovery.runs.manifest import edits_accepted
from discovery.runs.stored import read_table, stored_config
from sciren.errors import DataError, FormatError


def test_a_loaded_discovery_has_everything(finished, light):
    found = Discovery.load(light)
    assert found.folder == light
    assert found.consistency == "PASS"
    assert found.model is None
    assert found.network().constants()["half"] == pytest.approx(6, rel=0.05)
    assert found.network() is found.model
    assert set(found.latex()) == {"efficiency"}
    assert found.process_constants[0]["constant"] == "half"
    assert len(found.importance) == 2
    assert found.profiles["constant"].unique().tolist() == ["half"]
    assert len(found.history) > 0
    assert stored_config(light).features == ("ta", "vpd")


def test_a_process_model_may_be_given_in_place_of_its_file(finished, light):
    from discovery.config.process import load_decoder

    decoder = load_decoder(f"{finished / 'my_process.py'}:light_use")
    settings = (light / "config.yaml").read_text()
    (light / "config.yaml").write_text(settings.replace("my_process.py", "gone.py"))
    with edits_accepted():
        assert Discovery.load(light).network(decoder).decoder is decoder


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metrics.json", "{}", "metrics.json: is not as `sciren discover` writes it"),
        ("metrics.json", "{", "metrics.json: cannot be read as JSON"),
        ("importance.csv", None, "importance.csv: cannot be read as a table"),
    ],
)
def test_a_damaged_run_is_named(light, name, content, message):
    if content is None:
        (light / name).unlink()
    else:
        (light / name).write_text(content)
    with pytest.raises(DataError, match=message):
        Discovery.load(light, accept_edits=True)


def test_a_damaged_equation_file_is_named(light):
    (light / "equations.json").write_text(json.dumps({"format": "something else"}))
    with pytest.raises(FormatError, match="equation"):
        Discovery.load(light, accept_edits=True)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such run folder"):
        Discovery.load(tmp_path / "none")
    with pytest.raises(DataError, match="is not a run of sciren"):
        Discovery.load(tmp_path)


def test_an_empty_table_is_a_table(tmp_path):
    (tmp_path / "empty.csv").write_text("\n")
    assert read_table(tmp_path / "empty.csv").equals(pd.DataFrame())
