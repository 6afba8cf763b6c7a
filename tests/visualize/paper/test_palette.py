"""A bitmap in 256 colours shows what the full one shows, at a part of the size."""

import io

import numpy as np
import pytest
from PIL import Image

from visualize.paper.palette import in_palette, smaller
from visualize.style import BLUE, panels


def png_of(figure, dpi=100.0):
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    return stream.getvalue()


def pixels_of(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def plain():
    figure, (axes,) = panels(1, 1, 3.0, 3.0)
    axes.plot(np.sin(np.linspace(0, 9, 200)), color=BLUE)
    axes.set_title("a sine")
    return png_of(figure)


def test_ground_and_line_keep_their_colours(plain):
    full, flat = pixels_of(plain), pixels_of(smaller(plain))
    assert (flat[0, 0] == 255).all()
    assert np.abs(full - flat).max(-1).mean() < 0.2  # of 255
    line = tuple(int(BLUE[k : k + 2], 16) for k in (1, 3, 5))
    assert (np.abs(flat - line).max(-1) <= 3).sum() > 100


def test_a_picture_of_few_colours_is_kept_exactly():
    cells = np.random.default_rng(0).integers(0, 6, (40, 50))
    pixels = (40 * cells)[..., None].repeat(3, -1).astype(np.uint8)
    assert (pixels_of(in_palette(pixels, 100.0)) == pixels).all()


def test_it_is_smaller_and_made_once(plain):
    flat = smaller(plain)
    assert len(flat) < 0.7 * len(plain)
    assert smaller(flat) is flat
    with Image.open(io.BytesIO(flat)) as image:
        assert image.info["dpi"] == pytest.approx((100.0, 100.0), abs=0.1)
