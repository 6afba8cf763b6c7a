"""Small cases of known formulas, for laws of the search."""

from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def cases():
    """Namespace: rows(seed, n, d) and true formulas by name."""

    def rows(seed=0, n=600, d=4):
        generator = np.random.default_rng(seed)
        common = generator.normal(size=(n, 1))
        x = 0.8 * generator.normal(size=(n, d)) + 0.6 * common
        x[:, 1] = np.exp(0.5 * x[:, 1])  # skewed and positive
        if d > 2:
            x[:, 2] = 3.0 * np.tanh(x[:, 2]) + 5.0  # bounded
        return x

    formulas = {
        "sum": lambda x: 0.7 * x[:, 0] + 2.0 * np.log(x[:, 1] + 0.5) - 1.0,
        "exp": lambda x: 2.0 + np.exp(0.6 * x[:, 0] - 0.4 * np.log(x[:, 1] + 0.3)),
        "quadratic": lambda x: (np.abs(x[:, 0] - 0.3) - 0.8 * x[:, 1] + 0.5) ** 2 - 3.0,
        "log": lambda x: 1.5 * np.log(1.0 + x[:, 0] ** 2 + 0.5 * x[:, 1]),
        "abs": lambda x: np.abs(x[:, 0] + 0.5 * (x[:, 2] - 5.0) - 0.2),
    }
    return SimpleNamespace(rows=rows, formulas=formulas)
