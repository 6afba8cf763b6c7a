"""How often a product of equations is told as real: where it is, and where it is chance.

Equations behind Q10 hold a term of several features beside curves of each, refitted under
the estimated law of the noise. In truth there is no product, or the product, or the
product without its third feature.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.belief.coefficients import RB
from benchmarks.belief.laws import COVERAGE, Array, Law, Rate, draw, usual
from discovery.uncertainty.coefficients import whitened_fit
from discovery.verdict.equation_fit import EquationFit
from discovery.verdict.interactions import interaction_reasons
from sciren import LinearEncoder, Q10Respiration, ScIReN, Table
from sciren.data.scaling import FeatureScaling
from sciren.inference.observed import ObservedProcess
from sciren.inference.selection import select
from symbolic.families.variants import form_named
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Factor, Product

LAWS = ("independent, 1000", "growing", "t3", "AR 0.9")
STRENGTH = 0.4  # of x1 x2 in rb, as in `benchmarks.belief.verdicts`


def with_product(x: Array, ta: Array) -> Array:
    """Return rb of two curves and their features' product."""
    return np.maximum(usual(x, ta) + STRENGTH * x[:, 0] * x[:, 1], 0.05)


@dataclass(frozen=True)
class Case:
    """A truth, and how many features the term of the equations joins.

    Attributes:
        rate: the true latent.
        joined: features x1, x2, ... that stand in the term.
        real: whether all of them act together.
    """

    rate: Rate
    joined: int
    real: bool


CASES = {
    "no product": Case(usual, 2, False),
    "0.4 x1 x2": Case(with_product, 2, True),
    "0.4 x1 x2, x3 inside": Case(with_product, 3, False),
}


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a case: per cent of sets whose term is told as real, a law each."""
    rows = []
    for name in names or CASES:
        case, start = CASES[name], time.process_time()
        row: dict[str, object] = {"term": name, "in truth": case.real}
        for law in LAWS:
            told = np.mean([told_as_real(case, COVERAGE[law], seed) for seed in sets])
            row[f"{law} %"] = f"{100 * told:.1f}"
        spent = (time.process_time() - start) / len(sets) / len(LAWS)
        rows.append(row | {"sets": len(sets), "CPU s a set": f"{spent:.2f}"})
    return rows


def told_as_real(case: Case, law: Law, seed: int) -> bool:
    """Whether the verdict says that all features of the term act together."""
    record = draw(replace(law, rate=case.rate), seed)
    table = Table.from_frame(
        record.frame, list(record.features), ["ta"], ["reco"],
        time="time" if record.ordered else None,
    )  # fmt: skip
    model = ScIReN(LinearEncoder(len(record.features), 1), "auto", Q10Respiration())
    model.set_scaling(FeatureScaling.fit(table.features, "none"), table.feature_names)
    process = ObservedProcess.of(model, table)
    (reason,) = interaction_reasons(_evidence(case, process))
    return reason.holds


def _evidence(case: Case, process: ObservedProcess) -> Any:
    """Equations with the term, at their minimum under the law of the noise."""
    line = form_named("linear", "")
    # Slopes beside the truth, so that the search has to find it.
    slopes = (0.3, 1.0, 0.1)[: case.joined]
    term = Product(
        tuple(Factor(EdgeTerm(k, line, (b,)), 1.0) for k, b in enumerate(slopes))
    )
    structure = replace(RB, nodes=(term,))
    z, selection = process.features, select(process)
    start = np.array([*structure.pack(), np.log(1.5)])
    fit = EquationFit(process, z, (structure,), start)
    theta = whitened_fit(fit, selection.whitening)
    fit = EquationFit(process, z, (structure,), theta)
    return SimpleNamespace(
        fit=fit, process=process, selection=selection, scale=selection.whitening.scale
    )
