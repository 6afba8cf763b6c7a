"""Degenerate and malformed inputs of every kind: one line before training, or right."""

import pytest

from benchmarks.reliability.malformed import attempt, tables
from benchmarks.reliability.malformed.attempt import KINDS, malformed_inputs
from benchmarks.reliability.score import Attempts
from discovery.tables import prepare

pytestmark = pytest.mark.skipif(
    not hasattr(__import__("os"), "fork"), reason="needs fork"
)


def test_malformed_inputs_are_one_line_before_training(tmp_path):
    score = malformed_inputs(tmp_path, Attempts(len(KINDS), 11), False)
    assert score.missed == (), score.line()


def test_the_harness_sees_what_reaches_the_training_and_what_is_not_named(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(prepare, "check_plausible", lambda *parts: None)
    monkeypatch.setattr(attempt, "KINDS", (tables.outlier, tables.few_rows))
    score = malformed_inputs(tmp_path, Attempts(2, 1), False)
    assert len(score.missed) == 2
    assert "reached the training" in score.missed[0]


@pytest.mark.slow
def test_three_hundred_malformed_inputs(tmp_path):
    score = malformed_inputs(tmp_path, Attempts(300, 12), False)
    assert score.missed == (), score.line()
