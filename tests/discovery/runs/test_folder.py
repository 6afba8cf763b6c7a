"""What is written appears whole or not at all, and nothing of others is touched."""

from pathlib import Path

import pytest

from discovery.runs import files
from discovery.runs import folder as folders
from sciren.errors import ConfigError, DataError


def fill(folder: Path, text: str = "new") -> None:
    for name in folders.RUN_FILES:
        (folder / name).write_text(text)


def test_a_run_appears_when_all_of_it_is_written(tmp_path):
    out = tmp_path / "runs" / "one"
    with folders.run_folder(out) as folder:
        fill(folder)
        (folder / "figures").mkdir()
        assert not out.exists()
        assert folder.parent == out.parent
        assert folder.name.startswith(".")
    assert folders.open_run(out) == out
    assert [path.name for path in out.parent.iterdir()] == ["one"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failure_leaves_everything_as_it_was(tmp_path, failure, overwrite):
    out = tmp_path / "one"
    if overwrite:
        out.mkdir()
        fill(out, "old")

    def fail(folder):
        fill(folder)
        raise failure

    with pytest.raises(failure), folders.run_folder(out, overwrite) as folder:
        fail(folder)
    assert [p.name for p in tmp_path.iterdir()] == (["one"] if overwrite else [])
    if overwrite:
        assert (out / "config.yaml").read_text() == "old"


def test_an_existing_run_is_replaced_only_when_asked_and_only_at_the_end(tmp_path):
    out = tmp_path / "one"
    out.mkdir()
    fill(out, "old")
    with (
        pytest.raises(ConfigError, match=r"a run is there already.*--overwrite"),
        folders.run_folder(out),
    ):
        pass
    with folders.run_folder(out, overwrite=True) as folder:
        fill(folder)
        assert (out / "config.yaml").read_text() == "old"
    assert (out / "config.yaml").read_text() == "new"
    assert list(tmp_path.iterdir()) == [out]


def test_an_old_run_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path, monkeypatch
):
    out = tmp_path / "one"
    out.mkdir()
    fill(out, "old")
    rename = Path.rename

    def no_new_ones(self, target):
        if ".sciren-new-" in self.name:
            raise OSError("disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", no_new_ones)
    with (
        pytest.raises(OSError, match="disk is gone"),
        folders.run_folder(out, overwrite=True) as folder,
    ):
        fill(folder)
    assert (out / "config.yaml").read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_that_is_no_run_is_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="no run of sciren, so it is left alone"):
        folders.check_free(tmp_path, overwrite=True)
    with pytest.raises(ConfigError, match="is a file; choose a folder"):
        folders.check_free(tmp_path / "thesis.tex", overwrite=True)


def test_an_empty_folder_may_be_filled(tmp_path):
    out = tmp_path / "empty"
    out.mkdir()
    with folders.run_folder(out) as folder:
        fill(folder)
    assert folders.is_run(out)


def test_a_place_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match="cannot be written"),
        folders.run_folder(tmp_path / "file" / "run"),
    ):
        pass
    with pytest.raises(ConfigError, match=r"a.txt: cannot be written"):
        files.write_text(tmp_path / "no" / "a.txt", "text")


def test_opening_what_is_no_run_says_what_is_missing(tmp_path):
    with pytest.raises(DataError, match="no such run folder"):
        folders.open_run(tmp_path / "no")
    (tmp_path / "config.yaml").write_text("")
    with pytest.raises(DataError, match=r"data.json is missing"):
        folders.open_run(tmp_path)
