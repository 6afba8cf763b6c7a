"""The pages of the studies say what the tables of their commands said."""

import pytest

from benchmarks import studies

SEEDS = "method,seed\nScIReN,1\nScIReN,2\n"
SUMMARY = (
    "table,method,r2_obs,r2_obs_sd,r2_latent,r2_latent_sd,kl,kl_sd,cpu_seconds,dropped,"
    "published_r2_obs,published_r2_obs_sd\n"
    "1,Pure-NN,0.96812,0.004,,,,,0.31,,0.968,0.004\n"
    "1,ScIReN,0.97,0.001,0.9999,0,0.00002,0,0.7,ta 2/2,0.976,\n"
)


@pytest.mark.parametrize(
    "path", studies.FIGURES.documents, ids=lambda path: path.parent.name
)
def test_the_pages_show_the_stored_tables(path):
    text = path.read_text("utf-8")
    assert studies.FIGURES.within(text) == text, "run python -m benchmarks.studies"


def test_a_table_is_read_with_the_command_that_gives_it_again(tmp_path):
    (tmp_path / "table1_paper.csv").write_text(SUMMARY)
    (tmp_path / "table1_paper_seeds.csv").write_text(SEEDS)
    (tmp_path / "table1_notes.csv").write_text("not a table of means\n")
    [(name, command, rows)] = studies.tables(tmp_path)
    assert name == "table1_paper"
    assert command == (
        "python -m case_studies.respiration table1 --paper --seeds 1-2"
        " --out runs/respiration"
    )
    assert rows == [
        {
            "method": "Pure-NN",
            "R2 observed": "0.9681 ± 0.0040 (0.9680 ± 0.0040)",
            "R2 latent": "-",
            "KL": "-",
            "dropped": "-",
            "CPU s": "0.3",
        },
        {
            "method": "ScIReN",
            "R2 observed": "0.9700 ± 0.0010 (0.9760)",
            "R2 latent": "0.9999 ± 0.0000",
            "KL": "0.0000 ± 0.0000",
            "dropped": "ta 2/2",
            "CPU s": "0.7",
        },
    ]


def test_some_rows_of_table_3_are_asked_for_by_name(tmp_path):
    (tmp_path / "table3.csv").write_text(SUMMARY)
    (tmp_path / "table3_splits.csv").write_text(SEEDS.replace("seed", "split"))
    [(name, command, _)] = studies.tables(tmp_path)
    assert name == "table3"
    assert command.startswith("python -m case_studies.soil_carbon table3 --seeds 1-2")
    assert command.endswith("--methods Pure-NN ScIReN")
