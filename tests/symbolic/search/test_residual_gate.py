"""What features still predict of a residual is found; noise and rounding are not."""

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import KANEncoder, ScIReN, Table
from symbolic.families.library import FAMILIES
from symbolic.search import residual_gate
from symbolic.search.observations import observed
from symbolic.search.residual_gate import LIMIT, still_predictable
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

SUM = LatentStructure("y", 0.0, (EdgeTerm(0, FAMILIES["linear"][0], (1.0,)),))
NONE = torch.empty(0, dtype=torch.float64)


def left(missing, noise=0.1, rows=500, groups=None, constant=False):
    """Share that is predicted of y = a + missing(a, b) + noise beside the sum y = a."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 2))
    y = x[:, 0] + missing(*x.T) + noise * rng.normal(size=rows)
    data = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y})
    y[::7] = np.nan
    table = Table.from_frame(data.assign(y=y), ["a", "b"], [], ["y"])
    if constant:
        x[:, 1] = 0.5
    seen = observed(ScIReN(KANEncoder(2, 1), decoder=None), table)
    return still_predictable(seen.term, torch.from_numpy(x), (SUM,), NONE)


@pytest.mark.parametrize(
    "missing",
    [
        lambda a, b: 0.3 * a * b,
        lambda a, b: 0.3 * b,
        lambda a, b: 0.4 * (a > 0) * (b > 0),
    ],
    ids=["product", "term", "corner"],
)
def test_what_is_missing_is_found(missing):
    assert left(missing) > 0.1


def test_noise_is_not_predicted():
    assert left(lambda a, b: 0.0 * a) <= LIMIT


def test_rounding_is_nothing_to_predict():
    assert left(lambda a, b: 1e-9 * a * b, noise=0.0) == 0.0


def test_a_feature_that_never_moves_does_not_matter():
    assert left(lambda a, b: 0.3 * a**2, constant=True) > 0.3


def test_few_rows_say_nothing():
    assert left(lambda a, b: a * b, rows=30) == 0.0


def test_a_product_of_three_is_seen_in_a_residual():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(400, 4))
    noise, rows = rng.normal(size=400), np.arange(400)
    assert residual_gate._share(z, z[:, :3].prod(axis=1) + 0.1 * noise, rows, 0) > 0.8
    assert residual_gate._share_of_triples(z, noise, rows % 4) == 0.0
