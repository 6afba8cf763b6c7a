"""The shelf as text says what the declarations say, without torch."""

import pytest

from discovery.shelf.listing import (
    SOLVED,
    describe_process,
    list_processes,
    printed_equations,
    process_named,
    summary,
)
from sciren.errors import DecoderError
from sciren.processes import SHELF


def test_the_list_names_every_model_once_and_has_no_lines_too_long_for_a_screen():
    text = list_processes()
    names = [line.split()[0] for line in text.splitlines()[1:] if line[:1].isalnum()]
    assert names[:-1] == sorted([*SHELF, *SOLVED])
    assert max(map(len, text.splitlines())) <= 120


def test_a_model_is_shown_with_equation_parameters_and_reference():
    text = describe_process("lloyd_taylor")
    for part in (
        "Lloyd & Taylor 1994",
        "Identifiability:",
        "reco = ",
        "exp(",
        "umol m-2 s-1",
    ):
        assert part in text
    row = next(line for line in text.splitlines() if line.startswith("e0 "))
    assert row.split()[:4] == ["e0", "constant", "50", "400"]


def test_short_numbers_and_ratios_are_printed_exactly():
    (line,) = printed_equations(SHELF["manning"])
    assert "(5/3)" in line
    assert "46.02" in printed_equations(SHELF["lloyd_taylor"])[0]


def test_an_unknown_name_is_told_with_the_closest():
    with pytest.raises(
        DecoderError, match=r"'loyd_taylor'.*Closest names: lloyd_taylor"
    ):
        describe_process("loyd_taylor")


@pytest.mark.parametrize("name", SOLVED)
def test_what_the_list_says_of_a_model_that_solves_a_system_is_its_first_line(name):
    assert SOLVED[name] == summary(process_named(name))
    assert describe_process(name).startswith(f"{name}\n\n{SOLVED[name]}")


@pytest.mark.parametrize("name", SOLVED)
def test_everything_that_a_model_that_solves_a_system_needs_has_unit_and_meaning(name):
    model = process_named(name)
    for declared in (*model.forcing_table, *model.parameters):
        assert declared.unit, declared.name
        assert declared.meaning, declared.name
