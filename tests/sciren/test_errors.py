"""Keywords that are passed on are refused in the words of the function that was called."""

from typing import Any

import pytest

from sciren import Parameter, State, process_model
from sciren.decoders import DynamicModel
from sciren.errors import check_keywords

RATE = Parameter("k", low=0.0)


def called(own, **passed_on):
    """Stand for a function that names one keyword and passes others on."""


def test_keywords_that_are_passed_on_are_no_mistake():
    check_keywords(called, {"first": 1, "second": 2}, ["first", "second"])


@pytest.mark.parametrize(("wrong", "near"), [("owm", "own"), ("frist", "first")])
def test_what_a_function_does_not_have_is_named_with_what_it_has(wrong, near):
    with pytest.raises(TypeError, match=rf"called\(\) .*'{wrong}'.*Closest.*{near}"):
        check_keywords(called, {"first": 1, wrong: 2}, ["first", "second"])


@pytest.mark.parametrize(
    ("wrong", "near"), [("forcing", "forcings"), ("warm_up", "warmup")]
)
def test_a_misspelt_keyword_of_a_process_model_is_told(wrong, near):
    keywords: dict[str, Any] = {wrong: 1}
    with pytest.raises(TypeError, match=rf"process_model\(\).*'{wrong}'.*{near}"):
        process_model([RATE], **keywords)


def test_a_misspelt_keyword_of_a_model_with_memory_is_told():
    with pytest.raises(TypeError, match=r"DynamicModel\(\).*'sover'.*solver"):
        DynamicModel(lambda s, p, f: s, "mine", [RATE], [State("s")], sover="rk4")
