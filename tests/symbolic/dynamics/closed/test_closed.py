"""A process with formulas in place of latents is the process with the latents given."""

import pickle

import numpy as np
import pytest
import sympy

from sciren import TrainConfig
from sciren.dynamics import SeriesProcess, Values, fit_functions
from symbolic.dynamics import Recurrence, recurrence_latex
from symbolic.dynamics.closed.forms import function_forms
from symbolic.dynamics.closed.model import ClosedModel
from symbolic.dynamics.state_formula import StateFormula
from tests.sciren.dynamics.functions.conftest import series_of, simulated, store

V, SOIL, A, B = (
    sympy.Symbol(n, real=True) for n in ("v", "soil", "evap_0", "evap_v_a")
)
FORMULAS = {"evap": sympy.Max(0, A + B * V), "drain": sympy.Float(2e-4) * SOIL**2}
GIVEN = {"evap_0": 0.4, "evap_v_a": 0.6}


@pytest.fixture(scope="module")
def series():
    return series_of(simulated(60, 3))


@pytest.fixture(scope="module")
def closed(series):
    return ClosedModel(store, FORMULAS, GIVEN, series.forcing_columns)


def test_it_runs_as_the_process_with_these_latents(series, closed):
    groups = {"leak": np.array([0.02, 0.03, 0.05])}
    starts = {"soil": np.full(3, 60.0)}
    whole = groups | {n: np.full(3, v) for n, v in GIVEN.items()}
    run = SeriesProcess(closed, closed.table(series)).simulate(Values(whole, starts))
    v = series.features[..., series.feature_names.index("v")]
    given = groups | {"evap": np.maximum(0.4 + 0.6 * v, 0)}
    drain = {"drain": StateFormula(FORMULAS["drain"], "soil")}
    expected = SeriesProcess(store, series).simulate(Values(given, starts, drain))
    np.testing.assert_allclose(run.outputs, expected.outputs, rtol=1e-12)
    law = Recurrence.of(closed, closed.table(series).forcing_columns)
    _, outputs = law.run(
        whole | {"soil_start": np.full(3, 60.0)}, closed.table(series).forcings
    )
    np.testing.assert_allclose(outputs["q"], run.outputs[0], rtol=1e-12)


def test_declarations_are_those_of_the_base_with_constants_and_forcings(series, closed):
    assert [p.name for p in closed.group_latents] == ["leak"]
    assert closed.constant_names == ("evap_0", "evap_v_a", "soil_start")
    assert closed.forcings == ("rain", "pet", "v")
    assert not closed.table(series).feature_names


def test_a_feature_that_is_a_forcing_already_is_read_from_there(series):
    columns = {"rain": "rain", "pet": "v"}
    assert ClosedModel(store, FORMULAS, GIVEN, columns).added == ()


def test_formulas_print_with_numbers_and_pickle(closed):
    lines = "\n".join(
        recurrence_latex(
            Recurrence.of(closed), {"leak": A}, GIVEN | {"soil_start": 60.0}
        )
    )
    assert r"\mathrm{evap}_{i,t} = \max\left(0, 0.600\, v_{i,t} + 0.400\right)" in lines
    assert "evap_v_a" not in lines.replace(r"\_", "_")
    again = pickle.loads(pickle.dumps(closed))
    assert again.formulas == closed.formulas
    assert again.forcings == closed.forcings


@pytest.mark.slow
def test_closed_forms_come_back_and_wrong_families_are_refused():
    fit = fit_functions(
        store, series_of(simulated(250, 6, 13)), TrainConfig(residual="log")
    )
    forms = function_forms(fit)
    assert not forms.refused, forms.reason
    errors, constants = forms.all_errors(), forms.constants
    assert abs(constants["drain_soil_p"] - 2.2) < 3 * errors["drain_soil_p"]
    assert abs(constants["evap_0"] - 0.4) < 3 * errors["evap_0"]
    assert forms.equals("evap", "v")[0].startswith("linear")
    flat = forms.flat()
    assert set(flat.formulas()) == {"evap", "drain"}
    assert all(len(one.free_symbols) == 1 for one in flat.formulas().values())
    assert function_forms(fit, ["linear"]).refused
