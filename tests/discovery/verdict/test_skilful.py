"""What a verdict says of skill: the numbers of a sentence never contradict each other."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from discovery.verdict import skilful
from discovery.verdict.evidence import Evidence
from discovery.verdict.skilful import (
    missing,
    on_test_rows,
    reference,
    relation,
    unnamed_order,
)
from sciren.data.kinds import Categorical
from sciren.inference.skill import PairedTest

BETTER, WORSE = PairedTest(0.3, 1e-4, 5.0, 20), PairedTest(-0.2, 0.9, -1.0, 20)


def evidence(test: PairedTest, ours: float, constant: float) -> Any:
    """What two scores and one test say, on held-out blocks and on test rows alike."""
    table = SimpleNamespace(target_columns={})
    return SimpleNamespace(
        process=SimpleNamespace(table=table, target_names=("reco",)),
        baseline="constant latents",
        fresh=SimpleNamespace(test=test, r2=ours, constant_r2=constant),
        constant=None,
        equation=None,
        selected_anew=None,
        test_of=lambda first, second: test,
        held_out_r2=lambda: (ours, constant),
    )


EQUATIONS: Any = SimpleNamespace(
    structures=[SimpleNamespace(edges=(1,), nodes=())], latent_names=("rb",)
)

CASES = [
    (BETTER, 0.5, 0.3, True, False),
    (WORSE, 0.2, 0.3, False, True),
    (BETTER, 0.2, 0.3, False, None),
    (WORSE, 0.5, 0.3, False, None),
]


@pytest.mark.parametrize(("test", "ours", "constant", "holds", "fatal"), CASES)
def test_both_scores_and_the_tested_errors_are_printed(
    test, ours, constant, holds, fatal
):
    found = evidence(test, ours, constant)
    for reason in (relation(EQUATIONS, found), *on_test_rows(found)):
        assert reason.holds == holds
        assert fatal is None or reason.fatal == fatal
        assert f"R2 of reco is {ours:.3g}" in reason.sentence
        assert f"{constant:.3g}" in reason.sentence
        alike = (ours > constant) == (test.share > 0)
        assert alike or "squared error" in reason.sentence
        assert bool(reason.next_step) != holds


def test_where_the_score_is_below_that_of_constants_no_test_saves_it():
    (reason,) = on_test_rows(evidence(BETTER, 0.2, 0.3))
    assert reason.fatal
    assert "the two disagree" in reason.sentence
    (reason,) = on_test_rows(evidence(WORSE, 0.5, 0.3))
    assert not reason.fatal
    reason = relation(EQUATIONS, evidence(BETTER, 0.2, 0.3))
    assert not reason.fatal
    assert "the two disagree" in reason.sentence
    assert relation(EQUATIONS, evidence(WORSE, 0.5, 0.3)).fatal


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("reference", ["cubic ridge", "boosted trees"])
def test_a_remedy_names_what_this_run_has(plain, reference):
    classes = {
        "type": Categorical(("a", "b"), (1.0, 2.0)),
        "chilled": Categorical(("n", "y"), (1.0, 2.0)),
    }
    told = evidence(BETTER, 0.5, 0.3)
    told.plain, told.process.table.kinds = plain, classes
    told.missing_part = SimpleNamespace(
        fires=True, share=0.3, p=0.001, reference=reference
    )
    step = missing(told).next_step
    assert ("process model" in step) != plain
    assert ("product" in step) == (reference == "cubic ridge")
    assert "combinations of type and chilled" in step


@pytest.mark.parametrize(
    ("plain", "word"), [(True, "the mean"), (False, "constant latents")]
)
def test_a_regression_has_no_latents_to_be_constant(plain, word):
    judged = SimpleNamespace(plain=plain)
    assert Evidence.baseline.fget(judged) == word  # pyright: ignore[reportOptionalCall]


def test_there_is_nothing_to_say_without_test_rows():
    found = evidence(BETTER, 0.5, 0.3)
    found.fresh = None
    assert not on_test_rows(found)


def test_two_blocks_of_test_rows_that_are_predicted_better_are_no_failure():
    (reason,) = on_test_rows(evidence(PairedTest(0.29, 1.0, 0.0, 2), 0.798, 0.717))
    assert reason.holds
    assert reason.sentence.endswith(
        "R2 of reco is 0.798, that of constant latents 0.717"
    )
    equal = evidence(PairedTest(0.0, 1.0, 0.0, 2), 0.7, 0.7)
    assert on_test_rows(equal)[0].fatal


@pytest.mark.parametrize(
    ("p", "again", "fresh", "holds"),
    [
        (3e-4, None, None, True),
        (3e-3, None, None, False),  # nothing but the rows that chose the formula
        (0.03, None, 0.03, True),
        (0.08, None, 0.03, False),
        (0.03, 0.03, None, True),
        (0.03, 0.08, None, False),
        (0.03, 0.08, 0.03, True),  # new rows confirm as well
    ],
)
def test_a_relation_is_claimed_at_its_level_and_where_it_is_confirmed(
    p, again, fresh, holds
):
    told = evidence(BETTER, 0.5, 0.3)
    anew = object() if again is not None else None
    told.selected_anew = anew
    told.test_of = lambda first, second: PairedTest(
        0.3, again if second is anew and anew is not None else p, 2.0, 20
    )
    told.fresh = fresh and SimpleNamespace(test=PairedTest(0.3, fresh, 2.0, 20))
    assert relation(EQUATIONS, told).holds == holds


@pytest.mark.parametrize(
    ("share", "p", "holds"), [(0.03, 1e-6, True), (0.1, 0.03, False), (0.1, 0.08, True)]
)
def test_a_flexible_model_is_better_by_more_than_a_twentieth_and_not_by_chance(
    share, p, holds, monkeypatch
):
    monkeypatch.setattr(
        "sciren.inference.skill.flexible.held_out_predictions", lambda *_: 0.0
    )
    told = evidence(PairedTest(share, p, 2.0, 20), 0.5, 0.3)
    told.process.values, told.scale, told.plain = 1.0, 1.0, True
    told.held = SimpleNamespace(inputs=None, folds=None)
    assert reference(told).holds == holds


@pytest.mark.parametrize(("memory", "told"), [(0.05, 0), (0.2, 1)])
def test_rows_that_resemble_their_neighbours_are_told(memory, told):
    noise = np.random.default_rng(0).normal(size=20_000)
    record = evidence(BETTER, 0.5, 0.3)
    record.process.ordered, record.process.groups = False, None
    record.process.sorted_by_target = False
    record.process.rows, record.scale = np.arange(len(noise) - 1), 1.0
    record.residual = lambda: noise[1:] + memory * noise[:-1]
    assert len(unnamed_order(record)) == told
    record.process.sorted_by_target = True  # neighbours are alike by sorting
    assert unnamed_order(record) == []


@pytest.mark.parametrize(
    ("share", "word"), [(-5.0, "500.0% larger"), (-20.0, "10 times")]
)
def test_a_share_beyond_ten_times_is_told_as_such(share, word):
    reason = relation(EQUATIONS, evidence(PairedTest(share, 0.9, -1.0, 20), 0.2, 0.3))
    assert word in reason.sentence


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0502, "0.0502"), (0.05, "0.05"), (0.213, "0.21"), (1e-7, "0.001 or less")],
)
def test_a_p_value_is_told_on_its_side_of_the_limit(value, told):
    assert skilful._p(value) == told
