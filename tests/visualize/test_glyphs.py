"""No text of a picture is drawn as boxes."""

import io

import pytest
from matplotlib.figure import Figure

from visualize.glyphs import drawable, respell


@pytest.mark.parametrize("text", ["sw_pot", "θ (°C)", "Höhe", "Глубина", "a\nb", ""])
def test_what_the_font_has_stays(text):
    assert drawable(text) == text


def test_what_the_font_lacks_is_spelled():
    assert drawable("温度 (°C)") == "u6E29u5EA6 (°C)"


def test_a_figure_with_any_names_is_drawn_without_a_warning():
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="湿度")
    axes.set_xlabel("温度")
    axes.set_title("土壤")
    axes.set_xticks([0, 1], ["森林", "草地"])
    axes.legend()
    respell(figure)
    figure.savefig(io.BytesIO(), format="png")  # a missing glyph would be a warning
    assert axes.get_xlabel() == "u6E29u5EA6"
