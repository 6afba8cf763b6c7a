"""Plain text of formulas and Markdown of tables."""

import math

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symbolic.printing.text import markdown_table, to_text

x, y, ta, sw = sympy.symbols("x y ta sw_pot", real=True)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            0.0075 * sw - 2.1 * sympy.exp(-0.1 * x),
            "0.00750*sw_pot - 2.10*exp(-0.100*x)",
        ),
        (x / y, "x/y"),
        (x / (2 * y), "x/(2*y)"),
        ((x + 1) / (y + 2), "(x + 1)/(y + 2)"),
        (2 * x**-2, "2/x^2"),
        (x ** (y + 1), "x^(y + 1)"),
        (x**-1.5, "x^(-1.50)"),
        (sympy.sqrt(x), "sqrt(x)"),
        (sympy.Rational(1, 3) * x, "x/3"),
        ((x + 1) ** 2, "(x + 1)^2"),
        (x / 3 - sympy.Rational(1, 2), "(x - 1.5)/3"),
        (1e-7 * x, "1.00e-7*x"),
        (sympy.Abs(x - 2), "|x - 2|"),
        (sympy.Max(0, x), "max(0, x)"),
        (sympy.Piecewise((x, x > 0), (0, True)), "{x if x > 0; 0 otherwise}"),
        (sympy.Function("f_rb_ta")(ta), "f_rb_ta(ta)"),
    ],
)
def test_formulas_are_readable_in_one_line(expression, text):
    assert to_text(expression) == text


def evaluate(text, values):
    """Read the text by Python's grammar, as an independent check of brackets."""
    names = {
        "exp": sympy.exp, "log": sympy.log, "sin": sympy.sin, "cos": sympy.cos,
        "tan": sympy.tan, "tanh": sympy.tanh, "max": sympy.Max, "min": sympy.Min,
        "sqrt": sympy.sqrt, "e": sympy.E, "pi": sympy.pi,
    }  # fmt: skip
    return sympy.sympify(text.replace("^", "**"), locals=names | values)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_brackets_are_where_they_have_to_be(formulas, data):
    expression = data.draw(
        formulas.filter(
            lambda e: (
                not e.has(sympy.Abs, sympy.Piecewise)
                and not e.atoms(sympy.core.function.AppliedUndef)
            )
        )
    )
    values = {symbol.name: symbol for symbol in expression.free_symbols}
    point = dict.fromkeys(values.values(), sympy.Float("0.37"))
    again = evaluate(to_text(expression, None), values)
    first, second = (complex(e.xreplace(point).evalf(30)) for e in (expression, again))
    assume(math.hypot(first.real, first.imag) < 1e150)  # at a pole nothing is equal
    assert abs(first - second) <= 1e-9 * (1 + abs(first))


def test_no_sign_follows_cases():
    """A sign behind them would seem to go on with the condition of one of them."""
    first = sympy.Piecewise((1, x > 0), (2, True))
    second = sympy.Piecewise((3, y > 0), (4, True))
    assert to_text(first + 5 + x) == "x + 5 + {1 if x > 0; 2 otherwise}"
    both = "({1 if x > 0; 2 otherwise}) + {3 if y > 0; 4 otherwise}"
    assert to_text(first + second) == both


def test_a_markdown_table_is_aligned_and_escaped():
    rows = [
        {"edge": "ta -> rb", "r2": 0.99987, "ambiguous": False, "note": None},
        {"edge": "a|b", "r2": 1e-7, "ambiguous": True},
    ]
    assert markdown_table(rows) == (
        "| edge     | r2      | ambiguous | note |\n"
        "| -------- | ------- | --------- | ---- |\n"
        "| ta -> rb | 1.00    | no        |      |\n"
        "| a\\|b     | 1.00e-7 | yes       |      |\n"
    )
    assert markdown_table([]) == ""
