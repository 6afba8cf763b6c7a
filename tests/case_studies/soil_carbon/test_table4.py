"""Table 4: methods on the same folds, figures of merit, paired differences, restarts."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from case_studies.soil_carbon import table4, table4_cells, table4_methods
from case_studies.soil_carbon.profiles_sodah import FILE, read_sodah
from case_studies.soil_carbon.table4_cells import Cell, Study, scores_of
from case_studies.soil_carbon.table4_figures import map_values, relationships
from case_studies.soil_carbon.table4_identify import agreement, identification
from case_studies.soil_carbon.table4_methods import (
    METHODS,
    NODES,
    ONE_LAYER,
    PURE,
    LayerCarbon,
)
from case_studies.soil_carbon.table4_report import (
    pairs_frame,
    runs_frame,
    standard_error,
    summary_frame,
    verdict,
    write_report,
)
from sciren import LinearEncoder, ScIReN, TrainConfig, fit
from sciren.decoders import CLM5SoilCarbon
from sciren.decoders.clm5.geometry import NODES as THEIRS

NAMES = [method.name for method in METHODS]


@pytest.fixture
def study(sodah, write, tmp_path):
    profiles = read_sodah(write(sodah, FILE))
    return Study(profiles, profiles.forcing(), tmp_path / "out")


@pytest.fixture
def quick(monkeypatch):
    """One epoch and one step, so that every method is trained in no time."""

    def settings(name, seed, rows):
        engine = "auto" if name == ONE_LAYER else "first-order"
        quick = TrainConfig(
            seed=seed, engine=engine, epochs=1, smooth=1.0, select=False,
            max_iterations=2, latent_scale="unit", profiles=False,
        )  # fmt: skip
        return (quick,)

    monkeypatch.setattr(table4_methods, "settings", settings)


def runs(**r2):
    """Figures of methods on as many splits as values are given."""
    rows = []
    for name, values in r2.items():
        for split, value in enumerate(values, start=1):
            rows.append(
                {
                    "method": name, "split": split, "r2": value, "failed": "",
                    "mae": 1000 * (1 - value), "pearson": value, "r2_train": value,
                    "r2_log": value, "r2_free": value, "cpu_seconds": 1.0,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


# -- methods --------------------------------------------------------------------------
@pytest.mark.parametrize("name", NAMES)
def test_every_method_can_be_built_and_gives_finite_carbon(name, study):
    split = study.profiles.split(1)
    model = table4_methods.build(name, split, study.forcing, seed=1)
    model.encoder.prepare(split.train.features)
    assert bool(torch.isfinite(model.predict(split.test).targets).all())
    assert table4_methods.settings(name, 1, len(split.train))


def test_pure_nn_is_linear_between_the_layers_and_constant_beyond():
    decoder = LayerCarbon(mean=100.0, sd=10.0)
    depth = torch.tensor([0.0, NODES[3], (NODES[3] + NODES[4]) / 2, 9.0]).double()
    latents = torch.arange(20.0).double().expand(4, -1)
    soc = decoder.evaluate(latents, torch.empty(0), {"depth": depth})[:, 0]
    assert soc.tolist() == pytest.approx([100, 130, 135, 290])


def test_the_layers_of_pure_nn_are_those_of_the_process():
    assert THEIRS[:20] == NODES


# -- figures of merit -----------------------------------------------------------------
def test_scores_of_perfect_and_of_constant_predictions():
    observed = np.array([1e3, 5e3, 2e4])
    assert scores_of(observed, observed) == pytest.approx(
        {"r2": 1.0, "mae": 0.0, "pearson": 1.0, "r2_log": 1.0}
    )
    near = scores_of(observed, observed + np.array([0.0, 0.0, 300.0]))
    assert near["mae"] == pytest.approx(100.0)
    mean = np.full(3, observed.mean()) + np.array([-1e-6, 0, 1e-6])
    assert scores_of(observed, mean)["r2"] == pytest.approx(0.0, abs=1e-6)


def test_differences_are_paired_over_the_folds():
    found = pairs_frame(runs(**{PURE: [0.1, 0.5, 0.3], ONE_LAYER: [0.2, 0.6, 0.4]}))
    mine = found[(found["method"] == ONE_LAYER) & (found["figure"] == "r2")].iloc[0]
    # the folds differ much more than the methods, which pairing takes out
    assert (mine["difference"], mine["error"]) == pytest.approx((0.1, 0.0), abs=1e-9)
    assert mine["won"] == 3
    mae = found[(found["method"] == ONE_LAYER) & (found["figure"] == "mae")].iloc[0]
    assert mae["difference"] == pytest.approx(-100)
    assert mae["won"] == 3


def test_the_standard_error_is_that_of_a_mean():
    mean, error = standard_error(np.array([1.0, 2.0, 3.0, 4.0]))
    assert (mean, error) == pytest.approx((2.5, np.sqrt(5 / 3) / 2))
    assert np.isnan(standard_error(np.array([1.0]))[1])
    assert np.isnan(standard_error(np.array([]))[0])


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        ([0.5, 0.6, 0.4], "not significantly below"),
        ([0.2, 0.31, 0.1], "SIGNIFICANTLY BELOW"),
    ],
)
def test_the_verdict_follows_two_standard_errors(mine, said):
    box = table4_methods.BLACK_BOXES[1]
    found = runs(**{PURE: [0.3, 0.3, 0.3], box: [0.5, 0.6, 0.41], ONE_LAYER: mine})
    text = verdict(summary_frame(found), pairs_frame(found))
    assert len(text) == 1
    assert said in text[0]
    assert ("above Pure-NN" in text[0]) == (np.mean(mine) > 0.3)


def test_one_model_alone_makes_a_report(tmp_path):
    text = write_report(tmp_path, "alone", runs(**{ONE_LAYER: [0.5]}), [], {})
    assert "nothing to compare" in text
    assert len(pd.read_csv(tmp_path / "alone_pairs.csv")) == 0
    latents = pd.DataFrame({"site": [0, 1], "tau": [10.0, 20.0]})
    assert np.isnan(agreement([latents], {"tau": 20.0})["between_splits"][0])


def test_without_a_black_box_nothing_is_claimed():
    found = runs(**{PURE: [0.3, 0.2]})
    assert "nothing to compare" in verdict(summary_frame(found), pairs_frame(found))[0]


def test_the_report_is_written_in_three_forms(tmp_path):
    found = runs(**{name: [0.5, 0.6] for name in NAMES})
    found.loc[0, ["r2", "failed"]] = [np.nan, "TrainingError: 5 % & more"]
    extra = {"Latents": pd.DataFrame({"latent": ["w_scaling"], "sd": [0.123456]})}
    text = write_report(tmp_path, "table4_neon", found, ["A note, 5 %."], extra)
    assert "0.552 ± 0.173" in text
    assert "| w_scaling | 0.123 |" in text
    tex = (tmp_path / "table4_neon.tex").read_text()
    assert tex.count(r" \\") == len(METHODS) + 1
    assert r"5 \%" in tex
    summary = pd.read_csv(tmp_path / "table4_neon.csv")
    assert summary["failed"].tolist() == [1, 0, 0, 0, 0, 0]
    assert len(pd.read_csv(tmp_path / "table4_neon_pairs.csv")) == 4 * 6 * 5


# -- what the data determine ----------------------------------------------------------
def test_identification_sees_what_moves_carbon_and_what_does_not(study):
    split = study.profiles.split(1)
    model = table4_methods.build("Linear-Hybrid", split, study.forcing, seed=1)
    config = TrainConfig(epochs=1, latent_scale="unit", select=False)
    fit(model, split.train, split.valid, config)
    found = identification(model, split.train).set_index("latent")
    assert list(found.index) == list(table4_methods.PREDICTED)
    assert ((found["shared_sd"] > 0) & (found["shared_sd"] <= 1 + 1e-9)).all()
    assert (found["profile_sd"] <= 1 + 1e-9).all()
    assert (found["shared_sd"] <= found["profile_sd"]).all()
    assert found["sensitivity"]["tau4s3"] > 0.1
    assert (found["worst_correlation"].abs() <= 1).all()


def test_identification_agrees_with_differences(study):
    split = study.profiles.split(1)
    decoder = CLM5SoilCarbon(predicted=("tau4s3",)).at_sites(study.forcing)
    table, low, high = split.train, 20.0, 400.0
    step = 1e-5

    def logs(unit):
        value = low + unit * (high - low)
        latents = torch.full((len(table), 1), value, dtype=torch.float64)
        return decoder.evaluate(latents, torch.empty(0), table.forcings).log()

    slope = (logs(0.5 + step) - logs(0.5 - step)) / (2 * step)
    model = ScIReN(LinearEncoder(9, 1), "auto", decoder)
    fit(model, table, split.valid, TrainConfig(epochs=1, select=False))
    with torch.no_grad():
        model.encoder.linear.weight.zero_()
        model.encoder.linear.bias.zero_()
        model.output_shift.zero_()
    found = identification(model, table)
    expected = float((slope**2).mean().sqrt())
    assert found["sensitivity"][0] == pytest.approx(expected, rel=1e-6)


def test_agreement_is_measured_in_widths_of_the_prior():
    one = pd.DataFrame({"site": [0, 1], "tau": [10.0, 20.0]})
    other = one.assign(tau=one["tau"] + 2)
    found = agreement([one, other], {"tau": 20.0}).iloc[0]
    assert found["between_splits"] == pytest.approx(np.sqrt(2) / 20)
    assert found["between_sites"] == pytest.approx(np.sqrt(50) / 20)


def test_parameters_can_be_calibrated_or_left_in_the_middle(study, quick):
    free = Cell(METHODS[4], 1, study)
    fixed = Cell(
        METHODS[4], 1, Study(study.profiles, study.forcing, study.out, constants=())
    )
    assert free.folder != fixed.folder
    assert free.key()["constants"] == list(table4_methods.CALIBRATED)
    learned = table4_cells.compute(free)["constants"]
    assert set(learned) == set(table4_methods.CALIBRATED)
    assert table4_cells.compute(fixed)["constants"] == {}
    # held to the range of the training sites, with what was learned for all of them
    latents = pd.read_csv(free.folder / "latents.csv").set_index("site")
    latents = latents[list(study.predicted)].sort_index()
    fold = study.profiles.folds()
    train = latents[(fold != 0) & (fold != 1)]
    inside = latents.clip(train.min(), train.max(), axis=1)
    assert table4_cells.held_scores(free)["r2"] == pytest.approx(
        carbon_score(study, inside, fold == 0, learned), rel=1e-9
    )


def carbon_score(study, latents, test, constants):
    decoder = CLM5SoilCarbon(constants=table4_methods.CALIBRATED).at_sites(
        study.forcing
    )
    layers = study.profiles.layers
    rows = layers[test[layers["site"]]]
    known = [constants[name] for name in decoder.constant_names]
    values = torch.tensor(known, dtype=torch.float64)
    soc = decoder.evaluate(
        torch.tensor(latents.to_numpy()[rows["site"]]),
        values,
        {n: torch.tensor(rows[n].to_numpy(dtype=float)) for n in ("site", "depth")},
    )
    return scores_of(rows["soc"].to_numpy(), soc[:, 0].numpy())["r2"]


# -- the whole --------------------------------------------------------------------------
def test_parameters_are_held_to_the_range_of_the_training_sites(study):
    cell = Cell(METHODS[4], 1, study)
    fold = study.profiles.folds()
    names = list(table4_methods.PREDICTED)
    middle = pd.DataFrame([[0.5, 200.0, 0.05, 2.0]] * len(fold), columns=names)
    middle.insert(0, "site", range(len(fold)))
    wild = middle.copy()
    wild.loc[fold == 0, "w_scaling"] = 1e-4  # next to no decay at the test sites
    cell.folder.mkdir(parents=True)
    middle.to_csv(cell.folder / "latents.csv", index=False)
    tame = table4_cells.held_scores(cell)
    wild.to_csv(cell.folder / "latents.csv", index=False)
    assert table4_cells.held_scores(cell) == pytest.approx(tame)
    assert table4_cells.held_scores(Cell(METHODS[0], 1, study)) == {}


def test_a_finished_model_is_kept_until_something_changes(study, quick):
    cell = Cell(METHODS[3], 1, study)
    assert cell.stored() is None
    first = table4_cells.compute(cell)
    assert cell.stored() == json.loads(json.dumps(first))
    other = Study(
        study.profiles, study.forcing.take(torch.arange(36).flip(0)), study.out
    )
    assert Cell(METHODS[3], 1, other).stored() is None
    assert Cell(METHODS[3], 2, study).stored() is None
    (cell.folder / "result.json").write_text("{broken")
    assert cell.stored() is None


def test_the_best_way_on_validation_is_taken(study, monkeypatch):
    def settings(name, seed, rows):
        rates = (1e-9, 0.02)
        return tuple(
            TrainConfig(
                engine="first-order", epochs=4, learning_rate=rate, select=False,
                latent_scale="unit",
            )
            for rate in rates
        )  # fmt: skip

    monkeypatch.setattr(table4_methods, "settings", settings)
    model, record = table4_cells.best_model(
        Cell(METHODS[0], 1, study), study.profiles.split(1)
    )
    assert model is not None
    assert record["learning_rate"] == 0.02


def test_gradient_training_takes_as_many_steps_on_every_set():
    few, many = (table4_methods.settings(PURE, 1, rows)[0] for rows in (240, 2400))
    assert few.epochs == 10 * many.epochs == table4_methods.STEPS


def test_a_training_that_fails_is_reported(study, monkeypatch):
    def settings(name, seed, rows):
        return (TrainConfig(residual="log", offset=1e-9, engine="gauss-newton"),)

    monkeypatch.setattr(table4_methods, "settings", settings)
    cell = Cell(METHODS[0], 1, study)
    result = table4_cells.compute(cell)
    assert "TrainingError" in result["failed"]
    frame = runs_frame([cell], [result])
    assert frame["failed"][0] == result["failed"]


@pytest.mark.slow
def test_the_command_writes_tables_and_figures_and_goes_on(
    sodah, write, tmp_path, quick, capsys
):
    data, out = write(sodah, FILE), tmp_path / "out"
    asked = ["--data", str(data), "--out", str(out), "--splits", "1", "2", "--methods"]
    asked += [PURE, table4_methods.BLACK_BOXES[1], ONE_LAYER]
    assert table4.main(asked) == 0
    said = capsys.readouterr()
    assert "ScIReN 1-layer" in said.out
    assert "6 models, 0 of them kept" in said.err
    names = {file.name for file in (out / "figures").iterdir()}
    assert {"neon_figure10.png", "neon_figure11.pdf", "neon_observed.png"} <= names
    before = pd.read_csv(out / "table4_neon_runs.csv")
    assert table4.main(asked) == 0
    assert "models" not in capsys.readouterr().err
    pd.testing.assert_frame_equal(before, pd.read_csv(out / "table4_neon_runs.csv"))


def finished(number, **tables):
    """A cell that has its tables already."""
    return SimpleNamespace(number=number, table=tables.__getitem__)


def test_relationships_are_the_mean_and_range_of_the_splits():
    x = np.linspace(0.0, 1.0, 11)

    def effects(slope):
        frames = [
            pd.DataFrame(
                {
                    "latent": "tau",
                    "feature": name,
                    "value": x,
                    "effect": part * slope * x,
                }
            )
            for name, part in (("mat", 4.0), ("map", 3.0), ("clay", 2.0), ("sand", 0.1))
        ]
        return pd.concat(frames)

    cells = [finished(k, effects=effects(slope)) for k, slope in ((1, 1.0), (2, 3.0))]
    found = relationships(cells)
    assert list(dict.fromkeys(found["feature"])) == ["mat", "map", "clay"]
    last = found[found["feature"] == "mat"].iloc[-1]
    assert (last["low"], last["effect"], last["high"]) == pytest.approx((2, 4, 6))


def test_the_map_shows_the_mean_of_splits_and_of_neighbours():
    def latents(shift):
        values = np.array([1.0, 2.0, 4.0]) + shift
        places = {"lat": [40.01, 40.02, 45.0], "lon": [-100.0, -100.01, -90.0]}
        return pd.DataFrame({"site": [0, 1, 2], "w_scaling": values} | places)

    cells = [finished(k, latents=latents(shift)) for k, shift in ((1, 0.0), (2, 1.0))]
    found = map_values(cells)
    assert found["w_scaling"].tolist() == pytest.approx([2.0, 4.5])
    assert found["lat"].tolist() == pytest.approx([40.015, 45.0])


def test_the_table_shows_predictions_with_parameters_held(study, quick):
    cell = Cell(METHODS[3], 1, study)
    result = table4_cells.compute(cell)
    row = runs_frame([cell], [result]).iloc[0]
    held = table4_cells.held_scores(cell)
    assert row["r2"] == held["r2"]
    assert row["mae"] == held["mae"]
    assert row["r2_free"] == result["metrics"]["r2"]
    assert row["r2_train"] == result["metrics"]["r2_train"]
