"""Series along time have a picture for spans of every length."""

import numpy as np
import pytest

from visualize import plot_series

DAY = 8.64e7  # milliseconds


@pytest.mark.parametrize("years", [0.0, 0.01, 0.3, 1, 2.5, 3, 4, 4.5, 5, 30, 200])
def test_dates_of_any_span_have_ticks(years, check_picture):
    time = (365.25 * years * DAY * np.linspace(0, 1, 5)).tolist()
    site = {"group": "a", "time": time, "observed": [1.0, 2, None, 3, 4]}
    figure = check_picture(plot_series([site | {"network": [1.0] * 5}]))
    assert 2 <= len(figure.axes[0].get_xticks()) <= 9
