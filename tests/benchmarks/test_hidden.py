"""Cases with hidden parameters, their judge and the restartable run."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sympy

from benchmarks.estimator_runner import without_bounds
from benchmarks.hidden import __main__ as command
from benchmarks.hidden.cases import COUNT, LOWEST, Stratum, hidden_case, strata
from benchmarks.hidden.formulas import FORMULAS
from benchmarks.hidden.judge import judged
from benchmarks.hidden.methods import Answer, boosting, timed
from benchmarks.hidden.processes import PROCESSES
from benchmarks.peers import Found

PLAIN = Stratum(3, "rectangular_hyperbola", "inside", 0.1, 150, "plain")


def truthful(hidden, budget):
    constants = hidden.case.constants
    intervals = {name: (0.9 * value, 1.1 * value) for name, value in constants.items()}
    found = Found(hidden.case.truth, True, constants=constants, intervals=intervals)
    return Answer(found)


def wrong(hidden, budget):
    symbols = hidden.case.symbols
    formula = hidden.case.latent.mean() + sympy.sin(3 * symbols[3]) / 1000
    return Answer(Found(formula, True, constants=hidden.case.constants))


def crashing(hidden, budget):
    raise FloatingPointError("diverged")


@pytest.fixture(scope="module")
def hidden():
    return hidden_case(PLAIN, "tuning")


def test_strata_are_balanced_and_streams_share_none():
    listed = list(strata("tuning"))
    assert len(listed) == COUNT
    assert set(Counter(s.process for s in listed).values()) <= {41, 42}
    assert all(
        min(Counter(getattr(s, name) for s in listed).values()) >= 30
        for name in ("kind", "noise", "rows", "condition")
    )
    assert listed != list(strata("scoring"))


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: p.name)
def test_latents_stay_inside_the_bounds_of_their_process(process):
    for kind in FORMULAS:
        case = hidden_case(
            Stratum(1, process.name, kind, 0.0, 60, "correlated"), "tuning"
        ).case
        bounds = case.process.parameters[case.process.latent_names[0]]
        assert bounds.low <= case.latent.min()
        assert case.latent.max() <= bounds.high
        assert case.latent.min() >= 0.99 * LOWEST * process.scale
        assert np.isfinite(case.target).all()
        assert np.allclose(case.target, case.clean)
        assert [p.name for p in case.process.parameters.constants] == list(
            case.constants
        )


def test_conditions_change_what_they_say():
    def drawn(condition):
        return hidden_case(replace(PLAIN, rows=1000, condition=condition), "tuning")

    def correlation(one, other):
        return np.corrcoef(one, other)[0, 1]

    plain, correlated = drawn("plain").case, drawn("correlated").case
    assert correlation(*plain.features.T[:2]) < 0.4
    assert correlation(*correlated.features.T[:2]) > 0.5
    case = drawn("confounded").case
    assert correlation(case.features[:, 0], case.forcings["light"]) > 0.6
    case = drawn("autocorrelated").case
    assert correlation(case.features[1:, 0], case.features[:-1, 0]) > 0.8
    # the true process on the forcings that are told does not give the target
    for condition, same in (("plain", True), ("misspecified", False)):
        hidden = drawn(condition)
        judgement = judged(hidden, truthful(hidden, 1.0))
        assert (judgement.r2 == pytest.approx(1.0, abs=1e-9)) == same


def test_the_judge_knows_right_wrong_sets_and_refusals(hidden):
    right = judged(hidden, truthful(hidden, 1.0))
    assert right.exact
    assert right.form
    assert right.in_set
    assert not right.wrong
    assert right.covered == 1.0
    bad = judged(hidden, wrong(hidden, 1.0))
    assert bad.accepted
    assert bad.wrong
    assert not bad.form
    assert bad.r2 < 0.999
    one_of_two = replace(
        wrong(hidden, 1.0).found, accepted=False, equals=(hidden.case.truth,), several=2
    )
    judgement = judged(hidden, Answer(one_of_two))
    assert judgement.in_set
    assert not judgement.form
    assert not judgement.wrong
    refused = replace(truthful(hidden, 1.0).found, accepted=False)
    assert not judged(hidden, Answer(refused)).form


def test_a_constant_that_is_zero_within_its_error_is_not_needless():
    hidden = hidden_case(replace(PLAIN, number=8), "tuning")
    a = hidden.case.symbols[0]
    for size, right in ((0.02, True), (1.0, False)):
        shift = size * hidden.case.latent.std() * hidden.case.noise * a**2
        found = Found(hidden.case.truth + shift, True, constants=hidden.case.constants)
        assert judged(hidden, Answer(found)).form == right


def test_a_constant_latent_is_found_by_saying_nothing():
    hidden = hidden_case(replace(PLAIN, kind="none"), "tuning")
    silent = Found(sympy.Float(3.0), False, constants=hidden.case.constants)
    assert judged(hidden, Answer(silent)).form
    assert judged(hidden, wrong(hidden, 1.0)).wrong


def test_the_reference_predicts_and_names_nothing(hidden):
    judgement = judged(hidden, timed(boosting, hidden, 1.0))
    assert judgement.r2 > 0.5
    assert not judgement.accepted
    assert not judgement.form


def test_a_run_is_continued_and_tabled(monkeypatch, tmp_path, capsys):
    table = {"right": truthful, "wrong": wrong, "crash": crashing}
    monkeypatch.setattr(command, "METHODS", table)
    options = ["--noise", "0.1", "--rows", "60", "--cases", "1", "--out", str(tmp_path)]
    with pytest.raises(SystemExit):
        command.main([*options, "--methods", "nobody"])
    command.main([*options, "--methods", *table])
    rows = pd.read_csv(tmp_path / "hidden.csv")
    assert rows["method"].tolist() == list(table)
    assert rows["wrong"].tolist() == [False, True, False]
    assert rows["reason"].tolist()[2] == "FloatingPointError: diverged"
    table["right"] = crashing  # must not be asked again
    command.main([*options, "--methods", "right"])
    assert "| right | all | 1 |" in capsys.readouterr().out
    (tmp_path / "hidden.csv").write_text("other\n1\n")
    with pytest.raises(ValueError, match="other columns"):
        command.main([*options, "--methods", "right"])


def test_bounds_are_taken_off_a_formula():
    a = sympy.Symbol("a", real=True)
    held = 19.5 * sympy.Min(1.0, sympy.Max(0, 0.1 * sympy.exp(a) + 0.2)) + 0.5
    apart = without_bounds(held) - (1.95 * sympy.exp(a) + 4.4)
    assert abs(float(apart.subs(a, 0.7))) < 1e-12
