"""Hidden parameters check themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import ParameterError
from sciren.parameters import Parameter, ParameterTable

BOUND = st.floats(allow_nan=False, min_value=-1e6, max_value=1e6)


@given(BOUND | st.just(-math.inf), BOUND | st.just(math.inf))
def test_the_initial_value_lies_inside_any_bounds(low, high):
    if low < high:
        parameter = Parameter("p", low, high)
        assert low <= parameter.initial <= high


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [(0, 1, "both"), (0, math.inf, "low"), (-math.inf, 1, "high"),
     (-math.inf, math.inf, "none")],
)  # fmt: skip
def test_bounded_names_the_finite_ends(low, high, kind):
    parameter = Parameter("p", low, high)
    assert parameter.bounded == kind
    assert parameter.positive == (low >= 0)


def test_a_given_start_wins():
    assert Parameter("q10", low=0, start=1.5, kind="constant").initial == 1.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "2rb"}, "'2rb' is not an identifier"),
        ({"name": "r b"}, "letters, digits and underscores"),
        (
            {"name": "p", "kind": "field"},
            "kind 'field'; use 'latent', 'constant' or 'fixed'",
        ),
        ({"name": "p", "kind": "fixed"}, "is fixed, but has no value; give start"),
        ({"name": "p", "low": 1, "high": 1}, "low must be below high"),
        ({"name": "p", "low": math.nan}, "low must be below high"),
        ({"name": "p", "low": 0, "start": -1}, "starts at -1, outside"),
        ({"name": "p", "start": math.nan}, "starts at nan"),
        ({"name": "p", "low": 0, "start": 0, "kind": "constant"}, "start above zero"),
    ],
)
def test_what_cannot_be_used_is_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        Parameter(**settings)


def test_a_table_keeps_the_order_and_finds_by_name():
    table = ParameterTable(
        [Parameter("rb"), Parameter("q10", kind="constant"), Parameter("ea")]
    )
    assert [p.name for p in table] == ["rb", "q10", "ea"]
    assert len(table) == 3
    assert [p.name for p in table.latents] == ["rb", "ea"]
    assert [p.name for p in table.constants] == ["q10"]
    assert table["ea"].name == "ea"


def test_a_table_refuses_names_that_occur_twice():
    with pytest.raises(ParameterError, match="occur twice: rb"):
        ParameterTable([Parameter("rb"), Parameter("rb")])


def test_a_table_answers_an_unknown_name_with_the_closest():
    with pytest.raises(ParameterError, match=r"no parameter 'rd'.*Closest names: rb"):
        ParameterTable([Parameter("rb")])["rd"]
