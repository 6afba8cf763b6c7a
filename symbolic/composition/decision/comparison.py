"""Forms and curves that the data cannot tell from the one in front.

A form of the class stands beside it where BIC is within four units, a curve of another
family or another outer function of a node as well. Of many such forms the credible ones
are named: those that hold nine tenths of the weight exp(-BIC / 2), the form in front
always among them.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp

import numpy as np

from symbolic.composition.decision.open_lines import BEND, TURN, open_lines
from symbolic.composition.decision.outer_rivals import outer_rivals
from symbolic.composition.decision.record import (
    AS_GOOD_WITHIN,
    REFUTES,
    Decision,
    Rival,
)
from symbolic.composition.decision.rivals import rivals
from symbolic.composition.decision.size import curved, size
from symbolic.composition.fitting.levenberg import model_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.gate import ROUNDING
from symbolic.composition.search import ScoredModel

EQUAL_SIZE = 2.6  # how much larger a form may be that stands beside a plainer one
MOST_EQUALS = 4  # shown: five forms in one answer say that there is none
SAME = 0.02  # of the residual: two ways of writing one function differ by less

CREDIBLE = 0.9
"""Weight of the forms that are named, of all that fit equally well. Forms three units behind
three equals are left out, and of two forms within four units none ever is."""


def compared(
    regression: Regression,
    forms: Sequence[ScoredModel],
    pick: ScoredModel,
    names: Sequence[str],
) -> Decision:
    """Put other forms and curves beside the pick, or in its place."""
    equals = _equals(regression, forms, pick)
    # curves outside the allowed families that do as well, or other outer functions
    beside = tuple(
        rival
        for search in (rivals, outer_rivals)
        for rival in search(regression, pick.model, pick.rss)
        if rival.as_good
    )
    best = max(beside, key=lambda rival: rival.gain, default=None)
    # a better curve that the user did not allow refutes
    # the form; an equal one only stands beside it
    if best is not None and best.gain > REFUTES:
        of = " and ".join(names[i] for i in best.features)
        reason = (
            f"a {best.family} of {of} fits better than the families "
            f"that were allowed (BIC {best.gain:.1f} lower)"
        )
        step = "add a family that holds such a curve, or use the curve itself"
        return Decision("refused", reason, step, rivals=beside)
    equals, beside = _credible(pick, equals, beside)
    bent = _open_beside(regression, pick, equals, beside)
    step = "rows where these forms part, or less noise; until then name all of them"
    if not equals and not beside:
        # a form that would be named alone must not rest on lines that may be curves
        open_or_none = bent or open_lines(regression, pick.model, pick.rss, degree=3)
        if open_or_none is not None:
            of = " and ".join(names[i] for i in open_or_none.features)
            shape, limit = ("a bow", BEND) if bent else ("an S", TURN)
            reason = f"{shape} of {of} by {limit:.0%} of its spread would not show"
            return Decision("not distinguishable", reason, step, rivals=(open_or_none,))
    beside += () if bent is None else (bent,)
    if equals or beside:
        reason = f"{1 + len(equals) + len(beside)} forms fit equally well"
        return Decision("not distinguishable", reason, step, equals, beside)
    return Decision("found")


def _credible(
    pick: ScoredModel, equals: Sequence[ScoredModel], beside: Sequence[Rival]
) -> tuple[tuple[ScoredModel, ...], tuple[Rival, ...]]:
    """Return the equals and rivals that hold, with the pick, most of the weight."""
    falls = [pick.criterion - form.criterion for form in equals]
    falls += [rival.gain for rival in beside]
    weights = [exp(fall / 2) for fall in falls]
    held, total, kept = 1.0, 1.0 + sum(weights), set()
    for k in sorted(range(len(weights)), key=lambda k: -weights[k]):
        if held >= CREDIBLE * total:
            break
        held += weights[k]
        kept.add(k)
    count = len(equals)
    return (
        tuple(form for k, form in enumerate(equals) if k in kept),
        tuple(rival for k, rival in enumerate(beside, start=count) if k in kept),
    )


def _open_beside(
    regression: Regression,
    pick: ScoredModel,
    equals: Sequence[ScoredModel],
    beside: Sequence[Rival],
) -> Rival | None:
    """Return a curve in place of lines whose bend would not show and is not named already."""
    bent = open_lines(regression, pick.model, pick.rss)
    if bent is None:
        return None
    named = {i for rival in beside for i in rival.features}
    named |= {t.feature for form in equals for t in form.model.terms() if curved(t)}
    features = tuple(i for i in bent.features if i not in named)
    return replace(bent, features=features) if features else None


def _equals(
    regression: Regression, forms: Sequence[ScoredModel], pick: ScoredModel
) -> tuple[ScoredModel, ...]:
    """Other forms that stand beside the pick, plainest first."""
    limit = size(pick.model) + EQUAL_SIZE
    beside: list[ScoredModel] = []
    for form in sorted(
        forms, key=lambda scored: (size(scored.model), scored.criterion)
    ):
        # Equals are no larger; a form with one constant
        # more counts where it pays for it by BIC.
        more = form.model.size - pick.model.size
        above = form.criterion - pick.criterion
        close = more <= 0 and size(form.model) <= limit and above <= AS_GOOD_WITHIN
        if (close or (more == 1 and above < 0)) and not any(
            _same(regression, form, known) for known in (pick, *beside)
        ):
            beside.append(form)
    return tuple(beside[:MOST_EQUALS])


def _same(regression: Regression, first: ScoredModel, second: ScoredModel) -> bool:
    """Whether two forms are one function, written in two ways."""
    weight = regression.weight
    values = [
        regression.without(model_value(regression, form.model) * weight)
        for form in (first, second)
    ]
    apart = float(np.sum((values[0] - values[1]) ** 2))
    size_of_target = float(regression.target @ regression.target)
    # on exact data the residual is rounding, and so is the smallest difference that can count
    return apart <= max(
        SAME**2 * max(first.rss, second.rss), ROUNDING**2 * size_of_target
    )
