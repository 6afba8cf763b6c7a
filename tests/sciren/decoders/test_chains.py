"""Chains of models pass water on, delays lose none, and mistakes are named."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sciren import Parameter, SeriesTable, State, cascade, lag, process_model
from sciren.dynamics import Directions, SeriesProcess, Values, jacobian
from sciren.errors import DecoderError
from sciren.functions import where
from sciren.processes import SHELF
from symbolic.dynamics import Recurrence

BASE = Parameter("maxbas", 1, 7, "d", start=2.5, per="group")
VECTORS = Path(__file__).parents[2] / "data/process_series.json"
# q_routed of the reference series of HBV, from the q of its stores
ROUTED = [
    0.3184, 0.864408, 0.855013227264275, 1.3368847658478233, 1.9460707418910275,
    1.4024191781792623, 1.1116581937934191, 2.0532076120967893, 3.346930315278053,
    2.236716977882608,
]  # fmt: skip


def triangle(u, p):
    """Share of a triangle of base maxbas that lies before u."""
    below, above = 2 * u**2 / p.maxbas**2, 1 - 2 * (p.maxbas - u) ** 2 / p.maxbas**2
    return where(u <= p.maxbas / 2, below, where(u < p.maxbas, above, 1.0))


@process_model(
    parameters=[Parameter("k", 0.01, 1, per="group", start=0.2)],
    state=[State("store", start=10, low=0)], forcings=["liquid"], targets=["q"], warmup=5,
)  # fmt: skip
def store(s, p, f):
    q = p.k * s.store
    return {"store": s.store + f.liquid - q}, {"q": q}


@process_model(
    parameters=[
        Parameter("loss", 0, 1, kind="fixed", start=0.25),
        Parameter("c", 0.0, 2, per="group", start=1),
    ],
    state=[State("leaves", start=0)], forcings=["p"], targets=["liquid"],
)  # fmt: skip
def canopy(s, p, f):
    return {"leaves": 0.5 * s.leaves}, {"liquid": p.c * (1 - p.loss) * f.p}


RIVER = cascade(canopy, store, lag(triangle, 4, "q", "late", [BASE]), name="river")


def table(days=30):
    rain = np.random.default_rng(0).gamma(0.5, 8, days)
    frame = pd.DataFrame({"t": np.arange(days), "p": rain})
    return SeriesTable.from_frame(
        frame, group=None, time="t", time_unit="d", forcings=["p"]
    )


def values(k=0.3, maxbas=2.9):
    starts = {s.name: np.array([s.start]) for s in RIVER.states}
    return Values(
        {"k": np.array([k]), "maxbas": np.array([maxbas]), "c": np.ones(1)}, starts
    )


def test_a_lag_behind_hbv_gives_the_routed_reference():
    case = json.loads(VECTORS.read_text(encoding="utf-8"))["hbv"][0]
    river = cascade(SHELF["hbv"], lag(triangle, 3, "q", "routed", [BASE]))
    known = {q.name: float(q.initial) for q in river.parameters} | case["p"]
    state = case["start"] | {"lag_1": 0.0, "lag_2": 0.0}
    found = []
    for k in range(10):
        f = SimpleNamespace(**{n: v[k] for n, v in case["f"].items()})
        state, out = river.called(SimpleNamespace(**state), SimpleNamespace(**known), f)
        found.append(float(out["routed"]))
    np.testing.assert_allclose(found, ROUTED, rtol=1e-8)


def test_a_chain_is_its_models_one_after_the_other():
    series = table()
    run = SeriesProcess(RIVER, series).simulate(values())
    rain, water, flows = series.forcings["p"][:, 0], 10.0, []
    for p in rain:
        flows.append(0.3 * water)
        water = water + 0.75 * p - flows[-1]
    shares = np.diff(
        [float(triangle(u, SimpleNamespace(maxbas=2.9))) for u in range(5)]
    )
    expected = np.convolve(flows, shares)[:30]
    np.testing.assert_allclose(run.outputs[0, :, 0], expected, rtol=1e-12)
    assert RIVER.forcings == ("p",)
    assert RIVER.targets == ("late",)
    assert RIVER.warmup == 5


def test_what_enters_a_chain_leaves_it_or_is_stored():
    series = table()
    run = SeriesProcess(RIVER, series).simulate(values())
    entered = 0.75 * series.forcings["p"].sum()
    gained = run.states[:, -1].sum() - run.states[:, 0].sum()
    assert run.outputs.sum() + gained == pytest.approx(entered, rel=1e-12)


def test_derivatives_and_symbols_pass_through_the_chain():
    process = SeriesProcess(RIVER, table())
    slopes = jacobian(process, process.simulate(values()), Directions(["k", "maxbas"]))
    for number, moved in enumerate(({"k": 1e-6}, {"maxbas": 1e-6})):
        name, h = next(iter(moved.items()))
        base = {"k": 0.3, "maxbas": 2.9}
        ahead, back = (
            process.simulate(values(**base | {name: base[name] + s})).outputs
            for s in (h, -h)
        )
        difference = ((ahead - back) / (2 * h)).transpose(0, 2, 1)
        np.testing.assert_allclose(slopes[number], difference, atol=1e-6)
    law = Recurrence.of(RIVER)
    known = {"k": np.array([0.3]), "maxbas": np.array([2.9]), "c": np.ones(1)}
    _, outputs = law.run(known, process.table.forcings)
    np.testing.assert_allclose(
        outputs["late"], process.simulate(values()).outputs[0], rtol=1e-10
    )


def test_a_parameter_that_two_models_declare_alike_is_one():
    other = process_model(
        parameters=[Parameter("k", 0.01, 1, per="group", start=0.2)],
        state=[State("deep")], forcings=["q"], targets=["base"],
    )(lambda s, p, f: ({"deep": s.deep + f.q - p.k * s.deep}, {"base": p.k * s.deep}))  # fmt: skip
    assert [p.name for p in cascade(store, other, name="two").parameters] == ["k"]


def unlike(name, **words):
    @process_model(parameters=[Parameter(name, 0, 5)], state=[State("more")], **words)
    def model(s, p, f):
        return {"more": s.more}, {"y": s.more}

    return model


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ((canopy,), "chains 1 models"),
        ((store, unlike("a", time="ode")), "'model', which is no step with a state"),
        ((store, store), "two of its models give 'q'"),
        ((store, unlike("k")), "two different parameters 'k'"),
    ],
)
def test_chains_that_do_not_fit_are_refused(models, message):
    with pytest.raises(DecoderError, match=message):
        cascade(*models)


def test_a_lag_that_delays_nothing_is_refused():
    with pytest.raises(DecoderError, match="two or more"):
        lag(triangle, 1)
