"""Tables of results: means, text, files, and results that are kept."""

import json
import math
import shutil
import subprocess

import pandas as pd
import pytest

from case_studies.cells import runs_frame
from case_studies.options import numbers
from case_studies.respiration import __main__ as command
from case_studies.respiration import layout, methods, published, tables, training
from case_studies.respiration.cells import Cell
from case_studies.respiration.metrics import METRICS
from case_studies.respiration.record import Record, temperature_of
from sciren import SciRenError, TrainConfig

THIN = 200


def frame_of(cells, results):
    return runs_frame(cells, results, METRICS)


@pytest.fixture(scope="module", autouse=True)
def fast():
    """Two epochs are enough for files and means."""

    def settings(row: object, mode: object, seed: int) -> TrainConfig:
        return TrainConfig(engine="first-order", epochs=2, seed=seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "settings", settings)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("respiration")


@pytest.fixture(scope="module")
def runs(folder):
    """Two fast rows of Table 2 and two seeds, on few rows."""
    record = Record(folder, thin=THIN)
    rows = [row for row in published.rows(2) if row.method.endswith("-Hybrid linear")]
    wanted = [Cell(row, seed, record) for seed in (1, 2) for row in rows]
    return wanted, training.run(wanted)


def test_finished_models_are_used_again(runs, capsys):
    wanted, results = runs
    before = [(cell.folder / "result.json").stat().st_mtime_ns for cell in wanted]
    assert training.run(wanted) == results
    assert capsys.readouterr().err == ""
    after = [(cell.folder / "result.json").stat().st_mtime_ns for cell in wanted]
    assert after == before
    assert training.trained(wanted[0]).constants()["q10"] == pytest.approx(
        results[0]["metrics"]["q10"]
    )


def test_a_stored_model_that_cannot_be_read_is_trained_again(runs, capsys):
    wanted, results = runs
    for file in wanted[1].folder.glob("model.*"):
        file.write_text("{}")
    q10 = training.trained(wanted[1]).constants()["q10"]
    assert q10 == pytest.approx(results[1]["metrics"]["q10"])
    assert "training it again" in capsys.readouterr().err


def test_a_result_of_other_settings_or_a_broken_file_is_not_used(runs, folder):
    wanted, _ = runs
    other = Cell(wanted[0].row, 1, Record(folder, thin=THIN + 1))
    assert other.folder == wanted[0].folder
    assert other.stored() is None
    strange = Cell(wanted[0].row, 7, wanted[0].record)
    strange.folder.mkdir()
    (strange.folder / "result.json").write_text("{")
    assert strange.stored() is None


def test_a_training_that_fails_is_a_result(folder, monkeypatch):
    def fail(*_: object) -> None:
        raise SciRenError("diverged & lost")

    monkeypatch.setattr(training, "fit", fail)
    monkeypatch.setattr(training, "fit_ensemble", fail)
    cell = Cell(published.rows(1)[0], 9, Record(folder, thin=THIN))
    [result] = training.run([cell])
    assert result["failed"] == "SciRenError: diverged & lost"
    assert "diverged" in cell.describe(result)
    frame = frame_of([cell], [result])
    summary = tables.summarise([cell.row], frame)
    assert summary["failed"].tolist() == [1]
    assert math.isnan(summary["r2_obs"].iloc[0])
    notes = tables.notes_of(cell.record, [9], frame)
    assert any("diverged" in note for note in notes)
    tex = layout.latex(summary, "Table 1: a title", "t", notes)
    assert r"diverged \& lost" in tex


def test_means_and_deviations_are_over_the_seeds(runs):
    wanted, results = runs
    frame = frame_of(wanted, results)
    summary = tables.summarise([cell.row for cell in wanted[:2]], frame)
    for number, line in enumerate(summary.to_dict("records")):
        mine = pd.Series([result["metrics"]["r2_obs"] for result in results[number::2]])
        assert line["r2_obs"] == pytest.approx(mine.mean())
        assert line["r2_obs_sd"] == pytest.approx(mine.std(ddof=0))
        assert line["published_r2_obs"] == wanted[number].row.values["r2_obs"]
        assert line["runs"] == 2


