"""Recurrences run as the process does, print with group and time, and hold no code."""

import json

import numpy as np
import pandas as pd
import pytest
import sympy

from sciren import Parameter, SeriesTable, State, process_model
from sciren.datasets.catchments import weather
from sciren.dynamics import SeriesProcess, Values
from sciren.dynamics.buckets import two_stores
from sciren.errors import ExpressionError, FormatError
from symbolic.dynamics import Recurrence, recurrence_latex

K = Parameter("k", low=0, high=1, per="group")


@process_model(
    parameters=[
        Parameter("r", low=0, per="group"),
        Parameter("c", low=1, kind="constant"),
    ],
    state=[State("n", start=2, learn_start=True), State("m", start=1, low=0, high=30)],
    time="ode",
    targets={"count": "n", "other": "m"},
)
def growth(s, p, f):
    return {"n": p.r * s.n * (1 - s.n / p.c), "m": p.r * s.m * 2}


@process_model(
    parameters=[K],
    state=[State("store", start=4, low=0)],
    forcings=["rain"],
    targets=["q"],
)
def leaky(s, p, f):
    return {"store": s.store + f.rain - 2 * p.k * s.store - 1}, {"q": p.k * s.store}


@process_model(
    parameters=[
        Parameter("cl", low=0, per="group"),
        Parameter("q", low=0, kind="constant", start=1),
    ],
    state=[State("blood", start=1), State("deep", start=0, low=0)],
    time="ode",
    forcings=["rain"],
    targets={"conc": "blood"},
)
def compartments(s, p, f):
    exchange = p.q * (s.blood - s.deep)
    return {"blood": f.rain - p.cl * s.blood - exchange, "deep": exchange / 3}


MODELS = {
    "two stores": (
        two_stores,
        {"smax": np.array([90.0, 200.0]), "k": np.array([0.1, 0.02]), "beta": np.array([2.0, 3])},
        {"soil": 0.5, "slow": 15.0},
    ),
    "growth": (
        growth,
        {"r": np.array([0.3, 0.5]), "c": np.array([50.0, 50.0])},
        {"n": 2.5, "m": 1.0},
    ),
    "compartments": (
        compartments,
        {"cl": np.array([0.4, 30.0]), "q": np.array([0.9, 0.9])},
        {"blood": 1.0, "deep": 0.0},
    ),
    "leaky": (leaky, {"k": np.array([0.1, 0.3])}, {"store": 4.0}),
}  # fmt: skip


def series(days=300):
    rain, pet = weather(np.random.default_rng(0), days, 2)
    frame = pd.DataFrame(
        {
            "g": np.repeat(["a", "b"], days), "t": np.tile(np.arange(days) * 0.1, 2),
            "rain": rain.T.ravel(), "pet": pet.T.ravel(),
        }
    )  # fmt: skip
    return SeriesTable.from_frame(
        frame, group="g", time="t", time_unit="d", forcings=["rain", "pet"]
    )


def simulated(name, days=300):
    model, parameters, starts = MODELS[name]
    values = Values(parameters, {n: np.full(2, v) for n, v in starts.items()})
    process = SeriesProcess(model, series(days), substeps=2 if name == "growth" else 1)
    law = Recurrence.of(model, substeps=process.substeps)
    learned = {
        s.start_name: np.full(2, starts[s.name]) for s in law.states if s.start_name
    }
    return process, process.simulate(values).outputs, law, parameters | learned


@pytest.mark.parametrize("name", MODELS)
def test_a_recurrence_runs_as_its_process_also_after_storage(name):
    process, expected, law, known = simulated(name)
    stored = json.loads(json.dumps(law.to_json()))
    for one in (law, Recurrence.from_json(stored)):
        states, outputs = one.run(known, process.table.forcings, process.intervals)
        for number, target in enumerate(one.targets):
            np.testing.assert_allclose(outputs[target], expected[number], rtol=1e-12)
        assert all(len(values) == 301 for values in states.values())


def test_steps_print_with_group_and_time_and_relations_beneath():
    x = sympy.Symbol("x1", real=True)
    lines = recurrence_latex(
        Recurrence.of(leaky, {"rain": "p"}), {"k": 0.1 * x}, {"c": 3.0}
    )
    assert lines == [
        r"\mathrm{store}_{i,t+1} = \max\left(0, p_{i,t} - 2\, q_{i,t} + "
        r"\mathrm{store}_{i,t} - 1\right)",
        r"q_{i,t} = k_{i}\, \mathrm{store}_{i,t}",
        r"\mathrm{store}_{i,0} = 4.00",
        "c = 3.00",
        r"k_{i} = 0.100\, \mathrm{x1}_{i}",
    ]


def test_derivatives_print_as_derivatives_and_shared_parts_once():
    lines = recurrence_latex(Recurrence.of(growth), {"r": sympy.Float(2)}, {"c": 5.0})
    assert lines[0].startswith(r"\frac{d\,n_{i}}{dt} = ")
    assert r"\mathrm{count}_{i,t} = n_{i,t}" in lines
    stores = recurrence_latex(Recurrence.of(two_stores), {}, {})
    wet = r"\min\left(1, \frac{\mathrm{soil}_{i,t}}{\mathrm{smax}}\right)"
    assert sum(wet in line for line in stores) == 1


def test_steps_that_symbols_do_not_pass_are_refused():
    @process_model(parameters=[K], state=[State("x")], targets=["q"])
    def opaque(s, p, f):
        return {"x": s.x + p.k.cumsum(0)}, {"q": p.k}

    with pytest.raises(
        ExpressionError, match="the step of 'opaque' cannot be run on symbols"
    ):
        Recurrence.of(opaque)
    with pytest.raises(ExpressionError, match="cannot be run on symbols"):
        Recurrence.of(leaky, {"rain": "store"})


def test_what_is_missing_is_named():
    law = Recurrence.of(leaky)
    with pytest.raises(
        ExpressionError, match="parameter 'k' of the recurrence is missing"
    ):
        law.run({}, {"rain": np.ones((3, 1))})
    with pytest.raises(
        ExpressionError, match="forcing 'rain' of the recurrence is missing"
    ):
        law.run({"k": np.ones(1)}, {})


@pytest.mark.parametrize(
    "change",
    [{"format": "x"}, {"time": "week"}, {"new": 3}, {"states": [{"nme": "a"}]}],
)
def test_stored_recurrences_that_are_none_are_refused(change):
    stored = Recurrence.of(leaky).to_json() | change
    with pytest.raises(FormatError):
        Recurrence.from_json(stored)
