"""Methods under one interface: a case and a budget in, an answer out.

compose    symbolic.compose on the data alone
estimator  ScIReNRegressor: a network, its equations, and its verdict
operon     a black box through the process, then Operon on its latents
pykan      a pykan network through the process, pruned, auto_symbolic, refitted
boosting   gradient boosting of the target on features and forcings: no formula, but
           how much of the target can be predicted without knowing the process
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks import peers
from benchmarks.cases import Case
from benchmarks.estimator_runner import estimated
from benchmarks.hidden.cases import HiddenCase
from benchmarks.peers import Found


@dataclass(frozen=True)
class Answer:
    """What a method returns.

    Args:
        found: formula of the latent, constants with intervals, other forms, a refusal.
        predicted: (n,) target on the fresh rows; None: that of the formula.
    """

    found: Found
    predicted: np.ndarray | None = field(default=None, repr=False)


Method = Callable[[HiddenCase, float], Answer]


def on_cases(method: peers.Method) -> Method:
    """Return a method of plain cases as one of hidden cases."""
    return lambda hidden, budget: Answer(method(hidden.case, budget))


def timed(method: Method, hidden: HiddenCase, budget: float) -> Answer:
    """Run a method and measure its CPU seconds; what it raises is a refusal."""
    kept: list[Answer] = []

    def inside(case: Case, seconds: float) -> Found:
        kept.append(method(hidden, seconds))
        return kept[0].found

    found = peers.timed(inside, hidden.case, budget)
    return Answer(found, kept[0].predicted if kept else None)


def boosting(hidden: HiddenCase, budget: float) -> Answer:
    """Predict the target from features and forcings; nothing is said of the latent."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    case = hidden.case
    model = HistGradientBoostingRegressor(random_state=0)
    model.fit(np.column_stack([case.features, *case.forcings.values()]), case.target)
    fresh = np.column_stack([hidden.features, *hidden.forcings.values()])
    return Answer(Found(None, False, "names no formula"), model.predict(fresh))


METHODS: dict[str, Method] = {
    "compose": on_cases(peers.ours),
    "estimator": on_cases(estimated),
    "operon": on_cases(peers.operon),
    "pykan": on_cases(peers.pykan),
    "boosting": boosting,
}
