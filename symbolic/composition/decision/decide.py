"""Decide what may be said about the proposals of a search.

1. proposals and everything plainer that is nearly as good; the best of them with any
   other family in place of each curve;
2. kinks need rows on both sides;
3. the plainest form within two units of BIC of the best, with no more constants;
4. a constant in that place: nothing to find; so is a form that explains little and does
   not predict the half of the rows that did not choose it;
5. curves that the families do not hold are tried in place of each curve: a much better
   one refuses the form, an equal or slightly better one is named beside it;
6. a curve patched together is refused, unless the data would show any imitation;
7. the features must not say anything about the residual;
8. other forms that the data cannot tell from it stand beside it, and so does a curve in
   place of a line whose bend these rows could not show.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sciren.inference.relationship import LEVEL, relationship
from symbolic.composition.blocks import memory_of
from symbolic.composition.decision.comparison import compared
from symbolic.composition.decision.confirmation import confirmation, is_doubtful
from symbolic.composition.decision.record import Decision
from symbolic.composition.decision.simpler import (
    exchanged_curves,
    nodes_of_lines,
    plainest,
    pool,
)
from symbolic.composition.decision.size import INFORMATIVE, information, refitted
from symbolic.composition.decision.support import patchwork, supported
from symbolic.composition.finding import Finding, judge_of
from symbolic.composition.fitting.levenberg import model_value
from symbolic.composition.fitting.model import Evaluator, Model
from symbolic.composition.fitting.regression import Budget, Regression
from symbolic.composition.gate import Gate
from symbolic.composition.search import ScoredModel, Search
from symbolic.composition.settings import Settings

Array = np.ndarray

PROPOSALS = 12  # forms that the walk to plainer ones begins with
LEFTOVER_LEVEL = 0.01  # refuses one right form in a hundred (`benchmarks.recovery`)
SHARE_OF_BUDGET = 0.1  # of the work that the search was given

DICTIONARY, ASKED = 13, 2e-6
"""Columns beside the features, and seconds for each row and column, of a test for a relation:
150 to 5,000 rows of 3 to 10 features take 22 to 50 microseconds a row."""

UNSUPPORTED = Decision(
    "refused",
    "a kink, step or steep end has fewer than ten rows, or 5 %, on one side",
    "more rows beyond it, or leave out its family",
)


def decide(
    finding: Finding, settings: Settings, budget: Budget, names: Sequence[str]
) -> Finding:
    """Return the finding with the form that may be told in front and what is said of it.

    Args:
        finding: of a search; its regression may be that of a process, linearised.
        settings: families, seed and blocks of the search.
        budget: of the search.
        names: of the features.
    """
    regression = finding.regression
    if not finding.verdict.accepted and _informative(regression, finding.best):
        return finding  # data that good show what is missing, and the gate has said it
    memory = memory_of(regression, _residual(regression, finding.best), settings.blocks)
    regression = replace(regression, memory=memory)
    finding = replace(finding, regression=regression)
    # work of its own: the search may have spent all of its budget
    work = Budget(max(SHARE_OF_BUDGET * budget.seconds, 0.5), regression.work)
    search = Search(regression, settings.families, work)
    forms = pool(search, finding.candidates[:PROPOSALS])
    standing = [form for form in forms if supported(regression, form)]
    if not standing:
        return replace(finding, decision=UNSUPPORTED)
    # The walk only goes down from proposals; equals of
    # the best in another family are looked at on purpose.
    standing += [
        form
        for exchange in (exchanged_curves, nodes_of_lines)
        for form in exchange(search, plainest(standing))
        if supported(regression, form)
    ]
    pick = plainest(standing)
    finding = _in_front(finding, settings, pick)
    unfounded = _unfounded(finding, settings, budget)
    if unfounded is not None:
        # what is told then is the constant, with its spread
        decision, pick = unfounded, refitted(regression, Model())
        finding = _in_front(finding, settings, pick)
    else:
        decision = _doubts(finding, settings, names) or compared(
            regression, standing, pick, names
        )
    return replace(
        finding, decision=replace(decision, explained=_explained(regression, pick))
    )


def _unfounded(finding: Finding, settings: Settings, budget: Budget) -> Decision | None:
    """Say where the form in front is no better than a constant."""
    pick = finding.best
    if not pick.model.places():
        return nothing("a constant does as well as any formula")
    if not is_doubtful(finding.regression, pick):
        return None
    p_value = confirmation(finding, settings, budget)
    if p_value <= LEVEL:
        return None
    return nothing(
        "the formula of one half of the rows predicts the other half no better than a "
        f"constant (p = {p_value:.2g})"
    )


def nothing(reason: str) -> Decision:
    """Say that there is no relation, or none that these data could show."""
    step = "more rows or less noise, or features that act on it"
    return Decision("nothing to find", reason, step)


def without_relation(regression: Regression, settings: Settings) -> Finding | None:
    """Return a constant where the features say nothing about the target, else None."""
    constant = Model()
    p_value = missing(regression, constant, settings)
    if p_value <= LEVEL:
        return None
    memory = memory_of(regression, regression.target, settings.blocks)
    regression = replace(regression, memory=memory)
    form = refitted(regression, constant)
    left = float(np.sqrt(form.rss / len(regression)))
    gate = Gate(0.0, np.nan, np.nan, left, 0.0, None, False)
    reason = f"no relation between the features and the target (p = {p_value:.2g})"
    return Finding(regression, (form,), gate, 0, decision=nothing(reason))


def _in_front(finding: Finding, settings: Settings, pick: ScoredModel) -> Finding:
    others = [
        candidate
        for candidate in finding.candidates
        if candidate.model.key != pick.model.key
    ]
    verdict = judge_of(finding.regression, settings)(pick.model)
    return replace(finding, candidates=(pick, *others), verdict=verdict)


def _informative(regression: Regression, form: ScoredModel) -> bool:
    return information(regression, form.rss) >= INFORMATIVE


def _residual(regression: Regression, form: ScoredModel) -> Array:
    fitted = model_value(regression, form.model) * regression.weight
    return regression.target - regression.without(fitted)


def _explained(regression: Regression, form: ScoredModel) -> float:
    total = float(regression.target @ regression.target)
    return 1.0 - form.rss / total if total > 0 else 0.0


def _doubts(
    finding: Finding, settings: Settings, names: Sequence[str]
) -> Decision | None:
    """Reasons to refuse the form in front that are not those of the gate."""
    regression, pick = finding.regression, finding.best
    patched = patchwork(pick.model)
    if patched and not _informative(regression, pick):
        which = " and ".join(names[i] for i in patched)
        reason = f"the curve of {which} is patched together: a description, no equation"
        step = "more rows or less noise, or a family that holds the curve"
        return Decision("refused", reason, step)
    p_value = missing(regression, pick.model, settings)
    if p_value < LEFTOVER_LEVEL:
        reason = (
            f"the features still say something about the residual (p = {p_value:.2g})"
        )
        step = "allow more families or a second node, or look at the residual"
        return Decision("refused", reason, step)
    return None


def missing(regression: Regression, model: Model, settings: Settings) -> float:
    """Return the p-value of a relation between the features and the residual of a form.

    Args:
        model: fitted form; what its constants would take up of a relation is no evidence.
        settings: groups of rows that are exchanged together, and seed of the exchanges.
    """
    evaluator = Evaluator(regression.columns, model)
    # The residual is free of what the constants took up. With the tangents of all constants as
    # nuisance, the test knows this and does not find the fit itself.
    value, tangent = evaluator.value_jacobian(model.pack())
    weight = regression.weight
    residual = regression.target - regression.without(value * weight)
    if float(residual @ residual) <= 1e-10 * len(residual):
        return 1.0  # rounding
    nuisance = np.hstack((regression.projected, tangent * weight[:, None]))
    regression.work.add_linear(
        len(regression), DICTIONARY + len(regression.columns), ASKED
    )
    test = relationship(
        np.stack([column.z for column in regression.columns], axis=1),
        residual,
        groups=settings.blocks,
        nuisance=nuisance,
        slope=weight if regression.weighted else None,
        # a constant leaves the target, whose rows may change places; residuals of rows that
        # differ in weight keep theirs, because their size may go with it
        residuals=bool(model.places()) or regression.weighted,
        seed=settings.seed,
    )
    return test.p_value
