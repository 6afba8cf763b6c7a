"""The figure of effects shows every latent and feature once, centred on the data."""

import numpy as np
import pandas as pd
import pytest

from discovery import accumulated_local_effects, partial_dependence
from sciren import Table
from sciren.errors import ColumnError, DataError
from visualize import plot_effects


def effects(slopes, latent="rb", grid=11):
    return pd.DataFrame(
        [
            {"latent": latent, "feature": name, "value": x, "effect": slope * x + 5}
            for name, slope in slopes.items()
            for x in np.linspace(0.0, 2.0, grid)
        ]
    )


def titles(figure):
    return [axis.get_title(loc="left") for axis in figure.axes if axis.axison]


def test_each_latent_comes_whole_with_its_largest_effect_first(check_picture):
    frame = pd.concat(
        [effects({"a": 0.1, "b": -2.0}, "tau"), effects({"a": 1.0, "b": 0.5}, "rb")]
    )
    figure = check_picture(plot_effects(frame))
    assert titles(figure) == ["b → tau", "a → tau", "a → rb", "b → rb"]


def test_a_curve_has_mean_zero_over_the_data(check_picture):
    data = {"a": [0.0, 0.0, 1.0, np.nan]}
    figure = check_picture(plot_effects(effects({"a": 3.0}), data))
    x, y = figure.axes[0].lines[0].get_data()
    assert np.mean(np.interp([0, 0, 1], x, y)) == pytest.approx(0)


def test_without_data_the_grid_gives_the_mean(check_picture):
    figure = check_picture(plot_effects(effects({"a": 3.0})))
    assert np.mean(figure.axes[0].lines[0].get_ydata()) == pytest.approx(0)
    assert not figure.legends


def test_several_series_share_panels_and_are_named(check_picture):
    series = {"learned": effects({"a": 1.0}), "true": effects({"a": 1.1, "b": 0.2})}
    figure = check_picture(plot_effects(series, {"a": [1.0]}, {"a": "degC"}))
    assert [len(axis.lines) for axis in figure.axes if axis.axison] == [2, 1]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["learned", "true", "share of the data"]
    styles = {line.get_linestyle() for line in figure.axes[0].lines}
    assert len(styles) == 2, "curves must differ by more than colour"
    assert figure.axes[0].get_xlabel() == "a (°C)"


def test_a_band_moves_with_its_curve(check_picture):
    frame = effects({"a": 1.0})
    frame = frame.assign(low=frame["effect"] - 0.5, high=frame["effect"] + 0.5)
    figure = check_picture(plot_effects(frame, band="range of seeds"))
    axis = figure.axes[0]
    assert figure.legends[0].get_texts()[0].get_text() == "range of seeds"
    vertices = axis.collections[0].get_paths()[0].vertices
    assert vertices[:, 1].min() == pytest.approx(-1.5)
    assert vertices[:, 1].max() == pytest.approx(1.5)


@pytest.mark.parametrize("share", [True, False])
def test_features_of_one_latent_share_a_scale(share, check_picture):
    frame = pd.concat([effects({"a": 1.0, "b": 0.1}), effects({"a": 9.0}, "tau")])
    figure = check_picture(plot_effects(frame, share_y=share))
    limits = [axis.get_ylim() for axis in figure.axes]
    assert (limits[0] == pytest.approx(limits[1])) == share
    assert limits[2] != pytest.approx(limits[0])


def test_what_discovery_computes_can_be_drawn(check_picture):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.uniform(0, 1, 60), "b": rng.uniform(0, 1, 60)})
    table = Table.from_frame(frame, ["a", "b"])

    def product(x):
        return x[:, 0] * x[:, 1]

    series = {
        "partial dependence": partial_dependence(product, table, grid=9),
        "local effects": accumulated_local_effects(product, table, bins=8),
    }
    figure = check_picture(plot_effects(series, frame))
    assert len(titles(figure)) == 2


def test_a_feature_with_one_value_is_a_point(check_picture):
    figure = check_picture(plot_effects(effects({"a": 1.0}, grid=1)))
    assert figure.axes[0].lines[0].get_marker() == "o"


def test_what_is_no_effect_is_refused():
    with pytest.raises(ColumnError, match="effects 'learned' lacks value, effect"):
        plot_effects({"learned": pd.DataFrame({"latent": [], "feature": []})})
    with pytest.raises(ColumnError, match="table of effects lacks latent"):
        plot_effects(pd.DataFrame({"feature": [1], "value": [1], "effect": [1]}))
    with pytest.raises(DataError, match="no finite value"):
        plot_effects(effects({"a": np.nan}))


def test_the_description_names_direction_and_series():
    label = str(plot_effects({"ALE": effects({"a": -1.0})}).get_label())
    assert "rb falls with a" in label
    assert "ALE" in label


def test_data_of_one_value_have_a_strip_whatever_their_unit():
    for value in (1e200, 1 / 3, 1e-200, 0.0):
        figure = plot_effects(effects({"a": 1.0}), {"a": np.full(3, value)})
        figure.draw_without_rendering()
