"""A verdict: one FAIL fails all, numbers survive a file."""

import json

import pytest

from symbolic.verdict import Check, Verification

GOOD = Check("rounding", "loss of R2", 1e-6, 1e-4, True, "latent rb")
BAD = Check("stationary", "one step", float("inf"), 0.1, False, "constant q10")
ODD = Check("same numbers", "gap", float("nan"), 1e-9, False)


def test_one_fail_fails_all():
    assert Verification((GOOD,)).verdict == "PASS"
    assert Verification((GOOD, BAD)).verdict == "FAIL"
    assert not Verification((GOOD, BAD)).passed


def test_each_check_is_a_row():
    frame = Verification((GOOD, BAD)).frame()
    assert list(frame.columns) == [
        "check",
        "number",
        "tolerance",
        "verdict",
        "detail",
        "meaning",
    ]
    assert list(frame.verdict) == ["PASS", "FAIL"]
    assert list(frame.check) == ["rounding", "stationary"]


def test_json_holds_what_is_not_finite_as_text_and_gives_it_back():
    stored = json.dumps(Verification((GOOD, BAD, ODD)).to_json(), allow_nan=False)
    again = Verification.from_json(json.loads(stored))
    assert again.checks[:2] == (GOOD, BAD)
    assert again.checks[2].number != again.checks[2].number
    assert json.dumps(again.to_json(), allow_nan=False) == stored


def test_the_verdict_is_taken_from_the_checks():
    stored = Verification((GOOD, BAD)).to_json() | {"passed": True}
    assert not Verification.from_json(stored).passed


def test_a_verdict_that_is_no_truth_value_is_not_a_pass():
    stored = Verification((GOOD,)).to_json()
    stored["checks"][0]["passed"] = "no"
    with pytest.raises(TypeError, match="passed"):
        Verification.from_json(stored)
