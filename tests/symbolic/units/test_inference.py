"""Constants get the unit that makes their term consistent; what cannot fit is said."""

import pytest
import sympy

from symbolic.printing.text import to_text
from symbolic.units.algebra import Unit, parse_unit
from symbolic.units.inference import Inference, with_plain_arguments

KNOWN = {
    "ta": parse_unit("degC"),
    "sw": parse_unit("W m-2"),
    "rb": parse_unit("umol m-2 s-1"),
    "share": Unit(),
}
ta, sw, rb, share, a, b, c, d, s = (
    sympy.Symbol(name, real=True)
    for name in ("ta", "sw", "rb", "share", "a", "b", "c", "d", "s")
)
number = sympy.Float


@pytest.mark.parametrize(
    ("expression", "units"),
    [
        (a * sw + d, {"a": "umol s-1 W-1", "d": "umol m-2 s-1"}),
        (a * (ta - s) ** 2, {"a": "umol m-2 s-1 degC-2", "s": "degC"}),
        (a * sympy.exp(b * ta), {"a": "umol m-2 s-1", "b": "degC-1"}),
        (a * sympy.log(ta + s), {"a": "umol m-2 s-1", "s": "degC"}),
        (a * sympy.Abs(sw - s), {"a": "umol s-1 W-1", "s": "W m-2"}),
        (a * sw / (sw + c), {"a": "umol m-2 s-1", "c": "W m-2"}),
        (a * sympy.tanh(b * (ta - s)), {"b": "degC-1", "s": "degC"}),
        (a / sympy.sqrt(sw + s), {"a": "umol m-3 s-1 W^0.5", "s": "W m-2"}),
        (a * sympy.log(c + b * ta + d * sw), {"c": "", "b": "degC-1", "d": "W-1 m2"}),
        (sympy.exp(c + b * ta) * rb, {"c": "", "b": "degC-1"}),
        (sympy.Max(a * sw, 0), {"a": "umol s-1 W-1"}),
        (
            sympy.Piecewise((a, ta > s), (b * sw, True)),
            {"s": "degC", "a": "umol m-2 s-1"},
        ),
        (rb * c ** ((ta - b) / d), {"c": "", "b": "degC", "d": "degC"}),
        (a * share + d, {"a": "umol m-2 s-1"}),
    ],
)
def test_constants_get_their_units(expression, units):
    inference = Inference(KNOWN)
    inference.require(expression, KNOWN["rb"], "rb")
    assert inference.problems == []
    for name, unit in units.items():
        found = inference.unit_of(name)
        assert found is not None, name
        assert found.equals(parse_unit(unit)), (name, str(found))


def test_a_number_added_inside_an_exponential_may_carry_the_unit_of_the_whole():
    whole = sympy.exp(c + b * ta) + d
    inference = Inference(KNOWN, constants=frozenset("bcd"))
    inference.require(whole, KNOWN["rb"], "rb")
    assert inference.problems == []
    assert str(inference.unit_of("d")) == "umol m-2 s-1"
    bare = Inference(KNOWN, constants=frozenset("bd"))
    bare.require(sympy.exp(b * ta) + d, KNOWN["rb"], "rb")
    assert bare.problems  # exp(b ta) is a plain number


def test_a_constant_beside_an_unknown_column_stays_open():
    inference = Inference(KNOWN)
    inference.require(a * sympy.Symbol("unknown") + d, KNOWN["rb"], "rb")
    assert inference.unit_of("a") is None
    assert str(inference.unit_of("d")) == "umol m-2 s-1"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (sw + ta, "degC"),
        (rb + sw, "stands beside"),
        (sw, "rb is in umol m-2 s-1, but its formula in W m-2"),
        (sympy.Max(sw, ta) * a, "stands beside"),
        (sympy.Piecewise((a, ta > sw), (d, True)), "stands beside"),
        (sympy.log(sw + ta) * a, "stands beside"),
    ],
)
def test_terms_that_cannot_be_consistent_are_reported(expression, said):
    inference = Inference(KNOWN)
    inference.require(expression, KNOWN["rb"], "rb")
    assert any(said in problem for problem in inference.problems)


def test_units_of_one_dimension_but_another_size_do_not_fit():
    known = {"p": parse_unit("hPa"), "q": parse_unit("Pa")}
    inference = Inference(known)
    inference.quantity(sympy.Symbol("p", real=True) + sympy.Symbol("q", real=True))
    assert len(inference.problems) == 1


def test_numbers_without_a_unit_leave_more_to_report():
    expression = a * ta + number(0.5) * sw
    free = Inference(KNOWN)
    free.require(expression, KNOWN["rb"], "rb")
    assert free.problems == []
    strict = Inference(KNOWN, "dimensionless", frozenset("a"))
    strict.require(expression, KNOWN["rb"], "rb")
    assert len(strict.problems) == 2


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (2 * sympy.log(ta + number(3.2)), "2*log((ta + 3.20)/(1 degC))"),
        (sympy.exp(-ta), "exp(-ta/(1 degC))"),
        ((sw + 1) ** number(0.37), "((sw + 1)/(1 W m-2))^0.370"),
        (sympy.exp(number(-0.1) * ta), "exp(-0.100*ta)"),
        (sympy.sqrt(sw + 2), "sqrt(sw + 2)"),
        (sympy.log(share + 1), "log(share + 1)"),
        (number(1.5) * sympy.Abs(sympy.log(sw)), "1.50*|log(sw/(1 W m-2))|"),
    ],
)
def test_what_stands_inside_a_function_is_printed_without_a_unit(expression, text):
    shown, symbols = with_plain_arguments(expression, KNOWN)
    assert to_text(shown, 3) == text
    assert bool(symbols) == ("(1 " in text)
    ones = {sympy.Symbol(name, real=True): 1 for name in symbols}
    assert shown.xreplace(ones) == expression
