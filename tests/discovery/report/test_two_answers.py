"""No number of a constant stands beside an interval that leaves it out."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from discovery import Discovery, load_config
from discovery.report.compare import facts_of
from discovery.report.constant_sentences import constant_sentence
from discovery.report.latex.methods import methods_paragraph
from discovery.report.summary import short_summary
from discovery.runs.files import read_record
from discovery.runs.writing import printable_of
from discovery.uncertainty.constants import in_equations, with_recommended
from discovery.verdict.constants import by_fits
from discovery.verdict.record import DOUBTED
from symbolic.printing.markdown import to_markdown

LOW, HIGH = 8.0, 10.0  # the light run's half is near 6


def moved(discovery: Discovery) -> Discovery:
    """The same result, whose recommended interval leaves out what the equations hold."""
    assert discovery.uncertainty is not None
    rows = tuple(
        {**row, "estimate": 9.0, "error": 0.5, "low": LOW, "high": HIGH}
        if row["recommended"]
        else row
        for row in discovery.uncertainty.constants
    )
    uncertainty = replace(discovery.uncertainty, constants=rows)
    constants = with_recommended(discovery.constants, uncertainty)
    return replace(discovery, uncertainty=uncertainty, constants=constants)


@pytest.fixture
def apart(light) -> Discovery:
    return moved(Discovery.load(light))


def own(discovery: Discovery) -> float:
    assert discovery.equations is not None
    return discovery.equations.constants["half"]


def study_of(folder: Path) -> Any:
    config = load_config(folder / "config.yaml")
    decoder = SimpleNamespace(parameters=(), targets=("gpp",))
    return SimpleNamespace(
        decoder=decoder, source="t.csv", fingerprint="0", config=config
    )


def test_a_constant_has_a_second_answer_only_outside_the_interval(light, apart):
    (row,) = Discovery.load(light).process_constants
    assert row["in_equations"] is None
    (row,) = apart.process_constants
    assert row["in_equations"]["estimate"] == pytest.approx(own(apart), rel=1e-6)
    assert not LOW <= own(apart) <= HIGH


def test_limits_that_are_not_known_leave_nothing_out():
    rows = [
        {"constant": "q10", "method": "profile", "estimate": 2.0, "low": float("nan"),
         "high": float("nan"), "recommended": True},
        {"constant": "q10", "method": "equations, refit", "estimate": 1.1, "low": 1.0,
         "high": 1.2, "recommended": False},
    ]  # fmt: skip
    assert in_equations(rows, "q10") is None
    assert in_equations(rows[1:], "q10") is None  # nothing is recommended
    assert in_equations([rows[0] | {"low": 1.5, "high": 3.0}, rows[1]], "q10")


def test_every_line_that_says_a_constant_says_both_answers(light, apart):
    shown = f"{own(apart):.2f}"[:3]
    line = next(
        text for text in short_summary(apart).splitlines() if text.startswith("half = ")
    )
    (row,) = apart.process_constants
    fact = next(fact for fact in facts_of(apart) if fact.kind == "constant")
    settings, record = study_of(light).config, read_record(light / "data.json")
    said = (line, constant_sentence(row), fact.text)
    for text in (*said, methods_paragraph(apart, settings, record)):
        assert shown in text
        assert "9.0" in text or "9 " in text
        assert "equations" in text


def test_documents_and_code_keep_interval_and_number_of_one_answer(light, apart):
    printed = printable_of(apart, study_of(light))
    constant = next(one for one in printed.constants if one.name == "half")
    assert constant.low <= constant.value <= constant.high
    assert "recommended is 9 (95 % 8 to 10)" in constant.note
    assert "recommended is 9" in printed.provenance["half"]
    row = next(x for x in to_markdown(printed).splitlines() if x.startswith("| half "))
    assert "two answers" in row
    alone = printable_of(Discovery.load(light), study_of(light))
    assert "half" not in alone.provenance


def test_the_verdict_doubts_a_constant_with_two_answers(light, apart):
    assert apart.uncertainty is not None
    same = Discovery.load(light).uncertainty
    assert same is not None
    assert all(reason.holds for reason in by_fits(same))
    (doubt,) = [reason for reason in by_fits(apart.uncertainty) if not reason.holds]
    assert doubt.subject == "half"
    assert "two answers" in doubt.sentence
    assert doubt.number == 9.0
    assert doubt.limit == pytest.approx(own(apart), rel=1e-6)
    row = apart.process_constants[0] | {
        "identified": False, "reason": f"{DOUBTED}{doubt.sentence}",
    }  # fmt: skip
    assert constant_sentence(row).count("9.0") == 1  # its numbers are said once
