"""Latents of a trained model: the start, the way back into its structures, errors."""

from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from sciren.errors import ConfigError
from symbolic.composition import compose
from symbolic.composition.from_model import (
    compose_latent,
    latent_structure,
)
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.rebuild import Units, raw_expression
from symbolic.terms.structure import LatentStructure


class Decoder:
    """Stand-in for a process model: reco = rb * q10 ** ((ta - 15) / 10)."""

    name, targets, forcings = "q10", ("reco",), ("ta",)

    def __init__(self):
        rb = SimpleNamespace(name="rb", low=0.0, high=np.inf)
        q10 = SimpleNamespace(name="q10", low=0.0, high=np.inf, start=1.5)

        class Parameters(dict):
            constants = (q10,)

        self.parameters = Parameters(rb=rb)

    def __call__(self, p, f):
        reco = p.rb * p.q10 ** ((f.ta - 15.0) / 10.0)
        return {"reco": reco, "twice": 2.0 * reco, "ta": f.ta}


def trained(cases, targets=("reco",), seed=1):
    """A model whose latent is right up to some noise, and its table."""
    x = cases.rows(seed=seed)
    generator = np.random.default_rng(seed)
    rb = 3.0 + np.abs(x[:, 0] + 0.5 * (x[:, 2] - 5.0) - 0.2)
    ta = generator.uniform(-5, 25, size=len(x))
    decoder = Decoder()
    decoder.targets = targets
    reco = rb * 1.8 ** ((ta - 15.0) / 10.0)
    noisy = reco * (1.0 + 0.02 * generator.normal(size=len(x)))
    noisy[::50] = np.nan  # not observed
    model = SimpleNamespace(
        decoder=decoder,
        latent_names=("rb",),
        latents=lambda table: (rb * (1 + 0.05 * np.sin(3 * x[:, 1])))[:, None],
        constants=lambda: {"q10": 1.6},
    )
    table = SimpleNamespace(
        features=x,
        targets=np.stack([noisy, 2 * noisy, ta], axis=1),
        target_names=("reco", "twice", "ta"),
        feature_names=("a", "b", "c", "d"),
        forcings={"ta": ta},
    )
    return model, table, rb


def test_a_latent_is_composed_through_its_decoder(cases):
    model, table, rb = trained(cases)
    found = compose_latent(model, table, max_rung=1)
    assert found.accepted, str(found)
    assert found.structure == "abs[linear(a) + linear(c)]"
    q10 = found.constants_of_process["q10"]
    assert abs(q10.value - 1.8) < 4.0 * q10.error + 1e-3
    np.testing.assert_allclose(found.predict(table.features), rb, rtol=0.02)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.4, -2.0), (-3.0, 1.0)])
@pytest.mark.parametrize("name", ["sum", "exp", "quadratic", "log", "abs"])
def test_the_structure_in_a_model_is_the_composition(cases, name, slope, offset):
    x = cases.rows(seed=2)
    found = compose(x, cases.formulas[name](x), max_rung=1)
    shift, scale = x.min(0), np.ptp(x, axis=0)
    units = Units(found.units.names, shift, scale, x.min(0), x.max(0))
    structure = latent_structure(found, units, slope, offset)
    expected = offset + slope * found.predict(x)
    np.testing.assert_allclose(
        structure.value((x - shift) / scale), expected, rtol=1e-8
    )
    assert raw_expression(structure, units).free_symbols


def test_every_target_that_a_latent_moves_is_used(cases):
    model, table, rb = trained(cases, targets=("ta", "twice", "reco"))
    table.targets[::2, 0] = np.nan  # every row is seen in one of the two at least
    table.targets[1::2, 1] = np.nan
    found = compose_latent(model, table, trained=False, max_rung=1)
    assert found.accepted, str(found)
    assert found.structure == "abs[linear(a) + linear(c)]"
    np.testing.assert_allclose(found.predict(table.features), rb, rtol=0.02)


@pytest.mark.parametrize("offset", [0.5, -3.0])
def test_a_logarithm_takes_its_offset_in(cases, offset):
    x = cases.rows(seed=2)
    found = compose(x, cases.formulas["log"](x), max_rung=1)
    structure = latent_structure(found, found.units, 1.0, offset)
    assert not structure.offset_free
    assert structure.offset == 0.0
    expected = offset + found.predict(x)
    z = (x - found.units.shift) / found.units.scale
    np.testing.assert_allclose(structure.value(z), expected, rtol=1e-8)


def test_an_offset_too_large_for_a_logarithm_stays():
    form = FAMILIES["linear"][0]
    node = Node("log", 0.01, 3.0, (EdgeTerm(0, form, (1.0,)),))
    one = LatentStructure("rb", 5.0, (), (node,))
    assert one.with_offset_in_log() is one


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (-0.4, 2.0)])
def test_a_product_is_a_node_of_a_structure(slope, offset):
    x = np.random.default_rng(3).uniform(1.0, 4.0, (300, 2))
    found = compose(x, 2.0 * x[:, 0] * x[:, 1] + 1.0)
    shift, scale = x.min(0), np.ptp(x, axis=0)
    units = Units(found.units.names, shift, scale, x.min(0), x.max(0))
    structure = latent_structure(found, units, slope, offset)
    assert [node.outer for node in structure.nodes] == ["product"]
    first, second = sympy.symbols("x0 x1", real=True)
    printed = sympy.expand(raw_expression(structure, units))
    assert abs(float(printed.coeff(first * second)) - 2.0 * slope) < 1e-6
    expected = offset + slope * found.predict(x)
    np.testing.assert_allclose(
        structure.value((x - shift) / scale), expected, rtol=1e-8
    )


def test_what_cannot_be_composed_is_an_error(cases):
    model, table, _ = trained(cases, targets=("ta",))
    with pytest.raises(ConfigError, match="no observed target of decoder 'q10'"):
        compose_latent(model, table)
    with pytest.raises(ConfigError, match="say which one to compose"):
        compose_latent(model, table, "rc")


def test_a_real_model_hands_over_its_latent(cases):
    """The names that the search asks for are those that models and tables have."""
    import pandas as pd

    from sciren.data.table import Table
    from sciren.decoders import Q10Respiration
    from sciren.encoders.kan import KANEncoder
    from sciren.model import ScIReN

    _, rows, _ = trained(cases, seed=4)
    frame = pd.DataFrame(rows.features, columns=list("abcd"))
    frame["ta"], frame["reco"] = rows.forcings["ta"], rows.targets[:, 0]
    frame = frame.dropna()
    table = Table.from_frame(
        frame, features=list("abcd"), forcings={"ta": "ta"}, targets={"reco": "reco"}
    )
    model = ScIReN(KANEncoder(4, 1), decoder=Q10Respiration())
    found = compose_latent(model, table, max_rung=1, budget_s=5.0)
    assert set(found.constants_of_process) == {"q10"}
    assert len(found.predict(frame)) == len(frame)
