"""The check without TeX finds what TeX would stumble over."""

import pytest
from tex_check import check_latex

GOOD = [
    r"\begin{align} a &= b \\ &\quad {}+ c \end{align}",
    r"\begin{align} a &= \begin{cases} 1 & x > 0 \\ 2 & \text{else} \end{cases} \end{align}",
    r"\begin{tabular}{@{}l>{\raggedright\arraybackslash}p{4cm}r@{}} a & b & $c$ \\ \end{tabular}",
    r"\begin{tabular}{S[table-format=1.2]l} 1.2 & b \\ \midrule 1 & \& \\ \end{tabular}",
    "50 \\% of \\{a\\} % a comment with { and $\n",
    r"\left(\left|x\right|\right) \leftarrow",
]
BAD = [
    (r"\frac{a}{b", "braces: 2 opened, 1 closed"),
    ("}{", "braces"),
    ("$a", "dollar signs: 1"),
    (r"\left(a", "1 left for 0 right"),
    (r"\begin{align} a", "begin{align} is never closed"),
    (
        r"\begin{align} \begin{cases} \end{align} \end{cases}",
        "end{align} closes another",
    ),
    (r"\begin{align} a & b & c \end{align}", "align: 2 column signs"),
    (r"\begin{tabular}{ll} a & b & c \\ \end{tabular}", "3 cells for 2 columns"),
    (r"\begin{cases} a & b & c \end{cases}", "cases: 2 column signs"),
]


@pytest.mark.parametrize("text", GOOD)
def test_right_latex_passes(text):
    assert check_latex(text) == []


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_wrong_latex_is_told(text, problem):
    assert any(problem in found for found in check_latex(text))
