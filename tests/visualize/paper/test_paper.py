"""Figures for papers have the width that was asked, are legible, and repeat themselves."""

import re

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.text import Text

from sciren.errors import ConfigError
from visualize import plot_observed, plot_residuals, plot_series
from visualize.paper.fitting import add_letters, fit_texts
from visualize.paper.saving import save_scaled
from visualize.paper.styles import INCH, STYLES, millimetres, style_named
from visualize.style import figures_of_width, panels

VIEWS = [
    {"name": name, "unit": "umol m-2 s-1 per something", "x": [1, 2, 3],
     "mean": [0, None, 1], "low": [-1, None, 0], "high": [1, None, 2]}
    for name in ("radiation at the top of the atmosphere", "b", "c")
]  # fmt: skip


def drawn(width=85.0, style="nature"):
    chosen = STYLES[style]
    with figures_of_width(width / INCH / chosen.scale):
        figure = plot_residuals(VIEWS, "reco")
    add_letters(figure, chosen)
    fit_texts(figure)
    return figure, chosen


@pytest.mark.parametrize("style", ["nature", "egu"])
def test_text_is_never_smaller_than_the_journal_allows(style):
    figure, chosen = drawn(style=style)
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    sizes = [text.get_fontsize() * chosen.scale for text in texts]
    assert min(sizes) >= chosen.smallest
    assert figure.get_figwidth() * chosen.scale * INCH == pytest.approx(85)


def test_panels_have_letters_and_a_single_one_has_none():
    figure, _ = drawn()
    assert [axis.get_title("left") for axis in figure.axes] == ["a", "b", "c"]
    alone = plot_observed(np.arange(3.0), {"equation": np.arange(3.0)})
    add_letters(alone, STYLES["agu"])
    assert "(a)" not in alone.axes[0].get_title("left")


def test_long_labels_are_broken_inside_their_panel():
    figure, _ = drawn()
    assert "\n" in figure.axes[0].get_xlabel()
    figure.draw_without_rendering()
    right = figure.axes[1].xaxis.label.get_window_extent().x1
    assert right <= 1.01 * figure.bbox.width


def test_a_long_formula_leaves_its_panel_the_width_and_ends_inside_the_figure():
    figure = Figure(figsize=(4, 2), layout="constrained")
    axes = figure.subplots(1, 2)
    figure.draw_without_rendering()
    free = axes[0].get_window_extent().width
    for axis in axes:
        axis.text(
            0, 1.03, f"exp: {'1.23*exp(-4.5*x) + ' * 5}", transform=axis.transAxes
        )
    fit_texts(figure)
    figure.draw_without_rendering()
    for axis in axes:
        assert axis.get_window_extent().width == pytest.approx(free, rel=0.05)
        assert axis.texts[0].get_text().startswith("exp: ")
        assert axis.texts[0].get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("kind", ["pdf", "svg"])
def test_a_second_drawing_has_the_same_bytes_and_the_width_asked(tmp_path, kind):
    for name in ("one", "two"):
        figure, chosen = drawn()
        save_scaled(figure, tmp_path / f"{name}.{kind}", chosen.scale)
    first = (tmp_path / f"one.{kind}").read_bytes()
    assert first == (tmp_path / f"two.{kind}").read_bytes()
    pattern = {"pdf": rb"/MediaBox \[ 0 0 ([\d.]+)", "svg": rb'width="([\d.]+)pt"'}[
        kind
    ]
    points = float(re.search(pattern, first)[1])
    assert points / 72 * INCH == pytest.approx(85, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "asked"),
    [("85mm", 85), ("8.5 cm", 85), ("1in", 25.4 * 1), ("column", 83), ("page", 177)],
)
def test_widths_are_read_as_people_write_them(text, asked):
    if asked < 40:
        with pytest.raises(ConfigError, match="40 to 600 mm"):
            millimetres(text, STYLES["egu"])
    else:
        assert millimetres(text, STYLES["egu"]) == pytest.approx(asked)


def test_what_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there are nature, agu, egu"):
        style_named("elsevier")
    with pytest.raises(ConfigError, match="number with mm, cm or in"):
        millimetres("wide", STYLES["egu"])
    with pytest.raises(ConfigError, match="not as 'gif'"):
        save_scaled(drawn()[0], tmp_path / "x.gif", 1.0)


def test_a_series_is_drawn_site_by_site():
    site = {
        "group": "CH-Dav",
        "time": [0.0, 1e9 + 0.4],  # means of stretches are no whole numbers
        "observed": [1, None],
        "network": [1, 2],
    }
    figure = plot_series([site, site], "nee", "g")
    assert len(figure.axes) == 2
    assert figure.axes[0].get_title("left") == "CH-Dav"
    day = plot_series([site | {"time": [1, 2.5]}], "nee", "g", clock="day")
    assert day.axes[0].get_xlabel() == "day"
    np.testing.assert_allclose(day.axes[0].get_lines()[0].get_xdata(), [1, 2.5])


def test_a_smaller_page_holds_every_marker(tmp_path):
    figure, (axes,) = panels(1, 1, 2.0, 3.0)
    axes.plot(range(7), range(7), "o")
    with rc_context({"pdf.compression": 0}):
        save_scaled(figure, tmp_path / "a.pdf", 0.5)
    page = (tmp_path / "a.pdf").read_bytes().decode("latin-1")
    uses = re.findall(r"/(M\d+) Do", page)
    assert max(uses.count(name) for name in set(uses)) == 7
