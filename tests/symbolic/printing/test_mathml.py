"""MathML is well-formed, says what the formula says, and holds no markup of a name."""

from xml.dom import minidom

import pytest
import sympy

from symbolic.printing.mathml import to_mathml

X = sympy.Symbol("x", real=True)
FORMULAS = {
    "sum": (2.5 * X - 1, "2.50 ⁢ x − 1"),
    "power": (X ** sympy.Rational(1, 2) * X**3.0, "x"),
    "small": (sympy.Float(1.2e-9) * X, "1.20 · 10 −9 ⁢ x"),
    "two numbers": (2 * sympy.Float(3.5) ** X, "2 ⁢ 3.50 x"),
    "bound": (sympy.Max(0, X), "max ⁡ ( 0 , x )"),
    "cases": (sympy.Piecewise((X, X > 0), (1, True)), "{ x x > 0 1 otherwise"),
    "spline": (sympy.Function("f_rb")(X), "f rb ⁡ ( x )"),
}


def words(element):
    if element.nodeType == element.TEXT_NODE:
        return [element.data.strip()]
    return [word for child in element.childNodes for word in words(child)]


@pytest.mark.parametrize("name", FORMULAS)
def test_every_kind_of_formula_is_tokens_inside_elements(name):
    expression, told = FORMULAS[name]
    root = minidom.parseString(to_mathml(expression)).documentElement
    assert told in " ".join(words(root))
    assert all(
        node.parentNode.tagName in ("mi", "mn", "mo", "mtext") for node in texts(root)
    )


def texts(element):
    if element.nodeType == element.TEXT_NODE:
        return [element]
    return [one for child in element.childNodes for one in texts(child)]


def test_a_name_is_text_whatever_it_holds():
    evil = sympy.Symbol("<img src=x>", real=True)
    text = to_mathml(evil + 1, name="a<b")
    assert "<img" not in text
    assert words(minidom.parseString(text).documentElement)[0] == "a<b"


def test_terms_come_in_the_order_that_is_asked():
    y = sympy.Symbol("y", real=True)
    text = to_mathml(X + y, order=["y", "x"])
    assert text.index("<mi>y") < text.index("<mi>x")
