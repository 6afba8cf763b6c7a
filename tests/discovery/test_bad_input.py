"""Wrong input of `sciren discover`: one line, exit code 2, nothing written."""

import pytest

from discovery import cli


def run(*arguments):
    """Run the command line in this process and return its exit code."""
    with pytest.raises(SystemExit) as end:
        cli.main(list(map(str, arguments)))
    return end.value.code


CONFIG = """\
data: {path: data.csv}
features: [x1, x2]
decoder: q10
forcings: {ta: ta}
targets: {reco: reco}
out: results
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "CONFIG.yaml"
    file.write_text(CONFIG)
    rows = "\n".join(f"{k},{(k * 7) % 5},{k % 4},{k + 1}" for k in range(20))
    (tmp_path / "data.csv").write_text(f"x1,x2,ta,reco\n{rows}\n")
    return file


WRONG = {
    "a config key that does not exist": (
        "features:",
        "featurs:",
        "Closest names: feat",
    ),
    "broken yaml": ("[x1, x2]", "[x1, x2", "line 3: not readable as YAML"),
    "a decoder that does not exist": ("q10", "q11", "Closest names: q10"),
    "a decoder's file that does not exist": ("q10", "my.py:f", "my.py: no such file"),
    "a forcing that is not mapped": ("{ta: ta}", "{}", "needs 'ta', which is not map"),
    "a missing file": ("data.csv", "dat.csv", "dat.csv: no such file"),
    "a missing column": ("x1, x2", "x1, x3", "Closest names: x2, x1"),
    "a filter that empties the table": ("data.csv", "data.csv, rows: ta > 9", "ta > 9"),
    "a filter without a column": ("data.csv", "data.csv, rows: 1 > 0", "1 > 0"),
    "a filter with another column": ("data.csv", "data.csv, rows: tb > 0", "'tb'"),
    "an unknown family": (
        "out: results",
        "discovery: {families: [linar]}\nout: results",
        "Closest names: linear",
    ),
    "an unknown key of training": (
        "out: results",
        "train: {epoch: 3}\nout: results",
        "'train.epoch' does not exist. Closest names: epochs",
    ),
}
DATA = {
    "an empty file": (None, "data.csv: the file is empty"),
    "a binary file": (b"\x89PNG\x00\x01\x02" * 9, "data.csv"),
    "text in a numeric column": (
        b"x1,x2,ta,reco\n1,2,3,4\n2,oops,4,5\n3,6,1,2\n",
        "'x2'",
    ),
    "infinities": (b"x1,x2,ta,reco\n1,2,3,4\n2,inf,4,5\n", "'x2'"),
    "a target without values": (b"x1,x2,ta,reco\n1,2,3,\n2,3,4,\n", "'reco'"),
    "a constant feature": (b"x1,x2,ta,reco\n1,2,3,4\n2,2,4,5\n3,2,4,5\n", "'x2'"),
    "equal column names": (b"x1,x1,ta,reco\n1,2,3,4\n", "'x1'"),
}


def fails_cleanly(config, capsys, message):
    before = set(config.parent.rglob("*"))
    code = run("discover", config)
    error = capsys.readouterr().err
    last = error.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert "Traceback" not in error
    assert set(config.parent.rglob("*")) == before
    return code


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_setting_is_one_line_and_exit_code_2(config, capsys, what):
    old, new, message = WRONG[what]
    config.write_text(CONFIG.replace(old, new, 1))
    assert fails_cleanly(config, capsys, message) == 2


@pytest.mark.parametrize("what", DATA)
def test_a_wrong_file_is_one_line_and_exit_code_2(config, capsys, what):
    content, message = DATA[what]
    (config.parent / "data.csv").write_bytes(content or b"")
    assert fails_cleanly(config, capsys, message) == 2


def test_a_missing_configuration_is_exit_code_2(tmp_path, capsys):
    assert run("discover", tmp_path / "no.yaml") == 2
    assert "no.yaml: no such file; `sciren init`" in capsys.readouterr().err
