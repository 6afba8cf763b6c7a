"""How often intervals of the constants of closed forms hold the truth.

The families are right (rb linear in x1, exponential in x2, behind Q10), so that only the
errors are judged: rows one by one, by cosines in time order, and refitted under the
estimated law of the noise, as tables of a result have them.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from benchmarks.belief.laws import COVERAGE, Array, Law, draw
from discovery.uncertainty.coefficients import whitened_covariance, whitened_fit
from discovery.verdict.equation_fit import EquationFit
from sciren import LinearEncoder, Q10Respiration, ScIReN, Table
from sciren.comparison import ResidualScale
from sciren.data.scaling import FeatureScaling
from sciren.inference.observed import ObservedProcess
from sciren.inference.selection import select
from sciren.solvers.process_term import ProcessTerm
from sciren.solvers.whitened import WhitenedTerm
from symbolic.families.variants import form_named
from symbolic.search.refit import refit
from symbolic.terms.constant_rows import quantile_95
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

LAWS = ("independent, 1000", "growing", "AR 0.9", "AR 0.9, growing")
ERRORS = (
    "rows one by one", "in time order", "under the noise law", "refit of equations"
)  # fmt: skip
NAMES = ("level", "linear", "amplitude", "rate", "ln q10")
LINEAR, EXPONENTIAL = form_named("linear", ""), form_named("exp", "")
RB = LatentStructure(
    "rb", 3.0, (EdgeTerm(0, LINEAR, (0.5,)), EdgeTerm(1, EXPONENTIAL, (0.3, 0.6)))
)
"""The true latent of `laws.usual`."""


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a law and kind of error."""
    return [
        _row(law, errors, sets)
        for law in LAWS
        if not names or law in names
        for errors in ERRORS
    ]


def _row(name: str, errors: str, sets: range) -> dict[str, object]:
    start = time.process_time()
    inside = np.array([held(COVERAGE[name], seed, errors) for seed in sets])
    shares = 100 * inside.mean(0)
    return {
        "law": name,
        "errors": errors,
        "sets": len(sets),
        **{
            f"{constant} %": f"{s:.0f}"
            for constant, s in zip(NAMES, shares, strict=True)
        },
        "mean %": f"{shares.mean():.1f}",
        "CPU s": f"{(time.process_time() - start) / len(sets):.2f}",
    }


def held(law: Law, seed: int, errors: str) -> list[bool]:
    """Return whether the interval of each of `NAMES` holds its truth."""
    record = draw(law, seed)
    table = Table.from_frame(
        record.frame,
        ["x1", "x2"],
        ["ta"],
        ["reco"],
        time="time" if record.ordered else None,
    )
    model = ScIReN(LinearEncoder(2, 1), "auto", Q10Respiration())
    model.set_scaling(FeatureScaling.fit(table.features, "none"), table.feature_names)
    truth = np.array([*RB.pack(), np.log(record.q10)])
    find = _under_law if errors == ERRORS[2] else partial(_refitted, errors=errors)
    find = _of_equations if errors == ERRORS[3] else find
    found, reach = find(model, table, truth)
    return (np.abs(found - truth) <= reach).tolist()


def _under_law(model: ScIReN, table: Table, start: Array) -> tuple[Array, Array]:
    """Constants (P,) refitted on whitened rows, and half their intervals."""
    process = ObservedProcess.of(model, table)
    whitening = select(process).whitening
    fit = EquationFit(process, table.features.numpy(), (RB,), start)
    theta = whitened_fit(fit, whitening)
    covariance = whitened_covariance(fit, whitening, theta)
    assert covariance is not None
    return theta, covariance.quantile() * covariance.error(np.eye(len(theta)))


def _of_equations(model: ScIReN, table: Table, start: Array) -> tuple[Array, Array]:
    """Constants (P,) as equations have them, and half their intervals."""
    process = ObservedProcess.of(model, table)
    selection = select(process)
    term: ProcessTerm = process.term
    if not selection.law.plain:
        term = WhitenedTerm.of(term, process, selection.law, selection.fit.mean)
    found = refit(term, table.features, [RB], torch.tensor(start[-1:]))
    deviations = found.covariance.diagonal().clamp_min(0).sqrt()
    return found.theta.numpy(), (
        quantile_95(found.cosines, found.groups) * deviations
    ).numpy()


def _refitted(
    model: ScIReN, table: Table, start: Array, errors: str
) -> tuple[Array, Array]:
    """Constants (P,) refitted on the rows as they are, and half their intervals."""
    term = ProcessTerm(model, table, ResidualScale.fit(table.targets))
    if errors == ERRORS[0]:
        alone = torch.arange(len(table))
        term.observations = replace(term.observations, rank=None, blocks=alone)
    found = refit(term, table.features, [RB], torch.tensor(start[-1:]))
    deviations = found.covariance.diagonal().clamp_min(0).sqrt()
    return found.theta.numpy(), (
        quantile_95(found.cosines, found.groups) * deviations
    ).numpy()
