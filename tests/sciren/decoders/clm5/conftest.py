"""Drawn parameters and forcing; the reference file where the checkout has it beside it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sciren.decoders.clm5 import draw_forcing

REFERENCE = Path(__file__).parents[5] / "shared" / "reference" / "clm5_reference.npz"


def draw_unit(n_sites, seed):
    """Uniform, corner and clipped normal draws in equal parts, (n, 21)."""
    rng = np.random.default_rng(seed)
    uniform = rng.random((n_sites, 21))
    corner = (rng.random((n_sites, 21)) > 0.5).astype(float)
    normal = (0.5 + 0.4 * rng.standard_normal((n_sites, 21))).clip(0, 1)
    kind = np.arange(n_sites)[:, None] % 3
    return torch.tensor(np.choose(kind, [uniform, corner, normal]))


@pytest.fixture(scope="session")
def drawn():
    """Return (unit parameters, forcing) for a number of sites and a seed."""

    def draw(n_sites, seed=0):
        return draw_unit(n_sites, seed), draw_forcing(n_sites, seed)

    return draw


@pytest.fixture(scope="session")
def reference():
    """The stored reference as a dict, or a skip."""
    if not REFERENCE.is_file():
        pytest.skip("../shared/reference/clm5_reference.npz is not there")
    with np.load(REFERENCE) as stored:
        return {name: stored[name] for name in stored.files}
