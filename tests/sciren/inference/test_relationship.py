"""The test for anything to find: its level, its power, and what must not change it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.errors import ShapeError
from sciren.inference.dictionary import (
    MOST_IN_TRIPLES,
    dictionary,
    rank_shares,
    robust_scaled,
)
from sciren.inference.relationship import relationship


def normal(seed, rows=150, features=4):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(rows, features)), rng.normal(size=rows)


def autoregressive(rng, rows, columns, memory=0.9):
    values = np.zeros((rows + 100, columns))
    for row in range(1, rows + 100):
        values[row] = memory * values[row - 1] + rng.normal(size=columns)
    return values[100:]


SHAPES = {
    "line": lambda x: x[:, 0],
    "square": lambda x: x[:, 0] ** 2,
    "product": lambda x: x[:, 0] * x[:, 1],
    "product of three": lambda x: x[:, 0] * x[:, 1] * x[:, 2],
    "step": lambda x: np.where(x[:, 0] > 0.3, 1.0, 0.0),
    "wave": lambda x: np.sin(3 * x[:, 0]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_third_of_the_variance_is_seen_in_400_rows_whatever_the_shape(shape):
    for seed in range(3):
        _, x, noise = normal(seed, 400)
        truth = SHAPES[shape](x)
        y = (truth - truth.mean()) / truth.std() * 0.3**0.5 + 0.7**0.5 * noise
        assert relationship(x, y, seed=seed).claimed


def test_a_noise_that_grows_with_a_feature_is_no_relation_in_a_residual():
    claims = 0
    for seed in range(30):
        _, x, noise = normal(3000 + seed, 150)
        left = noise * np.exp(0.8 * x[:, 0])
        test = relationship(x, left, residuals=True, permutations=199, seed=seed)
        claims += test.claimed
        assert test.mode == "signs"
    assert claims <= 5  # 1.5 expected
    assert relationship(x, x[:, 0] ** 2 + noise, residuals=True).claimed
    groups = np.arange(150) // 10
    assert relationship(x, left, residuals=True, groups=groups).mode == "groups"


@pytest.mark.parametrize("law", ["normal", "t2", "lognormal features"])
def test_pure_noise_is_claimed_in_about_a_twentieth_of_the_sets(law):
    claims = 0
    for seed in range(60):
        rng, x, y = normal(1000 + seed, 60)
        if law == "t2":
            y = rng.standard_t(2, size=60)
        if law == "lognormal features":
            x = np.exp(1.5 * x)
        claims += relationship(x, y, permutations=199, seed=seed).claimed
    assert claims <= 8  # 3 expected; more than 8 in 0.4 % of such counts


def test_series_are_shifted_because_their_rows_cannot_be_exchanged():
    claims, exchanged = 0, 0
    for seed in range(30):
        rng = np.random.default_rng(2000 + seed)
        x, y = autoregressive(rng, 150, 5), autoregressive(rng, 150, 1)[:, 0]
        result = relationship(x, y, seed=seed)
        assert result.mode == "shifts"
        claims += result.claimed
        exchanged += relationship(x, y, series=False, seed=seed).claimed
    assert claims <= 6
    assert exchanged >= 20  # what the shifts protect from


def test_a_random_level_of_each_site_is_no_relation():
    claims = 0
    for seed in range(30):
        rng = np.random.default_rng(3000 + seed)
        sites = np.repeat(np.arange(20), 10)
        x = np.column_stack((rng.normal(size=20)[sites], rng.normal(size=200)))
        y = 2 * rng.normal(size=20)[sites] + rng.normal(size=200)
        claims += relationship(x, y, groups=sites, permutations=199, seed=seed).claimed
    assert claims <= 5


def test_relations_inside_and_between_sites_are_seen():
    rng = np.random.default_rng(0)
    sites = np.repeat(np.arange(30), 10)
    level, inside = rng.normal(size=30)[sites], rng.normal(size=300)
    noise = rng.normal(size=30)[sites] + rng.normal(size=300)
    assert relationship(inside[:, None], inside + noise, groups=sites).claimed
    assert relationship(level[:, None], 2 * level + noise, groups=sites).claimed


def test_what_is_fitted_anyway_is_no_relation():
    claims = 0
    for seed in range(20):
        rng, x, noise = normal(4000 + seed, 200)
        response = x[:, 0] + 0.3 * rng.normal(size=200)
        y = 5 * response + noise
        # the features imitate the response; beside it they say nothing
        result = relationship(
            x, y, nuisance=response[:, None], permutations=199, seed=seed
        )
        claims += result.claimed
        assert relationship(x, y, permutations=99, seed=seed).claimed
    assert claims <= 4


def test_a_latent_is_seen_through_its_slope():
    rng, x, noise = normal(5, 400)
    slope = np.where(rng.random(400) > 0.5, 3.0, -3.0)  # the process turns the sign
    y = slope * x[:, 0] + noise
    assert relationship(x, y, slope=slope).p_value <= 0.01
    assert relationship(x, y, slope=slope).correlation > 0.8


@settings(max_examples=20, deadline=None)
@given(
    scale=st.floats(1e-9, 1e9), shift=st.floats(-1e3, 1e3), seed=st.integers(0, 1000)
)
def test_units_do_not_matter(scale, shift, seed):
    _, x, y = normal(seed, 60, 3)
    y = y + 0.3 * x[:, 0]
    plain = relationship(x, y, permutations=99)
    other = relationship(scale * (x + shift), scale * (y + shift), permutations=99)
    assert other.p_value == pytest.approx(plain.p_value, abs=0.011)
    assert other.kind == plain.kind


def test_the_same_seed_gives_the_same_answer():
    _, x, y = normal(7)
    assert relationship(x, y, seed=3) == relationship(x, y, seed=3)


def test_columns_without_values_of_their_own_say_nothing():
    _, _, y = normal(8)
    result = relationship(np.ones((150, 2)), y)
    assert result.p_value == 1.0
    assert str(result) == "no relation (p = 1, rows exchanged)"
    assert relationship(np.eye(150)[:, :2], np.zeros(150)).p_value == 1.0


def test_two_values_are_a_line_and_a_step():
    rng, _, noise = normal(9, 300)
    flag = (rng.random(300) > 0.3).astype(float)
    assert relationship(flag[:, None], flag + 0.5 * noise).claimed


@pytest.mark.parametrize(("rows", "values"), [(7, 7), (10, 9)])
def test_rows_that_do_not_match_or_are_too_few_are_refused(rows, values):
    with pytest.raises(ShapeError, match="at least eight"):
        relationship(np.zeros((rows, 2)), np.zeros(values))


def test_ties_share_their_rank_and_outliers_end_at_four_deviations():
    assert rank_shares(np.array([3.0, 1.0, 1.0])) == pytest.approx(
        [5 / 6, 1 / 3, 1 / 3]
    )
    values = np.r_[np.linspace(-1, 1, 99), 1e9]
    assert robust_scaled(values).max() == 4.0
    assert not robust_scaled(np.ones(5)).any()


def test_the_dictionary_leaves_out_triples_of_many_features():
    rng = np.random.default_rng(0)
    assert dictionary(rng.normal(size=(20, 3)))["triple"].shape == (20, 1)
    many = dictionary(rng.normal(size=(20, MOST_IN_TRIPLES + 1)))
    assert "triple" not in many
    assert "pair" not in dictionary(rng.normal(size=(20, 1)))
