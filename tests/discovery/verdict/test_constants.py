"""What a verdict says of constants: the recommended number, and what it hangs on."""

from types import SimpleNamespace
from typing import Any

import pytest

from discovery.verdict.constants import by_fits, by_profile, by_smoothness
from sciren.inference.identifiability.combinations import Combination
from sciren.inference.identifiability.quantities import Identifiability, Quantity
from sciren.inference.intervals.constants import RECOMMENDED, SELECTED
from visualize.labels import interval


def estimates(depends=False, low=1.4, high=1.7, positive=True) -> Any:
    rows = [
        {"constant": "q10", "method": method, "estimate": value, "low": low, "high": high,
         "recommended": method == RECOMMENDED, "depends": depends}
        for method, value in ((RECOMMENDED, 1.5), (SELECTED, 2.1))
    ]  # fmt: skip
    recommended = {"q10": rows[0]}
    return SimpleNamespace(
        constants=rows, recommended=recommended.get, names=("q10",), in_logs=(positive,)
    )


def walked(loss, *combinations):
    return Identifiability((Quantity("q10", "constant", 1.5, loss),), combinations)


def test_the_recommended_number_is_told_and_a_disagreement_is_a_doubt():
    (reason,) = by_fits(estimates())
    assert reason.holds
    assert "1.5 (95 % 1.40 to 1.70)" in reason.sentence
    (reason,) = by_fits(estimates(depends=True))
    assert not reason.holds
    assert "depends on the features" in reason.sentence
    assert "2.1" in reason.sentence
    assert (reason.number, reason.limit) == (1.5, 2.1)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (4.2, 77.0, "not identified"),
        (1.0, 2.1, "identified only weakly"),
        (0.0, 2.1, "not identified"),
    ],
)
def test_a_constant_that_is_known_within_no_factor_of_two_is_a_doubt(low, high, word):
    (reason,) = by_fits(estimates(low=low, high=high))
    assert not reason.holds
    assert word in reason.sentence
    assert f"95 % {interval(low, high)}" in reason.sentence
    assert "elsewhere" in reason.next_step
    (reason,) = by_fits(estimates(low=low, high=high, positive=False))
    assert reason.holds  # a constant around zero has no factor
    row: Any = {"constant": "q10", "identified": False, "reason": "wide"}
    assert by_profile([row], walked(50.0))
    assert not by_profile([row], walked(50.0), ["q10"])  # it is told once


@pytest.mark.parametrize("loss", [1.0, 7.0])
def test_what_only_smooth_curves_hold_is_said(loss):
    (reason,) = by_smoothness(walked(loss), estimates())
    assert not reason.holds
    assert "only because curves are taken to be smooth" in reason.sentence
    assert not by_smoothness(walked(loss), estimates(low=1.0, high=2.1))
    assert not by_smoothness(walked(50.0), estimates())
    assert not by_smoothness(walked(loss), None)


def test_no_smoothness_holds_what_a_change_of_scale_leaves_open():
    scale = Combination("a*q10", ("a", "q10"), 0.0, "a -> a*s, q10 -> q10/s")
    assert not by_smoothness(walked(0.0, scale), estimates())
