"""Plainer forms of a formula: one step down at a time, refitted, as far as data allow."""

from collections.abc import Iterator, Sequence

import numpy as np

from symbolic.composition.decision.size import refitted, size
from symbolic.composition.fitting.edge_families import CIRCULAR, linear_columns
from symbolic.composition.fitting.model import Model, Node, Term, term_value
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.rewriting import rewritings
from symbolic.composition.search import ScoredModel, Search

Array = np.ndarray

SEARCHED_WITHIN = 15.0
"""Proposals of the search that far above its best are not looked at."""

ALLOWED_STEP = 4.0
"""Rise of BIC after which a walk to plainer forms is not continued."""

NOT_WORTH = 2.0
"""Units of BIC that are not worth a mention (Raftery 1995)."""

STEPS = 5  # of the walk, work limit under `benchmarks.recovery`
KEPT = 8  # forms that each step goes on from


def pool(search: Search, proposals: Sequence[ScoredModel]) -> list[ScoredModel]:
    """Refit proposals and everything plainer that is nearly as good.

    Returns:
        Models with criteria of Bayes, each structure once.
    """
    regression = search.regression
    best = min(scored.criterion for scored in proposals)
    reached: dict[object, ScoredModel] = {}
    front = [
        # from here on by BIC without the margins of the search, which are against curves
        refitted(regression, proposal.model)
        for proposal in proposals
        if proposal.criterion < best + SEARCHED_WITHIN
    ]
    for _ in range(STEPS + 1):
        fresh = [candidate for candidate in front if _improves(reached, candidate)]
        for candidate in fresh:
            reached[candidate.model.key] = candidate
        lowest = min(scored.criterion for scored in reached.values())
        walked = sorted(fresh, key=lambda scored: scored.criterion)[:KEPT]
        # A step may rise a little, because two steps together can fall: to drop a node and to
        # straighten what is left of it.
        front = [
            step
            for scored in walked
            for step in _steps(search, scored)
            if step.criterion < max(scored.criterion, lowest) + ALLOWED_STEP
        ]
        if not front:
            break
    return list(reached.values())


def _improves(reached: dict[object, ScoredModel], scored_model: ScoredModel) -> bool:
    earlier = reached.get(scored_model.model.key)
    return earlier is None or scored_model.criterion < earlier.criterion - 1e-6


def _steps(search: Search, scored_model: ScoredModel) -> Iterator[ScoredModel]:
    met, families = set(), {*search.families}
    if "quadratic" in families:
        families.add("square")  # a parabola too, whose vertex happens to be zero
    families.update(CIRCULAR)
    for model in plainer_models(search.regression, scored_model.model):
        allowed = all(term.family in families for term in model.terms())
        if search.budget.over():
            return
        if allowed and model.key not in met:
            met.add(model.key)
            yield refitted(search.regression, model)


def exchanged_curves(search: Search, best: ScoredModel) -> Iterator[ScoredModel]:
    """Yield a form with any other family in place of each of its curves, refitted.

    A search moves uphill, so that an equal family may never have been looked at.
    """
    for place in best.model.places():
        term = best.model.term(place)
        # a line is the plainest; an anchored factor has a form without offset, which other
        # families may lack
        if term.family == "linear" or _anchored(best.model, place):
            continue
        for named in search.names(best.model, place):
            if named.term.family != term.family and not search.budget.over():
                changed = best.model.with_term(place, named.term)
                yield refitted(search.regression, changed)


BENT = 0.5  # deviation of the sum inside a node of lines, to begin with
MOST_IN_A_NODE = 4  # features


def nodes_of_lines(search: Search, best: ScoredModel) -> Iterator[ScoredModel]:
    """Yield outer functions of one sum of lines of the features of a form, refitted.

    They have one constant more than the plane, and a search that goes from splines to
    names may pass them by where rows are few or remember each other.
    """
    regression, features = search.regression, best.model.features
    if not 2 <= len(features) <= MOST_IN_A_NODE or "linear" not in search.families:
        return
    columns = regression.columns
    if any(columns[i].period for i in features):
        return
    lines = tuple(Term(i, "linear", (1.0,)) for i in features)
    plane = refitted(regression, Model(lines)).model
    spread = max(
        float(np.std(sum(term_value(columns, t) for t in plane.additive))), 1e-9
    )
    for bend in (BENT / spread, -BENT / spread):
        inner = tuple(term.scaled(bend) for term in plane.additive)
        sign = float(np.sign(bend))
        # to first order each is the plane
        for node in (
            Node("exp", 1.0, (1 / bend,), inner),
            Node("log", 1.0, (1 / bend,), inner),
            Node("quadratic", sign, (0.5 / abs(bend),), inner),
        ):
            if node.kind in search.families and not search.budget.over():
                yield refitted(regression, Model(nodes=(node,)))


def plainer_models(regression: Regression, model: Model) -> Iterator[Model]:
    """Yield models that are one step plainer.

    A term is dropped, a curve straightened or made a parabola, the vertex of a parabola
    moved to zero, a node replaced by its sum, a factor loses its offset.
    """
    for place in model.places():
        yield model.with_term(place, None)
        term = model.term(place)
        for family in _plainer_families(term.family):
            bent = _as_polynomial(regression, term, family)
            if not _anchored(model, place):
                yield model.with_term(place, bent)
    yield from rewritings(regression, model)


def _anchored(model: Model, place: tuple[int, int]) -> bool:
    h, k = place
    return h >= 0 and model.nodes[h].kind == "product" and model.nodes[h].anchored[k]


def _plainer_families(family: str) -> tuple[str, ...]:
    if family in ("linear", "harmonic"):
        return ()
    if family == "harmonics":
        return ("harmonic",)
    if family == "square":
        return ("linear",)
    return ("linear", "square") if family == "quadratic" else ("linear", "quadratic")


def _as_polynomial(regression: Regression, term: Term, family: str) -> Term:
    """Least-squares line or parabola of a term as its start in that family."""
    # a start only: the refit follows
    values = term_value(regression.columns, term)
    columns = linear_columns(regression.columns[term.feature], family)
    design = np.column_stack([columns, np.ones(len(values))])
    coefficients = np.linalg.lstsq(design, values, rcond=None)[0]
    return Term(term.feature, family, tuple(coefficients[:-1].tolist()))


def plainest(forms: Sequence[ScoredModel]) -> ScoredModel:
    """Plainest form within two units of the best, with no more constants than it."""
    best = min(forms, key=lambda form: form.criterion)
    close = [
        form
        for form in forms
        if form.criterion <= best.criterion + NOT_WORTH
        and form.model.size <= best.model.size
    ]
    return min(close, key=lambda form: (size(form.model), form.criterion))
