"""Mutated files end in errors of ours, quickly, and purpose-built ones in little memory."""

import json
import os
import time
from pathlib import Path

import pytest
import torch

from benchmarks.reliability.fuzz import fuzzed_loads
from benchmarks.reliability.loaders import (
    Loader,
    loaders,
    process_of_starter,
    seal,
)
from benchmarks.reliability.score import Attempts
from discovery.config.file import load_config
from discovery.config.yaml_file import parse_yaml
from sciren.bounded import check_encoder_size, parse_json, read_bounded
from sciren.checkpoint import load_model
from sciren.errors import ConfigError, FormatError
from sciren.pykan import from_pykan
from sciren.pykan.tensor_file import read_tensors
from symbolic import SymbolicModel


@pytest.fixture(scope="module")
def hostile(made, tmp_path_factory):
    return loaders(made, tmp_path_factory.mktemp("fuzz"))


def test_valid_files_load(hostile):
    for loader in hostile:
        loader.load()


def test_mutated_files_end_in_errors_of_ours(hostile):
    score = fuzzed_loads(hostile, Attempts(380), slow=5.0)
    assert score.missed == (), score.line()


@pytest.mark.slow
def test_three_thousand_mutated_files_end_in_errors_of_ours(hostile):
    score = fuzzed_loads(hostile, Attempts(3000, 5), slow=5.0)
    assert (score.tried, score.missed) == (3000, ()), score.line()


def test_the_harness_sees_foreign_errors_and_slow_loads(tmp_path):
    def foreign():
        raise OverflowError("too large")

    def slow():
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass

    file = tmp_path / "f.json"
    file.write_text("{}")
    both = [Loader("a", file, foreign), Loader("b", file, slow)]
    score = fuzzed_loads(both, Attempts(4), slow=0.01)
    assert len(score.missed) == 4
    assert "OverflowError: too large" in score.missed[0]


def test_the_harness_sees_a_load_without_end_and_a_crash(tmp_path):
    file = tmp_path / "f.json"
    file.write_text("{}")

    def endless():
        while True:
            time.sleep(1)

    def crashing():
        os._exit(3)

    faulty = [
        Loader("endless", file, endless),
        Loader("crashing", file, crashing),
        Loader("sound", file, file.read_bytes),
    ]
    score = fuzzed_loads(faulty, Attempts(6), patience=0.2)
    assert score.missed == (
        "number 0: endless: no end within 0.2 s",
        "number 1: crashing: the process ended with 3",
        "number 3: endless: no end within 0.2 s",
        "number 4: crashing: the process ended with 3",
    )
    assert file.read_text() == "{}"


def test_a_small_file_does_not_unfold(tmp_path):
    big = torch.ones(250_000)
    torch.save({f"w{k}": big[:] for k in range(1000)}, tmp_path / "kan_state")
    with pytest.raises(FormatError, match="more than 4 times its size"):
        read_tensors(tmp_path / "kan_state")


def test_an_encoder_is_no_larger_than_what_was_stored(made, tmp_path):
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(made / "checkpoints" / "model", folder)
    stored = json.loads((folder / "model.json").read_text())
    stored["encoder"]["settings"]["n_inputs"] = 10**7
    (folder / "model.json").write_text(json.dumps(stored))
    seal(folder)
    with pytest.raises(FormatError, match="would hold at least"):
        load_model(folder, process_of_starter())


@pytest.mark.parametrize(
    ("kind", "settings", "numbers"),
    [
        ("linear", {}, 6),
        ("additive", {"width": 5}, 30),
        ("mlp", {"width": 4, "depth": 2}, 36),
        ("kan", {"hidden": [2], "grid": 3, "shared": True}, 30),
        ("kan", {"hidden": [2], "grid": [3, 4]}, 68),
    ],
)
def test_the_size_of_an_encoder_is_never_above_its_parameters(kind, settings, numbers):
    from sciren.encoders import build_encoder

    sizes = {"n_inputs": 3, "n_outputs": 2, **settings}
    built = sum(p.numel() for p in build_encoder(kind, sizes).parameters())
    check_encoder_size(kind, sizes, built)
    check_encoder_size(kind, sizes, numbers)
    with pytest.raises(FormatError, match=f"at least {numbers} numbers"):
        check_encoder_size(kind, sizes, numbers - 1)


def test_equations_without_end_are_refused(made, tmp_path):
    stored = json.loads((made / "equations.json").read_text())
    name = next(iter(stored["equations"]))
    stored["equations"][name] = ["add", *range(100_001)]
    (tmp_path / "e.json").write_text(json.dumps(stored))
    with pytest.raises(FormatError, match="more than 100,000 parts"):
        SymbolicModel.load(tmp_path / "e.json")


@pytest.mark.parametrize(
    "text", ["[" * 5000, "a: !!bool maybe", "a: !!int x", "a: [*b]"]
)
def test_odd_yaml_is_one_line(text):
    with pytest.raises(ConfigError, match=r"conf.yaml.*not readable as YAML"):
        parse_yaml(text, "conf.yaml")


def test_open_brackets_without_end_take_no_time(tmp_path):
    start = time.process_time()
    with pytest.raises(ConfigError, match="brackets inside brackets"):
        parse_yaml(f"a: [{'{' * 3000}", "conf.yaml")
    (tmp_path / "kan_config.yml").write_text("width: [" + "{" * 3000)
    with pytest.raises(FormatError, match="brackets inside brackets"):
        from_pykan(tmp_path / "kan", ["a"])
    assert time.process_time() - start < 0.3
    assert parse_yaml("a: [[1, {b: [2]}], '[[']", "c") == {"a": [[1, {"b": [2]}], "[["]}


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs an endless file")
def test_endless_files_are_not_read(tmp_path):
    with pytest.raises(
        ConfigError, match="/dev/zero: cannot be read as a configuration"
    ):
        load_config("/dev/zero")
    with pytest.raises(OSError, match="no regular file"):
        read_bounded(Path("/dev/zero"))
    (tmp_path / "long").write_bytes(bytes(11))
    with pytest.raises(OSError, match="more than"):
        read_bounded(tmp_path / "long", 10)


def test_deep_json_is_no_json():
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 200_000)


def test_a_missing_pykan_checkpoint_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"kan_config.yml cannot be read"):
        from_pykan(tmp_path / "kan", ["a"])
