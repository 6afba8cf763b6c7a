"""What a verdict says of constants: the recommended number, and what it hangs on."""

from types import SimpleNamespace
from typing import Any

import pytest

from discovery.verdict.constants import by_fits, by_smoothness
from sciren.inference.identifiability.combinations import Combination
from sciren.inference.identifiability.quantities import Identifiability, Quantity
from sciren.inference.intervals.constants import RECOMMENDED, SELECTED


def estimates(depends=False, low=1.4, high=1.7) -> Any:
    rows = [
        {"constant": "q10", "method": method, "estimate": value, "low": low, "high": high,
         "recommended": method == RECOMMENDED, "depends": depends}
        for method, value in ((RECOMMENDED, 1.5), (SELECTED, 2.1))
    ]  # fmt: skip
    recommended = {"q10": rows[0]}
    return SimpleNamespace(constants=rows, recommended=recommended.get)


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
