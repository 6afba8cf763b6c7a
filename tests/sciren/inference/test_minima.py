"""Minima of the constants: the deepest is found from either side, the others are named."""

import numpy as np
import pandas as pd
import pytest

from sciren import LinearEncoder, Parameter, ScIReN, Table, process_model
from sciren.inference import ObservedProcess, select
from sciren.inference.minima import NEAR, two_minima


@process_model(
    parameters=[
        Parameter("level"),
        Parameter("k", low=-9, high=9, start=-1.5, kind="constant"),
    ],
    forcings=["s", "u"],
    targets=["y"],
)
def even(p, f):
    """k acts by its square, and by its sign as far as u says."""
    return p.level + p.k**2 * f.s + p.k * f.u


def selection(tilt, sign=1.0, rows=200):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((rows, 2)), columns=["a", "s"])
    frame["u"] = tilt * rng.standard_normal(rows)
    clean = frame.a + 4 * frame.s + 2 * sign * frame.u
    frame["y"] = clean + 0.3 * rng.standard_normal(rows)
    table = Table.from_frame(frame, ["a"], ["s", "u"], ["y"])
    return select(ObservedProcess.of(ScIReN(LinearEncoder(1, 1), "auto", even), table))


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_search_ends_in_the_deeper_of_two_valleys(sign):
    found = selection(0.3, sign)
    assert found.fit.constants[0] == pytest.approx(2 * sign, abs=0.05)
    assert found.minima == ()
    assert found.kept == ((0, 0),)


def test_a_valley_that_is_nearly_as_deep_is_named():
    found = selection(0.01)
    (other,) = found.minima
    assert other.value == pytest.approx(-found.fit.constants[0], abs=0.1)
    assert 0 <= other.rise < NEAR
    (sentence,) = two_minima(found.minima, found.fit)
    assert "k has two minima" in sentence
