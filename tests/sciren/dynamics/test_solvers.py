"""Solvers of ODEs: order, exactness, choice by symbols, substeps, derivatives."""

import numpy as np
import pandas as pd
import pytest

from sciren import Parameter, SeriesTable, State, process_model
from sciren.dynamics import Directions, SeriesProcess, Values, jacobian
from sciren.dynamics.solving.accuracy import CLOSE, accurate
from sciren.dynamics.solving.integrators import linear, rk4
from sciren.errors import DecoderError, TrainingError
from sciren.functions import maximum

RATES = [
    Parameter(n, low=0.01, high=50, per="group", start=1) for n in ("v", "cl", "q")
]


@process_model(
    parameters=RATES, state=[State("c"), State("deep")], time="ode",
    forcings=["rate"], targets={"conc": "c"},
)  # fmt: skip
def compartments(s, p, f):
    return {
        "c": (f.rate - (p.cl + p.q) * s.c + p.q * s.deep) / p.v,
        "deep": p.q * (s.c - s.deep) / 2,
    }


@process_model(
    parameters=[Parameter("r", low=0.01, high=1e6, per="group", start=1)],
    state=[State("n", start=0.1)], time="ode", targets={"count": "n"},
)  # fmt: skip
def logistic(s, p, f):
    return {"n": p.r * s.n * (1 - s.n)}


def series(times=(0.0, 0.5, 2.0, 10.0, 70.0)):
    frame = pd.DataFrame({"t": times, "rate": [3.0, 3.0, 0.0, 0.0, 0.0][: len(times)]})
    return SeriesTable.from_frame(
        frame, group=None, time="t", time_unit="min", forcings=["rate"], gaps="keep"
    )


def values(**parameters):
    return Values(
        {n: np.array([v]) for n, v in parameters.items()},
        {"c": np.zeros(1), "deep": np.zeros(1)},
    )


KNOWN = values(v=2.0, cl=0.6, q=1.1)


def test_a_linear_system_is_exact_whatever_the_interval():
    exact = SeriesProcess(compartments, series()).simulate(KNOWN)
    many = np.linspace(0.0, 70.0, 141)
    fine = pd.DataFrame({"t": many, "rate": np.where(many < 2.0, 3.0, 0.0)})
    table = SeriesTable.from_frame(
        fine, group=None, time="t", time_unit="min", forcings=["rate"], gaps="keep"
    )
    small = SeriesProcess(compartments, table, substeps=3).simulate(KNOWN)
    places = np.searchsorted(many, [0.0, 0.5, 2.0, 10.0, 70.0])
    np.testing.assert_allclose(
        exact.outputs[0], small.outputs[0][places], rtol=1e-10, atol=1e-14
    )


def test_runge_kutta_is_of_fourth_order():
    def rates(states):
        return [states[0] * (1 - states[0])]

    def error(count):
        now = [0.1]
        for _ in range(count):
            now = rk4(rates, now, 2.0 / count)
        return abs(now[0] - 1 / (1 + 9 * np.exp(-2.0)))

    order = np.log2(error(8) / error(16))
    assert order == pytest.approx(4.0, abs=0.3)


def test_what_a_linear_system_loses_is_what_leaves_it():
    def rates(states):
        return [-0.3 * states[0], 0.3 * states[0] - 0.1 * states[1], 0.1 * states[1]]

    total = sum(linear(rates, [5.0, 2.0, 0.0], 12.0))
    assert total == pytest.approx(7.0, rel=1e-12)


def test_symbols_choose_the_solver():
    def kinked(s, p, f):
        return {"n": -p.r * maximum(s.n - 1, 0)}

    def declared(function, **words):
        return process_model(
            parameters=[Parameter("r", per="group")], state=[State("n", start=2)],
            time="ode", targets={"y": "n"}, **words,
        )(function)  # fmt: skip

    assert compartments.method == "linear"
    assert logistic.method == "rk4"
    assert declared(kinked).method == "rk4"
    assert declared(lambda s, p, f: {"n": -p.r * s.n}, solver="rk4").method == "rk4"
    with pytest.raises(DecoderError, match="'n' is not linear in the states"):
        _ = declared(kinked, solver="linear").method


def test_derivatives_of_a_linear_system_are_those_of_differences():
    process = SeriesProcess(compartments, series())
    names = ["v", "cl", "q"]
    slopes = jacobian(process, process.simulate(KNOWN), Directions(static=names))
    for k, name in enumerate(names):
        h = 1e-5
        ahead, back = (
            process.simulate(
                Values(
                    {**KNOWN.parameters, name: KNOWN.parameters[name] + s}, KNOWN.starts
                )
            ).outputs[0]
            for s in (h, -h)
        )
        difference = (ahead - back) / (2 * h)
        np.testing.assert_allclose(slopes[k, 0].T, difference, atol=1e-8)


def test_substeps_are_as_many_as_the_accuracy_asks_for():
    start = Values({"r": np.array([1.0])}, {"n": np.array([0.1])})
    process = accurate(SeriesProcess(logistic, series((0.0, 2.0, 6.0, 9.0))), start)
    exact = 1 / (1 + 9 * np.exp(-process.table.time[:, 0]))
    found = process.simulate(start).outputs[0, :, 0]
    assert np.abs(found - exact).max() < CLOSE
    assert 1 < process.substeps < 64
    assert accurate(SeriesProcess(compartments, series()), KNOWN).substeps == 1


def test_stiff_systems_are_refused_with_a_remedy():
    fast = Values({"r": np.array([1e5])}, {"n": np.array([0.1])})
    with pytest.raises(TrainingError, match="stiff"):
        accurate(SeriesProcess(logistic, series()), fast)
