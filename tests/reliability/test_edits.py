"""An edit that comes with a manifest of its own is seen by computing the run again."""

import json

import pandas as pd
import pytest

from benchmarks.reliability.edits import caught_edits, computed_again, edits_of
from benchmarks.reliability.score import Attempts
from discovery.runs.checkpoints import Checkpoints, exact, frame_record
from discovery.runs.manifest import alterations, renew
from discovery.verdict import differences
from discovery.verdict.runs import verify_run

WANTED = {
    "equations.json": ("constants.half", "errors.half", "edges.importance",
                       "table.error", "units.low", "units.high", "units.shift"),
    "metrics.json": ("r2", "rmse", "constants.low", "constants.error"),
    "data.json": ("ranges", "units"),
    "edges.csv": ("importance", "low", "high", "family", "constants"),
    "verdict.json": ("headline", "reasons.holds", "reasons.number"),
    "verification.json": ("passed", "tolerance"),
    "uncertainty.json": ("estimate",),
}  # fmt: skip


def test_there_is_an_edit_of_every_kind_of_value(made):
    kinds = {(edit.file, edit.kind) for edit in edits_of(made)}
    assert len(kinds) > 400
    for file, words in WANTED.items():
        for word in words:
            assert any(name == file and word in kind for name, kind in kinds), word


@pytest.fixture(scope="module")
def again(made, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("discovery.report.figures.DPI", 40)
        return computed_again(made, tmp_path_factory.mktemp("again"))


@pytest.fixture
def derived(attacked, monkeypatch):
    """Leave out edits that need a whole computation each; `make soak` makes them."""
    monkeypatch.setattr(
        "benchmarks.reliability.edits.edits_of",
        lambda run, seed: [edit for edit in edits_of(run, seed) if not edit.of_input],
    )
    return attacked


def test_edits_are_caught(derived, again):
    score = caught_edits(derived, again, Attempts(69, 1))
    assert (score.tried, score.missed) == (69, ()), score.line()


def test_the_harness_sees_a_comparison_that_is_too_kind(derived, again, monkeypatch):
    monkeypatch.setattr(differences, "CLOSE", 1.0)
    score = caught_edits(derived, again, Attempts(69, 1))
    assert 10 < len(score.missed) < 69


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_training_that_was_edited_in_both_places_is_caught_by_training_again(
    attacked,
):
    history, training = attacked / "history.csv", "checkpoints/training.json"
    frame = pd.read_csv(history)
    frame.loc[0, "data"] *= 1.5
    frame.to_csv(history, index=False)
    record = json.loads((attacked / training).read_text())
    record["history"] = frame_record(frame)
    (attacked / training).write_text(json.dumps(exact(record), indent=1) + "\n")
    Checkpoints(attacked / "checkpoints").record(attacked / training)
    renew(attacked, "history.csv", training, "checkpoints/.hashes.json")
    assert alterations(attacked) == []
    again = verify_run(attacked, quiet=True, retrain=True)
    assert "history.csv, line 2" in again.text()
    assert not again.same
