"""Attempts are told as they are made, can be split, and are interrupted with a score."""

import random

import pytest

from benchmarks.reliability import __main__ as soak
from benchmarks.reliability import score
from benchmarks.reliability.score import Attempts, Score


def odd(number: int, rng: random.Random) -> list[str]:
    return [f"drew {rng.random():.3f}", "more"] if number % 2 else []


def test_a_part_that_is_split_makes_the_same_attempts():
    whole = Attempts(9, 4).made("odd", odd)
    parts = [Attempts(n, 4, first).made("odd", odd) for first, n in ((0, 4), (4, 5))]
    assert sum((part.missed for part in parts), ()) == whole.missed
    assert [text[:8] for text in whole.missed] == [f"number {n}" for n in (1, 3, 5, 7)]
    assert whole.line().startswith("odd: 5 of 9\n  number 1: drew")
    assert whole != Attempts(9, 5).made("odd", odd)


def test_progress_holds_the_score_so_far(monkeypatch):
    monkeypatch.setattr(score, "SECONDS", 0.0)
    said: list[str] = []
    Attempts(3, say=said.append).made("odd", odd)
    assert [text.split(",")[:2] for text in said if text.startswith("odd")] == [
        ["odd: 1 of 3 tried", " 0 missed"],
        ["odd: 2 of 3 tried", " 1 missed"],
        ["odd: 3 of 3 tried", " 1 missed"],
    ]


def test_an_interrupt_ends_with_the_score_so_far(monkeypatch, capsys):
    def interrupted(number: int, rng: random.Random) -> list[str]:
        if number == 5:
            raise KeyboardInterrupt
        return odd(number, rng)

    result = Attempts(9).made("odd", interrupted)
    assert (result.tried, result.asked, len(result.missed)) == (5, 9, 2)
    assert result.line().startswith("odd: 3 of 5 (interrupted, 9 were asked for)")
    monkeypatch.setattr(soak, "PARTS", {
        "one": (lambda run, place, attempts: [attempts.made("one", interrupted)], 9),
        "two": (lambda run, place, attempts: pytest.fail("goes on"), 9),
    })  # fmt: skip
    monkeypatch.setattr(soak.signal, "signal", lambda number, act: None)
    assert soak.main([]) == 1
    assert "interrupted" in capsys.readouterr().out


def test_an_interrupt_of_the_first_laws_leaves_the_others_alone(monkeypatch):
    monkeypatch.setattr(soak, "laws_kept", lambda laws, examples, *rest, **more: (
        Score("laws", 1, asked=2) if "r2" in laws else pytest.fail("goes on")
    ))  # fmt: skip
    monkeypatch.setattr(soak.signal, "signal", lambda number, act: None)
    assert soak.main(["numeric"]) == 1


def test_the_exit_code_says_whether_anything_went_through(monkeypatch, capsys):
    monkeypatch.setattr(soak.signal, "signal", lambda number, act: None)
    for missed in ((), ("a",)):
        score_ = Score("one", 1, missed)
        part = (lambda run, place, attempts, result=score_: [result], 1)
        monkeypatch.setattr(soak, "PARTS", {"one": part})
        assert soak.main(["one"]) == len(missed)
    with pytest.raises(SystemExit):
        soak.main(["three"])
    assert "no part is called 'three'" in capsys.readouterr().err
