"""Table 3 on a few sites: training, figures, files, restart."""

import json

import numpy as np
import pandas as pd
import pytest

from case_studies.cells import runs_frame
from case_studies.soil_carbon import table3, table3_cells
from case_studies.soil_carbon.__main__ import main
from case_studies.soil_carbon.table3_cells import Cell, Record
from case_studies.soil_carbon.table3_methods import (
    METHODS,
    PURE,
    SCIREN,
    build,
    settings,
)
from case_studies.soil_carbon.table3_metrics import METRICS, judge, kept_edges
from sciren import r2
from sciren.datasets import make_soil_carbon

LINEAR = METHODS[3]


@pytest.fixture(scope="module")
def study():
    return make_soil_carbon(150)


def test_every_method_of_the_published_table_is_there():
    names = [one.name for one in METHODS]
    assert names[0] == PURE
    assert names[-1] == SCIREN
    assert len(names) == 5
    assert METHODS[-1].r2 == (0.999, 0.002)
    assert METHODS[0].latent is METHODS[0].kl is None


@pytest.mark.parametrize("mode", ["ours", "first-order", "paper"])
@pytest.mark.parametrize("method", METHODS, ids=lambda one: one.slug)
def test_every_method_can_be_built_in_every_mode(study, method, mode):
    split = study.tables(1)
    model = build(method, study, split, mode, 1)
    config = settings(method, split, mode, 1)
    assert model.plain is False
    assert config.seed == 1
    assert len(model.latent_names) == (20 if method.name == PURE else 4)
    assert (config.batch_size == 160) is (mode == "paper")
    if mode == "paper":
        assert (config.entropy > 0) is (method.name == SCIREN)


def test_r2_is_one_for_the_truth_and_zero_for_its_mean():
    truth = np.array([1.0, 2.0, 4.0])
    assert r2(truth, truth) == 1
    assert r2(truth, np.full(3, truth.mean())) == pytest.approx(0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("table3")
    record = Record(out, n_sites=120)
    quick = [METHODS[-1]]
    text = table3.write_table(record, [1], quick)
    return record, quick, text


def test_a_finished_table_has_all_files_and_the_published_values(finished):
    record, _, text = finished
    assert "ScIReN 1-layer" in text
    assert "(0.989 ± 0.019)" in text
    for name in ("table3.csv", "table3.md", "table3.tex", "table3_splits.csv"):
        assert (record.out / name).stat().st_size > 100
    runs = pd.read_csv(record.out / "table3_splits.csv")
    assert runs["cpu_seconds"].gt(0).all()
    tex = (record.out / "table3.tex").read_text()
    assert tex.count("{") == tex.count("}")
    assert r"\label{tab:soil-table3}" in tex


def test_figures_of_merit_are_those_of_the_stored_model(finished):
    record, quick, _ = finished
    cell = Cell(quick[0], 1, record)
    model, (study, split) = cell.model(), cell.tables()
    found = judge(model, study, split.test)
    assert found == pytest.approx(cell.stored()["metrics"])
    assert found["r2_obs"] > 0.99
    assert found["r2_latent"] <= 1
    assert found["edges"] == found["edges_true"] + found["edges_false"]
    assert len(kept_edges(model, study)) == found["edges"]
    parts = [found[f"r2_{name}"] for name in model.latent_names]
    assert found["r2_four"] == pytest.approx(np.mean(parts))


def test_a_second_run_trains_nothing(finished, monkeypatch):
    record, quick, text = finished
    monkeypatch.setattr(table3_cells, "compute", None)
    assert table3.write_table(record, [1], quick) == text


def test_a_result_of_other_settings_is_not_used(finished):
    record, quick, _ = finished
    cell = Cell(quick[0], 1, record)
    assert cell.stored() is not None
    assert Cell(quick[0], 1, Record(record.out, n_sites=130)).stored() is None
    path = cell.folder / "result.json"
    good = path.read_text()
    path.write_text(json.dumps(json.loads(good) | {"key": {}}))
    assert cell.stored() is None
    path.write_text("{")
    assert cell.stored() is None
    path.write_text(good)


def test_a_training_that_fails_is_a_result(tmp_path, monkeypatch):
    from sciren.errors import TrainingError

    def broken(*args):
        raise TrainingError("no descent")

    monkeypatch.setattr(table3_cells, "fit", broken)
    cell = Cell(LINEAR, 1, Record(tmp_path, n_sites=80))
    [result] = table3_cells.compute([cell])
    assert result["failed"] == "TrainingError: no descent"
    assert "no descent" in cell.describe(result)
    runs = runs_frame([cell], [result], METRICS)
    summary = table3.summarise([LINEAR], runs)
    assert summary.loc[0, "failed"] == 1
    notes = table3.notes(cell.record, [1], runs)
    assert "Linear-Hybrid, split 1: TrainingError: no descent" in notes
    assert "| - (" in table3.markdown(summary, "Table 3: x", notes)


def test_names_tell_settings_apart(tmp_path):
    assert Record(tmp_path).tag == ""
    record = Record(tmp_path, "paper", seed=2, truth=7, noise=0.05)
    assert record.tag == "_paper_truth7_noise0.05_sites2"


def test_the_command_line_names_its_commands(capsys):
    assert main([]) == 2
    assert "table4" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "table3" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["table3"])
