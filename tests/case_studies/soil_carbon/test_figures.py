"""Figures 4 and 9 of a few sites."""

import numpy as np
import pytest

from case_studies.soil_carbon import figures
from case_studies.soil_carbon.table3_cells import Cell, Record, compute
from case_studies.soil_carbon.table3_methods import METHODS


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    made = Cell(METHODS[-1], 1, Record(tmp_path_factory.mktemp("soil"), n_sites=120))
    compute([made])
    return made


def test_every_parameter_has_its_figure_and_all_share_two(cell):
    found = dict(figures.draw([cell]))
    names = ("efolding", "tau4s3", "fs1s3", "w_scaling", "importance")
    assert list(found) == [*(f"figure4_{name}" for name in names), "figure9"]
    for figure in found.values():
        figure.canvas.draw()
    panels = [axis.get_title() for axis in found["figure4_importance"].axes[:2]]
    assert panels[0] == "truth"


def test_learned_functions_stand_beside_the_true_ones_without_their_means(cell):
    study = cell.record.study()
    curves = figures.edges(cell.model(), study)
    true = {
        (curve.source, curve.target) for curve in curves if curve.formula is not None
    }
    assert true <= study.truth.edges
    for parameter in study.truth.unit:
        mine = [curve for curve in curves if curve.target == parameter]
        assert sum(one.importance for one in mine) == pytest.approx(1)
    for curve in curves:
        known = np.interp(curve.data, curve.x, curve.spline)
        assert abs(known.mean()) < 0.01 * np.ptp(curve.spline)
        if curve.formula is not None:
            known = np.interp(curve.data, curve.x, curve.formula)
            assert abs(known.mean()) < 0.01 * np.ptp(curve.formula)


def test_the_importance_of_the_truth_is_one_half_for_two_features(cell):
    study = cell.record.study()
    image = figures.importances(study, {}).axes[0].images[0].get_array()
    assert image.shape == (10, 4)
    assert sorted(set(np.asarray(image).ravel())) == [0.0, 0.5]
