"""The 21 priors, the unit interval and the values of what is not predicted."""

import pytest
import torch

from sciren.decoders.clm5.parameters import (
    NAMES,
    PRIORS,
    fixed_values,
    position,
    to_physical,
)
from sciren.errors import ParameterError, ShapeError


def test_ends_and_middle_of_the_priors():
    low, middle, high = (
        to_physical(torch.full((21,), u, dtype=torch.float64)) for u in (0, 0.5, 1)
    )
    for k, prior in enumerate(PRIORS):
        assert float(low[k]) == prior.low
        assert float(high[k]) == pytest.approx(prior.high, rel=1e-15)
        assert fixed_values("mid")[k] == pytest.approx(float(middle[k]), rel=1e-15)


def test_clm5_defaults_are_bounded_by_the_prior():
    values = dict(zip(NAMES, fixed_values("clm5"), strict=True))
    assert values["tau4s3"] == pytest.approx(222.222, rel=1e-5)
    assert values["efolding"] == 1.0
    assert values["fs1s2"] == 0.4
    assert values["w_scaling"] == 1.0


def test_given_values_leave_the_rest_in_the_middle():
    values = fixed_values({"w-scaling": 1.0, "q10": 2.0})
    assert values[position("w_scaling")] == 1.0
    assert values[position("q10")] == 2.0
    assert values[position("beta")] == fixed_values("mid")[position("beta")]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("median", "fixed='median' is not known; use 'mid', 'clm5'"),
        ({"q10": 4.0}, r"'q10' is 4, outside its prior \[1.2, 3\]"),
        ({"tau4s": 4.0}, "no parameter 'tau4s'. Closest names: tau4s"),
    ],
)
def test_fixed_values_are_checked(choice, message):
    with pytest.raises(ParameterError, match=message):
        fixed_values(choice)


def test_values_outside_the_unit_interval_name_site_and_parameter():
    unit = torch.full((4, 21), 0.5, dtype=torch.float64)
    unit[2, 9] = 1.5
    with pytest.raises(
        ParameterError, match=r"'tau4s3' of site 2 is 1.5 .*physical 590"
    ):
        to_physical(unit)


@pytest.mark.parametrize("shape", [(), (4,), (4, 20)])
def test_the_last_dimension_counts_the_parameters(shape):
    with pytest.raises(ShapeError, match="has 21 parameters, got an array of shape"):
        to_physical(torch.zeros(shape))
