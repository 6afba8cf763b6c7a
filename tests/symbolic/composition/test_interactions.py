"""Interactions and groupings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic.composition.fitting.regression import Regression
from symbolic.composition.interactions import (
    Screen,
    cliques,
    components,
    groupings,
    screen,
)


def screened(formula, seed=0, n=1000, d=5, noise=0.01):
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(n, d)) + 0.5 * generator.normal(size=(n, 1))
    y = formula(z)
    y = (y - y.mean()) / y.std() + noise * generator.normal(size=n)
    return screen(Regression.of((z - z.mean(0)) / z.std(0), y))


def test_an_additive_target_has_no_pairs():
    found = screened(lambda z: np.exp(0.5 * z[:, 0]) + np.abs(z[:, 1]) + z[:, 2])
    assert found.pairs == ()
    assert found.levels() == [()]
    assert {0, 1, 2} <= set(found.alone)


@pytest.mark.parametrize("seed", range(3))
def test_products_and_lone_features_are_told_apart(seed):
    found = screened(lambda z: z[:, 0] * z[:, 3] + z[:, 1] ** 2, seed)
    assert found.levels()[-1] == ((0, 3),)
    assert 1 in found.selected
    assert found.strength[0] == 1.0


def test_the_share_of_a_pair_is_its_second_order_sobol_index():
    z = np.random.default_rng(4).normal(size=(3000, 4))
    y = z[:, 0] * z[:, 3] + z[:, 1] ** 2 + 0.1 * z[:, 2]
    found = screen(Regression.of(z, y - y.mean()))
    assert found.pairs == ((0, 3),)
    ((pair, share),) = found.shares()
    assert pair == (0, 3)
    product, whole = (z[:, 0] * z[:, 3]).var(), y.var()
    assert share == pytest.approx(product / whole, abs=0.03)
    alone = screen(Regression.of(z, z[:, 1] ** 2 - 1.0))
    assert alone.shares() == []


def test_a_node_of_three_interacts_pair_by_pair():
    found = screened(lambda z: np.exp(0.5 * z[:, 0] + 0.6 * z[:, 1] - 0.5 * z[:, 2]))
    assert set(found.pairs) >= {(0, 1), (0, 2), (1, 2)}
    assert next(groupings(found.levels()[0])) == ((0, 1, 2),)


def test_a_single_feature_has_no_partner():
    found = screened(lambda z: z[:, 0] ** 2, d=1)
    assert found.pairs == ()
    assert found.alone == (0,)


PAIRS = st.sets(
    st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda p: p[0] < p[1]),
    min_size=1,
    max_size=8,
)


@given(pairs=PAIRS)
def test_components_share_no_feature_and_cover_every_pair(pairs):
    found = components(sorted(pairs))
    features = [i for group in found for i in group]
    assert len(features) == len(set(features))
    assert all(any({i, j} <= set(group) for group in found) for i, j in pairs)


@given(pairs=PAIRS)
def test_cliques_are_complete_and_cover_every_pair(pairs):
    features = sorted({i for pair in pairs for i in pair})
    found = cliques(features, sorted(pairs))
    for group in found:
        assert all((i, j) in pairs for i in group for j in group if i < j)
    assert all(any({i, j} <= set(group) for group in found) for i, j in pairs)


@given(pairs=PAIRS)
def test_groupings_have_at_most_three_nodes_and_no_repeats(pairs):
    found = list(groupings(sorted(pairs)))
    assert len(found) == len(set(found))
    assert all(1 <= len(one) <= 3 for one in found)


def test_a_node_of_three_may_hide_one_of_its_pairs():
    found = list(groupings([(0, 1), (0, 2), (1, 2)]))
    assert found[0] == ((0, 1, 2),)
    assert {((0, 1, 2), pair) for pair in ((0, 1), (0, 2), (1, 2))} <= set(found)


def test_tails_of_a_product_are_not_laid_on_correlated_pairs():
    for seed in range(3):
        found = screened(lambda z: z[:, 0] * z[:, 3], seed, noise=0.0)
        assert found.pairs == ((0, 3),)


def test_levels_begin_with_all_pairs_and_shrink():
    found = Screen(((0, 1), (1, 2), (0, 2)), (1.0, 0.01, 0.001), (), 1.0)
    assert found.levels() == [found.pairs, found.pairs[:2], found.pairs[:1]]


def test_two_pairs_that_share_a_feature_are_two_nodes_first():
    assert next(groupings([(0, 1), (1, 2)])) == ((0, 1), (1, 2))


def test_nothing_interacts_nothing_is_grouped():
    assert list(groupings([])) == []
