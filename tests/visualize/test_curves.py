"""The figure of edge curves shows each edge once, on scales that can be compared."""

from dataclasses import replace

import numpy as np
import pytest

from sciren.errors import DataError
from symbolic.curves.edge_curve import EdgeCurve
from visualize.curves import plot_edges


def curve(source="sw_pot", importance=0.4, family="linear", refused=False, **change):
    x = np.linspace(-1.0, 3.0, 60)
    made = EdgeCurve(
        layer=0, source=source, target="rb", unit="W m-2", x=x, spline=2 * x + 7,
        formula=None if refused else 2 * x + 7, data=np.linspace(-1, 3, 500),
        importance=importance, family=family, label="2 x", refused=refused,
        target_unit="umol m-2 s-1",
    )  # fmt: skip
    return replace(made, **change)


def titles(figure):
    return [axis.get_title(loc="left") for axis in figure.axes]


def test_important_edges_come_first(check_picture):
    curves = [curve("a", 0.1), curve("b", 0.6), curve("c", 0.3)]
    figure = check_picture(plot_edges(curves))
    assert [title[0] for title in titles(figure)] == ["b", "c", "a"]


def test_a_curve_has_mean_zero_over_the_data(check_picture):
    figure = check_picture(plot_edges([curve()]))
    line = figure.axes[0].lines[0]
    assert np.interp(1.0, line.get_xdata(), line.get_ydata()) == pytest.approx(0)


def test_without_data_the_grid_gives_the_mean(check_picture):
    figure = check_picture(plot_edges([curve(data=np.array([np.nan]))]))
    assert np.mean(figure.axes[0].lines[0].get_ydata()) == pytest.approx(0)


def test_a_refused_edge_is_dashed_and_says_so(check_picture):
    figure = check_picture(plot_edges([curve(refused=True, family="none")]))
    axis = figure.axes[0]
    assert len(axis.lines) == 1
    assert axis.lines[0].get_linestyle() == "--"
    assert "refused" in axis.texts[0].get_text()
    assert "refused" in figure.get_label()


@pytest.mark.parametrize("share", [True, False])
def test_edges_of_one_node_share_a_scale(share, check_picture):
    x = np.linspace(-1.0, 3.0, 60)
    curves = [curve(), curve("ta", 0.1, spline=0.1 * x, formula=0.1 * x)]
    figure = check_picture(plot_edges(curves, share_y=share))
    limits = [axis.get_ylim() for axis in figure.axes]
    assert (limits[0] == pytest.approx(limits[1])) == share


def test_dollars_and_long_names_are_plain_text(check_picture):
    check_picture(plot_edges([curve("a$b$_" + 50 * "x", label=200 * "+ x ")]))


def test_no_curve_is_an_error():
    with pytest.raises(DataError, match="no edge survives"):
        plot_edges([])


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_legend_names_the_learned_curve_with_and_without_formulas(check_picture):
    bare = check_picture(plot_edges([curve(formula=None, family="spline")]))
    assert legend(bare) == ["learned", "share of the data"]
    both = check_picture(plot_edges([curve(), curve("b", refused=True)]))
    assert legend(both) == ["learned", "linear", "refused", "share of the data"]
    refused = check_picture(plot_edges([curve(refused=True)]))
    assert legend(refused) == ["refused", "share of the data"]


def test_a_band_is_shaded_behind_its_curve_and_named(check_picture):
    x = np.linspace(-1.0, 3.0, 9)
    bands = {("a", "rb"): (x, x - 2.0, x + 1.0)}
    figure = check_picture(plot_edges([curve("a"), curve("b", 0.1)], bands=bands))
    shaded = [len(axis.collections) for axis in figure.axes[:2]]
    assert shaded == [1, 0]
    (legend,) = figure.legends
    assert "95 % band" in [text.get_text() for text in legend.get_texts()]


def test_classes_are_bars_with_their_names(check_picture):
    x, spline = np.array([1.0, 2.0, 12.0]), np.array([0.3, -0.1, 0.4])
    data = np.repeat(x, [50, 30, 20])
    classes = curve(
        "veg", family="classes", x=x, spline=spline, formula=spline, data=data,
        labels=("CRO", "DBF", "ENF"),
    )  # fmt: skip
    band = {("veg", "rb"): (x, spline - 0.2, spline + 0.2)}
    axis = check_picture(plot_edges([classes], bands=band)).axes[0]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["CRO", "DBF", "ENF"]
    heights = [bar.get_height() for bar in axis.patches]
    assert np.average(heights, weights=[50, 30, 20]) == pytest.approx(0, abs=1e-12)
    assert "each of 3 classes" in axis.texts[0].get_text()
