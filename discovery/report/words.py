"""What the words of the report mean: titles of table heads and its glossary."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from discovery.verdict.record import Verdict

WORDS: dict[str, str] = {
    # scores
    "target": "What was observed and is predicted.",
    "perceptron": "A small neural network that may do anything, for comparison.",
    "constant latents": "The process model with every latent held constant.",
    "the mean": "That of the target in the training rows.",
    "network": "The network of curves that the equation was read from.",
    "equation": "The equation of this report.",
    "equation, groups at their modes": "The equation with what groups of the training "
    "deviate from it.",
    "deviation": "How a group differs from what its features say.",
    "spread": "Standard deviation of the deviations u of groups.",
    "shrinkage": "How much of the deviations the series do not tell: near one they say "
    "little of a group of its own.",
    "law": "Whether groups deviate by factors or by amounts.",
    "curve of the state": "The process model with a free curve of its state.",
    "model": "What predicts: the equation, the network it was read from, or a baseline.",
    "R²": "Share of the variance of the observations that is explained; 1 is perfect, "
    "0 is no better than their mean.",
    "RMSE": "Root of the mean squared difference, in the unit of the target.",
    "MAE": "Mean absolute difference, in the unit of the target.",
    "KL": "Divergence between the distributions; 0 where they are the same.",
    "train": "Rows that the curves were learned from.",
    "valid": "Rows that chose features and equations.",
    "test": "Rows that chose nothing: the honest numbers.",
    "split": "Which rows: learned from, chosen with, or kept apart.",
    "n": "Number of observed rows.",
    "rows": "Number of observed rows.",
    "bias": "Mean of predicted less observed.",
    "median": "In the middle of the groups: half of them have more.",
    "NSE": "Nash-Sutcliffe efficiency: R² of a free run of one group; 0 is no better than "
    "its mean.",
    "KGE": "Kling-Gupta efficiency: correlation, spread and mean in one; 1 is perfect.",
    "part": "Which rows, or which question of the verdict.",
    "group": "Site, or whatever the rows were grouped by.",
    # constants
    "constant": "A number that is one for all rows.",
    "latent": "A hidden quantity that the equation predicts for each row.",
    "source": "The feature that a constant belongs to.",
    "estimate": "Best value, with one standard error.",
    "error": "One standard error.",
    "95 % from": "Lower end of the range that holds the value in 95 of 100 repetitions.",
    "95 % to": "Upper end of the range that holds the value in 95 of 100 repetitions.",
    "unit": "Physical unit.",
    "method": "How the interval was found.",
    "identified": "Whether the data determine it, whatever else is let free.",
    "reason": "Why.",
    "recommended": "Whether this is the number to take.",
    "depends": "Whether the number changes with the choice of features.",
    "profile of": "Which features the encoder had while the constant was held.",
    "minima": "Values at which the loss is lowest; in brackets how much it is above.",
    "meaning": "What is meant.",
    # edges
    "edge": "One learned function, from a feature to a latent.",
    "importance": "Share of the edge in the variation of its latent.",
    "family": "Kind of closed form: linear, exp, ...",
    "formula": "The closed form with its numbers, in raw units.",
    "gap": "How much worse the next family is (difference in BIC): below 5 the data "
    "cannot tell them apart.",
    "range": "Values of the feature in the training rows; beyond it is extrapolation.",
    "note": "What a reader must know beside the numbers.",
    "asked": "What tests say of the edge: kept, undecided or excluded.",
    "inclusion": "Share of resamples of the rows that kept the edge.",
    # verdict and checks
    "about": "What was asked about.",
    "answer": "Whether it holds.",
    "number": "What was measured.",
    "limit": "What the number is held against.",
    "next step": "What to do about it.",
    "check": "What was compared.",
    "tolerance": "The largest difference that passes.",
    "detail": "Where the difference is largest.",
    "result": "PASS where the number is inside its tolerance.",
    # candidates
    "selected": "The equation that this report is about.",
    "complexity": "Number of operations, constants and variables of the formulas.",
    "loss": "Mean squared difference from the observations, on the scale of the fit.",
    "score": "Drop of the logarithm of the loss for each further node: high where a "
    "little complexity helps much.",
    "label": "Families of the edges.",
    # data
    "column": "Name in the data.",
    "outside": "Share of validation and test rows beyond the training rows.",
}
"""Heading -> one sentence; headings of several words are explained by their words."""

BELIEF: dict[str, str] = {
    "supported": "Faithful, skilful and identified: the three questions have good answers.",
    "partly supported": "Faithful and better than constants, but something is missing or "
    "open; each doubt is named.",
    "not supported": "The equation is not the network, claims nothing, or does not beat "
    "constants.",
    "faithful": "The equation says what the network says.",
    "skilful": "It predicts data that chose nothing in it better than constants do, and "
    "as well as a flexible model.",
    "residual": "Observed less predicted.",
    "band": "A range that holds the whole curve with 95 %.",
}


BROKEN = {
    "faithful": "the equation is not the network",
    "skilful": "it is not shown to predict better than constants do",
    "identified": "the data do not hold it",
}


def headline_told(verdict: "Verdict") -> str:
    """Return what a headline means here: of "not supported" only what applies."""
    broken = [
        words
        for part, words in BROKEN.items()
        if any(r.part == part and r.fatal and not r.holds for r in verdict.reasons)
    ]
    if not broken:
        return BELIEF[verdict.headline]
    sentence = " and ".join(broken)
    return f"{sentence[0].upper()}{sentence[1:]}."


def explained(heading: str) -> str:
    """Return the sentences that explain a heading, or ''.

    ``"R² test"`` is explained by ``"R²"`` and ``"test"``.
    """
    known_words = BELIEF | WORDS
    if heading in known_words:
        return known_words[heading]
    parts = heading.split()
    # half an explanation is a wrong one: of "n constants" it would be that of n
    if not all(part in WORDS for part in parts):
        return ""
    return " ".join(WORDS[part] for part in parts)


MODELS = {
    "equation": "equation",
    "network": "network",
    "constant latents": "constant latents",
    "mlp": "perceptron",
}
"""What predicts, the equation first: name in the scores -> name for readers."""


def model_names(*, plain: bool) -> dict[str, str]:
    """Return `MODELS`; without a process model its constant latents are the mean."""
    return MODELS | {"constant latents": "the mean"} if plain else MODELS


def glossary(headings: Iterable[str], models: Iterable[str]) -> list[tuple[str, str]]:
    """Return word and sentence of everything that occurs, in the order of the alphabet."""
    used = BELIEF | {name: WORDS[name] for name in models if name in WORDS}
    for heading in headings:
        parts = [heading] if heading in WORDS else heading.split()
        used |= {part: WORDS[part] for part in parts if part in WORDS}
    return sorted(used.items(), key=lambda pair: pair[0].lower())
