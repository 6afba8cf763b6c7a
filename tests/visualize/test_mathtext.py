"""One line of mathematics is drawn, or left to plain text."""

import pytest

from visualize.mathtext import bare, text_size, to_mathtext


@pytest.mark.parametrize(
    "latex",
    [
        r"0.0075\,\mathrm{sw}_{\mathrm{pot}}",
        r"$x^{2}$",
        r"\left\lvert x \right\rvert",
        r"\lvert x \rvert \le 3",
        r"\displaystyle \tfrac{1}{2}",
        r"4.2 \times 10^{-4}",
    ],
)
def test_usual_formulas_can_be_drawn(latex):
    assert to_mathtext(latex) is not None


@pytest.mark.parametrize(
    "latex",
    [
        "",
        "$$",
        r"\foo{x}",
        r"\frac{1}",
        r"\begin{cases} 1 \end{cases}",
        "\\alpha é",
        "a $b",
        r"\mathrm{\text{T (\textdegree{}C)}}",
    ],
)
def test_other_formulas_are_left_to_plain_text(latex):
    assert to_mathtext(latex) is None


def test_dollars_and_labels_do_not_belong_to_the_mathematics():
    assert bare(r" $x + 1$ ") == "x + 1"
    assert bare("\\label{eq:rb} x\n  + 1") == "x + 1"


def test_plain_texts_with_a_dollar_are_measured_as_they_are():
    assert text_size("a$b$c", 10, math=False)[0] > text_size("a$b$c", 10)[0] > 0
