"""How plain a formula is, and how much the data can say about it."""

from symbolic.composition.fitting.levenberg import Fit, fit
from symbolic.composition.fitting.model import Model, Term
from symbolic.composition.fitting.regression import Regression
from symbolic.composition.search import ScoredModel
from symbolic.terms.criterion import Size, criterion

CURVES = {
    "linear": 0.0, "square": 0.5, "quadratic": 1.0, "exp": 2.0, "log": 2.0, "michaelis_menten": 2.0,
    "reciprocal": 2.0, "arrhenius": 2.0, "abs": 2.5, "threshold": 2.5,
    "harmonic": 1.0, "harmonics": 1.0,
}  # fmt: skip
"""Size of a curve beside its feature and constants: a kink or a pole needs more of the
data to be believed than a square (order after the measured rule, 49 cases)."""

NODES = {"product": 1.0, "quadratic": 1.0, "exp": 2.0, "log": 2.0, "abs": 2.5}

FEATURE, CONSTANT = 1.0, 1.0

INFORMATIVE = 4e5
"""Rows times signal over noise variance above which even smooth imitations show in the
residual: 2,000 rows with 5 % noise hold twice as much, 400 rows with 5 % less than half."""


def size(model: Model) -> float:
    """Size of a formula: features, constants, curves and nodes, weighted."""
    terms = model.terms()
    curves = sum(CURVES.get(term.family, 3.5) for term in terms)
    nodes = sum(NODES[node.kind] for node in model.nodes)
    return FEATURE * len(terms) + CONSTANT * model.size + curves + nodes


def bayes(regression: Regression, model: Model, rss: float) -> float:
    """Bayesian information criterion, without the margins of the search.

        n log(rss / N) + k log n

    with N rows, of which n know nothing of each other. Reference: Schwarz 1978.
    """
    # The offset and the columns of process constants are fitted as well.
    constants = model.size + regression.linear_size
    mean = rss / len(regression)
    return criterion(regression.information, mean, Size(constants, 0.0))


def refitted(regression: Regression, model: Model, iterations: int = 30) -> ScoredModel:
    """Refit a model and score it by BIC, without the margins of the search.

    Args:
        model: structure and start; the constant model (no terms) has only its offset.
        iterations: most steps.
    """
    result: Fit = fit(regression, model, iterations)
    value = bayes(regression, result.model, result.rss)
    return ScoredModel(
        result.model, result.rss, criterion=value, converged=result.converged
    )


def information(regression: Regression, rss: float) -> float:
    """Independent rows times explained over unexplained variance."""
    total = float(regression.target @ regression.target)
    return regression.information * max(total - rss, 0.0) / max(rss, 1e-300)


def curved(term: Term) -> bool:
    """Whether a term bends."""
    return term.family != "linear"
