"""Derivatives through series: differences, the transpose, many columns as few."""

from dataclasses import replace

import numpy as np
import pytest

from sciren.dynamics import Directions, adjoint, jacobian, local_jacobians
from sciren.dynamics.solving import recurrence

STEP = 1e-6


def difference(process, values, change):
    """Return the central difference of the outputs by one number."""
    ahead, back = (process.simulate(change(values, sign * STEP)) for sign in (1, -1))
    return ((ahead.outputs - back.outputs) / (2 * STEP)).transpose(0, 2, 1)


def moved(name):
    def change(values, step):
        size = np.maximum(np.abs(values.parameters[name]), 1e-3)
        return replace(
            values,
            parameters=values.parameters
            | {name: values.parameters[name] + step * size},
        )

    return change


@pytest.mark.parametrize("name", ["smax", "k", "beta"])
def test_constants_of_groups_agree_with_differences(buckets, bucket_values, name):
    trajectory = buckets.simulate(bucket_values)
    found = jacobian(buckets, trajectory, Directions(static=[name]))[0]
    size = np.maximum(np.abs(bucket_values.parameters[name]), 1e-3)
    expected = difference(buckets, bucket_values, moved(name)) / size[:, None]
    np.testing.assert_allclose(
        found, expected, rtol=1e-6, atol=1e-6 * abs(expected).max()
    )


def test_functions_of_a_state_rows_and_starts_agree_with_differences(
    stores, store_values
):
    rows = np.sin(np.arange(stores.table.rows) / 9)[:, None, None] + np.zeros((1, 3, 1))
    directions = Directions(["smax"], ["soil"], {"r": rows}, ["drain"])
    found = jacobian(stores, stores.simulate(store_values), directions)
    power = store_values.functions["drain"]

    def start(values, step):
        return replace(values, starts={"soil": values.starts["soil"] + step})

    def row(values, step):
        return replace(
            values,
            parameters=values.parameters
            | {"r": values.parameters["r"] + step * rows[..., 0]},
        )

    def scale(values, step):
        return replace(
            values, functions={"drain": type(power)(power.k + step * power.k, 2.2)}
        )

    def exponent(values, step):
        return replace(
            values, functions={"drain": type(power)(power.k, power.b + step)}
        )

    changes = [(start, 1), (row, 2), (scale, 3), (exponent, 4)]
    for change, column in changes:
        expected = difference(stores, store_values, change)
        size = power.k if change is scale else 1.0
        np.testing.assert_allclose(
            found[column] * size, expected, rtol=1e-6, atol=1e-6 * abs(expected).max()
        )


def test_many_columns_are_as_few(buckets, bucket_values, monkeypatch):
    trajectory = buckets.simulate(bucket_values)
    directions = Directions(static=["smax", "k"], starts=["slow"])
    few = jacobian(buckets, trajectory, directions)
    monkeypatch.setattr(recurrence, "STEP", -1e9)  # always the loop
    many = jacobian(buckets, trajectory, directions)
    np.testing.assert_allclose(few, many, rtol=1e-12, atol=1e-14)


def test_the_adjoint_is_the_transpose_of_the_jacobian(stores, store_values):
    rng = np.random.default_rng(0)
    trajectory = stores.simulate(store_values)
    weights = rng.normal(size=(1, 3, stores.table.rows))
    by_parameter, by_start = adjoint(local_jacobians(stores, trajectory), weights)
    forward = jacobian(stores, trajectory, Directions(["smax"], ["soil"]))
    expected = (forward * weights).sum((1, 3))
    place = stores.parameter_names.index("smax")
    np.testing.assert_allclose(by_parameter[place].sum(1), expected[0], rtol=1e-10)
    np.testing.assert_allclose(by_start[0], expected[1], rtol=1e-10)


def test_blocks_of_groups_add_up_to_all(buckets, bucket_values, monkeypatch):
    trajectory = buckets.simulate(bucket_values)
    directions = Directions(static=["smax", "beta"])
    whole = jacobian(buckets, trajectory, directions)
    monkeypatch.setattr("sciren.dynamics.solving.directions.MEMORY", 1)
    np.testing.assert_array_equal(jacobian(buckets, trajectory, directions), whole)
