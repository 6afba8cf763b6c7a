"""The implicit solver: order, stiff reference problems, derivatives, remedies."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from sciren import Parameter, SeriesTable, State, process_model
from sciren.dynamics import Directions, SeriesProcess, Values, jacobian
from sciren.dynamics.solving import implicit as solver
from sciren.dynamics.solving.accuracy import accurate
from sciren.dynamics.solving.implicit import implicit
from sciren.errors import ExpressionError, TrainingError
from symbolic.dynamics import Recurrence, no_relations, recurrence_code

STARTS = {"a": 1.0, "b": 0.0, "c": 0.0}


def robertson(s, p, f):
    slow, back, fast = p.k * s.a, 1e4 * s.b * s.c, 3e7 * s.b * s.b
    return {"a": back - slow, "b": slow - back - fast, "c": fast}


def reactions(solver):
    return process_model(
        parameters=[Parameter("k", low=1e-3, high=1, per="group", start=0.04)],
        state=[State(n, start=v) for n, v in STARTS.items()], time="ode", solver=solver,
        targets={"y": "a", "z": "c"},
    )(robertson)  # fmt: skip


def series(times):
    frame = pd.DataFrame({"t": times})
    return SeriesTable.from_frame(
        frame, group=None, time="t", time_unit="s", gaps="keep"
    )


TIMES = np.concatenate([[0.0], 10.0 ** np.linspace(-2, 4, 7)])


def values(k=0.04):
    return Values({"k": np.array([k])}, {n: np.array([v]) for n, v in STARTS.items()})


def exact(rates, start, times):
    found = solve_ivp(lambda t, y: rates(y), (times[0], times[-1]), start, method="Radau",
                      t_eval=times, rtol=1e-10, atol=1e-14)  # fmt: skip
    return found.y


def test_robertsons_reactions_over_six_orders_of_time():
    process = accurate(SeriesProcess(reactions("implicit"), series(TIMES)), values())
    run = process.simulate(values())

    def rates(y):
        slow, back, fast = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
        return [back - slow, slow - back - fast, fast]

    expected = exact(rates, list(STARTS.values()), TIMES)
    np.testing.assert_allclose(run.states[:, :-1, 0], expected, rtol=1e-4, atol=1e-10)
    # what reacts is conserved
    np.testing.assert_allclose(run.states.sum(0), 1.0, rtol=1e-9)


def test_explicit_steps_name_the_implicit_solver_as_the_remedy():
    with pytest.raises(TrainingError, match="Declare solver='implicit'"):
        accurate(SeriesProcess(reactions("rk4"), series(TIMES)), values())


@pytest.mark.slow
def test_van_der_pol_relaxes_in_time():
    mu, times = 100.0, np.linspace(0.0, 200.0, 21)

    def rates(y):
        return [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]

    now, found = [np.array([2.0]), np.array([0.0])], []
    for step in [*np.diff(times), 0.0]:
        found.append(now[0][0])
        for _ in range(4):
            now = implicit(rates, now, step / 4)
    np.testing.assert_allclose(found, exact(rates, [2.0, 0.0], times)[0], atol=2e-3)


def test_it_is_of_fourth_order_and_damps_what_is_fast():
    def error(count):
        now = [np.array([0.1])]
        for _ in range(count):
            now = implicit(lambda s: [s[0] * (1 - s[0])], now, 2.0 / count)
        return abs(now[0][0] - 1 / (1 + 9 * np.exp(-2.0)))

    assert np.log2(error(8) / error(16)) == pytest.approx(4.0, abs=0.4)
    # A step a million times longer than the rate leaves a hundred thousandth.
    (left,) = implicit(lambda s: [-1e6 * (s[0] - 3.0)], [np.array([4.0])], 1.0)
    assert left[0] == pytest.approx(3.0, abs=1e-5)


@pytest.mark.parametrize("k", [0.04, pytest.param(0.4, marks=pytest.mark.slow)])
def test_derivatives_are_those_of_the_implicit_function(k):
    process = SeriesProcess(reactions("implicit"), series(TIMES), substeps=2)
    where = Directions(["k"], ["b"])
    found = jacobian(process, process.simulate(values(k)), where)[:, :, 0]
    step = 1e-5 * k
    ahead, back = (
        process.simulate(values(k + s)).outputs[..., 0] for s in (step, -step)
    )
    expected = (ahead - back) / (2 * step)
    np.testing.assert_allclose(
        found[0], expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max()
    )


def test_a_row_without_a_solution_has_no_number_and_spares_the_others():
    now = implicit(lambda s: [s[0] ** 2], [np.array([1.0, 1e-3])], np.array([2.0, 2.0]))
    assert np.isnan(now[0][0])
    assert now[0][1] == pytest.approx(1e-3 / (1 - 2e-3), rel=1e-6)


def test_where_steps_run_out_tensors_have_no_number_either(monkeypatch):
    monkeypatch.setattr(solver, "MOST_STEPS", 3)
    fast = torch.tensor([0.1, 1e4], dtype=torch.float64, requires_grad=True)
    start = torch.tensor([1.0, 1.0], dtype=torch.float64)
    h = torch.tensor([1.0, 1.0], dtype=torch.float64)
    (now,) = implicit(lambda s: [-fast * s[0] ** 3], [start], h)
    expected = 1 / np.sqrt(1 + 2 * 0.1)
    assert float(now[0].detach()) == pytest.approx(expected, rel=1e-4)
    assert bool(torch.isnan(now[1]))


def test_the_recurrence_runs_alike_and_has_no_source_code():
    model = reactions("implicit")
    law = Recurrence.of(model, substeps=2)
    again = Recurrence.from_json(law.to_json())
    table = series(TIMES)
    run = SeriesProcess(model, table, substeps=2).simulate(values())
    _, outputs = again.run({"k": np.array([0.04])}, {}, table.intervals)
    np.testing.assert_allclose(outputs["y"], run.outputs[0], rtol=1e-8)
    with pytest.raises(ExpressionError, match="no source code of the implicit solver"):
        recurrence_code(law, no_relations(law), "python")


def test_a_transient_far_shorter_than_the_interval_is_resolved():
    # the first rate acts for a thousandth of a second, the interval is a day of seconds
    slow, back, fast = 0.04, 1e4, 3e7

    def rates(y):
        forth, again = slow * y[0], back * y[1] * y[2]
        return [again - forth, forth - again - fast * y[1] ** 2, fast * y[1] ** 2]

    ahead = implicit(rates, [np.array([v]) for v in STARTS.values()], 1e11)
    # published: Hairer and Wanner, test set of stiff problems, ROBER
    np.testing.assert_allclose(ahead[0], 0.2083340149701255e-07, rtol=2e-3)
    np.testing.assert_allclose(sum(ahead), 1.0, rtol=1e-9)


RATES = {"k1": 1e5, "k2": 1.0, "k3": 1e-3}


def test_a_chain_over_eight_orders_of_rates_follows_its_exact_solution():
    def chain(s, p, f):
        return {
            "a": -p.k1 * s.a,
            "b": p.k1 * s.a - p.k2 * s.b,
            "c": p.k2 * s.b - p.k3 * s.c,
        }

    model = process_model(
        parameters=[Parameter(n, low=1e-9, high=1e9, per="group", start=v)
                    for n, v in RATES.items()],
        state=[State("a", start=1), State("b"), State("c")], time="ode",
        solver="implicit", targets={"q": "b", "r": "c"},
    )(chain)  # fmt: skip
    times = np.concatenate([[0.0], 10.0 ** np.linspace(-4, 3, 5)])
    process = SeriesProcess(model, series(times), substeps=2)
    rates = {n: np.array([v]) for n, v in RATES.items()}
    run = process.simulate(
        Values(rates, {n: np.array([float(n == "a")]) for n in "abc"})
    )

    def solution(k1, k2, k3):
        a = np.array([[-k1, 0, 0], [k1, -k2, 0], [0, k2, -k3]])
        return np.array([expm(a * t)[1:, 0] for t in times]).T

    np.testing.assert_allclose(run.outputs[..., 0], solution(**RATES), atol=1e-5)
    found = jacobian(process, run, Directions(list(RATES)))[:, :, 0]
    for number, name in enumerate(RATES):
        step = 1e-5 * RATES[name]
        ahead, back = (
            solution(**{**RATES, name: RATES[name] + sign * step}) for sign in (1, -1)
        )
        by_log = RATES[name] * (ahead - back) / (2 * step)
        np.testing.assert_allclose(RATES[name] * found[number], by_log, atol=1e-4)


def test_what_has_no_solution_is_told_without_long_attempts():
    growth = process_model(
        parameters=[Parameter("k", low=0, high=9, per="group", start=1)],
        state=[State("x", start=1)], time="ode", solver="implicit", targets={"y": "x"},
    )(lambda s, p, f: {"x": p.k * s.x**2})  # fmt: skip
    process = SeriesProcess(growth, series(np.linspace(0, 3, 3)))
    start = Values({"k": np.array([1.0])}, {"x": np.array([1.0])})
    with pytest.raises(TrainingError, match="grows without bound"):
        accurate(process, start)
