"""Figures in documents are what the commands beside them printed."""

import argparse

import pytest

from benchmarks.belief import __main__ as belief
from benchmarks.belief.__main__ import FIGURES, PARTS, command, main, sets
from benchmarks.stored import StoredFigures


@pytest.mark.parametrize("path", FIGURES.documents, ids=lambda path: path.name)
def test_tables_of_the_documents_are_those_that_were_stored(path):
    text = path.read_text("utf-8")
    assert FIGURES.within(text) == text, (
        "run python -m benchmarks.belief figures after a new measurement"
    )


def test_every_stored_table_names_the_command_of_its_part():
    for part, found in FIGURES.tables().items():
        assert part in PARTS
        assert found["command"].startswith(
            f"python -m benchmarks.belief {part} --sets "
        )
        numbers = sets(found["command"].split("--sets ")[1].split(" ")[0])
        assert numbers.stop <= 1000, (
            "sets from 1000 on choose settings, they score none"
        )


def test_a_table_is_stored_with_its_command_and_put_into_its_place(
    tmp_path, monkeypatch, capsys
):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- belief: bands -->\nold\n<!-- end -->\nafter\n")
    stored = StoredFigures("belief", tmp_path / "figures.json", (page,))
    monkeypatch.setattr(belief, "FIGURES", stored)
    stored.store("bands", "python -m benchmarks.belief bands --sets 0-9", [{"a": 1}])
    assert main(["figures"]) == 0
    assert capsys.readouterr().out == "page.md\n"
    told = page.read_text().splitlines()
    assert told == [
        "before", "<!-- belief: bands -->",
        "`python -m benchmarks.belief bands --sets 0-9`", "",
        "| a |", "| --- |", "| 1 |", "<!-- end -->", "after",
    ]  # fmt: skip
    assert main(["figures"]) == 0
    assert capsys.readouterr().out == ""
    page.write_text("<!-- belief: prediction -->\n<!-- end -->")
    with pytest.raises(KeyError, match="prediction"):
        main(["figures"])


def test_the_command_of_some_cases_can_be_pasted():
    asked = argparse.Namespace(part="coverage", sets=sets("0-3"), cases=["AR 0.9"])
    assert command(asked) == (
        "python -m benchmarks.belief coverage --sets 0-3 --cases 'AR 0.9'"
    )
