"""Equations on a page: nothing is lost by breaking, bounds become cases."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.expression.evaluate import compile_numpy
from symbolic.printing.latex import latex_printer
from symbolic.printing.latex_reader import read_latex
from symbolic.printing.layout import (
    BREAK,
    as_cases,
    broken_sum,
    equations,
    find_clamp,
    inner_of,
    visual_width,
    with_tilde,
)

x, y, z, ta = sympy.symbols("x y z ta", real=True)
NAMES = [sympy.Symbol("rb")]


def test_a_long_sum_is_broken_before_its_signs_and_reads_back():
    total = sum((-1) ** k * (k + 1.5) * sympy.exp(-0.1 * k * ta) for k in range(1, 12))
    printer = latex_printer([total], None)
    text = broken_sum(printer, total, 50)
    lines = text.split(BREAK)
    assert len(lines) > 3
    assert all(line[0] in "+-" for line in lines[1:])
    assert read_latex(text, [ta]) == total


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_breaking_changes_no_formula(formulas, data):
    expression = data.draw(formulas)
    text = broken_sum(latex_printer([expression], None), expression, 20)
    assert read_latex(text, expression.free_symbols, ["f_rb_ta"]) == expression


CLAMPS = [
    sympy.Max(0, x + y),
    sympy.Min(3.5, x + y),
    sympy.Max(0, sympy.Min(1, x + y)),
    sympy.Min(1, sympy.Max(-1, x + y)),
    0.02 + 0.98 * sympy.Max(0, sympy.Min(1, (x + y + 3) / 6)),
    2.0 - sympy.Min(0, x + y),
]


@pytest.mark.parametrize("expression", CLAMPS, ids=str)
def test_bounds_as_cases_are_the_same_function(expression):
    clamp = find_clamp(expression)
    cases = as_cases(expression, clamp, z)
    assert cases.free_symbols == {z}
    exact = compile_numpy(expression, [x, y])
    inner, outer = compile_numpy(inner_of(clamp), [x, y]), compile_numpy(cases, [z])
    for a in (-9.0, -1.0, -0.2, 0.0, 0.3, 1.0, 2.0, 9.0):
        assert outer(inner(a, 0.5)) == exact(a, 0.5)


def test_bounds_are_printed_as_cases_of_the_unbounded_value():
    expression = sympy.Max(0, 2.0 * x + y)
    printer = latex_printer([expression, *NAMES])
    first, second = equations(printer, r"\mathrm{rb}\left(x\right)", "rb", expression)
    assert first == (r"\widetilde{\mathrm{rb}}", "2.00\\, x + y")
    assert second[1].startswith(
        r"\begin{cases} 0 & \text{if } \widetilde{\mathrm{rb}} \le 0"
    )


def test_a_maximum_of_two_variables_is_no_bound():
    assert find_clamp(sympy.Max(x, y)) is None
    assert find_clamp(sympy.Max(1, x, y)) is None
    assert find_clamp(ta * sympy.Max(1, x)) is None
    assert inner_of(sympy.Max(0, sympy.Min(x, y))) == sympy.Min(x, y)


def test_a_long_sum_inside_a_function_gets_a_letter():
    inside = sum((k + 1.5) * sympy.exp(-0.1 * k * ta) for k in range(1, 9))
    expression = 2.0 * sympy.log(inside + x) + 1.0
    printer = latex_printer([expression, *NAMES])
    lines = equations(printer, "y", "rb", expression, 40)
    assert lines[0][0] == r"u_{\mathrm{rb},1}"
    assert lines[-1] == ("y", r"2.00\, \ln\left(u_{\mathrm{rb},1}\right) + 1.00")


def test_width_counts_what_is_seen():
    assert visual_width(r"\mathrm{ab}_{\mathrm{cd}}") == 4
    assert visual_width(r"\frac{x + 1}{y}") == 3
    assert visual_width(r"\exp\left(\alpha\right)") == 6


@pytest.mark.parametrize(
    ("symbol", "accented"),
    [
        ("k", r"\tilde{k}"),
        (r"\alpha_{1}", r"\tilde{\alpha}_{1}"),
        (r"\mathrm{rb}", r"\widetilde{\mathrm{rb}}"),
        (r"k_{\mathrm{d}}", r"\tilde{k}_{\mathrm{d}}"),
    ],
)
def test_the_tilde_stands_over_the_letters(symbol, accented):
    assert with_tilde(symbol) == accented
