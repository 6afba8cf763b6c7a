"""The last lines of a command say what was found and how sure it is."""

import dataclasses
import re

import pytest

from discovery import Discovery
from discovery.report.summary import (
    consistency_line,
    constant_line,
    constant_lines,
    equation_lines,
    score_lines,
    summary,
    truth_lines,
)
from discovery.results.identification import OFFERED, Identification


def test_a_summary_has_equation_constant_scores_verdict_and_report(light):
    text = summary(light)
    lines = text.splitlines()
    assert lines[0].startswith("verdict: ")
    assert re.search(
        r"efficiency = .*\*ta - .*\*vpd \+ [\d.]*, 0 <= efficiency   \[g MJ-1\]", text
    )
    assert "gpp = efficiency*par/(par/half + 1)" in lines
    assert re.search(
        r"half = \d\.\d+ ± 0\.\d+ MJ m-2 d-1 \(95 % .*, selection included\), identified",
        text,
    )
    assert re.search(
        r"R2 of efficiency against its truth, test rows: equation 0\.99", text
    )
    assert re.search(
        r"R2 of gpp, test rows: equation 0\.\d+, network 0\.\d+, constant latents "
        r"0\.\d+, perceptron -?\d+\.\d+",
        text,
    )
    assert lines[-2] == "consistency: PASS (5 of 5 checks)"
    assert lines[-1] == f"report: {light / 'report.html'}"


def test_a_constant_that_is_not_identified_says_why():
    row = {
        "constant": "q10", "estimate": 2.0, "error": 0.5, "unit": "", "low": 1.0,
        "high": 3.0, "method": "block bootstrap", "identified": False, "reason": "flat",
    }  # fmt: skip
    expected = (
        "q10 = 2.0 ± 0.5 (95 % 1.0 to 3.0, block bootstrap), NOT IDENTIFIED: flat"
    )
    assert constant_line(row) == expected
    unknown = row | {"error": float("nan"), "low": float("nan")}
    assert constant_line(unknown) == "q10 = 2, NOT IDENTIFIED: flat"


def test_all_minima_of_all_features_are_shown(light):
    found = Discovery.load(light)
    both = Identification(
        "half", "", OFFERED, 5.1, 0.3, 1.4, 5.9, ((1.4, 24.5), (5.1, 0.0)), False,
        "two minima", 100,
    )  # fmt: skip
    found = dataclasses.replace(found, identification=(both,), uncertainty=None)
    line = constant_lines(found)[1]
    assert line == (
        "half with all offered features in the encoder: 5.1 (95 % 1.4 to 5.9, block "
        "bootstrap), profile lowest at 1.4 and 5.1"
    )


def test_a_known_truth_is_shown(light):
    lines = truth_lines(Discovery.load(light), {"q10": "1.5"})
    assert lines[0] == "truth: q10 = 1.5"


def test_what_there_is_not_is_said(light):
    found = dataclasses.replace(Discovery.load(light), equations=None)
    assert equation_lines(found) == ["equations: none, the encoder is a black box"]
    assert consistency_line(found) == "consistency: NOT VERIFIED"
    flat = {"train": {"network": {"y": {"r2": float("nan")}}}}
    assert score_lines(dataclasses.replace(found, scores=flat)) == [
        "R2 of y, train rows: network -"
    ]
    assert score_lines(dataclasses.replace(found, scores={})) == []


@pytest.mark.parametrize("ok", [True, False])
def test_failed_checks_are_named(light, ok):
    found = Discovery.load(light)
    checks = found.verification.checks
    bad = dataclasses.replace(checks[0], passed=ok)
    found.equations.verification = type(found.verification)((bad, *checks[1:]))
    expected = "PASS (5 of 5 checks)" if ok else f"FAIL ({checks[0].name})"
    assert consistency_line(found) == f"consistency: {expected}"
