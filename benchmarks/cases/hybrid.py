"""Hybrid cases: a latent with a drawn formula, seen only through a process model."""

from types import SimpleNamespace

import numpy as np
import sympy

from benchmarks.cases.case import Case, Stream, case_rng, rounded
from benchmarks.cases.drawn import draw_formula
from benchmarks.cases.processes import PROCESSES, draw_forcings

NOISE = 0.05
LOWEST = 0.15
"""Smallest latent over its mean, at least."""

MOST_VARIATION = 0.5
"""Deviation of the latent over its mean, at most."""


def hybrid_case(process: str, number: int, stream: Stream, seed: int = 0) -> Case:
    """Return a case of a process: a sum or one node, 5 % multiplicative noise."""
    rng = case_rng(stream, process, number, seed)
    features, names, root = draw_formula(str(rng.choice(["sum", "node"])), rng)
    chosen = PROCESSES[process]
    spread, lowest = root.values.std(), (root.values - root.values.mean()).min()
    variation = min(MOST_VARIATION * spread, (LOWEST - 1.0) / lowest * spread) / spread
    slope = rounded(chosen.scale * variation)
    offset = rounded(chosen.scale - slope * float(root.values.mean()))
    latent = offset + slope * root.values
    forcings = draw_forcings(chosen, features, rng)
    value = rounded(rng.uniform(*chosen.constant))
    p = SimpleNamespace(
        **{chosen.decoder.latent_names[0]: latent, chosen.constant_name: value}
    )
    clean = np.asarray(chosen.decoder(p, SimpleNamespace(**forcings)))
    return Case(
        name=f"{process} {number}",
        group=process,
        features=features,
        names=names,
        target=clean * (1.0 + NOISE * rng.normal(size=len(clean))),
        clean=clean,
        truth=sympy.expand_mul(offset + slope * root.expression, deep=False),
        latent=latent,
        noise=NOISE,
        process=chosen.decoder,
        forcings=forcings,
        constants={chosen.constant_name: value},
    )
