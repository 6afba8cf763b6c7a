"""The page of the Davos study says what its runs said."""

from types import SimpleNamespace
from typing import Any

from benchmarks import davos


def test_the_page_shows_the_stored_tables():
    text = davos.PAGE.read_text("utf-8")
    assert davos.FIGURES.within(text) == text, "run python -m benchmarks.davos"
    assert set(davos.FIGURES.tables()) == {"scores", "constants", "verdicts"}


def test_figures_are_read_from_a_run(tmp_path):
    (tmp_path / "equations.md").write_text("# reco\n\n    rb = 2*ta + 1\n")
    q10 = {"estimate": 2.045, "low": 1.74, "high": 2.41}
    doubt = SimpleNamespace(sentence="a | b")
    headline = type("Verdict", (), {"__str__": lambda self: "partly supported"})()
    headline.doubts = lambda: [doubt, doubt]
    run: Any = SimpleNamespace(
        folder=tmp_path,
        scores={"test": {"equation": {"reco": {"r2": 0.23291}}}},
        uncertainty=SimpleNamespace(recommended=lambda name: q10),
        verdict=headline,
        equations=SimpleNamespace(constants={"q10": 2.6}),
    )
    assert davos.scores(run) == {"R2, equation": "0.233"}
    assert davos.constants(run) == {
        "equation": "`rb = 2*ta + 1`",
        "Q10 in the equation": "2.6",
        "Q10, choice of features included": "2.04 (95 % 1.74 to 2.41)",
    }
    assert davos.verdict(run) == {
        "verdict": "**partly supported**",
        "doubts": "a / b; a / b",
    }
