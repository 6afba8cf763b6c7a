"""A finished run is judged again, controlled, and refused where it is not supported."""

import json
import re

import pytest
from typer.testing import CliRunner

from discovery.cli import app
from discovery.verdict.recompute import Comparison
from discovery.verdict.record import Reason, Verdict
from discovery.verdict.runs import control_run, verify_run
from sciren.errors import ConfigError


@pytest.mark.usefixtures("pictures")
def test_a_run_agrees_with_itself(light):
    again = verify_run(light, quiet=True)
    assert again.same, again.text()
    assert again.same_data
    assert str(again.verdict) == str(again.stored) == "supported"
    assert "consistency, round trip" in again.text()
    assert "R2 of gpp, test rows" in again.text()
    assert re.fullmatch(r"computed again: (\d+) of \1 files agree", again.lines[-1])


@pytest.fixture
def judged_only(monkeypatch):
    """The comparison of all files has its own tests, in tests/reliability."""
    monkeypatch.setattr(
        "discovery.verdict.recompute.compare_again", lambda *_: Comparison(0, ())
    )


@pytest.mark.usefixtures("judged_only")
def test_the_same_file_elsewhere_is_the_same_data(light, finished, tmp_path):
    import shutil

    moved = shutil.copy(finished / "data.csv", tmp_path / "moved.csv")
    assert verify_run(light, moved, quiet=True).same_data


def test_other_data_are_judged_whole(light, finished, tmp_path):
    import pandas as pd

    pd.read_csv(finished / "data.csv").iloc[:300].to_csv(
        tmp_path / "o.csv", index=False
    )
    again = verify_run(light, tmp_path / "o.csv", quiet=True)
    assert not again.same_data
    assert "not those of the run" in again.text()


@pytest.mark.usefixtures("judged_only")
def test_a_stored_headline_that_is_not_so_is_noticed(light):
    doubt = Reason("skilful", "gpp", False, "no", fatal=True)
    record = Verdict.of([doubt]).to_json()
    (light / "verdict.json").write_text(json.dumps(record))
    again = verify_run(light, quiet=True)
    assert not again.same
    assert "verdict.json was changed   DIFFERS" in again.text()
    assert "headline: supported, stored not supported   DIFFERS" in again.text()


def test_a_run_that_is_read_only_is_told_before_the_controls(light, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(ConfigError, match=r"controls.json: cannot be .* read-only"):
        control_run(light, 1, quiet=True)


def test_controls_are_written_into_the_run_and_its_report(light):
    result = CliRunner().invoke(
        app, ["--quiet", "control", str(light), "--placebos", "2"]
    )
    assert result.exit_code == 0, result.output
    assert "claimed in 0 of 2 placebos" in result.output
    assert (light / "controls.json").is_file()
    assert "of 2 placebos" in (light / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("headline", "code"), [("supported", 0), ("not supported", 1)])
def test_strict_is_for_what_is_supported(monkeypatch, light, finished, headline, code):
    good = [Reason(p, "x", True, "yes") for p in ("faithful", "skilful", "identified")]
    bad = [] if code == 0 else [Reason("skilful", "x", False, "no", fatal=True)]
    monkeypatch.setattr("discovery.runs.workflow.run", lambda *args: light)
    monkeypatch.setattr(
        "discovery.runs.stored.stored_verdict", lambda run: Verdict.of([*good, *bad])
    )
    result = CliRunner().invoke(
        app, ["discover", str(finished / "CONFIG.yaml"), "--strict"]
    )
    assert result.exit_code == code, result.output
    assert ("is not supported (--strict)" in result.output) == (code == 1)
