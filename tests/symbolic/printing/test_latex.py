"""Laws of the printed formula: it reads back to itself, and looks as in a paper."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.errors import ExpressionError
from symbolic.printing.latex import to_latex
from symbolic.printing.latex_reader import read_latex

x, y, ta, rb = sympy.symbols("x y ta rb", real=True)
sw, bio = sympy.symbols("sw_pot BIO1", real=True)
f = sympy.Function("f_rb_ta")


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_full_precision_reads_back_to_the_same_formula(formulas, data):
    expression = data.draw(formulas)
    text = to_latex(expression, digits=None)
    assert read_latex(text, expression.free_symbols, ["f_rb_ta"]) == expression


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_every_printed_formula_has_balanced_braces(formulas, data):
    text = to_latex(data.draw(formulas))
    for opening, closing in (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end")):
        assert text.count(opening) == text.count(closing)
    assert "+ -" not in text
    assert "--" not in text


LOOKS = [
    (0.0075 * sw - 2.0, r"0.00750\, \mathrm{sw}_{\mathrm{pot}} - 2.00"),
    (y - 0.0375 * bio, r"-0.0375\, \mathrm{BIO1} + y"),
    (2.5 * sympy.exp(-0.1 * ta) + 1.0, r"2.50\, \exp\left(-0.100\, \mathrm{ta}\right) + 1.00"),
    (sympy.Float(1.0) * x, "x"),
    (-sympy.Float(1.0) * x + 1, "-x + 1"),
    (1e-7 * x, r"1.00 \times 10^{-7}\, x"),
    (x / y, r"\frac{x}{y}"),
    (2 / (3 * y * x), r"\frac{2}{3\, x\, y}"),
    (-x / (y + 1), r"-\frac{x}{y + 1}"),
    ((x + 1) * y * x / 2, r"\frac{x\, y\, \left(x + 1\right)}{2}"),
    (x / 2 + sympy.Rational(1, 3), r"\frac{3\, x + 2}{6}"),
    (sympy.Mul(sympy.Rational(1, 2), x + 1, evaluate=False), r"\frac{1}{2}\, \left(x + 1\right)"),
    (x**2.0, "x^{2}"),
    (x**-1.5, "x^{-1.50}"),
    (sympy.sqrt(x + 1) / 2, r"\frac{\sqrt{x + 1}}{2}"),
    (rb * 1.5 ** ((ta - 15) / 10), r"\mathrm{rb} \cdot 1.50^{\left(\mathrm{ta} - 15\right)/10}"),
    (x ** (y / (2 * rb * ta)), r"x^{y/\left(2\, \mathrm{rb}\, \mathrm{ta}\right)}"),
    (3 * 2**x, r"3 \cdot 2^{x}"),
    (sympy.Abs(x - 2.0) * 3.0, r"3.00\, \left|x - 2.00\right|"),
    (sympy.Max(0, sympy.Min(x, 1)), r"\max\left(0, \min\left(1, x\right)\right)"),
    (f(x) ** 2, r"\left(f_{\mathrm{rb},\mathrm{ta}}\left(x\right)\right)^{2}"),
    (sympy.sign(x), r"\operatorname{sgn}\left(x\right)"),
    (sympy.Heaviside(y), r"\operatorname{H}\left(y\right)"),
    (sympy.pi * sympy.E * x, r"x\, \mathrm{e}\, \pi"),
    (
        sympy.Piecewise((x, x > 0), (0, True)),
        r"\begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
    ),
    (
        -y * sympy.Piecewise((x, x > 0), (0, True)),
        r"-y\, \left(\begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} "
        r"\end{cases}\right)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "text"), LOOKS, ids=lambda v: str(v)[:24])
def test_formulas_look_as_in_a_paper(expression, text):
    assert to_latex(expression) == text
    full = to_latex(expression, digits=None)
    assert read_latex(full, expression.free_symbols, ["f_rb_ta"]) == expression


def test_terms_come_in_the_order_asked_for_and_numbers_last():
    expression = 3.0 + 2.0 * x + 1.5 * ta + y
    assert to_latex(expression, order=["ta", "y", "x"]) == (
        r"1.50\, \mathrm{ta} + y + 2.00\, x + 3.00"
    )


def test_conditions_are_printed_and_read():
    both, either = sympy.And(x > 0, y < 3), sympy.Or(x <= -1, sympy.Ne(y, 2))
    expression = sympy.Piecewise(
        (1, both),
        (2, either),
        (3, sympy.And(either, ta >= 0)),
        (4, sympy.Not(sympy.And(x > 5, y < 3), evaluate=False)),
        (5, sympy.Eq(x, y)),
        (6, True),
    )
    text = to_latex(expression, digits=None)
    assert r"\text{ and }" in text
    assert r"\neg\left(" in text
    assert read_latex(text, [x, y, ta]) == expression
    assert to_latex(x > 0) == "x > 0"
    assert to_latex(sympy.false) == r"\text{never}"


def test_a_given_symbol_is_taken_verbatim_and_read():
    latex = {"sw_pot": r"\mathrm{SW}_{\mathrm{pot}}"}
    text = to_latex(2.0 * sw, None, latex)
    assert text == r"2.0\, \mathrm{SW}_{\mathrm{pot}}"
    assert read_latex(text, [sw], latex=latex) == 2.0 * sw


def test_numbers_may_have_a_comma_or_siunitx():
    assert to_latex(2.5 * x, decimal_comma=True) == r"2{,}50\, x"
    assert to_latex(2.5e-5 * x, siunitx=True) == r"\num{2.50e-5}\, x"
    text = to_latex(2.5 * x, None, decimal_comma=True)
    assert read_latex(text, [x]) == 2.5 * x


def test_two_names_that_look_alike_are_refused():
    with pytest.raises(ExpressionError, match="both printed as a"):
        to_latex(x + y, symbols={"x": "a", "y": "a"})


def test_nodes_outside_the_whitelist_are_refused():
    with pytest.raises(ExpressionError, match="gamma"):
        to_latex(sympy.gamma(x))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x + z", "position 4: 'z' is no symbol"),
        ("x +", "the end stands where a number or symbol"),
        (r"\left(x", "the end stands where"),
        ("x }", "stands where the end"),
        (r"\exp x", r"stands where \\left\("),
        (r"\frac{x}", "the end stands where {"),
        (r"\begin{cases} x & \text{if } x \end{cases}", "stands where <"),
        (r"\left(" * 300 + "x", "levels deep"),
    ],
)
def test_text_that_is_no_formula_is_refused(text, message):
    with pytest.raises(ExpressionError, match=message):
        read_latex(text, [x])


@pytest.mark.parametrize("name", ["air temp", "T (°C)", "share %", "P/E & more", "2 m"])
def test_columns_of_any_name_are_printed_and_read(name):
    column = sympy.Symbol(name, real=True)
    formula = 2 * sympy.log(column + 1) - 3
    assert read_latex(to_latex(formula, None), [column]) == formula
