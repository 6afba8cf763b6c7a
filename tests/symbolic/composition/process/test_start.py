"""What a search behind a process begins with."""

import numpy as np

from symbolic.composition.decision.decide import missing
from symbolic.composition.fitting.model import Model
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.fitting.through_process import checked_process
from symbolic.composition.process.start import started
from symbolic.composition.settings import Settings

SETTINGS = Settings()


def scaled(latent, forcings, constants):
    """A process that is linear in its latent, with a constant."""
    return latent * forcings["s"] / (constants["k"] + forcings["s"])


def flat(latent, seed, rows=100, proportional=0.0, additive=0.0):
    """The best constant latent behind the process, and features, of one drawn record."""
    rng = np.random.default_rng(seed)
    x, s = rng.normal(size=(rows, 3)), rng.uniform(0.1, 8.0, rows)
    clean = latent(x) * s / (2.0 + s)
    y = clean * (1 + proportional * rng.normal(size=rows))
    y = y + additive * rng.normal(size=rows)
    ready = checked_process(scaled, {"s": s}, {"k": (0.1, 10.0)}, None, rows)
    regression = Regression.of(x, (y - y.mean()) / y.std())
    return started(regression, ready.at_home(y), y, None, SETTINGS, None)[1].regression


def test_a_varying_latent_is_seen_beside_an_offset():
    # Residuals of observed sizes are a linear function of weights by these sizes, so that an
    # offset beside them would leave nothing of however strong a relation.
    for seed in range(3):
        data = flat(lambda x: np.exp(0.5 * x[:, 1]), seed, proportional=0.05)
        left = data.target - data.target.mean()
        assert left @ left > 0.5 * data.target @ data.target
        assert missing(data, Model(), SETTINGS) < 0.01


def test_a_constant_latent_shows_no_relation_under_an_error_of_another_law():
    p_values = [
        missing(
            flat(lambda x: np.full(len(x), 3.0), seed, additive=0.1), Model(), SETTINGS
        )
        for seed in range(5)
    ]
    # two of five at a level of 5 %: a chance of 2 in a hundred
    assert np.sum(np.array(p_values) <= 0.05) <= 1
