"""Pulls of the constants of compositions."""

import numpy as np
import pytest

from benchmarks.cases.case import Case, feature_symbol
from benchmarks.cases.coverage import pulls
from symbolic import compose

A, B = (feature_symbol(name) for name in ("x0", "x1"))


@pytest.fixture(scope="module")
def case():
    generator = np.random.default_rng(3)
    x = generator.normal(size=(60, 2))
    clean = 2.0 * x[:, 0] - x[:, 1] + 5.0
    return Case(
        name="line", group="line", features=x, names=("x0", "x1"), clean=clean,
        target=clean + 0.1 * generator.normal(size=60), latent=clean,
        truth=2.0 * A - B + 5.0, noise=0.1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def composition(case):
    return compose(case.features, case.target, names=case.names, max_rung=1)


def test_pulls_are_distances_from_the_truth_in_standard_errors(case, composition):
    found = pulls(composition, case)
    truth = {"y_0": 5.0, "a_x0": 2.0, "a_x1": -1.0}
    for constant in composition.constants:
        expected = (constant.value - truth[constant.name]) / constant.error
        np.testing.assert_allclose(found[constant.name], expected, rtol=1e-4)


def test_a_form_that_misses_the_truth_has_no_pulls(case, composition):
    other = Case(**{**vars(case), "latent": case.latent + np.sin(3 * case.target)})
    assert pulls(composition, other) == {}
