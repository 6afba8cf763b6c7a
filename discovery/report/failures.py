"""Where the equation fails, in one sentence: the largest pattern of its residuals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import pstdev
from typing import Any

from sciren.inference.relationship import LEVEL
from visualize.labels import digits_within, interval, number, unit_behind

TRIFLE = 0.01  # of the observations' standard deviation: no reader would act on less
FEWEST = 4  # blocks of a group: the spread of fewer is hardly known


@dataclass(frozen=True)
class Departure:
    """Mean residual of a group of rows.

    Attributes:
        where: the group in words, such as ``"where ta is near 19 °C"``.
        mean, low, high: of observed less predicted, with a 95 % interval.
        p: probability of such a mean where nothing fails, of this group alone.
    """

    where: str
    mean: float
    low: float
    high: float
    p: float


def failures(views: Mapping[str, Any]) -> list[str]:
    """Return one sentence a target: where it fails most beyond chance, or that it does not.

    Args:
        views: content of ``views.json``; without residuals nothing is said.
    """
    rows = views.get("rows") or {}
    units, observed = rows.get("units", {}), rows.get("observed", {})
    sentences = []
    for target, along in (views.get("residuals") or {}).items():
        groups = [group for view in along for group in _departures(view)]
        if groups:
            least = TRIFLE * _deviation(observed.get(target, []))
            sentences.append(_sentence(target, groups, units.get(target, ""), least))
    return sentences


def _deviation(values: Sequence[float | None]) -> float:
    numbers = [value for value in values if value is not None]
    return pstdev(numbers) if numbers else 0.0


def _sentence(target: str, groups: list[Departure], unit: str, least: float) -> str:
    clear = [
        group
        for group in groups
        # Bonferroni over all groups of the target, and large enough that a reader would
        # act.
        if group.p * len(groups) < LEVEL and abs(group.mean) >= least
    ]
    if not clear:
        return (
            f"No clear pattern is seen in the residuals of {target}: in none of "
            f"{len(groups)} groups of rows is their mean away from zero by more than "
            f"chance and {100 * TRIFLE:g} % of the spread of {target}."
        )
    worst = max(clear, key=lambda group: abs(group.mean))
    side = "above" if worst.mean > 0 else "below"
    # Sizes of the limits: the sentence says the side in words.
    distance = sorted((abs(worst.low), abs(worst.high)))
    return (
        f"It fails most {worst.where}: there observed {target} is on average "
        f"{number(abs(worst.mean))}{unit_behind(unit)} {side} the "
        f"prediction (95 % {interval(*distance)})."
    )


def _departures(view: Mapping[str, Any]) -> Iterator[Departure]:
    from scipy.stats import t as student

    from sciren.inference.intervals.quantiles import NORMAL_95

    blocks = view.get("blocks") or []
    for k, count in enumerate(blocks):
        mean, low, high = (view[key][k] for key in ("mean", "low", "high"))
        if count < FEWEST or None in (mean, low, high) or high <= low:
            continue
        # The error back from the stored interval, then a t-test with blocks less one
        # degrees of freedom: few blocks have heavier tails than the normal limits say.
        error = (high - low) / (2 * NORMAL_95)
        p = 2 * float(student.sf(abs(mean) / error, count - 1))
        yield Departure(_where(view, k), mean, low, high, p)


def _where(view: Mapping[str, Any], k: int) -> str:
    x, name = view["x"][k], view["name"]
    if view.get("labels"):
        return f"where {name} is {view['labels'][k]}"
    if view["kind"] == "season":
        return f"in month {x:.0f}"
    if view["kind"] == "hour":
        return f"at {x:.0f} h"
    at = number(x, digits_within(min(view["x"]), max(view["x"])))
    return f"where {name} is near {at}{unit_behind(view['unit'])}"
