"""How often intervals of the constants of closed forms hold the truth.

The families are right (rb linear in x1, exponential in x2, behind Q10), so that only the
errors are judged: by weeks of the record, and by cosines in time order.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from benchmarks.belief.laws import COVERAGE, Law, draw
from sciren import LinearEncoder, Q10Respiration, ScIReN, Table
from sciren.comparison import ResidualScale
from sciren.data.scaling import FeatureScaling
from sciren.solvers.process_term import ProcessTerm
from symbolic.families.variants import form_named
from symbolic.search.refit import Refit, refit
from symbolic.terms.constant_rows import quantile_95
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.structure import LatentStructure

LAWS = ("independent, 1000", "growing", "AR 0.9", "AR 0.9, growing")
NAMES = ("level", "linear", "amplitude", "rate", "ln q10")
LINEAR, EXPONENTIAL = form_named("linear", ""), form_named("exp", "")
RB = LatentStructure(
    "rb", 3.0, (EdgeTerm(0, LINEAR, (0.5,)), EdgeTerm(1, EXPONENTIAL, (0.3, 0.6)))
)
"""The true latent of `laws.usual`."""


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a law and kind of error."""
    return [
        _row(law, in_time, sets)
        for law in LAWS
        if not names or law in names
        for in_time in (False, True)
    ]


def _row(name: str, in_time: bool, sets: range) -> dict[str, object]:
    start = time.process_time()
    inside = np.array([held(COVERAGE[name], seed, in_time) for seed in sets])
    shares = 100 * inside.mean(0)
    return {
        "law": name,
        "errors": "in time order" if in_time else "by weeks or rows",
        "sets": len(sets),
        **{
            f"{constant} %": f"{s:.0f}"
            for constant, s in zip(NAMES, shares, strict=True)
        },
        "mean %": f"{shares.mean():.1f}",
        "CPU s": f"{(time.process_time() - start) / len(sets):.2f}",
    }


def held(law: Law, seed: int, in_time: bool) -> list[bool]:
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
    term = ProcessTerm(model, table, ResidualScale.fit(table.targets))
    if not in_time:
        term.observations = replace(term.observations, rank=None)
    found = refit(term, table.features, [RB], torch.tensor([np.log(record.q10)]))
    truth = [*RB.pack(), np.log(record.q10)]
    return [
        bool(abs(value - true) <= reach)
        for value, true, reach in zip(
            found.theta.tolist(), truth, _reach(found), strict=True
        )
    ]


def _reach(found: Refit) -> list[float]:
    errors = found.covariance.diagonal().clamp_min(0).sqrt()
    return (quantile_95(found.cosines) * errors).tolist()
