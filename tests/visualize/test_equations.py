"""Equations are typeset without TeX, or honestly refused."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualize.equations import FINE, equation_box, equation_svg

CASES = r"y = \begin{cases} 0 & \text{if } x < 0 \\ x & \text{otherwise} \end{cases}"
ALIGNED = r"\begin{aligned} y &= a + b \\ &\quad {}+ c \end{aligned}"


@pytest.mark.parametrize("latex", [CASES, ALIGNED, rf"\begin{{align*}}{ALIGNED}\end{{align*}}",
                                   r"a = \frac{x}{1 + y^{\frac{1}{2}}}", r"a \\ b"])  # fmt: skip
def test_outlines_stay_close_to_their_box(latex):
    box = equation_box(latex, 20)
    assert box is not None
    low, high = box.path.get_extents().get_points()
    assert low[0] >= -2
    assert high[0] <= box.width + 2
    assert -box.descent - 2 <= low[1]
    assert high[1] <= box.ascent + 2


def test_lines_and_cases_stand_below_each_other():
    one, two = equation_box("x", 20), equation_box(r"x \\ x", 20)
    three = equation_box(r"\begin{cases} x \\ x \\ x \end{cases}", 20)
    assert one.height < two.height < three.height


def test_relations_are_aligned():
    short = equation_box(r"\begin{aligned} y &= 1 \\ yyyyy &= 1 \end{aligned}", 20)
    long = equation_box(r"yyyyy = 1", 20)
    assert short.width == pytest.approx(long.width, rel=0.1)


def test_size_scales_everything():
    small, large = equation_box(CASES, 10), equation_box(CASES, 20)
    assert large.width == pytest.approx(2 * small.width, rel=0.05)
    assert np.allclose(large.path.vertices, 2 * small.path.vertices, atol=1.0)


@pytest.mark.parametrize(
    "latex",
    [
        r"\foo x",
        r"\begin{matrix} 1 \end{matrix}",
        r"\begin{cases} 1",
        r"\left( \begin{aligned} 1 \end{aligned} \right)",
    ],
)
def test_what_cannot_be_typeset_is_none(latex):
    assert equation_box(latex) is None
    assert equation_svg(latex) is None


def test_an_empty_equation_has_no_picture():
    assert equation_svg(r"\label{eq:y}") is None


@given(st.text(max_size=30))
def test_any_text_gives_a_picture_or_none(latex):
    svg = equation_svg(latex)
    assert svg is None or svg.startswith("<svg")


def test_the_picture_is_an_accessible_element_in_the_colour_of_the_text():
    svg = equation_svg(CASES, text='y = max(0, x) & "more" <x>')
    element = ElementTree.fromstring(svg)
    assert element.get("aria-label") == 'y = max(0, x) & "more" <x>'
    assert element.get("role") == "img"
    assert element[0].get("fill") == "currentColor"
    assert svg == equation_svg(CASES, text='y = max(0, x) & "more" <x>')


def test_a_matrix_stands_between_brackets_of_its_height():
    one = equation_box(r"\begin{pmatrix} a & b \end{pmatrix}", 20)
    three = equation_box(r"\begin{pmatrix} a & b \\ c & d \\ e & f \end{pmatrix}", 20)
    assert three.height > 2 * one.height
    low, high = (edge(three.path.vertices[:, 1]) for edge in (np.min, np.max))
    assert high - low == pytest.approx(three.height, rel=0.05)
    named = equation_box(r"\mathbf{A} = \begin{pmatrix} a & b \end{pmatrix} x", 20)
    assert named.width > one.width


def test_the_place_of_an_environment_is_no_text():
    body = r"y &= a \\ z &= b"
    plain = equation_box(rf"\begin{{aligned}} {body} \end{{aligned}}")
    top = equation_box(rf"\begin{{aligned}}[t] {body} \end{{aligned}}")
    assert (top.width, top.height) == (plain.width, plain.height)


def test_the_steps_of_an_outline_lead_to_its_places():
    svg = equation_svg(CASES, size=20)
    box = equation_box(CASES, 20)
    words = re.findall(r"[mlqcz]|-?\d+", ElementTree.fromstring(svg)[0].get("d"))
    here = start = np.zeros(2)
    corners, letter = [], ""
    while words:
        if words[0].isalpha():
            letter = words.pop(0)
            if letter == "z":
                here = start
                continue
        count = {"m": 1, "l": 1, "q": 2, "c": 3}[letter]
        steps = np.array([words.pop(0) for _ in range(2 * count)], dtype=float)
        places = here + steps.reshape(-1, 2)
        here = places[-1]
        start = here if letter == "m" else start
        corners.extend(places / FINE)
    segments = box.path.iter_segments(simplify=False)
    wanted = [v.reshape(-1, 2) for v, code in segments if code != box.path.CLOSEPOLY]
    wanted = np.concatenate(wanted) * [1, -1] + [0.1 * 20, box.ascent + 0.1 * 20]
    np.testing.assert_allclose(corners, wanted, rtol=0, atol=0.5 / FINE + 1e-9)
