"""Whether a product of the equations is really there: seen, chance, and an idle feature."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from discovery.verdict.equation_fit import EquationFit
from discovery.verdict.interactions import interaction_reasons
from sciren import LinearEncoder, Q10Respiration, ScIReN, Table
from sciren.data.scaling import FeatureScaling
from sciren.inference.observed import ObservedProcess
from symbolic.families.variants import form_named
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Node, Product
from symbolic.terms.structure import LatentStructure

LINE = form_named("linear", "")


def line(source, slope=1.0):
    return EdgeTerm(source, LINE, (slope,))


def evidence(truth, structure, seed=0, ordered=False, noise=0.3) -> Any:
    """Equations of two features behind Q10 on a record of 250 rows, at their minimum."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.standard_normal((250, 2)), columns=["a", "b"])
    frame["ta"] = rng.normal(12.0, 6.0, 250)
    rb = truth(frame["a"], frame["b"])
    mean = rb * 1.5 ** ((frame["ta"] - 15) / 10)
    frame["reco"] = mean + noise * rng.standard_normal(250)
    frame["time"] = pd.date_range("2000-01-01", periods=250, freq="h")
    time = {"time": "time"} if ordered else {}
    table = Table.from_frame(frame, ["a", "b"], ["ta"], ["reco"], **time)
    model = ScIReN(LinearEncoder(2, 1), "auto", Q10Respiration())
    model.set_scaling(FeatureScaling.fit(table.features, "none"), table.feature_names)
    process = ObservedProcess.of(model, table)
    start = np.array([*structure.pack(), np.log(1.5)])
    fit = EquationFit(process, table.features.numpy(), (structure,), start)
    ones = np.ones(len(process))
    theta = fit.refitted(ones > 0, ones, steps=6)
    fit = EquationFit(process, fit.z, (structure,), theta)
    return SimpleNamespace(fit=fit, process=process, selection=None, scale=ones)


def product():
    return LatentStructure(
        "rb", 2.0, (), (Product((Factor(line(0), 1.0), Factor(line(1), 1.0))),)
    )


@pytest.mark.parametrize("ordered", [False, True])
def test_a_product_that_acts_is_seen(ordered):
    asked = evidence(lambda a, b: 4 + a + b + a * b, product(), ordered=ordered)
    (reason,) = interaction_reasons(asked)
    assert reason.holds
    assert "a, b act together in rb" in reason.sentence
    assert reason.number < 1e-4


@pytest.mark.parametrize("ordered", [False, True])
def test_a_product_of_a_sum_is_chance(ordered):
    seen = 0
    for seed in range(8):
        asked = evidence(lambda a, b: 5 + a + b, product(), seed, ordered)
        (reason,) = interaction_reasons(asked)
        seen += "sees no more than a curve of each" not in reason.sentence
    # 2 of 8 at the level of 5 % are exceeded once in 170
    assert seen <= 2


def test_a_feature_that_does_nothing_inside_a_node_is_named():
    node = Node("quadratic", 1.0, 0.2, (line(0), line(1, 0.05)))
    structure = LatentStructure("rb", 3.0, (), (node,))
    doubts = [
        reason
        for seed in range(3)
        for reason in interaction_reasons(
            evidence(lambda a, b: 3 + (a + 0.2) ** 2, structure, seed)
        )
    ]
    assert any(not reason.holds for reason in doubts)
    assert all(reason.subject == "a and b -> rb" for reason in doubts)


def test_what_a_fit_makes_of_an_idle_feature_is_not_told_as_seen():
    """Two constants of the factor of `a` were free to find what `b` explains by chance."""
    factors = Factor(line(0), 1.0), Factor(line(1, 0.1), 1.0)
    structure = LatentStructure("rb", 2.0, (line(0),), (Product(factors),))
    seen = 0
    for seed in range(8):
        (reason,) = interaction_reasons(evidence(lambda a, b: 5 + a, structure, seed))
        seen += "does not see it" not in reason.sentence and reason.holds
    # 2 of 8 at the level of 5 % are exceeded once in 170
    assert seen <= 2


def test_a_node_of_one_feature_is_no_interaction():
    node = Node("exp", 1.0, 0.0, (line(0, 0.3),))
    structure = LatentStructure("rb", 3.0, (line(1),), (node,))
    truth = evidence(lambda a, b: 3 + b + np.exp(0.3 * a), structure)
    assert interaction_reasons(truth) == []
