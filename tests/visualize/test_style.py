"""Colours can be told apart and read; drawing leaves the user's settings alone."""

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from visualize.style import (
    FAMILY_COLOURS,
    OTHER_FAMILY,
    READABLE,
    contrast,
    family_colour,
    panels,
    styled,
    text_colour,
)


def test_contrast_has_the_known_ends():
    assert contrast("white") == pytest.approx(1.0)
    assert contrast("black") == pytest.approx(21.0)
    assert contrast("black", "white") == contrast("white", "black")


@pytest.mark.parametrize("family", [*FAMILY_COLOURS, "mine"])
def test_texts_in_a_family_colour_can_be_read_on_white(family):
    assert contrast(text_colour(family_colour(family))) >= READABLE


def test_a_readable_colour_stays_as_it_is():
    assert text_colour("#000000") == "#000000"


def test_families_have_colours_of_their_own():
    named = {name: colour for name, colour in FAMILY_COLOURS.items() if name}
    assert len(set(named.values()) | {OTHER_FAMILY}) == len(named) + 1


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (3, 1), (4, 2), (7, 3)])
def test_panels_come_in_rows(count, rows):
    figure, axes = panels(count, 3, 2.0)
    assert len(axes) == len(figure.axes) == count
    assert figure.get_figheight() == pytest.approx(2.0 * rows)


def test_drawing_leaves_the_settings_of_the_user_alone():
    before = dict(mpl.rcParams)

    @styled
    def draw() -> Figure:
        assert mpl.rcParams["axes.grid"]
        return Figure()

    draw()
    assert dict(mpl.rcParams) == before


def test_a_notebook_shows_a_figure_without_pyplot():
    figure, _ = panels(1, 1, 1.0, 2.0)
    assert figure._repr_png_().startswith(b"\x89PNG")
