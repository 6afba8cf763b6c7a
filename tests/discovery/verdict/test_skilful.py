"""Sentences on skill agree with the scores that the report shows beside them."""

from types import SimpleNamespace

import pytest

from discovery.verdict.evidence import Fresh
from discovery.verdict.skilful import on_test_rows
from sciren.inference.skill import PairedTest


def reason_of(share, r2, constant_r2):
    table = SimpleNamespace(target_columns={"gpp": "GPP"})
    process = SimpleNamespace(table=table, target_names=("gpp",))
    fresh = Fresh(PairedTest(share, 1.0, 0.0, 2), r2, constant_r2)
    evidence = SimpleNamespace(process=process, fresh=fresh)
    (reason,) = on_test_rows(evidence)
    return reason


def test_two_blocks_of_test_rows_that_are_predicted_better_are_no_failure():
    reason = reason_of(0.29, 0.798, 0.717)
    assert reason.holds
    assert not reason.fatal
    assert reason.sentence.endswith("R2 of GPP is 0.798 (constant latents 0.717)")


@pytest.mark.parametrize(("share", "r2"), [(0.0, 0.7), (-0.2, 0.6)])
def test_test_rows_that_are_predicted_no_better_end_the_claim(share, r2):
    reason = reason_of(share, r2, 0.7)
    assert not reason.holds
    assert reason.fatal
    assert "no better than constant latents: R2 of GPP" in reason.sentence


@pytest.mark.parametrize(("share", "r2"), [(0.2, 0.6), (-0.2, 0.8)])
def test_a_fit_of_logarithms_that_disagrees_with_the_unit_says_so(share, r2):
    reason = reason_of(share, r2, 0.7)
    assert reason.holds == (share > 0)
    assert (
        "on the scale of the fit, but not in the unit of the target" in reason.sentence
    )
    assert "no better" not in reason.sentence
