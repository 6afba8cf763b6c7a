"""History pictures show each term once and mark the best step."""

import numpy as np
import pandas as pd
import pytest

from sciren.errors import DataError
from visualize.history import plot_history

STEPS = 12
HISTORY = pd.DataFrame(
    {
        "epoch": [*range(6), *range(6)],
        "engine": "gauss-newton",
        "stage": ["additive"] * 6 + ["refit"] * 6,
        "total": np.exp(-np.arange(STEPS) / 3) + 0.5,
        "data": np.exp(-np.arange(STEPS) / 3) + 0.4,
        "violation": 0.0,
        "roughness": np.linspace(0.2, 0.1, STEPS),
        "valid": (np.arange(STEPS) - 8.0) ** 2 + 1,
    }
)


def labels(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_terms_are_drawn_once_and_zero_terms_not_at_all(check_picture):
    loss, rest = check_picture(plot_history(HISTORY)).axes
    assert labels(loss) == ["total", "data", "validation", "best, step 9"]
    assert labels(rest) == ["roughness"]


def test_stages_are_named_above_the_picture(check_picture):
    loss, rest = check_picture(plot_history(HISTORY)).axes
    assert [text.get_text() for text in loss.texts] == ["additive", "refit"]
    assert not rest.texts


def test_many_stages_stay_unnamed(check_picture):
    stages = [f"start {i}" for i in range(STEPS)]
    figure = check_picture(plot_history(HISTORY.assign(stage=stages)))
    assert not figure.axes[0].texts


def test_a_history_may_hold_missing_and_negative_values(check_picture):
    frame = pd.DataFrame({"total": [-1.0, -2.0, -3.0], "valid": [np.nan, np.inf, -1]})
    axis = check_picture(plot_history(frame)).axes[0]
    assert axis.get_yscale() == "linear"
    assert labels(axis) == ["total", "validation", "best, step 3"]


def test_a_validation_loss_that_logs_cannot_show_has_no_best_step(check_picture):
    frame = pd.DataFrame({"total": [2.0, 1.0], "valid": [0.0, 0.0]})
    assert labels(check_picture(plot_history(frame)).axes[0]) == ["total"]


def test_vanishing_terms_do_not_squeeze_the_others(check_picture):
    frame = pd.DataFrame({"total": [1.0, 1.0], "l1": [1e-2, 1e-30]})
    rest = check_picture(plot_history(frame)).axes[1]
    assert rest.get_ylim()[0] >= 1e-9


@pytest.mark.parametrize(
    "frame",
    [HISTORY.iloc[:0], HISTORY[["epoch", "stage"]], pd.DataFrame({"total": [np.nan]})],
)
def test_a_history_without_numbers_is_refused(frame):
    with pytest.raises(DataError, match="no step with a number"):
        plot_history(frame)


@pytest.mark.parametrize(("smallest", "powers"), [(2e-5, True), (0.02, False)])
def test_the_axis_of_losses_has_one_notation(smallest, powers):
    loss = np.geomspace(0.5, smallest, 30)
    figure = plot_history(pd.DataFrame({"data": loss}))
    figure.canvas.draw()
    texts = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {"10" in text for text in texts if text} == {powers}
