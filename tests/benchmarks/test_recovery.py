import numpy as np
import pandas as pd
import pytest
import sympy

from benchmarks import recovery
from benchmarks.peers import Found, timed
from benchmarks.recovery import cases, expand_classes, main


def truthful(case, budget):
    return Found(case.truth, True, constants=case.constants)


def wrong(case, budget):
    return Found(case.symbols[0] + sympy.sin(case.symbols[1]), True)


def refusing(case, budget):
    return Found(case.truth, False, "not sure", case.constants)


def crashing(case, budget):
    raise FloatingPointError("diverged\nand more")


@pytest.fixture
def methods(monkeypatch):
    table = {"right": truthful, "wrong": wrong, "shy": refusing, "crash": crashing}
    monkeypatch.setattr(recovery, "METHODS", table)
    return table


def test_classes_stand_for_their_members():
    assert set(expand_classes(["compositional"])) >= {"sum", "node", "outside"}
    assert set(expand_classes(["hybrid", "Q10"])) >= {"Q10", "Penman"}
    with pytest.raises(ValueError, match="does not exist"):
        expand_classes(["nodes"])


def test_named_cases_come_once():
    listed = [case.name for case in cases(["named"], 3, "tuning", 0)]
    assert len(listed) == len(set(listed)) > 40


def test_a_run_is_scored_summarised_and_continued(methods, tmp_path, capsys):
    options = ["--classes", "sum", "Q10", "--cases", "1", "--out", str(tmp_path)]
    main([*options, "--methods", "right", "wrong", "shy", "crash"])
    rows = pd.read_csv(tmp_path / "recovery.csv", keep_default_na=False)
    assert len(rows) == 8
    by = rows.groupby("method")
    assert by["exact"].sum().to_dict() == {"right": 2, "wrong": 0, "shy": 2, "crash": 0}
    assert by["wrong"].sum().to_dict() == {"right": 0, "wrong": 2, "shy": 0, "crash": 0}
    assert not rows[rows.method == "shy"]["accepted"].any()
    assert rows[rows.method == "crash"]["reason"].tolist() == (
        ["FloatingPointError: diverged"] * 2
    )
    assert "| tuning | right | all | 2 | 2 | 2 | 2 | 2 | 0 |" in capsys.readouterr().out
    methods["right"] = crashing  # must not be asked again
    main([*options, "--methods", "right", "--cases", "2"])
    again = pd.read_csv(tmp_path / "recovery.csv", keep_default_na=False)
    assert len(again) == 10
    pd.testing.assert_frame_equal(again[:8], rows)


def test_a_table_of_another_version_is_refused(methods, tmp_path):
    (tmp_path / "recovery.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="other columns"):
        main(["--classes", "sum", "--methods", "right", "--out", str(tmp_path)])


def test_an_unknown_class_ends_with_the_usage(methods, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--classes", "sums", "--methods", "right", "--out", str(tmp_path)])
    assert "does not exist" in capsys.readouterr().err


def test_seconds_are_those_of_the_processor():
    case = next(cases(["sum"], 1, "tuning", 0))
    found = timed(truthful, case, 1.0)
    assert found.expression == case.truth
    assert 0 <= found.seconds < 1


def test_kinds_of_robustness_have_unit_noise_and_a_truth():
    from benchmarks.robustness import KINDS, drawn

    for kind in KINDS:
        case = drawn(kind, 1001, True)
        values = sympy.lambdify(case.symbols, case.truth, "numpy")(*case.features.T)
        assert np.allclose(values, case.clean, rtol=1e-9, atol=1e-12 * case.clean.std())
        assert 0.05 < case.noise < 2.0, kind
        assert not drawn(kind, 1001, False).used
