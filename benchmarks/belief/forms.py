"""Whether curves get their right name, with and without bands in which forms have to stay.

Four curves behind Q10 (a line, an exponential, a sine and a tanh) under five laws of
noise. A sine has no family here: it is right where its curve stays as it was learned.

A wrong name is a false claim only where nothing is said against it. The verdict asks of
every line how far it could bend unseen, and of every other curve whether a family that
nobody allowed does as well; "doubted" counts the wrong names that it doubts, "right,
doubted" the right ones. "Wrong, alone" are wrong names beside which the report names no
other family, and wrong lines that are not said to bend.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.belief.laws import BANDS, CURVES, Law, draw
from benchmarks.belief.public import Case
from discovery.uncertainty.families import families_beside, families_inside
from discovery.uncertainty.infer import bands_of_curves, selected
from discovery.verdict.equation_fit import EquationFit
from discovery.verdict.imitations import imitations
from discovery.verdict.open_lines import largest_bends
from sciren.inference.intervals.bands import Band
from sciren.inference.selection import select
from sciren.inference.skill.held_out import memory_in_rows
from symbolic import symbolify
from symbolic.composition.decision.open_lines import BEND
from symbolic.model.symbolic_model import SymbolicModel

NAMES = {
    "linear": {"linear"},
    "exp": {"exp"},
    "sin": {"none"},
    "tanh": {"tanh", "logistic"},
}
"""Names that are right for each curve; a logistic is a tanh with another rate."""

WAYS = ("by its errors alone", "inside its band")
COUNTED = (
    "right", "right, doubted", "wrong", "wrong, doubted", "no form", "lost", "sine named",
    "wrong, alone",
)  # fmt: skip


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
            **dict(zip(COUNTED, counts[k], strict=True)),
            "CPU s a set": f"{seconds:.1f}",
        }
        for k, way in enumerate(WAYS)
    ]


def outcomes(law: Law, seed: int) -> list[list[int]]:
    """Return the counts of `COUNTED` for both ways."""
    case = Case.of(draw(law, seed))
    train, valid = case.trained()
    bands = bands_of_curves(case.model, selected(case.model, [train, valid]))
    return [
        _counts(equations, doubted(case, equations), bands)
        for equations in (
            symbolify(case.model, train, compose=0, bands=limits)
            for limits in ((), bands)
        )
    ]


def doubted(case: Case, equations: SymbolicModel) -> set[str]:
    """Features whose line could bend, or whose curve another family is as well."""
    process = case.process
    whole = np.ones(len(process), dtype=bool)
    scale = select(process).whitening.scale
    fit = EquationFit.of(equations, case.model, process)
    fit = replace(fit, theta=fit.refitted(whole, scale))
    residual = (process.values - fit.mean(fit.theta)) / scale
    memory = memory_in_rows(process, residual)
    bends = largest_bends(fit, scale, memory)
    return {feature for (feature, _), bend in bends.items() if bend > BEND} | {
        imitation.feature for imitation in imitations(fit, scale, memory)
    }


def _counts(
    equations: SymbolicModel, doubts: set[str], bands: Sequence[Band]
) -> list[int]:
    rows = {
        str(row["source"]): row
        for row in equations.edges.to_dict("records")
        if row["status"] != "dropped"
    }
    family = {name: str(row["family"]) for name, row in rows.items()}
    inside = {band.feature: ", ".join(families_inside(band)) for band in bands}
    counts = dict.fromkeys(COUNTED, 0)
    for k, curve in enumerate(CURVES):
        name = f"x{k + 1}"
        named = family.get(name, "")
        right = named in NAMES[curve]
        wrong = bool(named) and not right and named != "none"
        counts["right"] += right
        counts["right, doubted"] += right and name in doubts
        counts["wrong"] += wrong
        counts["wrong, doubted"] += wrong and name in doubts
        counts["wrong, alone"] += (
            wrong
            and not (named == "linear" and name in doubts)
            and not families_beside(
                rows[name] | {"families_inside": inside.get(name, "")}
            )
        )
        counts["no form"] += named == "none" and not right
        counts["lost"] += not named
    counts["sine named"] = int(family.get("x3") not in (None, "none"))
    return list(counts.values())
