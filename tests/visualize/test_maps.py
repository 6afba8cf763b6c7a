"""Maps keep proportions, share one colour scale and refuse what lies off the globe."""

import numpy as np
import pytest

from sciren.errors import DataError, ShapeError
from visualize import plot_map
from visualize.maps import degrees

LON, LAT = np.array([-120.0, -100.0, -80.0, -90.0]), np.array([35.0, 45.0, 30.0, 40.0])


def test_a_map_has_places_colours_and_a_bar(check_picture):
    figure = check_picture(plot_map(LON, LAT, [1.0, 2.0, 3.0, 4.0], "w_scaling", "1"))
    crosses, points = figure.axes[0].collections
    assert len(crosses.get_offsets()) == 0
    assert sorted(points.get_array()) == [1, 2, 3, 4]
    assert figure.axes[-1].get_ylabel() == "w_scaling (1)"
    assert "median 2.5" in str(figure.get_label())


def test_a_degree_is_as_long_eastward_as_the_cosine_says():
    axis = plot_map(LON, LAT, np.ones(4)).axes[0]
    assert axis.get_aspect() == pytest.approx(1 / np.cos(np.deg2rad(37.5)))


def test_several_maps_share_one_scale(check_picture):
    fields = {"network": [0.0, 1.0, 2.0, 3.0], "equation": [0.0, 1.0, 2.0, 30.0]}
    figure = check_picture(plot_map(LON, LAT, fields, limits=(0, 3)))
    scales = [axis.collections[1].get_clim() for axis in figure.axes[:2]]
    assert scales == [(0, 3), (0, 3)]
    assert figure.axes[0].get_title(loc="left") == "network"


def test_unknown_values_are_crosses(check_picture):
    axis = check_picture(plot_map(LON, LAT, [1.0, np.nan, 3.0, 4.0])).axes[0]
    assert axis.collections[0].get_offsets().tolist() == [[-100, 45]]
    assert len(axis.collections[1].get_offsets()) == 3


def test_outlines_are_drawn_where_they_are_given(check_picture):
    figure = check_picture(plot_map(LON, LAT, np.arange(4.0), outlines=[(LON, LAT)]))
    assert figure.axes[0].lines[0].get_xdata().tolist() == LON.tolist()


def test_logarithmic_colours_span_the_positive_values(check_picture):
    figure = check_picture(plot_map(LON, LAT, [-1.0, 1.0, 10.0, 1000.0], log=True))
    low, high = figure.axes[0].collections[1].get_clim()
    assert 1 <= low < high <= 1000


@pytest.mark.parametrize("log", [True, False])
def test_equal_values_and_a_single_place_can_be_drawn(log, check_picture):
    check_picture(plot_map([10.0], [50.0], [2.0], log=log))


def test_many_places_get_smaller_points():
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(-20, 50, 500), rng.uniform(-35, 37, 500)
    many = plot_map(lon, lat, lon).axes[0].collections[1].get_sizes()[0]
    few = plot_map(lon[:50], lat[:50], lon[:50]).axes[0].collections[1].get_sizes()[0]
    assert many < few


@pytest.mark.parametrize(
    ("value", "sides", "text"),
    [
        (-120, "EW", "120° W"),
        (240, "EW", "120° W"),
        (0, "NS", "0°"),
        (15, "NS", "15° N"),
    ],
)
def test_degrees_have_sides(value, sides, text):
    assert degrees(value, sides) == text


def test_what_is_no_map_is_refused():
    with pytest.raises(ShapeError, match=r"lon has shape \(4,\), lat \(2,\)"):
        plot_map(LON, [1.0, 2.0], np.ones(4))
    with pytest.raises(ShapeError, match=r"shape \(3,\) for 4 places"):
        plot_map(LON, LAT, {"soc": np.ones(3)})
    with pytest.raises(DataError, match=r"place 1 lies at lon -100.0, lat 450.0"):
        plot_map(LON, [35.0, 450.0, 30.0, 40.0], np.ones(4))
    with pytest.raises(DataError, match="finite value"):
        plot_map(LON, LAT, np.full(4, np.nan))
    with pytest.raises(DataError, match="positive value"):
        plot_map(LON, LAT, -np.ones(4), log=True)
