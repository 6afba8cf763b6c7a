"""The rule of one standard error: simpler where the data cannot tell."""

import math

import pytest

from discovery.tuning.choice import choose
from discovery.tuning.trial import Score
from sciren.errors import TrainingError


def _score(size: int, *parts: float) -> Score:
    return Score(sum(parts) / len(parts), parts, size)


def test_the_simplest_within_the_paired_error_of_the_best_is_taken():
    best = _score(50, 0.10, 0.20, 0.30)
    equal = _score(10, 0.13, 0.19, 0.31)  # differs by 0.01 +- 0.012
    clearly_worse = _score(5, 0.15, 0.25, 0.35)  # always by 0.05
    assert choose({0: best, 1: equal, 2: clearly_worse}) == (1, 0)
    assert choose({0: best, 2: clearly_worse}) == (0, 0)


def test_failed_trials_do_not_compete_and_alone_are_an_error():
    failed = Score(math.inf, error="diverged")
    assert choose({0: failed, 1: _score(3, 0.5, 0.6)}) == (1, 1)
    with pytest.raises(TrainingError, match=r"none of the 1 trials.*diverged"):
        choose({0: failed})
