"""Curves and figures of models that are known."""

import numpy as np
import pytest
import torch

from case_studies.respiration import figures, methods, published, training
from case_studies.respiration.cells import Cell
from case_studies.respiration.record import Record
from sciren import KANEncoder, Q10Respiration, ScIReN, TrainConfig, fit, save_model

THIN = 200


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    record = Record(tmp_path_factory.mktemp("figures"), thin=THIN)
    cell = Cell(published.rows(1)[-1], 1, record)
    _, split = cell.tables()
    model = ScIReN(KANEncoder(3, 1), "relu", Q10Respiration())
    fit(model, split.train, split.valid, TrainConfig(smooth=1e-2, profile_points=5))
    save_model(model, cell.folder)
    return cell


def test_effects_of_the_truth_are_straight_and_of_ta_nothing(cell):
    study, split = cell.tables()
    found = {
        effect.source: effect
        for effect in figures.effects(training.trained(cell), study, split.test)
    }
    assert set(found) == {"sw_pot", "dsw_pot", "ta"}
    for name, slope in (("sw_pot", 0.0075), ("dsw_pot", -0.00375), ("ta", 0.0)):
        curve = found[name]
        assert curve.formula is not None
        np.testing.assert_allclose(
            np.diff(curve.formula), slope * np.diff(curve.x), atol=1e-9
        )
    assert found["sw_pot"].spline == pytest.approx(found["sw_pot"].formula, abs=0.3)


def test_edges_of_one_layer_add_up_to_the_latent(cell):
    _, split = cell.tables()
    model, test = training.trained(cell), split.test
    curves = figures.edges(model, test)
    total = sum(
        np.interp(figures._column(test, curve.source), curve.x, curve.spline)
        for curve in curves
    )
    raw = model.predict(test).raw[:, 0].numpy()
    np.testing.assert_allclose(total - np.mean(total), raw - raw.mean(), atol=0.02)


def test_edges_of_a_hidden_layer_have_the_range_of_their_node(cell):
    _, split = cell.tables()
    model = ScIReN(KANEncoder(3, 1, (2,), seed=3), "relu", Q10Respiration())
    x = split.test.features
    model.set_scaling(training.trained(cell).scaling, split.test.feature_names)
    model.encoder.prepare(model.scaled(x))
    with torch.no_grad():
        hidden = model.encoder.layer_inputs(model.scaled(x))[1]
    outer = [edge for edge in figures.edges(model, split.test) if edge.layer == 1]
    assert len(outer) == 2
    for k, one in enumerate(outer):
        assert (one.low, one.high) == pytest.approx(
            (float(hidden[:, k].min()), float(hidden[:, k].max()))
        )


def test_all_figures_of_a_method_are_drawn(cell):
    names = [name for name, figure in figures.draw(cell) if figure.axes]
    assert names[:4] == [
        "figure8_reco",
        "figure8_rb",
        "figure8_effects",
        "figure8_edges",
    ]
    assert "figure2" in names


def test_figures_are_written_for_the_models_that_are_there(cell, monkeypatch):
    pure = published.rows(1)[0]
    monkeypatch.setattr(published, "rows", lambda table: (pure,) if table == 1 else ())
    few = TrainConfig(engine="first-order", epochs=2)
    monkeypatch.setattr(methods, "settings", lambda row, mode, seed: few)
    files = figures.write_figures(1, cell.record)
    assert [file.name for file in files] == [
        "figure5_reco_table1.png",
        "figure5_rb_table1.png",
    ]
    assert all(file.exists() and file.with_suffix(".pdf").exists() for file in files)
