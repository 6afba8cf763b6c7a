"""A curve that another family fits as well, or better, is told; the right one is not."""

import numpy as np
import pandas as pd
import pytest

from discovery.verdict.equation_fit import EquationFit
from discovery.verdict.imitations import _doubt, imitations
from sciren import LinearEncoder, Parameter, ScIReN, Table, process_model
from sciren.inference import ObservedProcess
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Product
from symbolic.terms.structure import LatentStructure

NAMES = ["x", "w"]


@process_model(parameters=[Parameter("a")], forcings=["s"], targets=["y"])
def scaled(p, f):
    """The latent times a forcing."""
    return p.a * f.s


def told(truth, family, constants, noise=0.02, rows=300):
    """Rivals of one family fitted to a truth behind a process."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(-2, 2, size=(rows, 2)), columns=NAMES)
    frame["s"] = rng.uniform(0.5, 1.5, rows)
    latent = truth(frame.x) + 0.3 * frame.w
    frame["y"] = frame.s * (latent + noise * latent.std() * rng.normal(size=rows))
    model = ScIReN(LinearEncoder(2, 1), "auto", scaled)
    process = ObservedProcess.of(model, Table.from_frame(frame, NAMES, ["s"], ["y"]))
    edges = (
        EdgeTerm(0, FAMILIES[family][0], constants),
        EdgeTerm(1, FAMILIES["linear"][0], (0.3,)),
    )
    return of_structure(LatentStructure("a", 0.0, edges), process, frame)


def of_structure(structure, process, frame):
    rows = len(frame)
    fit = EquationFit(process, frame[NAMES].to_numpy(), (structure,), structure.pack())
    everywhere, scale = np.ones(rows, dtype=bool), np.ones(rows)
    theta = fit.refitted(everywhere, scale, steps=30)
    return imitations(EquationFit(process, fit.z, fit.structures, theta), scale)


def test_an_arctangent_is_no_logistic():
    (found,) = told(lambda x: np.arctan(2 * x), "logistic", (2.5, 2.8, 0.0))
    assert (found.feature, found.latent, found.family) == ("x", "a", "logistic")
    assert found.rival.family == "arctangent"
    reason = _doubt(found)
    assert not reason.holds
    assert "arctangent fits better than the logistic of x in a" in reason.sentence
    assert "families" in reason.next_step


@pytest.mark.parametrize(
    ("truth", "family", "constants"),
    [
        (lambda x: 1 / (1 + np.exp(-3 * x)), "logistic", (1.0, 3.0, 0.0)),
        (lambda x: np.exp(0.9 * x), "exp", (1.0, 0.9)),
        (lambda x: x**2, "quadratic", (1.0, 0.0)),
    ],
)
def test_a_right_curve_has_no_rival(truth, family, constants):
    assert told(truth, family, constants) == []


def test_noise_makes_curves_equal():
    found = told(lambda x: np.exp(0.4 * x), "exp", (1.0, 0.4), noise=0.5, rows=100)
    assert found
    reason = _doubt(found[0])
    assert "cannot tell the exp of x in a from a" in reason.sentence
    assert "Name both" in reason.next_step


def test_a_factor_that_imitates_another_curve_is_told():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 2)), columns=NAMES)
    frame["s"] = rng.uniform(0.5, 1.5, 300)
    noise = 0.1 * rng.normal(size=300)
    model = ScIReN(LinearEncoder(2, 1), "auto", scaled)

    def told_of(curve, family, constants):
        rows = frame.assign(y=frame.s * (2 + curve(frame.x) * frame.w + noise))
        table = Table.from_frame(rows, NAMES, ["s"], ["y"])
        # the line of w without an offset, the curve of x with one
        factors = (
            Factor(EdgeTerm(0, FAMILIES[family][0], constants), 0.1),
            Factor(EdgeTerm(1, FAMILIES["linear"][0], (1.0,)), 0.0, True),
        )
        structure = LatentStructure("a", 2.0, (), (Product(factors),))
        return of_structure(structure, ObservedProcess.of(model, table), rows)

    (imitation,) = told_of(lambda x: np.tanh(2 * x), "abs", (1.0, -1.5))
    assert imitation.feature == "x"
    assert imitation.rival.gain > 100
    assert told_of(lambda x: np.exp(0.7 * x), "exp", (1.0, 0.7)) == []
