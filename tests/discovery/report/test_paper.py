"""Figures for papers come from the run folder alone."""

import numpy as np
import pytest

from discovery.report.paper import paper_figures
from discovery.results.views.curves import stored_curves
from discovery.runs.folder import open_run
from sciren.errors import ConfigError, DataError


def test_a_run_draws_its_figures_again_and_stays_a_run(light, monkeypatch):
    def refused(*_):
        raise AssertionError("neither data nor network are needed")

    monkeypatch.setattr("discovery.runs.stored.stored_model", refused)
    written = paper_figures(light, "nature", "85mm", ["svg"])
    names = {file.stem for figure in written for file in figure.files}
    assert names == {"graph", "curves", "observed", "residuals", "profiles"}
    assert all(file.parent.name == "nature-85mm" for f in written for file in f.files)
    assert {round(figure.width) for figure in written if not figure.wide} == {85}
    open_run(light)  # the manifest knows them


def test_what_is_asked_is_checked_before_anything_is_drawn(light):
    with pytest.raises(ConfigError, match="written as pdf, svg, png"):
        paper_figures(light, formats=["gif"])
    (light / "views.json").unlink()
    with pytest.raises(DataError, match="sciren explain"):
        paper_figures(light)


def test_a_stored_curve_keeps_its_density():
    view = {
        "layer": 0, "source": "a", "target": "b", "unit": "", "x": [0, 1], "spline": [0, 1],
        "formula": None, "edges": [0, 0.5, 1], "density": [0.25, 0.75], "importance": 1.0,
        "family": "linear", "label": "", "refused": False,
    }  # fmt: skip
    (curve,) = stored_curves([view])
    assert np.mean(curve.data > 0.5) == pytest.approx(0.75)
    assert curve.family == "dropped"
