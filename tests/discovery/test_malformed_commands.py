"""Wrong words on the command line: one line, exit code 2, nothing written."""

import subprocess
import sys

import pytest
import yaml

from discovery import cli
from discovery.config.file import load_config

ROLES = (
    "--target",
    "reco",
    "--features",
    "x1,x2",
    "--decoder",
    "q10",
    "--forcing",
    "ta",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a sound table of 40 rows."""
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(
        f"{k % 9}.5,{(k * 7) % 5}.5,{k % 4},{k % 7 + 1}" for k in range(40)
    )
    (tmp_path / "data.csv").write_text(f"x1,x2,ta,reco\n{rows}\n")
    return tmp_path


def code_of(*arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(list(map(str, arguments)))
    return end.value.code


def roles(**changes):
    """The words of a sound call with some of them changed, None: left out."""
    words = {ROLES[k][2:]: ROLES[k + 1] for k in range(0, len(ROLES), 2)} | changes
    return [w for n, v in words.items() if v is not None for w in (f"--{n}", v)]


WRONG = {
    "a table alone": (["data.csv"], "with --target and --features"),
    "no features": (["data.csv", *roles(features=None)], "columns mean with --features"),
    "no such table": (["date.csv", *ROLES], "date.csv: no such file"),
    "a target that is not there": (["data.csv", *roles(target="rec")], "names: reco"),
    "a feature that is not there": (["data.csv", *roles(features="x1,x3")], "no column 'x3'"),
    "a feature twice": (["data.csv", *roles(features="x1,x1")], "'x1' stands twice"),
    "half a forcing": (["data.csv", *roles(forcing="ta=")], "--forcing ta=: write name="),
    "an unknown forcing": (["data.csv", *roles(forcing="tb=ta")], "knows no forcing"),
    "no forcing": (["data.csv", *roles(forcing=None)], "needs 'ta', which is not mapped"),
    "an unknown process model": (["data.csv", *roles(decoder="q11")], "Closest names: q10"),
    "a process model of no file": (["data.csv", *roles(decoder="my.py:f")], "my.py: no such"),
    "a time that is not there": (["data.csv", *ROLES, "--time", "when"], "'data.time'"),
    "an unknown key": (["data.csv", *ROLES, "--set", "sed=1"], "Closest names: seed"),
    "a change without a value": (["data.csv", *ROLES, "--set", "seed"], "write key=value"),
    "roles beside a configuration": (["a.yaml", *ROLES], "roles of columns and --write"),
    "a configuration that is not there": (["a.yaml"], "a.yaml: no such file"),
    "another configuration in the way": (
        ["data.csv", *ROLES, "--set", "seed=1"], "holds another configuration"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("command", ["discover", "check"])
def test_wrong_words_are_one_line_and_nothing_is_written(
    folder, capsys, monkeypatch, command, what
):
    words, message = WRONG[what]
    if what.startswith("another"):
        if command == "check":
            pytest.skip("check writes nothing")
        (folder / "data.yaml").write_text("# mine\n")
    before = set(folder.rglob("*"))
    assert code_of(command, *words, "--quiet") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert message in said.err
    assert set(folder.rglob("*")) == before


def test_a_table_and_its_roles_write_the_configuration_that_says_the_same(
    folder, capsys, monkeypatch
):
    seen = []

    def stop(study, *_, **__):
        seen.append(study.config)
        raise KeyboardInterrupt

    monkeypatch.setattr("discovery.runs.training.train", stop)
    words = ["data.csv", *ROLES, "--set", "split.kind=random", "-q"]
    assert code_of("discover", *words) == 130
    assert "nothing is kept" in capsys.readouterr().err
    written = yaml.safe_load((folder / "data.yaml").read_text())
    assert written["targets"] == {"reco": "reco"}
    assert written["data"] == {"path": "data.csv"}
    assert load_config(folder / "data.yaml") == seen[0]
    assert code_of("discover", *words) == 130, "the same words may be said again"


def test_a_configuration_elsewhere_means_the_same_files(folder, monkeypatch):
    seen = []

    def stop(study, *_, **__):
        seen.append(study.config)
        raise KeyboardInterrupt

    monkeypatch.setattr("discovery.runs.training.train", stop)
    place = folder / "configs" / "first.yaml"
    assert code_of("discover", "data.csv", *ROLES, "--write", place, "-q") == 130
    assert load_config(place) == seen[0]
    assert seen[0].out.name == "first"  # two questions to one table are two runs


def test_check_says_what_would_be_done_and_does_nothing(folder, capsys, monkeypatch):
    def train(*_, **__):
        raise AssertionError("check must not train")

    monkeypatch.setattr("discovery.runs.training.train", train)
    before = set(folder.rglob("*"))
    changes = ["--set", "discovery.bootstrap=30", "--set", "discovery.members=3"]
    assert code_of("check", "data.csv", *ROLES, *changes) == 0
    out = capsys.readouterr().out
    assert "data.csv, 40 rows, 40 complete" in out
    assert "constant: q10, 0 to inf" in out
    assert "targets: reco = reco (40 observed)" in out
    assert "3 members, baselines" in out
    assert "30 resamples" in out
    assert f"would be written: {folder / 'runs' / 'data'}" in out
    assert set(folder.rglob("*")) == before


def test_wrong_paths_and_columns_are_told_before_anything_heavy_loads(folder):
    script = """
import sys
from discovery.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 2, end.code
assert not {"torch", "pandas", "sympy", "matplotlib"} & set(sys.modules), "loaded"
"""
    for words in (["data.csv", *roles(target="rec")],):
        done = subprocess.run(
            [sys.executable, "-c", script, "discover", *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
