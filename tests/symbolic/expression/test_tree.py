"""Laws of the JSON tree: there and back is the same formula; nothing else gets in."""

import json

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.errors import ExpressionError
from symbolic.expression.tree import from_tree, to_tree

x, y = sympy.Symbol("x", real=True), sympy.Symbol("y")


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_formula_comes_back_from_json_as_it_was(formulas, data):
    expression = data.draw(formulas)
    stored = json.loads(json.dumps(to_tree(expression)))
    assert from_tree(stored) == expression


@given(value=st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_a_number_comes_back_bit_for_bit(value):
    stored = json.loads(json.dumps(to_tree(sympy.Float(value))))
    assert float(from_tree(stored)).hex() == (value + 0.0).hex()


@pytest.mark.parametrize(
    "expression",
    [
        sympy.Symbol("q", positive=True) ** 2,
        sympy.Function("f_rb_ta")(x, y),
        sympy.Piecewise((x, sympy.And(x > 0, y < 3)), (0, sympy.Or(x < -1, y >= 2))),
        sympy.Piecewise((1, sympy.Not(sympy.And(x > 0, y < 3))), (y, True)),
        sympy.Piecewise((1, sympy.Eq(x, 2)), (y, sympy.Ne(y, 3)), (3, True)),
        1.5 ** (x - 2010.0),
        sympy.Mul(2.0, sympy.Add(x, 1.0), evaluate=False),
        sympy.sign(x) + sympy.Heaviside(x) + sympy.pi * sympy.E,
        sympy.Integer(10) ** 40 * x,
    ],
)
def test_every_kind_of_node_comes_back(expression):
    assert from_tree(json.loads(json.dumps(to_tree(expression)))) == expression


@pytest.mark.parametrize("tiny", ["1.85422821542267e-309", "3e-324", "1e-400"])
def test_below_the_smallest_normal_double_the_nearest_is_taken(tiny):
    number = sympy.Float(tiny)
    found = from_tree(to_tree(number * x))
    assert abs(float(found.coeff(x)) - float(number)) <= 5e-324


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (sympy.gamma(x), "gamma in 'gamma"),
        (sympy.I * x, "ImaginaryUnit"),
        (sympy.Integral(x, x), "Integral"),
        (sympy.oo, "not allowed"),
        (sympy.nan, "not allowed"),
        (sympy.Float("0.1", 40), "is not a double"),
        (sympy.Float("1e400"), "is not a double"),
        (sympy.UnevaluatedExpr(x), "UnevaluatedExpr"),
        (sympy.Symbol("n", integer=True), "assumptions beyond"),
        (sympy.Symbol("a\nb"), "is no name"),
        (sympy.Symbol("a\u200bb"), "is no name"),
        (sympy.Symbol(" a"), "is no name"),
        (sympy.Symbol("a" * 501), "is no name"),
        (sympy.Heaviside(x, sympy.Integer(0)), "value at zero"),
    ],
)
def test_a_node_outside_the_whitelist_is_refused(expression, text):
    with pytest.raises(ExpressionError, match=text):
        to_tree(expression)


@pytest.mark.parametrize("name", ["T 2'", 'a "b"', "a\\b;c", "a`b", "__import__('os')"])
def test_any_name_that_can_be_seen_is_a_name_and_nothing_more(name):
    symbol = sympy.Symbol(name, real=True)
    assert from_tree(to_tree(symbol)) == symbol
    assert from_tree(["call", name, ["symbol", "x"]]).func.__name__ == name


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (["eval", "1"], "'eval' is not a kind"),
        (["symbol", "x", "integer"], "unknown assumptions"),
        (["symbol"], "is no name"),
        (["call", "f"], "has no argument"),
        (["add", 1], "does not take 1"),
        (["exp", 1, 2], "does not take 2"),
        (["rational", 1, 0], "two integers"),
        (["rational", 1.0, 2], "two integers"),
        (["cases"], "without a case"),
        (["cases", [1, 2, 3]], r"\[value, condition\]"),
        (["cases", [1, 2]], "a number stands"),
        (["add", 1, ["true"]], "a condition stands"),
        (["not", 1], "a number stands"),
        (float("nan"), "not a finite"),
        ("x", "a number or a list"),
        ([], "a number or a list"),
        ({"a": 1}, "a number or a list"),
        (None, "no part of a formula"),
        (True, "no part of a formula"),
    ],
)
def test_a_tree_that_is_no_formula_is_refused(tree, text):
    with pytest.raises(ExpressionError, match=text):
        from_tree(tree)


def test_a_bottomless_tree_is_refused():
    tree = 1.0
    for _ in range(400):
        tree = ["exp", tree]
    with pytest.raises(ExpressionError, match="levels deep"):
        from_tree(tree)
