"""Series are simulated: water is conserved, groups stand alone, what is masked is idle."""

from dataclasses import replace

import numpy as np
import pytest

from sciren import Parameter, SeriesTable, State, process_model
from sciren.datasets import make_catchments
from sciren.dynamics import SeriesProcess, Values
from sciren.dynamics.buckets import two_stores
from sciren.dynamics.solving.simulation import check_finite
from sciren.errors import ColumnError, DataError, TrainingError
from sciren.functions import log

from .conftest import COLUMNS


def test_the_loop_gives_what_the_formulas_give():
    made = make_catchments(seed=1, groups=4, years=1)
    table = SeriesTable.from_frame(made.frame, **COLUMNS)
    latents = {n: made.latents[n].to_numpy() for n in ("smax", "k", "beta")}
    values = Values(latents, {"soil": np.full(4, 0.5), "slow": np.full(4, 15.0)})
    outputs = SeriesProcess(two_stores, table).simulate(values).outputs
    np.testing.assert_allclose(outputs[0], made.clean, rtol=1e-12)


def test_water_is_neither_made_nor_lost(buckets, bucket_values):
    run = buckets.simulate(bucket_values)
    soil, stores = run.states[0], run.states.sum(0)
    wet = np.minimum(soil[:-1] / bucket_values.parameters["smax"], 1)
    rain, pet = buckets.forcings
    balance = rain - pet * wet - run.outputs[0] - np.diff(stores, axis=0)
    assert np.abs(balance.sum(0)).max() <= 1e-9 * rain.sum()


def test_groups_together_are_the_groups_alone(buckets, bucket_values):
    together = buckets.simulate(bucket_values).outputs
    for group in range(3):
        alone = Values(
            {n: v[[group]] for n, v in bucket_values.parameters.items()},
            {n: v[[group]] for n, v in bucket_values.starts.items()},
        )
        outputs = buckets.take([group]).simulate(alone).outputs
        np.testing.assert_array_equal(
            outputs[:, :, 0], together[:, : outputs.shape[1], group]
        )


def test_padding_changes_nothing_before_it(table, bucket_values):
    wild = {n: np.where(table.active, v, 1e3) for n, v in table.forcings.items()}
    plain = SeriesProcess(two_stores, table).simulate(bucket_values).outputs
    other = SeriesProcess(two_stores, replace(table, forcings=wild))
    padded = other.simulate(bucket_values).outputs
    np.testing.assert_array_equal(plain[:, table.active], padded[:, table.active])


@process_model(
    parameters=[
        Parameter("r", low=0, per="group"),
        Parameter("k", low=1, kind="constant"),
    ],
    state=[State("n", start=2)],
    time="ode",
    targets={"count": "n"},
)
def logistic(s, p, f):
    return {"n": p.r * s.n * (1 - s.n / p.k)}


def instants(step):
    times = np.arange(0, 8 + step / 2, step)
    frame = {"t": times, "count": np.full(len(times), np.nan)}
    frame["count"][0] = 2.0
    return SeriesTable.from_frame(
        frame, group=None, time="t", time_unit="d", targets=["count"]
    )


def test_runge_kutta_has_order_four_and_rows_are_instants():
    values = Values(
        {"r": np.array([0.9]), "k": np.array([50.0])}, {"n": np.array([2.0])}
    )
    exact = 50 / (1 + 24 * np.exp(-0.9 * np.arange(9)))
    errors = []
    for substeps in (1, 2, 4):
        process = SeriesProcess(logistic, instants(1.0), substeps)
        found = process.simulate(values).outputs[0, :, 0]
        errors.append(np.abs(found - exact).max())
        assert found[0] == 2.0
    assert 12 < errors[0] / errors[1] < 20
    assert 12 < errors[1] / errors[2] < 20


def test_a_state_is_held_in_its_bounds(stores, store_values):
    drought = {"rain": 0 * stores.forcings[0], "pet": 300 + 0 * stores.forcings[1]}
    dry = SeriesProcess(stores.model, replace(stores.table, forcings=drought))
    states = dry.simulate(store_values).states
    assert states.min() == 0


def test_what_has_no_number_is_named(table):
    @process_model(
        parameters=[Parameter("k", low=0, per="group")],
        state=[State("x", start=1)],
        targets=["q"],
    )
    def falling(s, p, f):
        return {"x": s.x - p.k}, {"q": log(s.x)}

    process = SeriesProcess(falling, table)
    run = process.simulate(Values({"k": np.array([0.0, 0.4, 0.0])}, {"x": np.ones(3)}))
    with pytest.raises(TrainingError) as error:
        check_finite(process, run)
    assert "target 'q' of group b02 has no number from row 123" in str(error.value)
    assert "State(low=..." in str(error.value)


def test_series_that_do_not_suit_the_model_are_refused(frame, table):
    with pytest.raises(ColumnError, match="needs forcing 'pet'"):
        SeriesProcess(
            two_stores, replace(table, forcings={"rain": table.forcings["rain"]})
        )
    holes = SeriesTable.from_frame(frame.drop(index=5), **COLUMNS, gaps="keep")
    with pytest.raises(
        DataError, match="counts steps, but the rows of the series are 1 to 2 d"
    ):
        SeriesProcess(two_stores, holes)
