"""Constants at which every closed form is defined on [-0.97, 0.93]."""

import numpy as np


def constants_of(form, a, u, d):
    """Constants with amplitude a, inner constants after u, offset d."""
    if form.shape is None:
        return np.array([d])
    if form.family in ("power", "hill"):
        return np.array([a, 1.1 + abs(u), *[0.3 + abs(u)] * (len(form.inner) - 1), d])
    if form.family in ("log", "sqrt", "michaelis_menten"):
        u = 1.1 + abs(u)
    if form.family == "reciprocal":
        u = np.sign(u) * (1.1 + abs(u))
    if form.family in ("sine", "tanh", "gaussian", "logistic"):
        return np.array([a, abs(u), 0.3 * u, d])
    if form.family == "piecewise_linear":
        return np.array([a, u, 0.4 * u, d])
    return np.array([a, u, d] if form.inner else [a, d])
