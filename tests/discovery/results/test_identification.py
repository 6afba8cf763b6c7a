"""A constant is identified only when nothing speaks against it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.results.identification import (
    EQUATIONS,
    KEPT,
    OFFERED,
    Identification,
    identifications,
    profile_rows,
    verdicts,
)
from discovery.runs.files import plain
from discovery.runs.training import Training
from sciren.training import History, ProfileSummary
from sciren.training.gauss_newton.engine import ALL_FEATURES


def summary(name="q10", minima=((1.5, 0.0),), **changes):
    found = ProfileSummary(name, "", 1.5, 0.1, (0.3, 10), list(minima), False)
    for key, value in changes.items():
        setattr(found, key, value)
    found.judge(True)
    found.points = [{"constant": name, "value": 1.5, "loss": 0.0, "chi_square": 0.0}]
    return found


def test_profiles_are_told_apart_by_whose_they_are():
    both = {"q10": summary(), "x": summary(f"q10{ALL_FEATURES}")}
    both = {one.name: one for one in both.values()}
    found = identifications(both)
    assert [(one.constant, one.model) for one in found] == [
        ("q10", KEPT),
        ("q10", OFFERED),
    ]
    points = [point for one in both.values() for point in one.points]
    rows = profile_rows(points)
    assert [(row["constant"], row["model"]) for row in rows] == [
        ("q10", KEPT),
        ("q10", OFFERED),
    ]
    assert profile_rows(both["q10"].points, EQUATIONS)[0]["model"] == EQUATIONS


def test_an_interval_of_the_bootstrap_replaces_that_of_the_curvature():
    assert Identification.of(summary(), KEPT).low == pytest.approx(1.5 - 0.196)
    given = Identification.of(summary(interval=(1.0, 1.9), replicates=50), KEPT)
    assert (given.low, given.high, given.replicates) == (1.0, 1.9, 50)


@given(st.floats(0.1, 10), st.floats(0, 200), st.booleans())
def test_it_survives_a_json_file(value, chi, identified):
    one = Identification(
        "k", "m", KEPT, value, float("nan"), 0.1, 2.0, ((value, chi),), identified
    )
    again = Identification.from_json(json.loads(json.dumps(plain(one.to_json()))))
    assert str(again) == str(one)
    assert again.near_minima == ([value] if chi < 100 else [])


def judged(profiles, low=1.4, high=1.6, positive=True):
    return verdicts(profiles, {"q10": (low, high)}, {"q10": positive})["q10"]


def test_reasons_are_collected_once_each():
    good = Identification.of(summary(), KEPT)
    assert judged([good]) == (True, "")
    two = ((1.5, 0.0), (5.0, 9.0))
    bad = Identification.of(summary(minima=two), OFFERED)
    repeated = Identification.of(summary(), KEPT)
    repeated = Identification(
        **(vars(repeated) | {"identified": False, "reason": f"with all: {bad.reason}"})
    )
    expected = "with all offered features the profile has 2 minima, at 1.5 and 5"
    assert judged([repeated, bad]) == (False, expected)
    assert judged([good, bad]) == (False, expected)
    own = Identification.of(summary(minima=two), KEPT)
    assert judged([own])[1].startswith("with the kept features the profile has 2 min")
    assert judged([]) == (False, "no profile was computed")


def test_a_wide_interval_of_the_equations_counts_for_positive_constants():
    good = Identification.of(summary(), KEPT)
    assert "1 to 2.5, spans more than a factor of 2" in judged([good], 1.0, 2.5)[1]
    assert not judged([good], -1.0, 2.5)[0]
    assert judged([good], -1.0, 2.5, positive=False)[0]


def test_competing_minima_of_the_kept_features_start_resamples():
    minima = ((1.5, 0.0), (5.0, 9.0), (8.0, 500.0))
    summaries = {"q10": summary(minima=minima)}
    history = History("gauss-newton", summaries=summaries)
    assert Training.of(None, history).other_minima() == [{"q10": 5.0}]
    assert Training.of(None, None).other_minima() == []
