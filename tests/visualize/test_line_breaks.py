"""Long equations over several lines: nothing is lost, lines fit, brackets stay whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualize.equations import equation_box, equation_svg
from visualize.line_breaks import break_lines

SOIL = (
    r"\mathrm{tau4s3} = 380.00\, \min\left(1, \max\left(0, -2.6204 \times 10^{-4}\, "
    r"\left(\mathrm{bio1} + 13.506\right)^{2} - 1.9093\, \exp\left(1.1985 \times "
    r"10^{-4}\, \mathrm{npp}\right) + 2.7917\right)\right) + 20.000"
)


def measured(latex):
    return equation_box(latex, 22).width


def whole(broken):
    """Undo the breaking: one line, brackets plain."""
    text = re.sub(r"\\(begin|end)\{aligned\}", "", broken)
    text = text.replace(r"\\", "").replace("&", "").replace(r"\quad", "")
    return plain(text)


def plain(latex):
    text = re.sub(r"\\(left|right)(?![a-zA-Z])", "", latex)
    return " ".join(text.split())


@st.composite
def sums(draw):
    """Sums of products with brackets, fractions and exponents, nested a little."""
    terms = []
    for _ in range(draw(st.integers(1, 7))):
        inner = draw(st.sampled_from(["x", "y^{2}", r"\frac{a + b}{c - d}", "3.14"]))
        if draw(st.booleans()):
            inner = rf"\left({inner} - {draw(st.sampled_from('abc'))}\right)^{{2}}"
        terms.append(rf"{draw(st.integers(1, 99))}\, {inner}")
    text = terms[0]
    for term in terms[1:]:
        text += f" {draw(st.sampled_from('+-'))} {term}"
    if draw(st.booleans()):
        text = rf"7\, \max\left(0, {text}\right) + 1"
    return draw(st.sampled_from(["y = ", ""])) + text


@given(latex=sums(), width=st.integers(5, 80))
def test_nothing_is_lost_and_brackets_stay_whole(latex, width):
    broken = break_lines(latex, width, len)
    assert whole(broken) == plain(latex)
    for line in re.split(r"\\\\|\\begin\{aligned\}|\\end\{aligned\}", broken):
        assert line.count("{") == line.count("}")
        opened = len(re.findall(r"\\left(?![a-z])", line))
        assert opened == len(re.findall(r"\\right(?![a-z])", line))
    if len(latex) <= width:
        assert broken == latex


@pytest.mark.parametrize("width", [500, 700, 880])
def test_every_line_of_the_soil_model_fits(width):
    assert measured(SOIL) > 900
    assert measured(break_lines(SOIL, width, measured)) <= width


def test_it_prefers_signs_outside_of_brackets():
    latex = r"y = \left(a + b + c\right) + \left(d + e + f\right)"
    broken = break_lines(latex, 40, len)
    assert broken.count(r"\\") == 1
    assert r"\left(a + b + c\right) \\" in broken


@pytest.mark.parametrize(
    "latex",
    [
        r"\begin{cases} a + b & x > 0 \\ c + d & x < 0 \end{cases}",
        "abcdefghijklmnop",
        r"\frac{a + b + c}{d + e + f}",
        "-abcdefghijklmn",
    ],
)
def test_what_has_no_place_to_break_stays(latex):
    assert break_lines(latex, 3, len) == latex


def test_a_width_bounds_the_picture():
    def wide(svg):
        return int(re.search(r'width="(\d+)"', svg)[1])

    free, bound = equation_svg(SOIL, size=22), equation_svg(SOIL, size=22, width=880)
    assert wide(bound) <= 890 < wide(free)
    short = "y = a + b"
    assert equation_svg(short, width=880) == equation_svg(short)
    assert equation_svg(r"\begin{array} 1 \end{array}", width=880) is None


def test_the_lines_of_several_equations_are_broken_each_for_itself():
    rows = [r"a &= b + 1", SOIL.replace(" = ", " &= ", 1), r"c &= a - 2"]
    given = r"\begin{aligned} " + r" \\ ".join(rows) + r" \end{aligned}"
    broken = break_lines(given, 500, measured)
    lines = broken.split(r"\\")
    assert len(lines) > 5
    assert lines[0].endswith("a &= b + 1 ")
    assert lines[-1].startswith(" c &= a - 2")
    assert measured(broken) <= 520
    assert break_lines(broken, 500, measured) == broken  # lines of its own stay


def test_labels_of_classes_are_drawn():
    cases = r"\begin{cases} 1 & \text{if } s = \textsf{a b-c} \\ 0 & \text{otherwise} \end{cases}"
    assert equation_box(cases) is not None
