"""Errors of process constants beside a form that is not the whole answer."""

import numpy as np
import pytest

from symbolic.composition import compose


def q10(latent, forcings, constants):
    return latent * constants["q10"] ** ((forcings["ta"] - 15.0) / 10.0)


def composed(seed, follows, rows=60):
    """A latent too faint to be seen, whose forcing follows its feature or does not."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 2))
    other = generator.normal(size=rows)
    ta = 15.0 + 5.0 * (follows * x[:, 0] + np.sqrt(1 - follows**2) * other)
    y = (3.0 + 0.2 * x[:, 0]) * 2.0 ** ((ta - 15.0) / 10.0)
    y = y + 2.0 * generator.normal(size=rows)
    found = compose(
        x,
        y,
        process=q10,
        forcings={"ta": ta},
        constants={"q10": (1.0, 1.5, 4.0)},
        budget_s=1.0,
    )
    return found.outcome, found.constants_of_process["q10"]


@pytest.mark.parametrize("seed", range(2))
def test_a_forcing_that_follows_an_unseen_feature_leaves_its_constant_open(seed):
    outcome, confounded = composed(seed, 0.95)
    assert outcome == "nothing to find"
    _, free = composed(seed, 0.0)
    # what the feature may do instead: 1 / sqrt(1 - 0.95^2) = 3.2 times the error
    assert confounded.error > 2.0 * free.error
    assert abs(confounded.value - 2.0) < 1.96 * confounded.error
