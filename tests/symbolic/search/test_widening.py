"""Further families are named where they win clearly; a straight line stays one."""

import numpy as np
import pandas as pd
import pytest

from sciren import KANEncoder, ScIReN, Table, TrainConfig, fit
from sciren.decoders import IdentityDecoder
from symbolic import symbolify
from symbolic.curves.curve_errors import CHANCE
from symbolic.families.library import FAMILIES
from symbolic.options import SymbolicOptions
from symbolic.search.climb import Search
from symbolic.search.misfit import misfit
from symbolic.search.observations import observed
from symbolic.search.support import unsupported
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure
from symbolic.terms.support import LEAST_ROWS, supported


def table_of(x, y, blocks=None):
    frame = pd.DataFrame({"x": x, "y": y})
    return Table.from_frame(frame, features=["x"], targets=["y"], groups=blocks)


def trained(curve, rows=300, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    table = table_of(x, curve(x) + noise * rng.normal(size=rows))
    model = ScIReN(KANEncoder(1, 1, seed=0), decoder=IdentityDecoder(["y"]))
    valid = table.take(np.arange(0, rows, 5))
    fit(model, table, valid, TrainConfig(seed=0))
    return model, table


def line_search(x, noise):
    """A search on a straight line and its refitted structure."""
    table = table_of(x, x + noise)
    model = ScIReN(KANEncoder(1, 1, seed=0), decoder=IdentityDecoder(["y"]))
    fit(model, table, table, TrainConfig(seed=0, epochs=1))
    whole = observed(model, table)
    search = Search(whole.term, whole.scaled, [])
    line = EdgeTerm(0, FAMILIES["linear"][0], (1.0,))
    start = (LatentStructure("y", 0.0, (line,)),)
    return search, search.score(start, model.constant_raw.detach())


@pytest.fixture(scope="module")
def sigmoid():
    return trained(lambda x: 2 / (1 + np.exp(-3 * x)))


def test_a_sigmoid_gets_its_name_and_its_constants(sigmoid):
    symbolic = symbolify(*sigmoid, compose=0)
    assert symbolic.edges.family.tolist() == ["logistic"]
    values = dict(zip(symbolic.table.name, symbolic.table.value, strict=True))
    assert values["a_x"] == pytest.approx(2, rel=0.05)
    assert values["b_x"] == pytest.approx(3, rel=0.15)
    assert not symbolic.functions


def test_no_further_family_is_named_that_the_user_did_not_allow(sigmoid):
    only = symbolify(*sigmoid, compose=0, families=["linear", "exp"])
    assert only.edges.family.tolist() == ["none"]
    assert list(only.functions) == ["f_y_x"]
    assert SymbolicOptions(families=["linear"]).further == ()
    assert SymbolicOptions(further_families=[]).further == ()


def test_a_curve_that_cannot_be_told_from_a_family_is_named_beside_it():
    symbolic = symbolify(*trained(lambda x: np.log(x + 5), noise=0.2), compose=0)
    (row,) = symbolic.edges.to_dict("records")
    assert row["family"] == "linear" or "log" in row["equals"]


@pytest.mark.parametrize("curved", [False, True])
def test_the_score_test_sees_a_curve_and_no_curve_in_correlated_noise(curved):
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    shared = np.repeat(rng.normal(size=40), 10)  # ten rows a block move together
    search, scored = line_search(x, 0.5 * shared + 0.4 * curved * x**2)
    search.term.observations.blocks[:] = search.term.observations.blocks.new_tensor(
        np.repeat(np.arange(40), 10)
    )
    assert (misfit(search, scored, 0, 0) < CHANCE) == curved


def test_a_kink_needs_rows_on_both_sides():
    z = np.linspace(-1, 1, 101)
    kink = FAMILIES["abs"][0]
    assert supported(EdgeTerm(0, kink, (1.0, 0.0)), z)
    assert not supported(EdgeTerm(0, kink, (1.0, z[-LEAST_ROWS] + 1e-9)), z)
    assert supported(EdgeTerm(0, FAMILIES["exp"][0], (1.0, 9.0)), z)
    sigmoid = FAMILIES["logistic"][0]
    assert supported(EdgeTerm(0, sigmoid, (1.0, 3.0, 0.0)), z)
    assert not supported(EdgeTerm(0, sigmoid, (1.0, 900.0, 0.0)), z)
    both = LatentStructure("y", 0.0, tuple(EdgeTerm(0, kink, (1.0, c)) for c in (0, 2)))
    assert unsupported([both], z[:, None]) == 1
