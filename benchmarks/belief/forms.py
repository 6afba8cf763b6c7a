"""Whether curves get their right name, with and without bands in which forms have to stay.

Four curves behind Q10 (a line, an exponential, a sine and a tanh) under five laws of
noise. A sine has no family here: it is right where its curve stays as it was learned.
"""

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.belief.laws import BANDS, CURVES, Law, draw
from benchmarks.belief.public import Case
from discovery.uncertainty.infer import bands_of_curves, selected
from symbolic import symbolify
from symbolic.model.symbolic_model import SymbolicModel

NAMES = {
    "linear": {"linear"},
    "exp": {"exp"},
    "sin": {"none"},
    "tanh": {"tanh", "logistic"},
}
"""Names that are right for each curve; a logistic is a tanh with another rate."""

WAYS = ("by its errors alone", "inside its band")


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return two rows a law."""
    rows = []
    for name, law in BANDS.items():
        if not names or name in names:
            rows += _rows(name, law, sets)
    return rows


def _rows(name: str, law: Law, sets: range) -> list[dict[str, object]]:
    start = time.process_time()
    counts = np.sum([outcomes(law, seed) for seed in sets], axis=0)
    seconds = (time.process_time() - start) / len(sets)
    return [
        {
            "law": name,
            "a form is accepted": way,
            "sets": len(sets),
            **dict(
                zip(("right", "wrong", "no form", "lost"), counts[k][:4], strict=True)
            ),
            "sine named": counts[k][4],
            "CPU s a set": f"{seconds:.1f}",
        }
        for k, way in enumerate(WAYS)
    ]


def outcomes(law: Law, seed: int) -> list[list[int]]:
    """Return counts for both ways: right, wrong, without form, edge lost, sine named."""
    case = Case.of(draw(law, seed))
    train, valid = case.trained()
    bands = bands_of_curves(case.model, selected(case.model, [train, valid]))
    return [
        _counts(symbolify(case.model, train, compose=0, bands=some))
        for some in ((), bands)
    ]


def _counts(equations: SymbolicModel) -> list[int]:
    family = {
        str(row["source"]): str(row["family"])
        for row in equations.edges.to_dict("records")
        if row["status"] != "dropped"
    }
    right = wrong = refused = lost = 0
    for k, curve in enumerate(CURVES):
        named = family.get(f"x{k + 1}", "")
        right += named in NAMES[curve]
        lost += not named
        refused += named == "none" and curve != "sin"
        wrong += bool(named) and named not in {*NAMES[curve], "none"}
    return [right, wrong, refused, lost, int(family.get("x3") not in (None, "none"))]
