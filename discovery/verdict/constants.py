"""Constants of the process: which number to take, and what makes it doubtful."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from discovery.results.identification import WIDEST
from discovery.verdict.record import DOUBTED, Reason
from sciren.inference.identifiability.quantities import Identifiability, listed

if TYPE_CHECKING:
    from discovery.results.identification import Identification
    from discovery.uncertainty.record import Uncertainty
    from sciren.inference.selection import Selection

Row = dict[str, Any]

OPEN = 2 * WIDEST
"""Logarithm of high / low from which a constant is not identified; between one and two
times the width of an identified one it is so weakly."""


def by_fits(uncertainty: "Uncertainty") -> list[Reason]:
    """The recommended number of each constant, its width, and what it hangs on."""
    from discovery.uncertainty.constants import in_equations
    from sciren.inference.intervals.constants import SELECTED

    wide = too_wide(uncertainty)
    reasons = []
    for row in uncertainty.constants:
        if not row["recommended"]:
            continue
        name, shown = row["constant"], _range(row)
        # Four cases: another value in the equations, too wide to take, sound, and
        # different between the two sets of features.
        apart = in_equations(uncertainty.constants, str(name))
        if not row["depends"] and (apart is not None or name in wide):
            reasons += [_two_answers(row, apart)] if apart is not None else []
            reasons += [_wide(row)] if name in wide else []
            continue
        if not row["depends"]:
            sentence = (
                f"{name} is {shown}, with what the choice of features adds to its error"
            )
            reasons.append(Reason("identified", name, True, sentence, rank=7))
            continue
        # The same constant believed with the selected features only: the reader sees
        # both numbers, because which of them is right is a question of the process, not
        # of the fit.
        other = next(
            row
            for row in uncertainty.constants
            if row["constant"] == name and row["method"] == SELECTED
        )
        sentence = (
            f"{name} depends on the features: {shown} with all that it could need "
            f"(take this), {_range(other)} if only the selected ones act"
        )
        step = "Decide by knowledge of the process which features may act, and offer no others"
        reasons.append(
            Reason("identified", name, False, sentence, row["estimate"],
                   other["estimate"], step, rank=2)
        )  # fmt: skip
    return reasons


def _two_answers(row: Mapping[str, Any], other: Mapping[str, Any]) -> Reason:
    """Say that the equations hold a value that the recommended interval leaves out."""
    name = str(row["constant"])
    sentence = (
        f"{name} has two answers: {_range(row)} with what the choice of features adds "
        f"(take this), {_range(other)} in the equations"
    )
    step = (
        f"Give {name} a bound or a value from elsewhere, or offer only features that may "
        "act by knowledge of the process"
    )
    return Reason(
        "identified", name, False, sentence, row["estimate"], other["estimate"], step,
        rank=2,
    )  # fmt: skip


def too_wide(uncertainty: "Uncertainty") -> set[str]:
    """Return the positive constants that are known within no factor of two."""
    logs = dict(zip(uncertainty.names, uncertainty.in_logs, strict=True))
    return {
        str(row["constant"])
        for row in uncertainty.constants
        # A factor has a meaning for positive constants only, which are fitted as
        # logarithms.
        if row["recommended"] and logs[row["constant"]] and _log_width(row) > WIDEST
    }


def _wide(row: Mapping[str, Any]) -> Reason:
    """Say how wide the interval of a positive constant is."""
    name, width = str(row["constant"]), _log_width(row)
    word = "not identified" if width >= OPEN else "identified only weakly"
    # exp(20) is 5e8: beyond it a factor tells no more than that the interval reaches
    # zero, and exp would overflow from 710 on.
    factor = math.exp(width) if width < 20 else math.inf
    wide = "reaches zero" if math.isinf(factor) else f"spans a factor of {factor:.3g}"
    sentence = (
        f"{name} is {word}: {_range(row)} {wide}, what the choice of features adds included "
        "(limit 2)"
    )
    step = (
        f"Give {name} a bound or a value from elsewhere, offer fewer features that could "
        "take its part, or add rows"
    )
    return Reason(
        "identified", name, False, sentence, factor, math.exp(WIDEST), step, rank=3
    )


def _log_width(row: Mapping[str, Any]) -> float:
    """Logarithm of high / low of an interval; infinite where it reaches zero."""
    low, high = float(row["low"]), float(row["high"])
    return math.log(high / low) if low > 0 else math.inf


def by_smoothness(
    walked: Identifiability, uncertainty: "Uncertainty | None"
) -> list[Reason]:
    """Constants that free curves leave open and smooth ones pin down."""
    if uncertainty is None or any(
        combination.freedom for combination in walked.combinations
    ):
        return []  # what a change of scale leaves open, no smoothness can hold
    reasons = []
    for quantity in walked.quantities:
        row = uncertainty.recommended(quantity.name)
        # Told only where the two disagree: free curves leave it open, the interval
        # (which assumes smooth and additive curves) is short.
        if quantity.status == "identified" or row is None or not _short(row):
            continue
        sentence = (
            f"{quantity.name} is {_range(row)} only because curves are taken to be smooth "
            "and to add up; free curves do not hold it"
        )
        step = (
            f"Offer fewer features that could take the part of {quantity.name}, or give "
            "it a value from elsewhere"
        )
        reasons.append(
            Reason("identified", quantity.name, False, sentence, next_step=step, rank=3)
        )
    return reasons


def _short(row: Mapping[str, Any]) -> bool:
    """Whether an interval alone would count as identifying its constant."""
    low, high = float(row["low"]), float(row["high"])
    if low > 0:
        return _log_width(row) < WIDEST
    # An interval that reaches zero or below has no ratio; it must be shorter than the
    # value.
    return math.isfinite(high - low) and high - low < abs(float(row["estimate"]))


def _range(row: Mapping[str, Any]) -> str:
    from visualize.labels import interval

    return f"{row['estimate']:.4g} (95 % {interval(row['low'], row['high'])})"


def by_profile(
    constants: Sequence[Row], walked: Identifiability, said: Iterable[str] = ()
) -> list[Reason]:
    """Constants whose profile or interval says that they are not identified.

    Args:
        constants: rows of `Discovery.process_constants`.
        walked: what it doubts is told there, with what settles it.
        said: other constants whose doubt is told already.
    """
    # One doubt a constant: the walk says it with its remedy, so it is not said twice.
    known = {
        quantity.name
        for quantity in walked.quantities
        if quantity.status != "identified"
    }
    reasons = []
    for row in constants:
        name = str(row["constant"])
        if row["identified"] or name in known or name in said:
            continue
        if str(row["reason"]).startswith(DOUBTED):
            continue  # what an earlier verdict said is asked again, not quoted
        sentence = f"{name} is not identified: {row['reason']}"
        step = (
            f"Give {name} a bound or a value from elsewhere, or offer fewer features that "
            "could take its part"
        )
        reasons.append(
            Reason("identified", name, False, sentence, next_step=step, rank=3)
        )
    return reasons


def by_minima(selection: "Selection | None") -> list[Reason]:
    """Constants with several minima that the data hardly tell apart."""
    from sciren.inference.minima import NEAR, two_minima

    if selection is None:
        return []
    step = (
        "Give it a bound that leaves one of them, or offer fewer features that could take "
        "its part"
    )
    # Rise of chi-square from the best to the nearest other minimum, the number held
    # against NEAR.
    rise = min((minimum.rise for minimum in selection.minima), default=0.0)
    subject = listed(
        list(dict.fromkeys(minimum.constant for minimum in selection.minima))
    )
    return [
        Reason("identified", subject, False, sentence, rise, NEAR, step, rank=2)
        for sentence in two_minima(selection.minima, selection.fit)
    ]


def by_features(profiles: "Sequence[Identification]") -> list[Reason]:
    """Constants whose interval with the kept features leaves out that with all."""
    from discovery.results.identification import KEPT, OFFERED

    reasons = []
    for profile in profiles:
        if profile.model != KEPT:
            continue
        for other in profiles:
            if other.model != OFFERED or other.constant != profile.constant:
                continue
            # Two intervals that overlap do not contradict each other.
            if profile.low <= other.high and other.low <= profile.high:
                continue
            sentence = (
                f"{profile.constant} depends on the features: {_interval(profile)} with the kept "
                f"ones, {_interval(other)} with all that were offered"
            )
            step = (
                "Report both; decide by knowledge of the process which features may act, "
                "and offer no others"
            )
            reasons.append(
                Reason(
                    "identified", profile.constant, False, sentence, other.estimate,
                    profile.estimate, step, rank=2,
                )
            )  # fmt: skip
    return reasons


def _interval(identification: "Identification") -> str:
    return f"{identification.estimate:.3g} ({identification.low:.3g} to {identification.high:.3g})"
