"""A configuration of somebody else runs no code but what came with it."""

import pytest

from discovery import cli
from discovery.config.process import check_code_place
from sciren.errors import DecoderError

CODE = "raise SystemExit('this was run')\n"


@pytest.fixture
def downloaded(tmp_path):
    """A folder with a configuration that names code of the user outside of it."""
    (tmp_path / "mine.py").write_text(CODE)
    folder = tmp_path / "downloaded"
    folder.mkdir()
    (folder / "data.csv").write_text("x,y\n1,2\n")
    (folder / "CONFIG.yaml").write_text(
        "data: {path: data.csv}\nfeatures: [x]\ntargets: {y: y}\n"
        "decoder: ../mine.py:f\n"
    )
    return folder / "CONFIG.yaml"


def said(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(list(map(str, arguments)))
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "discover", "tune"])
def test_code_outside_the_folder_is_not_run(downloaded, capsys, command):
    error = said(capsys, command, downloaded)
    assert "lies outside the folder of the configuration, so it is not run" in error
    assert error.count("\n") == 1


def test_it_runs_where_the_user_allows_or_names_it(downloaded, capsys):
    place = downloaded.parent.parent / "mine.py"
    for words in (["--allow-code"], ["--set", f"decoder={place}:f"]):
        assert "ends the program" in said(capsys, "check", downloaded, *words)


def test_code_beside_the_configuration_and_built_in_models_are_fine(downloaded):
    check_code_place("q10", downloaded, named=False)
    check_code_place(None, downloaded, named=False)
    inside = downloaded.parent / "models" / "mine.py"
    check_code_place(f"{inside}:f", downloaded, named=False)
    with pytest.raises(DecoderError, match="--allow-code"):
        check_code_place(f"{inside.parent}/../../mine.py:f", downloaded, named=False)
