"""The path of candidates: a front that nothing simpler beats, and the chosen model."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciren.errors import ColumnError, DataError
from visualize import plot_path
from visualize.path import pareto_front

CANDIDATES = pd.DataFrame(
    {
        "complexity": [3, 5, 5, 9, 14],
        "error": [0.9, 0.4, 0.5, 0.41, 0.1],
        "label": [
            "constant",
            "linear in ta",
            "linear in vpd",
            "two terms",
            "all edges",
        ],
    }
)

models = st.lists(
    st.tuples(st.integers(1, 12), st.floats(0, 10, allow_nan=False)), min_size=1
)


@given(models)
def test_the_front_holds_exactly_what_nothing_simpler_matches(found):
    x, y = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    front = pareto_front(x, y)
    assert (np.diff(x[front]) > 0).all()
    assert (np.diff(y[front]) < 0).all()
    for place in range(len(x)):
        assert ((x[front] <= x[place]) & (y[front] <= y[place])).any()


def test_the_front_is_labelled_and_the_chosen_model_marked(check_picture):
    figure = check_picture(plot_path(CANDIDATES, chosen=1))
    axis = figure.axes[0]
    texts = [text.get_text() for text in axis.texts]
    assert texts[0] == "linear in ta"
    assert set(texts) <= {"constant", "linear in ta", "all edges"}
    star = next(line for line in axis.lines if line.get_marker() == "*")
    assert star.get_xydata().tolist() == [[5, 0.4]]
    assert "Chosen: complexity 5 (linear in ta)" in str(figure.get_label())


def test_labels_hide_neither_points_nor_each_other(check_picture):
    rng = np.random.default_rng(3)
    many = pd.DataFrame({"complexity": np.arange(40), "error": 40.0 - np.arange(40)})
    many["error"] += rng.uniform(0, 0.5, 40)
    many["label"] = [f"model number {k}" for k in range(40)]
    figure = check_picture(plot_path(many, chosen=39))
    axis = figure.axes[0]
    boxes = [text.get_window_extent() for text in axis.texts]
    points = axis.transData.transform(many[["complexity", "error"]].to_numpy())
    assert any(text.get_text() == "model number 39" for text in axis.texts)
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])
        assert not box.contains(*points[0]), axis.texts[k].get_text()


def test_the_chosen_label_stays_even_without_room(check_picture):
    crowd = pd.DataFrame(
        {
            "complexity": np.tile(np.arange(30), 30),
            "error": np.repeat(np.arange(30), 30),
        }
    ).astype(float)
    crowd["label"] = "a long label of no use to anybody"
    axis = check_picture(plot_path(crowd, chosen=465)).axes[0]
    assert axis.texts[0].xy == (15, 15)
    assert len(axis.texts) <= 2


def test_candidates_need_no_labels_and_may_have_other_names(check_picture):
    frame = CANDIDATES.drop(columns="label").rename(columns={"error": "loss"})
    figure = check_picture(plot_path(frame, error="loss"))
    assert figure.axes[0].get_ylabel() == "loss"
    assert not figure.axes[0].texts


def test_standard_errors_become_bars(check_picture):
    frame = CANDIDATES.assign(error_se=[0.1, 0.1, np.nan, 0.1, 0.1])
    axis = check_picture(plot_path(frame)).axes[0]
    bars = axis.collections[0].get_segments()
    assert bars[0][:, 1] == pytest.approx([0.8, 1.0])


@pytest.mark.parametrize(("least", "scale"), [(0.001, "log"), (0.4, "linear")])
def test_errors_over_decades_are_drawn_in_logs(least, scale, check_picture):
    frame = CANDIDATES.assign(error=[0.9, 0.4, 0.5, 0.41, least])
    assert check_picture(plot_path(frame)).axes[0].get_yscale() == scale


def test_rows_without_a_number_are_left_out(check_picture):
    frame = CANDIDATES.assign(error=[0.9, np.nan, 0.5, np.inf, 0.1])
    assert "3 models" in str(check_picture(plot_path(frame)).get_label())


def test_what_is_no_path_is_refused():
    with pytest.raises(ColumnError, match=r"lack column 'error'; they have complexity"):
        plot_path(CANDIDATES[["complexity"]])
    with pytest.raises(ColumnError, match="called 77"):
        plot_path(CANDIDATES, chosen=77)
    with pytest.raises(DataError, match="both 'complexity' and 'error'"):
        plot_path(CANDIDATES.assign(error=np.nan))
