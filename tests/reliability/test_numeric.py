"""Laws of public numeric functions at extreme legal inputs."""

import warnings

import numpy as np
import pytest

from benchmarks.reliability.numeric import LAWS, broken_law
from sciren.errors import DataError


@pytest.mark.parametrize("name", LAWS)
def test_laws_hold_at_extreme_inputs(name):
    assert broken_law(LAWS[name], 10, seed=2) == ""


def test_the_harness_sees_a_broken_law_a_warning_and_a_foreign_error():
    def law(sample):
        assert sample.y[0] < 0 or len(sample.y) < 100

    def warned(sample):
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)

    def foreign(sample):
        np.linalg.inv(np.zeros((2, 2)))

    def silent(sample):
        raise DataError("never answers")

    assert "AssertionError" in broken_law(law, 40)
    assert "RuntimeWarning" in broken_law(warned, 5)
    assert "LinAlgError" in broken_law(foreign, 5)
    assert "only 0 of 5" in broken_law(silent, 5)
