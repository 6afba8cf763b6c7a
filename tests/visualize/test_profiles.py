"""Profile pictures show every minimum and say whether a constant is identified."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sciren.errors import ColumnError, DataError
from visualize.profiles import plot_profiles

VALUE = np.exp(np.linspace(np.log(0.3), np.log(10), 41))
ONE = pd.DataFrame(
    {"constant": "q10", "value": VALUE, "loss": np.log(VALUE / 1.5) ** 2}
)
TWO = ONE.assign(
    loss=np.minimum(np.log(VALUE / 1.5) ** 2, np.log(VALUE / 5) ** 2 + 0.002),
    valid_loss=1 + np.log(VALUE / 1.6) ** 2,
    share_ta=np.linspace(0, 1, 41),
    share_sw_pot=np.linspace(1, 0, 41),
    share_unused=np.nan,
)


def summary(**change):
    known = {
        "estimate": 1.5, "error": 0.02, "interval": None, "minima": [(1.5, 0.0)],
        "identified": True, "reason": "",
    }  # fmt: skip
    return SimpleNamespace(**{**known, **change})


TWICE = {
    "identified": False,
    "minima": [(1.5, 0.0), (5.0, 9.0)],
    "reason": "the profile has 2 minima, at 1.5 and 5",
}


def title(figure):
    return figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize(
    ("change", "verdict", "detail"),
    [
        ({}, "1.50 ± 0.02, identified", ""),
        ({"error": np.nan}, "1.5, identified", ""),
        ({"interval": (1.4, 1.6)}, "identified", "95 % interval 1.4 to 1.6"),
        (TWICE, "NOT identified", "2 minima, at 1.5 and 5"),
    ],
)
def test_the_title_is_the_verdict(change, verdict, detail, check_picture):
    figure = check_picture(plot_profiles(ONE, {"q10": summary(**change)}))
    assert verdict in title(figure)
    assert detail in figure.axes[0].texts[-1].get_text()
    assert detail in figure.get_label()


def test_every_minimum_is_marked_with_its_value(check_picture):
    figure = check_picture(plot_profiles(TWO, {"q10": summary(**TWICE)}))
    assert [text.get_text() for text in figure.axes[0].texts][:2] == ["1.5", "5"]


@pytest.mark.parametrize("interval", [None, (1.4, 1.7)])
def test_only_an_identified_constant_gets_its_interval(interval, check_picture):
    known = check_picture(plot_profiles(ONE, {"q10": summary(interval=interval)}))
    assert len(known.axes[0].patches) == 1
    unknown = summary(identified=False, interval=interval, reason="too wide")
    assert not plot_profiles(ONE, {"q10": unknown}).axes[0].patches


def test_shares_are_drawn_below_on_the_same_scale(check_picture):
    figure = check_picture(plot_profiles(TWO, {"q10": summary()}))
    upper, lower = figure.axes
    assert [line.get_label() for line in lower.lines] == ["ta", "sw_pot"]
    assert upper.get_xlim() == lower.get_xlim()


def test_constants_side_by_side_need_no_summary(check_picture):
    other = ONE.assign(constant="t_ref", value=np.linspace(5, 25, 41))
    figure = check_picture(
        plot_profiles(pd.concat([TWO, other]), units={"t_ref": "degC"})
    )
    scales = {axis.get_xlabel(): axis.get_xscale() for axis in figure.axes}
    assert scales["q10"] == "log"
    assert scales["t_ref (°C)"] == "linear"


def test_validation_loss_is_drawn_from_its_own_smallest(check_picture):
    figure = check_picture(plot_profiles(TWO))
    training, validation = figure.axes[0].lines
    assert min(validation.get_ydata()) == 0
    assert np.array_equal(training.get_ydata(), TWO["loss"])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_the_loss_has_ticks_whatever_its_size(scale, check_picture):
    axis = check_picture(plot_profiles(ONE.assign(loss=ONE["loss"] * scale))).axes[0]
    low, high = axis.get_ylim()
    assert sum(low <= tick <= high for tick in axis.get_yticks()) >= 4


def test_a_profile_without_its_columns_or_rows_is_refused():
    with pytest.raises(ColumnError, match="lacks the columns loss; it has constant"):
        plot_profiles(ONE.drop(columns="loss"))
    with pytest.raises(DataError, match="no row"):
        plot_profiles(ONE.iloc[:0])
