"""Effects of features follow from the functions that they are computed for."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from discovery import functional_importance, relationship_kl
from discovery.results.effects import accumulated_local_effects, partial_dependence
from sciren import KANEncoder, ReLU, ScIReN, Table
from sciren.decoders import Q10Respiration
from sciren.errors import ColumnError, ConfigError, ShapeError


def table(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (rows, 3))
    x[:, 1] = 0.7 * x[:, 0] + 0.3 * x[:, 1]  # correlated
    return Table(torch.tensor(x), {}, torch.empty(rows, 0), ("a", "b", "c"), ())


def additive(x):
    return 2 * x[:, 0] - x[:, 1] ** 2


def test_both_effects_of_an_additive_function_are_its_terms():
    data = table()
    terms = {"a": lambda v: 2 * v, "b": lambda v: -(v**2), "c": lambda v: 0 * v}
    for effects in (partial_dependence, accumulated_local_effects):
        found = effects(additive, data)
        for name, part in found.groupby("feature"):
            expected = terms[name](part["value"])
            gap = part["effect"] - expected
            assert np.ptp(gap) < 1e-12


def test_local_effects_of_a_product_use_observed_combinations_only():
    data = table(4000)
    x = data.features.numpy()
    found = accumulated_local_effects(lambda x: x[:, 0] * x[:, 1], data, ["a"], 60)
    # along a, b is about 0.7 a, so the local slope is 0.7 a and the effect 0.35 a^2
    expected = 0.35 * found["value"] ** 2
    expected -= np.mean(0.35 * x[:, 0] ** 2)
    np.testing.assert_allclose(found["effect"], expected, atol=0.02)


def test_local_effects_agree_with_an_independent_package():
    pd = pytest.importorskip("pandas")
    ale = pytest.importorskip("PyALE", reason="PyALE is not installed")
    data = table(1000)
    frame = pd.DataFrame(data.features.numpy(), columns=["a", "b", "c"])

    class Model:
        def predict(self, x):
            return np.asarray(x)[:, 0] * np.asarray(x)[:, 1]

    other = ale.ale(
        X=frame, model=Model(), feature=["a"], grid_size=20, plot=False,
        include_CI=False, feature_type="continuous",
    )  # fmt: skip
    ours = accumulated_local_effects(lambda x: x[:, 0] * x[:, 1], data, ["a"], 20)
    np.testing.assert_allclose(ours["value"], other.index, atol=1e-9)
    np.testing.assert_allclose(ours["effect"], other["eff"], atol=1e-9)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.1, 10))
def test_importance_of_a_linear_function_is_slope_times_range(a, b, size):
    data = table(50)
    if abs(a) + abs(b) < 1e-3:
        return
    shares = functional_importance(lambda x: size * (a * x[:, 0] + b * x[:, 1]), data)
    ranges = np.ptp(data.features.numpy(), axis=0)
    expected = np.abs([a, b, 0.0]) * ranges
    if len(np.unique(data.features[:, 0])) < 100:  # the grid is the rows themselves
        expected = np.abs([a, b, 0.0]) * data.features.numpy().std(0, ddof=1)
    np.testing.assert_allclose(shares["output"], expected / expected.sum(), atol=1e-9)


def test_a_model_and_its_function_have_equal_effects_and_units_do_not_matter():
    data = table()
    model = ScIReN(KANEncoder(3, 1, seed=0, start="noise"), ReLU(), Q10Respiration())
    by_hand = functional_importance(
        lambda x: model.raw_latents(torch.tensor(x)).detach().numpy(), data
    )
    shares = functional_importance(model, data)
    np.testing.assert_allclose(shares["rb"], by_hand["output"], rtol=1e-12)
    assert shares["rb"].sum() == pytest.approx(1)
    some = functional_importance(model, data, rows=100, seed=1)
    assert np.abs(some - shares).to_numpy().max() < 0.2


def test_a_flat_function_has_no_importance():
    shares = functional_importance(lambda x: np.ones(len(x)), table())
    assert (shares == 0).all(axis=None)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5))
def test_equal_importances_have_no_distance(shares):
    assert relationship_kl(shares, shares) == pytest.approx(0, abs=1e-5)
    assert relationship_kl(shares, np.array(shares) * 3) == pytest.approx(0, abs=1e-5)


def test_the_distance_follows_the_paper():
    true, found = [0.36, 0.64, 0.0], [0.2, 0.3, 0.5]
    expected = 0.36 * np.log(1e-6 + 1.8) + 0.64 * np.log(1e-6 + 0.64 / 0.3)
    assert relationship_kl(true, found) == pytest.approx(expected)
    assert relationship_kl([1, 0], [0, 1]) == pytest.approx(np.log(1e6), rel=1e-6)
    both = relationship_kl(np.array([[1, 1], [1, 0]]), np.array([[1, 1], [1, 1]]))
    assert both == pytest.approx(np.log(2) / 2, rel=1e-5)


def test_importances_that_cannot_be_compared_are_refused():
    with pytest.raises(ShapeError, match=r"shape \(2,\), estimated \(3,\)"):
        relationship_kl([1, 0], [1, 0, 0])
    with pytest.raises(ConfigError, match="estimated importances must not be negative"):
        relationship_kl([1, 0], [-1, 2])
    with pytest.raises(ConfigError, match="true importances"):
        relationship_kl([0, 0], [1, 0])


def test_an_unknown_feature_is_named():
    with pytest.raises(ColumnError, match="no feature 'd'"):
        partial_dependence(additive, table(), ["d"])


def test_a_feature_of_two_values_is_no_problem():
    data = table(40)
    data.features[:, 2] = (data.features[:, 2] > 0).double()
    found = accumulated_local_effects(lambda x: 3 * x[:, 2], data, ["c"])
    assert found["value"].tolist() == [0, 1]
    assert np.diff(found["effect"]) == pytest.approx(3)
