"""The picture of a search: numbers in logs, classes side by side, the taken one marked."""

import numpy as np
import pandas as pd
import pytest

from sciren.errors import ColumnError, DataError
from visualize import plot_trials

FRAME = pd.DataFrame(
    {
        "number": range(12),
        "rate": np.geomspace(1e-4, 1e-1, 12),
        "hidden": [[], [2]] * 6,  # lists, as settings hold them
        "loss": [*np.linspace(0.2, 0.5, 11), np.inf],
        "pruned": [False] * 10 + [True] * 2,
    }
)


def test_each_setting_has_a_panel_of_its_own_kind():
    figure = plot_trials(FRAME, ["rate", "hidden"], taken=3)
    rate, hidden = figure.axes
    assert rate.get_xscale() == "log"
    assert [tick.get_text() for tick in hidden.get_xticklabels()] == ["[2]", "[]"]
    assert "11 trials" in str(figure.get_label())
    assert "the lowest is 0.2" in str(figure.get_label())


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(ColumnError, match="lack column 'rates'"):
        plot_trials(FRAME, ["rates"])
    with pytest.raises(DataError, match="no trial has a finite loss"):
        plot_trials(FRAME.tail(1), ["rate"])
