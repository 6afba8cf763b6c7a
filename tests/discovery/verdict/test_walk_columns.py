"""Nodes of the equations in the walk: a product with ta gives q10 away."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from discovery.verdict.equation_fit import EquationFit
from discovery.verdict.identified import walk_of
from discovery.verdict.walk_columns import offered
from sciren import LinearEncoder, Q10Respiration, ScIReN, Table
from sciren.data.scaling import FeatureScaling
from sciren.inference.observed import ObservedProcess
from symbolic.families.variants import form_named
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Product
from symbolic.terms.structure import LatentStructure

LINE = form_named("linear", "")


def line(source, slope):
    return EdgeTerm(source, LINE, (slope,))


def evidence(nodes) -> Any:
    """Equations of x and ta behind Q10 on 700 rows; ta acts in rb, and x changes how."""
    rng = np.random.default_rng(1700)
    x, ta = rng.uniform(-1, 1, 700), rng.uniform(0, 25, 700)
    warm = (ta - 12) / 12
    mean = (3 + 0.5 * x + warm + 0.5 * x * warm) * 1.5 ** ((ta - 15) / 10)
    y = mean + 0.1 * mean.mean() * rng.normal(size=700)
    frame = pd.DataFrame({"x": x, "ta": ta, "warm": warm, "reco": y})
    table = Table.from_frame(frame, ["x", "warm"], ["ta"], ["reco"])
    model = ScIReN(LinearEncoder(2, 1), "auto", Q10Respiration())
    model.set_scaling(FeatureScaling.fit(table.features, "none"), table.feature_names)
    structure = LatentStructure("rb", 3.0, (line(0, 0.5), line(1, 1.0)), nodes)
    process = ObservedProcess.of(model, table)
    theta = np.array([*structure.pack(), np.log(1.5)])
    fit = EquationFit(process, table.features.numpy(), (structure,), theta)
    return SimpleNamespace(fit=fit, process=process, selection=None)


def product():
    return Product((Factor(line(0, 0.5), 1.0), Factor(line(1, 1.0), 0.0)))


def test_a_product_of_the_equations_may_move_in_the_walk():
    with_product = walk_of(evidence((product(),)))
    curves_alone = walk_of(evidence(()))
    status = [
        {quantity.name: quantity.status for quantity in walked.quantities}["q10"]
        for walked in (curves_alone, with_product)
    ]
    assert status[0] == "identified"
    assert status[1] != "identified"


def test_products_are_offered_where_their_node_stands_and_nowhere_else():
    asked = evidence((product(), product()))
    wider, edges = offered(asked, asked.process)
    assert wider.feature_names == ("x", "warm", "x*warm")
    assert edges == [(0, 0), (1, 0), (2, 0)]
    np.testing.assert_allclose(
        np.corrcoef(wider.features[:, 2], wider.features[:, 0] * wider.features[:, 1]),
        1.0, atol=0.1,
    )  # fmt: skip
    plain = evidence(())
    assert offered(plain, plain.process) == (plain.process, None)
