"""Degenerate and malformed inputs of every kind: one line before training, or right."""

import pytest

from benchmarks.reliability.malformed import attempt, tables
from benchmarks.reliability.malformed.attempt import KINDS, drawn, malformed_inputs
from discovery.tables import prepare

pytestmark = pytest.mark.skipif(
    not hasattr(__import__("os"), "fork"), reason="needs fork"
)


def quiet(message):
    pass


def test_malformed_inputs_are_one_line_before_training(tmp_path):
    score = malformed_inputs(tmp_path, drawn(len(KINDS), seed=11), False, quiet)
    assert score.missed == (), score.line()


def test_the_harness_sees_what_reaches_the_training_and_what_is_not_named(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(prepare, "check_plausible", lambda *parts: None)
    monkeypatch.setattr(attempt, "KINDS", (tables.outlier, tables.few_rows))
    score = malformed_inputs(tmp_path, drawn(2, seed=1), False, quiet)
    assert len(score.missed) == 2
    assert "reached the training" in score.missed[0]


@pytest.mark.slow
def test_three_hundred_malformed_inputs(tmp_path):
    score = malformed_inputs(tmp_path, drawn(300, seed=12), False, quiet)
    assert score.missed == (), score.line()
