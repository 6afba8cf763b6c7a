"""The command runs studies one after another; what fails is a line, not an end."""

import numpy as np
import pandas as pd
import pytest

from case_studies.gallery.__main__ import main
from case_studies.gallery.studies import COLUMNS, line_of, run_studies, studies


def test_a_study_whose_table_is_missing_is_told_and_the_next_begins(tmp_path, capsys):
    code = main(
        ["stomata", "tharandt", "--data", str(tmp_path), "--out", str(tmp_path / "o")]
    )
    assert code == 1
    out, err = capsys.readouterr()
    assert "stomata: " in out
    assert "holds no stomatal_conductance.csv" in out
    assert "tharandt: begins" in err
    table = pd.read_csv(tmp_path / "o" / "gallery.csv")
    assert list(table.columns) == list(COLUMNS)
    assert table.study.tolist() == ["stomata", "tharandt"]


def test_a_study_that_joins_its_table_says_what_is_missing(tmp_path):
    (row,) = run_studies(["aspen_budburst"], tmp_path, tmp_path / "out")
    assert "does not hold what" in row["error"]


def test_an_unknown_study_is_wrong_usage(tmp_path):
    with pytest.raises(SystemExit) as end:
        main(["stomatas", "--data", str(tmp_path)])
    assert end.value.code == 2


def test_davos_is_one_of_them():
    assert "davos" in studies()
    assert all(path.is_file() for path in studies().values())


def test_a_row_is_one_line():
    row = dict.fromkeys(COLUMNS) | {
        "study": "s", "verdict": "supported", "r2_equation": 0.5, "r2_constants": 0.1,
        "equations": "k = 1.00",
    }  # fmt: skip
    assert line_of(row) == "s: R2 equation 0.500, constants 0.100; k = 1.00; supported"


@pytest.mark.slow
def test_a_study_runs_and_is_read_again(tmp_path):
    generator = np.random.default_rng(0)
    rows = 240
    frame = pd.DataFrame(
        {
            "curve": np.arange(rows) // 12,
            "t_leaf_degC": generator.uniform(15, 35, rows),
            "vpd_leaf_kPa": generator.uniform(0.5, 3, rows),
            "assimilation_umol_m2_s": generator.uniform(5, 20, rows),
        }
    )
    g1 = 2 + 0.1 * frame.t_leaf_degC
    slope = 1.6 * (1 + g1 / np.sqrt(frame.vpd_leaf_kPa))
    frame["gsw_mol_m2_s"] = 0.02 + slope * frame.assimilation_umol_m2_s / 400
    frame["gsw_mol_m2_s"] += generator.normal(0, 0.005, rows)
    frame.to_csv(tmp_path / "stomatal_conductance.csv", index=False)
    quick = ["train.bootstrap=0", "discovery.bootstrap=0"]
    (row,) = run_studies(["stomata"], tmp_path, tmp_path / "out", quick)
    assert row["r2_equation"] > 0.9
    assert row["r2_equation"] > row["r2_constants"]
    (again,) = run_studies(["stomata"], tmp_path, tmp_path / "out", quick)
    assert again["equations"] == row["equations"]
