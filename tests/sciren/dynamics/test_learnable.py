"""Series that hold nothing to learn from are refused before a fit, with the reason."""

import numpy as np
import pandas as pd
import pytest

from sciren import KANEncoder, Parameter, ScIReN, SeriesTable, State, fit, process_model
from sciren.dynamics import fit_functions, fit_groups, fit_state_function
from sciren.dynamics.fitting import series_problem
from sciren.dynamics.local_values import check_start
from sciren.errors import DataError, TrainingError

GROUPS, DAYS = 4, 12


def emptied(s, p, f):
    return {"store": s.store + f.rain - p.k * s.store}, {"q": p.k * s.store}


def reservoir(**declared):
    """A store that loses a share k of itself a day."""
    k = Parameter("k", low=0.01, high=0.9, start=0.3, **declared)
    start = [State("store", start=10)]
    return process_model([k], ["rain"], ["q"], state=start, warmup=2)(emptied)


def rows(**changes):
    rng = np.random.default_rng(0)
    count = GROUPS * DAYS
    frame = pd.DataFrame(
        {
            "g": np.repeat(np.arange(GROUPS), DAYS).astype(str),
            "t": np.tile(np.arange(DAYS), GROUPS), "x": np.repeat(rng.normal(size=GROUPS), DAYS),
            "v": rng.normal(size=count), "rain": rng.gamma(0.5, 8, count),
            "q": rng.gamma(2, 1, count),
        }
    )  # fmt: skip
    return frame.assign(**changes)


def table(frame, **features):
    return SeriesTable.from_frame(
        frame, group="g", time="t", time_unit="d", forcings=["rain"], targets=["q"], **features
    )  # fmt: skip


def curves(frame):
    series = table(frame, static=["x"])
    fit(ScIReN(KANEncoder(1, 1), "auto", reservoir(per="group")), series, series)


def alone(frame):
    model = ScIReN(KANEncoder(1, 1), "auto", reservoir(per="group"))
    fit_groups(series_problem(model, table(frame, static=["x"])))


def of_rows(frame):
    fit_functions(reservoir(), table(frame, features=["v"]))


def of_states(frame):
    model = reservoir(inputs=["state.store"], range=(0, 100))
    fit_state_function(model, table(frame))


@pytest.mark.parametrize("work", [curves, alone, of_rows, of_states])
@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"q": 3.0}, TrainingError, "'q' is 3 in all 40 observations after the warm-up"),
        ({"q": 0.0}, TrainingError, "there is nothing to explain"),
        ({"rain": 1e300}, DataError, r"forcing 'rain' is 1e\+300 at most"),
        ({"q": lambda t: t.q * 1e200}, DataError, "divide the column by a power of ten"),
        ({"q": lambda t: t.q * 1e-200}, DataError, "target 'q' is .*e-2.. at most"),
        ({"q": lambda t: t.q.where(t.index == 8)}, TrainingError, "at least 3 are needed"),
        ({"q": lambda t: t.q.where(t.t == 0)}, TrainingError, "no observation after"),
    ],
)  # fmt: skip
def test_series_that_hold_nothing_are_refused(work, change, error, told):
    with pytest.raises(error, match=told):
        work(rows(**change))


def test_a_row_of_a_group_is_no_series_to_learn_from():
    with pytest.raises(TrainingError, match="lower warmup, or give longer series"):
        alone(rows().iloc[::DAYS])


def test_the_groups_to_choose_by_may_be_of_one_value():
    model = ScIReN(KANEncoder(1, 1), "auto", reservoir(per="group"))
    problem = series_problem(model, table(rows(q=2.0), static=["x"]))
    assert np.isfinite(fit_groups(problem, estimate_noise=False).physical).all()


@pytest.mark.parametrize("time", ["step", "ode"])
def test_series_that_nothing_moves_are_refused(time):
    def given(s, p, f):
        change = f.rain - p.k * s.store
        new = change if time == "ode" else s.store + change
        return {"store": new}, {"q": p.k * s.store}

    def model(start):
        k = Parameter("k", low=0.01, high=0.9, start=0.3, per="group")
        store = State("store", start=start)
        return process_model([k], ["rain"], ["q"], state=[store], time=time)(given)

    dry = table(rows(rain=0.0))
    with pytest.raises(TrainingError, match=r"moves a target.*forcings \(rain\)"):
        check_start(model(0.0), dry)
    check_start(model(10.0), dry)
    check_start(model(0.0), table(rows()))
    # one wet group among dry ones that are asked first is enough
    wet = rows()
    wet["rain"] = wet["rain"].where(wet["g"] == "3", 0.0)
    check_start(model(0.0), table(wet))