def test_text_tables_are_rectangular_and_hold_the_published_values(runs):
    wanted, results = runs
    rows = [cell.row for cell in wanted[:2]]
    frame = frame_of(wanted, results)
    summary = tables.summarise(rows, frame)
    notes = tables.notes_of(wanted[0].record, [1, 2], frame)
    text = layout.markdown(summary, "Table 2: a title", notes)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(rows)
    assert len({line.count("|") for line in lines}) == 1
    assert "(0.400 ± 0.002)" in text
    assert "TRIAL" in text
    tex = layout.latex(summary, "Table 2: a title", "table2", notes)
    first, second = (part.split("bottomrule")[0] for part in tex.split(r"\midrule")[1:])
    assert first.count("&") == len(rows) * 2 * len(layout.SHOWN)
    assert second.count("&") == len(rows) * len({**layout.MORE, **layout.TEXTS})
    assert r"& $0.400 \pm 0.002$" in first
    for opened, closed in (("{", "}"), (r"\begin", r"\end")):
        assert tex.count(opened) == tex.count(closed)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is missing")
def test_the_table_compiles_and_fits_between_the_margins(runs, tmp_path):
    wanted, results = runs
    rows = [cell.row for cell in wanted[:2]]
    summary = tables.summarise(rows, frame_of(wanted, results))
    summary = summary.assign(dropped="ta 5/5", hidden_nodes="1 / 2")
    text = layout.latex(summary, "Table 2: a title", "t", ["50 % of it ± 0.1, a_b"])
    packages = r"\usepackage{booktabs,threeparttable}\usepackage[a4paper,margin=25mm]"
    source = (
        rf"\documentclass{{article}}{packages}{{geometry}}"
        rf"\begin{{document}}{text}\end{{document}}"
    )
    (tmp_path / "t.tex").write_text(source)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_the_command_writes_every_file_of_a_table(folder, monkeypatch, capsys):
    few = published.rows(1)[:1]
    monkeypatch.setattr(published, "rows", lambda table: few)
    given = ["table1", "--out", str(folder), "--seeds", "1", "--thin", str(THIN)]
    assert command.main([*given, "--workers", "1"]) == 0
    assert capsys.readouterr().out.startswith("## Table 1: Linear base respiration")
    for name in ("table1.csv", "table1.md", "table1.tex", "table1_seeds.csv"):
        assert (folder / name).exists()
    assert len(pd.read_csv(folder / "table1_seeds.csv")) == 1


def test_a_temperature_file_that_is_not_there_ends_with_its_name(folder, capsys):
    file = folder / "none.csv"
    given = ["table1", "--out", str(folder), "--temperature", str(file)]
    assert command.main(given) == 1
    assert "none.csv" in capsys.readouterr().err


def test_a_measured_temperature_is_part_of_the_key(folder):
    file = folder / "ta.csv"
    times = pd.date_range("2003-01-01T00:15", periods=48, freq="30min")
    pd.DataFrame({"time": times, "ta": range(48)}).to_csv(file, index=False)
    series = temperature_of(file)
    assert series is not None
    assert series.index[0] == times[0]
    row = published.rows(1)[0]
    key = Cell(row, 1, Record(folder, temperature=file)).key()
    assert len(key["record"]) == 64
    assert Record(folder).fingerprint() == "surrogate"
    json.dumps(key)


def test_seeds_are_ranges_and_lists():
    assert numbers("1-3,7") == (1, 2, 3, 7)
    for wrong in ("a", "", "3-1", "1-b"):
        with pytest.raises(Exception, match=r"not like|names no number"):
            numbers(wrong)


def test_published_settings_come_with_their_nominal_rates(folder, monkeypatch, capsys):
    few = published.rows(2)[3:4]
    monkeypatch.setattr(published, "rows", lambda table: few)
    given = ["table2", "--out", str(folder), "--seeds", "1", "--thin", str(THIN)]
    assert command.main([*given, "--workers", "1", "--paper"]) == 0
    out = capsys.readouterr().out
    assert "settings of the published code" in out
    assert "nominal learning rates, which had no effect" in out
    for tag in ("paper", "nominal"):
        for name in (f"table2_{tag}.csv", f"table2_{tag}.md", f"table2_{tag}.tex"):
            assert (folder / name).exists()


def test_dropped_features_are_counted_over_the_runs():
    assert tables._counts(["ta", "", "ta, sw_pot"]) == "ta 2/3, sw_pot 1/3"
    assert tables._counts(["", ""]) == ""
