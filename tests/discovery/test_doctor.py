"""The doctor names what is there, what is missing, and whether a known truth is found."""

import pytest

from discovery import doctor
from discovery.cli import main


def test_what_is_missing_is_named_with_what_brings_it(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    found = {finding.name: finding for finding in doctor.examine(self_test=False)}
    assert found["pdflatex"].good is None
    assert "missing" in found["gfortran"].told
    assert 'pip install "sciren[tune]"' in found["optuna"].told
    assert found["torch"].good
    assert "cores" in found["threads"].told


@pytest.mark.parametrize(("estimate", "code"), [(1.501, 0), (1.7, 1)])
def test_a_wrong_answer_of_the_self_test_is_a_failure(
    monkeypatch, capsys, estimate, code
):
    monkeypatch.setattr(doctor, "fitted_q10", lambda: estimate)
    with pytest.raises(SystemExit) as end:
        main(["doctor"])
    assert end.value.code == code
    assert ("FAIL" in capsys.readouterr().out) == bool(code)


@pytest.mark.slow
def test_the_self_test_finds_its_truth():
    assert doctor.fitted_q10() == pytest.approx(doctor.Q10, abs=doctor.CLOSE)
