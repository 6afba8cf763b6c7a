"""The study over seeds tells what it found and counts what was asked for."""

import numpy as np
import pandas as pd
import pytest
import torch

from case_studies.respiration import __main__ as command
from case_studies.respiration import seeds
from case_studies.respiration.seeds import Outcome, line_of, run_seeds, summary_lines


def outcome(seed=0, **changes):
    values = {
        "seed": seed, "edges": "sw_pot dsw_pot", "form": "linear", "sw_pot": 0.00751,
        "dsw_pot": -0.00376, "ratio": -1.9973, "q10": 1.502, "r2_network": 0.99991,
        "r2_equation": 0.99995, "verdict": "PASS", "seconds": 3.0,
        "equation": "rb = 0.00751*sw_pot - 0.00376*dsw_pot + 1.03",
    }  # fmt: skip
    return Outcome(**values | changes)


def test_a_line_says_everything_about_a_seed():
    line = line_of(outcome())
    for word in ("seed  0", "sw_pot 0.007510", "ratio -1.9973", "q10 1.5020", "PASS"):
        assert word in line


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"edges": "sw_pot dsw_pot ta"}, "exactly sw_pot and dsw_pot survive"),
        ({"r2_equation": 0.9997}, "latent R2 >= 0.9998"),
        ({"q10": 1.511}, "q10 within 0.01"),
        ({"verdict": "FAIL"}, "verification passes"),
        ({"ratio": -2.05}, "ratio within 2 %"),
        ({"sw_pot": 0.0077}, "coefficients within 2 %"),
        ({"sw_pot": np.nan, "ratio": np.nan}, "coefficients within 2 %"),
    ],
)
def test_the_summary_counts_what_is_met(changes, missed):
    frame = pd.DataFrame([vars(outcome(0)), vars(outcome(1, **changes))])
    lines = summary_lines(frame, "linear")
    line = next(one for one in lines if one.startswith(missed))
    assert line.endswith("1 of 2")
    assert sum(one.endswith("2 of 2") for one in lines) >= 4


def test_the_abs_setting_asks_for_an_absolute_value():
    frame = pd.DataFrame([vars(outcome(form="abs of linear")), vars(outcome())])
    lines = summary_lines(frame, "abs")
    assert "the equation is |linear combination| of them: 1 of 2" in lines
    assert any(line.startswith("latent R2 >= 0.999,") for line in lines)


def test_results_are_told_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(seeds, "run_seed", lambda setting, seed: outcome(seed))
    told = []
    frame = run_seeds("linear", [3, 5], tmp_path / "new", told.append)
    assert frame["seed"].tolist() == [3, 5]
    assert told[0].startswith("seed  3")
    assert told[-1] == f"wrote {tmp_path / 'new' / 'seeds_linear.csv'}"
    assert len(pd.read_csv(tmp_path / "new" / "seeds_linear.csv")) == 2
    assert command.main(["seeds", "--setting", "abs", "--seeds", "0-2"]) == 0
    assert capsys.readouterr().out.count("seed ") >= 3


@pytest.mark.slow
def test_one_seed_meets_every_figure():
    torch.set_num_threads(1)  # beside other tests more threads are slower
    found = seeds.run_seed("abs", 0)
    lines = summary_lines(pd.DataFrame([vars(found)]), "abs")
    assert all(line.endswith("1 of 1") for line in lines[:-1]), lines


# -- networks only ----------------------------------------------------------------------
def test_networks_are_trained_together_and_judged(tmp_path, capsys, monkeypatch):
    hours = pd.date_range("2004-01-01T00:15", periods=4000, freq="2h")
    season = np.cos(2 * np.pi * (hours.day_of_year - 200) / 366)
    rng = np.random.default_rng(0)
    record = pd.DataFrame(
        {
            "time": hours,
            "sw_pot": 300 + 180 * season,
            "dsw_pot": -480 * np.sin(2 * np.pi * (hours.day_of_year - 200) / 366),
            "ta": 8 + 9 * season + 4 * rng.standard_normal(len(hours)),
        }
    )
    record.to_csv(tmp_path / "record.csv", index=False)
    arguments = ["--seeds", "3-4", "--record", str(tmp_path / "record.csv")]
    assert seeds.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["3", "4"]
    worst = float(lines[2].split("worst R2 ")[1].split()[0])
    assert 0.9 < worst <= 1.0


def test_measured_air_may_be_warmer(tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(
        seeds, "make_respiration", lambda *a, **k: given.update(args=a, more=k)
    )
    pd.DataFrame({"ta": [1.0, 2.0]}).to_csv(tmp_path / "ta.csv", index=False)
    seeds.Weather(tmp_path / "ta.csv", 2.0).study("abs", 7)
    assert given["args"][:2] == ("abs", 7)
    assert list(given["args"][2]) == [3.0, 4.0]
    seeds.Weather().study("linear", 1)
    assert given["args"] == ("linear", 1)


def test_seeds_must_be_a_range(capsys):
    with pytest.raises(SystemExit):
        seeds.main(["--seeds", "a-b"])
    assert "is not like 0-39" in capsys.readouterr().err
