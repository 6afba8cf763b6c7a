"""The judge: it knows the truth, sympy and arithmetic, and nothing of any search."""

from dataclasses import dataclass

import numpy as np
import sympy

from benchmarks.cases.case import Formula
from benchmarks.cases.scoring import score
from benchmarks.hidden.cases import HiddenCase, observed
from benchmarks.hidden.methods import Answer
from benchmarks.hidden.processes import PROCESSES
from sciren.agreement import r2

MOST_IN_A_SET = 3  # forms in an answer of several that is still an answer


@dataclass(frozen=True)
class Judgement:
    """What is right about an answer.

    Attributes:
        exact: true form, its constants and those of the process within 5 %.
        form: true form named alone.  in_set: alone, or among at most three.
        accepted: the method stands by one form.  wrong: accepted, and it is not the truth.
        covered: whether the 95 % interval of the process constant holds it; nan without.
        r2: of the target on fresh rows without noise.
    """

    exact: bool
    form: bool
    in_set: bool
    accepted: bool
    wrong: bool
    covered: float
    r2: float
    how: str


def judged(hidden: HiddenCase, answer: Answer) -> Judgement:
    """Judge an answer."""
    case, found = hidden.case, answer.found
    scored = score(case, found.expression, found.constants)
    few = found.several <= MOST_IN_A_SET
    beside = few and any(
        score(case, equal, found.constants).form for equal in found.equals
    )
    named = found.accepted or found.several > 0
    # a constant latent is right where the method says that there is nothing to find
    alone = scored.form and (found.accepted or not case.used)
    return Judgement(
        exact=scored.exact and alone,
        form=alone,
        in_set=alone or (named and few and (scored.form or beside)),
        accepted=found.accepted,
        wrong=found.accepted and not scored.form,
        covered=_covered(hidden, answer),
        r2=_fresh_r2(hidden, answer),
        how=scored.how,
    )


def _covered(hidden: HiddenCase, answer: Answer) -> float:
    held = [
        low <= hidden.case.constants[name] <= high
        for name, (low, high) in answer.found.intervals.items()
        if name in hidden.case.constants
    ]
    return float(np.mean(held)) if held else float("nan")


def _fresh_r2(hidden: HiddenCase, answer: Answer) -> float:
    """R2 on fresh rows, of what the method predicts or of its formula and constants."""
    predicted = answer.predicted
    if predicted is None and answer.found.expression is not None:
        predicted = _from_formula(hidden, answer.found.expression, answer)
    if predicted is None or not np.isfinite(predicted).all():
        return float("nan")
    return r2(hidden.clean, predicted)


def _from_formula(
    hidden: HiddenCase, expression: Formula, answer: Answer
) -> np.ndarray | None:
    process = next(p for p in PROCESSES if p.name == hidden.stratum.process)
    if set(answer.found.constants) < set(hidden.case.constants):
        return None
    names = [sympy.Symbol(name) for name in hidden.case.names]
    plain = expression.xreplace(
        {s: sympy.Symbol(s.name) for s in expression.free_symbols}
    )
    with np.errstate(all="ignore"):
        latent = sympy.lambdify(names, plain, "numpy")(*hidden.features.T)
        latent = np.broadcast_to(latent, hidden.clean.shape).astype(float)
        # outside its bounds a process is not defined: the nearest latent that it knows
        bounds = process.decoder.parameters[process.decoder.latent_names[0]]
        held = np.clip(latent, max(bounds.low, 1e-9), bounds.high)
        return observed(process, held, answer.found.constants, hidden.forcings)
