"""One drawing gives the bitmap that matplotlib saves, and a page with the same strokes."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context
from PIL import Image

from visualize import plot_history, plot_observed
from visualize.paper.both import POINTS, save_both
from visualize.paper.palette import in_palette
from visualize.style import panels

DPI = 50.0


def observed():
    """A picture with cells, a colour bar, a dashed line, letters and mathematics."""
    x = np.linspace(1, 40, 3000)
    models = {"network": x + np.sin(x), "equation": x}
    return plot_observed(x, models, "reco", "umol m-2 s-1")


def dotted():
    """Seven points on a line of two points' width."""
    figure, (axes,) = panels(1, 1, 2.0, 3.0)
    axes.plot(range(7), range(7), "o-", linewidth=2.0)
    return figure


def page_of(figure, folder):
    """Return the text of the PDF that a figure is written as."""
    with rc_context({"pdf.compression": 0}):
        save_both(figure, folder / "a.png", folder / "a.pdf", DPI)
    return (folder / "a.pdf").read_bytes().decode("latin-1")


@pytest.mark.parametrize("make", [observed, dotted])
def test_the_bitmap_is_that_of_matplotlib_in_a_palette(tmp_path, make):
    save_both(make(), tmp_path / "a.png", tmp_path / "a.pdf", DPI)
    make().savefig(tmp_path / "b.png", dpi=DPI)
    with Image.open(tmp_path / "b.png") as image:
        pixels = np.asarray(image)
    assert (tmp_path / "a.png").read_bytes() == in_palette(pixels, DPI)


def test_lengths_on_the_page_are_those_of_the_figure(tmp_path):
    figure = dotted()
    page = page_of(figure, tmp_path)
    width, height = POINTS * figure.get_size_inches()
    assert f"/MediaBox [ 0 0 {width:g} {height:g} ]" in page
    matrix, *_ = re.findall(r"([\d.]+) 0 0 \1 0 0 cm", page)
    widths = [float(one) * float(matrix) for one in re.findall(r"([\d.]+) w\b", page)]
    assert any(width == pytest.approx(2.0) for width in widths)
    fonts = {float(one) * float(matrix) for one in re.findall(r"/F1 ([\d.]+) Tf", page)}
    sizes = {label.get_fontsize() for label in figure.axes[0].get_xticklabels()}
    assert [*fonts] == pytest.approx([*sizes])


def test_every_marker_is_on_the_page(tmp_path):
    page = page_of(dotted(), tmp_path)
    uses = re.findall(r"/(M\d+) Do", page)
    assert max(uses.count(name) for name in set(uses)) == 7


def test_what_would_show_seams_is_an_image(tmp_path):
    figure = observed()
    page = page_of(figure, tmp_path)
    # the page is laid out in pixels: the image lies where the colour bar is
    ((width, height),) = re.findall(r"q (\d+) 0 0 (\d+) [\d. ]+ cm /I1 Do", page)
    bar = figure.axes[-1].bbox
    scale = DPI / figure.dpi
    assert float(width) == pytest.approx(scale * bar.width, abs=2)
    assert float(height) == pytest.approx(scale * bar.height, abs=2)
    assert "/I1 Do" not in page_of(dotted(), tmp_path)


def test_the_figure_can_be_saved_again(tmp_path):
    frame = pd.DataFrame({"total": [2.0, 1.0, 0.5]})
    figure, other = plot_history(frame), plot_history(frame)
    dpi = figure.dpi
    save_both(figure, tmp_path / "a.png", tmp_path / "a.pdf", DPI)
    assert figure.dpi == dpi
    for _ in range(2):  # as if matplotlib had saved it before
        other.savefig(tmp_path / "b.png", dpi=DPI)
    figure.savefig(tmp_path / "a.png", dpi=DPI)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_file_that_cannot_be_written_leaves_the_figure_as_it_was(tmp_path):
    figure = dotted()
    dpi, canvas = figure.dpi, figure.canvas
    with pytest.raises(FileNotFoundError):
        save_both(figure, tmp_path / "no" / "a.png", tmp_path / "a.pdf", DPI)
    assert (figure.dpi, figure.canvas) == (dpi, canvas)
