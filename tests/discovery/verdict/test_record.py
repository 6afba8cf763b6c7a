"""A headline follows from the reasons, and nothing is lost on the way to the file."""

import json
import math

import pytest

from discovery.verdict.record import DOUBTED, Reason, Verdict, not_judged


def reason(part, holds=True, **more):
    return Reason(part, "rb", holds, f"{part} {'holds' if holds else 'fails'}", **more)


GOOD = [reason("faithful"), reason("skilful"), reason("identified")]


def test_all_three_make_it_supported():
    verdict = Verdict.of(GOOD)
    assert str(verdict) == "supported"
    assert verdict.colour == "green"


@pytest.mark.parametrize("part", ["skilful", "identified"])
def test_a_doubt_makes_it_partly_supported(part):
    verdict = Verdict.of([*GOOD, reason(part, False)])
    assert str(verdict) == "partly supported"
    assert verdict.colour == "amber"
    assert not getattr(verdict, part)


@pytest.mark.parametrize("part", ["faithful", "skilful", "identified"])
def test_a_fatal_reason_makes_it_not_supported(part):
    verdict = Verdict.of([*GOOD, reason(part, False, fatal=True)])
    assert str(verdict) == "not supported"
    assert verdict.colour == "red"


def test_what_was_not_asked_is_not_supported():
    assert str(Verdict.of(GOOD[:1])) == "not supported"
    assert str(Verdict.of(GOOD[:2])) == "partly supported"
    assert str(not_judged("unknown", "ask")) == "not supported"


def test_doubts_come_first_and_the_most_important_of_them_before_all():
    small = reason("identified", False, rank=4)
    large = reason("skilful", False, rank=1)
    fatal = reason("skilful", False, fatal=True, rank=9)
    verdict = Verdict.of([*GOOD, small, large, fatal])
    assert list(verdict.reasons[:3]) == [fatal, large, small]


def test_the_top_is_never_a_wall():
    verdict = Verdict.of([*GOOD, *(reason("identified", False) for _ in range(20))])
    sentences = verdict.sentences()
    assert len(sentences) == 6
    assert "15 more doubts" in sentences[-1]


def test_doubts_and_what_holds_have_marks_of_their_own():
    verdict = Verdict.of([*GOOD, reason("identified", False)])
    marks = [line[:2] for line in verdict.marked()]
    assert marks == ["- ", *["+ "] * (len(verdict.sentences()) - 1)]
    assert [line[2:] for line in verdict.marked()] == verdict.sentences()


def test_a_sentence_carries_its_next_step():
    text = reason("skilful", False, next_step="Do this").text()
    assert text == "skilful fails. Do this."


def test_a_file_gives_the_same_verdict_back():
    odd = reason("identified", False, number=math.inf, limit=10.0, next_step="wait")
    verdict = Verdict.of([*GOOD, odd])
    again = Verdict.from_json(
        json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    )
    assert again == verdict


def test_a_constant_that_the_verdict_doubts_is_not_called_identified():
    import pandas as pd

    from discovery.results.uncertainty import with_doubts

    doubt = Reason("identified", "rb and q10", False, "q10 is not identified")
    verdict = Verdict.of([*GOOD, doubt])
    assert verdict.doubt_about("q10") == verdict.doubt_about("rb") == doubt
    assert verdict.doubt_about("q1") is None
    rows = [("q10", "", True), ("k", "", True), ("q10", "rb", None)]
    frame = pd.DataFrame(rows, columns=["constant", "latent", "identified"])
    found = with_doubts(frame.assign(reason=""), verdict)
    assert found["identified"].tolist() == [False, True, None]
    assert found["reason"].tolist() == [f"{DOUBTED}q10 is not identified", "", ""]
    assert frame["identified"].tolist() == [True, True, None]
