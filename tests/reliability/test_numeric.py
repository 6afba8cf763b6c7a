"""Laws of public numeric functions at extreme legal inputs."""

import inspect
import re
import warnings

import numpy as np
import pytest

import discovery
import sciren
import symbolic
import visualize
from benchmarks.reliability import (
    numeric,
    numeric_figures,
    numeric_models,
    numeric_series,
)
from benchmarks.reliability.numeric import LAWS, broken_law
from benchmarks.reliability.numeric_figures import (
    FIGURE_LAWS,
    FIGURE_ROWS,
    FIGURE_SIZES,
)
from benchmarks.reliability.numeric_models import (
    HEAVY,
    HEAVY_ROWS,
    MODEL_LAWS,
    WITHOUT_LAW,
)
from benchmarks.reliability.numeric_series import SERIES_LAWS, SIMULATION_LAWS
from sciren import dynamics
from sciren.errors import DataError

QUICK = LAWS | MODEL_LAWS
LAWS_OF = (numeric, numeric_models, numeric_series, numeric_figures)


@pytest.mark.parametrize("name", QUICK)
def test_laws_hold_at_extreme_inputs(name):
    assert broken_law(QUICK[name], 10, seed=2) == ""


@pytest.mark.parametrize("name", SIMULATION_LAWS)
def test_simulations_of_series_hold_at_extreme_inputs(name):
    assert broken_law(SIMULATION_LAWS[name], 10, 2, sizes=FIGURE_SIZES) == ""


@pytest.mark.parametrize("name", FIGURE_LAWS)
def test_figures_hold_at_extreme_inputs(name):
    assert broken_law(FIGURE_LAWS[name], 2, 3, FIGURE_ROWS, FIGURE_SIZES) == ""


@pytest.mark.parametrize("name", SERIES_LAWS)
def test_fits_of_series_hold_at_extreme_inputs(name):
    assert broken_law(SERIES_LAWS[name], 3, 2, HEAVY_ROWS) == ""


@pytest.mark.slow
def test_fits_to_equations_hold_at_extreme_inputs():
    assert broken_law(HEAVY["fit to equations"], 4, 2, HEAVY_ROWS) == ""


def test_every_public_name_has_a_law_or_a_reason():
    called = "".join(inspect.getsource(module) for module in LAWS_OF)
    known = {name for names in WITHOUT_LAW.values() for name in names}
    for package in (sciren, symbolic, discovery, visualize, dynamics):
        for name in package.__all__:
            module = package.__name__.split(".")[-1]
            law = re.search(rf"{module}\.{name}\b", called) is not None
            assert law or name in known, name


def test_the_harness_sees_a_broken_law_a_warning_and_a_foreign_error():
    def law(sample):
        assert sample.y[0] < 0 or len(sample.y) < 100

    def warned(sample):
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)

    def foreign(sample):
        np.linalg.inv(np.zeros((2, 2)))

    def silent(sample):
        raise DataError("never answers")

    assert "AssertionError" in broken_law(law, 40)
    assert "RuntimeWarning" in broken_law(warned, 5)
    assert "LinAlgError" in broken_law(foreign, 5)
    assert "only 0 of 5" in broken_law(silent, 5)
