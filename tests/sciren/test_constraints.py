"""One contract for all constraints, then what is special to each."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.constraints import (
    CONSTRAINTS,
    Constraint,
    HardSigmoid,
    Identity,
    ReLU,
    Sigmoid,
    Softplus,
    automatic,
    bounds,
    constraint_named,
    resolve,
)
from sciren.errors import ConfigError
from sciren.parameters import Parameter

BOUNDS = {"both": (-2.0, 5.0), "low": (1.5, math.inf), "high": (-math.inf, 0.5)}
CASES = [
    (Identity(), "both"),
    (HardSigmoid(), "both"),
    (Sigmoid(), "both"),
    (Sigmoid(temperature=3.0), "both"),
    (ReLU(), "low"),
    (ReLU(), "high"),
    (Softplus(), "low"),
    (Softplus(), "high"),
]
STRAIGHT = {
    "hard_sigmoid": (-2.9, 2.9),
    "relu/low": (1.6, 9.0),
    "relu/high": (-9.0, 0.4),
}


def tensors(side):
    return tuple(torch.tensor(b, dtype=torch.float64) for b in BOUNDS[side])


def label(case):
    constraint, side = case
    return f"{constraint.name}-{side}"


@pytest.fixture(params=CASES, ids=label)
def case(request):
    constraint, side = request.param
    return constraint, *tensors(side), side


class TestConstraintContract:
    z = torch.linspace(-40, 40, 801, dtype=torch.float64)

    def test_values_stay_inside_the_bounds(self, case):
        constraint, low, high, _ = case
        p = constraint.forward(self.z, low, high)
        assert p.shape == self.z.shape
        if constraint.name != "identity":
            assert bool(((p >= low) & (p <= high)).all())

    def test_values_never_fall_where_the_raw_latent_rises(self, case):
        constraint, low, high, _ = case
        assert bool((constraint.forward(self.z, low, high).diff() >= 0).all())

    def test_the_inverse_gives_the_value_back(self, case):
        constraint, low, high, _ = case
        inner = torch.linspace(-1.5, 4.5, 61, dtype=torch.float64)
        p = inner.clamp(low + 0.01, high - 0.01)
        z = constraint.inverse(p, low, high)
        torch.testing.assert_close(constraint.forward(z, low, high), p)

    def test_the_violation_is_zero_exactly_where_the_map_is_the_straight_line(
        self, case
    ):
        constraint, low, high, side = case
        outside = constraint.violation(self.z, low, high)
        assert bool((outside >= 0).all())
        ends = STRAIGHT.get(constraint.name, STRAIGHT.get(f"{constraint.name}/{side}"))
        if ends is None:
            assert not bool(outside.any())
            return
        inside = (self.z > ends[0]) & (self.z < ends[1])
        assert not bool(outside[inside].any())
        wide = (self.z < ends[0] - 0.3) | (self.z > ends[1] + 0.3)
        flat = constraint.forward(self.z, low, high)
        held = (flat == low) | (flat == high)
        assert bool((outside[wide & held] > 0).all())

    def test_gradients_are_finite_and_agree_with_differences(self, case):
        constraint, low, high, _ = case
        z = torch.tensor([-7.3, -1.2, 0.6, 0.1, 2.2, 7.7], dtype=torch.float64)
        z.requires_grad_()
        for method in (constraint.forward, constraint.violation):
            assert torch.autograd.gradcheck(lambda v, m=method: m(v, low, high), z)


@given(st.floats(-20, 20), st.floats(-5, 5), st.floats(0.1, 10))
def test_the_hard_sigmoid_has_its_corners_at_three(z, low, width):
    ends = tuple(torch.tensor(b, dtype=torch.float64) for b in (low, low + width))
    raw = torch.tensor(z, dtype=torch.float64)
    expected = low + width * min(max(z / 6 + 0.5, 0), 1)
    assert float(HardSigmoid().forward(raw, *ends)) == pytest.approx(
        expected, abs=1e-12
    )
    assert float(HardSigmoid().violation(raw, *ends)) == pytest.approx(
        max(0, -z - 3, z - 3), abs=1e-12
    )


@given(st.floats(-20, 20), st.floats(-5, 5))
def test_relu_violates_by_its_distance_from_the_bound(z, bound):
    raw, edge, open_end = (
        torch.tensor(v, dtype=torch.float64) for v in (z, bound, math.inf)
    )
    assert float(ReLU().violation(raw, edge, open_end)) == max(0.0, bound - z)
    assert float(ReLU().violation(raw, -open_end, edge)) == max(0.0, z - bound)


@pytest.mark.parametrize(("constraint", "case"), CASES)
def test_the_slope_is_that_of_the_map(constraint, case):
    low, high = (torch.tensor(end, dtype=torch.float64) for end in BOUNDS[case])
    # on the bounds, too, where torch takes the mean of both sides of a kink
    z = torch.tensor([-7.0, -2.0, 0.3, 0.5, 1.5, 6.0], dtype=torch.float64)
    torch.testing.assert_close(
        constraint.slope(z, low, high), Constraint.slope(constraint, z, low, high)
    )


def test_automatic_follows_the_bounds():
    kinds = {
        (0.0, 1.0): HardSigmoid, (0.0, math.inf): ReLU, (-math.inf, 1.0): ReLU,
        (-math.inf, math.inf): Identity,
    }  # fmt: skip
    for (low, high), kind in kinds.items():
        assert isinstance(automatic(Parameter("p", low, high)), kind)


def test_a_mapping_names_single_latents_and_leaves_the_rest_to_auto():
    latents = [Parameter("a", 0, 1), Parameter("b", low=0)]
    first, second = resolve({"a": "sigmoid"}, latents)
    assert isinstance(first, Sigmoid)
    assert isinstance(second, ReLU)
    same = Softplus()
    assert resolve({"b": same}, latents)[1] is same


def test_bounds_come_as_tensors():
    low, high = bounds([Parameter("a", 0, 1), Parameter("b", high=3)])
    assert low.tolist() == [0.0, -math.inf]
    assert high.tolist() == [1.0, 3.0]


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_every_constraint_is_found_by_name(name):
    assert constraint_named(name).name == name


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("hard_sigmod", "'hard_sigmod' does not exist. Closest names: hard_sigmoid"),
        ("sigmoid", "needs both bounds; parameter 'rb'"),
        ({"rd": "relu"}, "'rd', which is no latent. Closest names: rb"),
    ],
)
def test_a_choice_that_does_not_fit_says_why(choice, message):
    with pytest.raises(ConfigError, match=message):
        resolve(choice, [Parameter("rb", low=0)])


@pytest.mark.parametrize("limits", [(-math.inf, math.inf), (0.0, 1.0)])
def test_relu_wants_exactly_one_bound(limits):
    with pytest.raises(ConfigError, match="needs exactly one bound"):
        resolve("relu", [Parameter("rb", *limits)])


def test_a_sigmoid_needs_a_positive_temperature():
    with pytest.raises(ConfigError, match="temperature is 0"):
        Sigmoid(temperature=0)
