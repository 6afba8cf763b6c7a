"""What cannot be learned from is refused before any training, with a number."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.config.file import config_from_mapping
from discovery.runs.workflow import prepare_run
from discovery.tables.plausible import (
    gross_outliers,
    note_of_sums_in_logs,
    notes_on_outcomes,
    rank_correlation,
    robust_distance,
)
from sciren.data import Table
from sciren.decoders import IdentityDecoder
from sciren.errors import ConfigError, DataError, DataWarning
from sciren.processes import SHELF

DRAWS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(0, 5, n),
    "Cauchy": lambda rng, n: rng.standard_cauchy(n),
    "exponential, mostly zero": lambda rng, n: (
        rng.exponential(9, n) * (rng.random(n) < 0.1)
    ),
    "codes": lambda rng, n: rng.integers(0, 2, n).astype(float),
}


@pytest.mark.parametrize("law", DRAWS)
def test_heavy_tails_are_no_gross_outliers_and_one_value_far_out_is(law):
    for seed in range(5):
        values = DRAWS[law](np.random.default_rng(seed), 20_000)
        assert not gross_outliers(values).any()
        values[7] = -1e50 * np.abs(values).max()
        assert np.flatnonzero(gross_outliers(values)).tolist() == [7]


@given(
    st.lists(
        st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-3), min_size=1
    ),
    st.floats(-1e3, 1e3),
    st.sampled_from([1e-30, 1.0, 1e30]),
)
def test_robust_distances_know_no_unit(values, shift, unit):
    x = np.round(np.array(values), 3)
    moved = robust_distance((x + round(shift, 3)) * unit)
    np.testing.assert_allclose(moved, robust_distance(x), rtol=1e-2, atol=1e-2)


def test_ranks_agree_where_one_is_a_rising_function_of_the_other():
    x = np.random.default_rng(0).normal(size=200)
    assert rank_correlation(x, np.exp(x)) == pytest.approx(1)
    assert rank_correlation(x, -(x**3)) == pytest.approx(-1)


def frame(rows=60):
    rng = np.random.default_rng(1)
    x, ta = rng.uniform(1, 5, rows), rng.uniform(0, 25, rows)
    reco = x * 2 ** ((ta - 15) / 10) * rng.uniform(0.9, 1.1, rows)
    return pd.DataFrame({"x": x, "x2": rng.normal(size=rows), "ta": ta, "reco": reco})


def prepared(folder, table, decoder="q10", **data):
    table.to_csv(folder / "data.csv", index=False)
    config = {
        "data": {"path": str(folder / "data.csv"), **data}, "features": ["x", "x2"],
        "decoder": decoder, "forcings": {"ta": "ta"} if decoder else {},
        "targets": {"reco": "reco"}, "out": str(folder / "out"),
    }  # fmt: skip
    said = []
    return prepare_run(config_from_mapping(config), said.append)


@pytest.mark.parametrize("column", ["x", "ta", "reco"])
def test_a_gross_outlier_is_named_with_its_row_and_distance(tmp_path, column):
    table = frame()
    table.loc[9, column] = 1e15
    with pytest.raises(
        DataError, match=rf"'{column}' is 1e\+15 in row 9 .* robust dev"
    ):
        prepared(tmp_path, table)


@pytest.mark.filterwarnings("ignore::sciren.errors.DataWarning")
def test_a_gross_value_that_was_measured_is_kept(tmp_path):
    table = frame()
    table.loc[9, "x"] = 1e15
    assert prepared(tmp_path, table, not_missing=[1e15]).study.kept == 60


@pytest.mark.parametrize("value", [0.0, 3.5, "rounding"])
def test_a_target_that_does_not_vary_is_refused(tmp_path, value):
    values = 3.5 + 4e-16 * np.arange(60) if value == "rounding" else value
    with pytest.raises(
        DataError, match=r"data.csv: target column 'reco' is .* in all 60"
    ):
        prepared(tmp_path, frame().assign(reco=values))


@pytest.mark.parametrize("rows", [4, 8, 12, 14])
def test_too_few_rows_for_a_split_are_refused(tmp_path, rows):
    with pytest.raises(
        DataError, match=r"has \d+ rows with an observed target, at least"
    ):
        prepared(tmp_path, frame(rows))


def test_rows_without_a_target_do_not_count(tmp_path):
    table = frame()
    table.loc[10:, "reco"] = np.nan
    with pytest.raises(DataError, match="at least"):
        prepared(tmp_path, table)


def test_rows_without_a_weight_do_not_count(tmp_path):
    table = frame().assign(w=0.0)
    table.loc[:3, "w"] = 1.0
    with pytest.raises(DataError, match=r"has \d rows with .* and a weight above zero"):
        prepared(tmp_path, table, weights="w")


@pytest.mark.parametrize("of", [lambda y: y, lambda y: 3 - 2000 * y])
def test_the_target_in_another_unit_is_no_feature_of_a_process(tmp_path, of):
    table = frame()
    with pytest.raises(
        DataError, match="'x2' is a straight line of target column 'reco'"
    ):
        prepared(tmp_path, table.assign(x2=of(table.reco)))


@pytest.mark.parametrize("of", [np.log, np.sqrt, lambda y: 1 / y])
def test_a_function_of_the_target_among_the_features_is_told_with_a_number(
    tmp_path, of
):
    table = frame()
    table = table.assign(x2=of(table.reco))
    with pytest.warns(DataWarning, match=r"'x2' rises or falls .* 'reco' .*1\.00000\)"):
        ready = prepared(tmp_path, table)
    assert any("restates" in note for note in ready.notes)


def test_a_line_without_noise_is_told_and_not_refused_where_there_is_no_process(
    tmp_path,
):
    table = frame()
    with pytest.warns(DataWarning, match="restates that"):
        prepared(tmp_path, table.assign(reco=2 * table.x), decoder=None)


@pytest.mark.parametrize("part", ["features", "forcings"])
def test_a_target_cannot_explain_itself(part):
    config = {
        "data": {"path": "d.csv"}, "features": ["x"], "decoder": "q10",
        "forcings": {"ta": "ta"}, "targets": {"reco": "x" if part == "features" else "ta"},
    }  # fmt: skip
    with pytest.raises(ConfigError, match=rf"'targets'.* stands under {part}"):
        config_from_mapping(config)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([1, 2, 3, 4], True), ([0, 1, 2], True),
        ([0, 1], False),  # two have no order to mistake
        ([2, 3, 4], False), ([1, 2, 4], False), ([1.0, 1.5, 2.0], False),
        (list(range(1, 13)), False),  # months
    ],
)  # fmt: skip
def test_numbers_that_may_stand_for_classes_are_told(tmp_path, numbers, told):
    codes = frame().assign(x2=np.resize(numbers, 60))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        notes = prepared(tmp_path, codes).notes
    assert any("categorical: [x2]" in note for note in notes) == told
    assert any("categorical: [x2]" in str(w.message) for w in caught) == told


@pytest.mark.filterwarnings("ignore::sciren.errors.DataWarning")
def test_classes_that_are_declared_are_not_told_again(tmp_path):
    codes = frame().assign(x2=np.resize([1, 2, 3], 60))
    codes.to_csv(tmp_path / "data.csv", index=False)
    config = {
        "data": {"path": str(tmp_path / "data.csv")}, "features": ["x", "x2"],
        "categorical": ["x2"], "decoder": "q10", "forcings": {"ta": "ta"},
        "targets": {"reco": "reco"}, "out": str(tmp_path / "out"),
    }  # fmt: skip
    assert not prepare_run(config_from_mapping(config), [].append).notes


@pytest.mark.parametrize(
    ("residual", "decoder", "told"),
    [("log", None, True), ("log", "log_link", False), ("identity", None, False)],
)
def test_sums_that_are_compared_in_logs_are_told(residual, decoder, told):
    process = IdentityDecoder(["z"]) if decoder is None else SHELF[decoder]
    notes = note_of_sums_in_logs(process, residual)
    assert bool(notes) == told
    assert all("decoder: log_link" in note for note in notes)


def outcomes(values):
    frame = pd.DataFrame({"x": np.arange(len(values)), "case": values})
    return Table.from_frame(frame, ["x"], (), {"y": "case"})


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([0.0, 1.0, 1.0], "'case' is 0 or 1.*decoder: logit_link"),
        (
            [0.0, 4.0, 26.0],
            "'case' holds whole numbers from 0 to 26.*decoder: log_link",
        ),
    ],
)
def test_sums_of_effects_on_outcomes_are_warned_of(values, note):
    with pytest.warns(DataWarning, match=note):
        notes = notes_on_outcomes(outcomes(values), IdentityDecoder(["y"]), "auto")
    assert len(notes) == 1


@pytest.mark.parametrize("values", [[0.0, 2.5, 4.0], [1.0, 2.0, 3.0], [0.0, 5.0]])
def test_amounts_are_no_outcomes(values):
    assert notes_on_outcomes(outcomes(values), IdentityDecoder(["y"]), "auto") == ()


@pytest.mark.parametrize(
    ("noise", "note"),
    [("auto", "as glm.family = binomial. does"), ("constant", "auto would")],
)
def test_a_share_of_outcomes_says_how_rows_are_weighed(noise, note):
    [told] = notes_on_outcomes(outcomes([0.0, 1.0]), SHELF["logit_link"], noise)
    assert re.search(note, told)
    assert notes_on_outcomes(outcomes([0.0, 3.0, 9.0]), SHELF["log_link"], noise) == ()
