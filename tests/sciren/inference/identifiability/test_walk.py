"""The walk names what the data hold, and what would settle the rest."""

import numpy as np
import pytest
import torch

from benchmarks.belief.identifiability import CASES, judged, observed_case
from sciren import LinearEncoder, Parameter, ScIReN, Table, process_model
from sciren.inference.identifiability import walk
from sciren.inference.observed import ObservedProcess


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


@process_model([Parameter("z")], targets=["y"])
def level(p, f):
    return p.z


def test_estimates_that_leave_nothing_are_judged_all_the_same():
    """A target that is one number: the first fit is exact, and its noise zero."""
    x = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    table = Table(x, {}, torch.full_like(x, 3.0), ("a",), ("y",))
    process = ObservedProcess.of(ScIReN(LinearEncoder(1, 1), "auto", level), table)
    found = walk(process, np.full((40, 1), 3.0), np.zeros(0), remedies=False)
    assert "z" in found.of("identified")
