"""The walk names what the data hold, and what would settle the rest."""

import pytest

from benchmarks.belief.identifiability import CASES, judged, observed_case
from sciren.inference.identifiability import walk


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_known_case_is_called_as_it_is(case):
    assert judged(case, walk(*observed_case(case, 0, 400), remedies=False))


def test_remedies_are_found_by_trying():
    product = walk(*observed_case(CASES[0], 0, 300))
    assert "a known value of a" in product.settled_by
    assert "direct observations of b beside the target" in product.settled_by
    assert product.combinations[0].freedom == "a -> a*s, b -> b/s"
    assert product.sentence().startswith("a and b are not identified: only a*b")


def test_a_feature_that_matters_cannot_be_assumed_away():
    """rb depends on ta and on nothing else: leaving ta out is no remedy."""
    found = walk(*observed_case(CASES[7], 0, 300))
    assert "q10" in found.of("not identified")
    assert not any("ta has no part" in one for one in found.settled_by)


def test_what_is_identified_needs_no_remedy():
    found = walk(*observed_case(CASES[5], 0, 300))
    assert found.identified
    assert not found.settled_by
    assert not found.combinations
    assert found.sentence() == "all latents and constants are identified"
