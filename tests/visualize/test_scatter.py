"""Scatter pictures agree with the numbers they print."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from sciren.errors import DataError, ShapeError
from visualize.scatter import plot_latents, plot_observed


@pytest.mark.parametrize("many", [1, 2, 3, 4])
@pytest.mark.parametrize("rows", [50, 3000])
def test_each_model_gets_a_panel(many, rows, check_picture):
    observed = np.random.default_rng(0).normal(size=rows)
    models = {f"model {i}": observed + i for i in range(many)}
    figure = check_picture(plot_observed(observed, models, "reco", "umol m-2 s-1"))
    hexagons = rows > 1500
    assert len(figure.axes) == many + hexagons
    drawn = figure.axes[0].findobj(PolyCollection)
    assert bool(drawn) == hexagons


def test_rows_without_an_observation_are_not_counted(check_picture):
    observed = np.array([1.0, 2.0, np.nan, 4.0])
    figure = check_picture(
        plot_observed(observed, {"network": [1.0, 2.0, 3.0, np.inf]})
    )
    assert "n = 2" in figure.axes[0].texts[0].get_text()


@pytest.mark.parametrize("rows", [50, 3000])
def test_one_wild_value_does_not_squeeze_the_picture(rows, check_picture):
    truth = np.linspace(0, 1, rows)
    estimate = truth.copy()
    estimate[3] = 1e9
    figure = check_picture(plot_latents(truth, {"network": estimate}, "rb"))
    assert figure.axes[0].get_ylim()[1] < 3
    assert "1 outside the picture" in figure.axes[0].texts[0].get_text()


def test_a_constant_truth_can_be_drawn(check_picture):
    check_picture(plot_latents(np.zeros(5), {"network": np.arange(5.0)}, "rb"))


@pytest.mark.parametrize(
    ("truth", "series", "error", "message"),
    [
        ([1.0, 2.0], {"a": [1.0]}, ShapeError, "true rb has shape"),
        ([[1.0, 2.0]], {"a": [[1.0, 2.0]]}, ShapeError, r"shape \(n,\)"),
        ([np.nan, 1.0], {"a": [1.0, np.nan]}, DataError, "no row has both"),
        ([1.0], {}, DataError, "nothing to compare"),
    ],
)
def test_series_that_cannot_be_compared_are_refused(truth, series, error, message):
    with pytest.raises(error, match=message):
        plot_latents(truth, series, "rb")


def test_many_predictions_that_all_lie_outside_are_counted(check_picture):
    observed = np.linspace(0, 1, 2000)
    figure = check_picture(plot_observed(observed, {"far": observed + 1e6}))
    assert "2\u202f000 outside the picture" in figure.axes[0].texts[0].get_text()
