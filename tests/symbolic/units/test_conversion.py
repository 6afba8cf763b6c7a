"""Numbers of one unit as those of another."""

import numpy as np
import pytest

from sciren.errors import FormatError
from symbolic.units.conversion import conversion


@pytest.mark.parametrize(
    ("old", "new", "value", "expected"),
    [
        ("kPa", "Pa", 1.5, 1500.0),
        ("K", "degC", 293.15, 20.0),
        ("degC", "K", 20.0, 293.15),
        ("W m-2 K-1", "W m-2 degC-1", 3.0, 3.0),
        ("g C m-2 d-1", "kg C m-2 d-1", 2.0, 0.002),
        ("umol m-2 s-1", "mol m-2 d-1", 1.0, 0.0864),
        ("%", "1", 50.0, 0.5),
        ("m s-1", "km h-1", 10.0, 36.0),
    ],
)
def test_numbers_keep_what_they_measure(old, new, value, expected):
    assert conversion(old, new)(np.array([value, np.nan]))[0] == pytest.approx(expected)
    back = conversion(new, old)(conversion(old, new)(np.array([value])))
    assert back[0] == pytest.approx(value)


@pytest.mark.parametrize(("old", "new"), [("kg", "m"), ("g C", "g N"), ("degC", "J")])
def test_other_quantities_are_refused(old, new):
    with pytest.raises(FormatError, match=r"cannot be converted.*differ by"):
        conversion(old, new)
