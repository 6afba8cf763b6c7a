"""Units of a fitted model: constants, modes, reports."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sciren import (
    LinearEncoder,
    Parameter,
    ScIReN,
    Table,
    TrainConfig,
    fit,
    process_model,
)
from sciren.errors import ConfigError, DataWarning, FormatError
from symbolic import symbolify
from symbolic.printing.contents import printable
from symbolic.units.check import check_units

UNITS = {"sw": "W m-2", "reco": "umol m-2 s-1", "ta": "degC"}


@process_model(
    [
        Parameter("rb", low=0.0, unit="umol m-2 s-1"),
        Parameter("k", low=0.0, start=20.0, kind="constant"),
    ],
    ["ta"],
    ["reco"],
)
def hyperbola(p, f):
    return p.rb * f.ta / (p.k + f.ta)


def study(units):
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {"sw": rng.uniform(100, 500, 300), "ta": rng.uniform(5, 30, 300)}
    )
    rb = 2 + 0.01 * data.sw
    data["reco"] = rb * data.ta / (12 + data.ta) + 0.01 * rng.normal(size=300)
    rows = Table.from_frame(data, ["sw"], ["ta"], ["reco"], units=units)
    model = ScIReN(LinearEncoder(1, 1), "auto", hyperbola)
    fit(model, rows, rows, TrainConfig())
    return model, rows


@pytest.fixture(scope="module")
def equations():
    return symbolify(*study(UNITS), families=["linear"], compose=0)


def test_printed_and_process_constants_have_units(equations):
    units = dict(zip(equations.table.name, equations.table.unit, strict=True))
    assert units == {"rb_0": "umol m-2 s-1", "a_sw": "umol W-1 s-1"}
    assert equations.unit_of["k"] == "degC"
    assert equations.record.unit_problems == ()
    notes = printable(equations).constant_notes
    assert "A constant has the unit that makes its term consistent." in notes


def test_what_does_not_fit_is_a_warning_an_error_or_nothing(equations):
    units = equations.unit_of | {"reco": "gC m-2 d-1"}
    other = replace(equations, unit_of=units)
    with pytest.warns(DataWarning, match="reco is in gC m-2 d-1"):
        found = check_units(other)
    assert len(found.problems) == 1
    with pytest.raises(FormatError, match="reco is in gC m-2 d-1"):
        check_units(other, problems="error")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_units(other, problems="ignore") == found


def test_a_text_that_is_no_unit_stands_for_any(equations):
    units = equations.unit_of | {"sw": "5 apples"}
    other = replace(equations, unit_of=units)
    found = check_units(other)
    assert found.problems == ()
    assert found.unread[0].startswith("sw: '5 apples' is no unit")
    assert ("rb", "a_sw") not in found.constants
    with pytest.raises(FormatError, match="5 apples"):
        check_units(other, problems="error")


def test_a_power_of_ten_alone_leaves_the_unit_open(equations):
    units = equations.unit_of | {"reco": "1e-299", "rb": "1e-299 umol m-2 s-1"}
    found = check_units(replace(equations, unit_of=units))
    assert (found.problems, found.unread) == ((), ())


def test_constants_may_be_required_to_have_no_unit(equations):
    found = check_units(equations, "dimensionless", "ignore")
    assert found.mode == "dimensionless"
    assert found.problems


def test_misspelt_modes_are_refused(equations):
    with pytest.raises(ConfigError, match="free"):
        check_units(equations, "fre")
    with pytest.raises(ConfigError, match="ignore"):
        check_units(equations, "free", "loud")


@pytest.mark.parametrize("mode", ["free", "dimensionless"])
def test_plain_regression_has_the_unit_of_its_column_and_tells_what_does_not_fit(mode):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.uniform(0, 3, 100), "z": rng.uniform(0, 3, 100)})
    data["y"] = 1.5 + 2 * data.x + data.z + 0.01 * rng.normal(size=100)
    units = {"x": "kg", "y": "m", "z": "3 apples"}
    rows = Table.from_frame(data, ["x", "z"], targets="y", units=units)
    model = ScIReN(LinearEncoder(2, 1))
    fit(model, rows, rows, TrainConfig())
    options = {"families": ["linear"], "compose": 0, "unit_problems": "ignore"}
    found = symbolify(model, rows, unit_mode=mode, **options)
    units = dict(zip(found.table.name, found.table.unit, strict=True))
    said = "; ".join(found.record.unit_problems)
    assert "z: '3 apples' is no unit" in said
    if mode == "free":
        assert (units["y_0"], units["a_x"]) == ("m", "m kg-1")
    else:
        assert "in kg" in said
