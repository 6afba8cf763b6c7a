"""Whether the data determine a process constant, and for which model that was asked.

Dropping features makes a constant look sharper than it is: the profile over all offered
features is therefore kept and judged beside that of the features that stayed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sciren.inference.intervals.quantiles import NORMAL_95

if TYPE_CHECKING:
    from sciren.data import Table
    from sciren.model import ScIReN
    from sciren.solvers.profile import ProfileSummary
    from symbolic.model.symbolic_model import SymbolicModel

POINTS = 25  # of a profile over the equations
NEAR = 100.0  # chi-square above the best below which a minimum competes
WIDEST = math.log(2.0)  # an identified positive constant is known within a factor of 2

KEPT, OFFERED, EQUATIONS = "kept features", "all features", "equations"


@dataclass(frozen=True)
class Identification:
    """What one profile says about one constant.

    Args:
        constant, unit: its name and unit.
        model: "kept features", "all features" or "equations": whose profile it is.
        estimate, error: best value; standard error from the curvature.
        low, high: 95 % interval by block bootstrap where ``replicates`` > 0, else from
            the standard error.
        minima: (value, chi-square above the best) of each local minimum.
        identified, reason: the verdict, and why not.
        replicates: resamples behind the interval.
    """

    constant: str
    unit: str
    model: str
    estimate: float
    error: float
    low: float
    high: float
    minima: tuple[tuple[float, float], ...]
    identified: bool
    reason: str = ""
    replicates: int = 0

    @classmethod
    def of(cls, summary: "ProfileSummary", model: str) -> "Identification":
        """Return the record of the profile of one constant."""
        # Resampled limits where there are any, else 95 % of a normal distribution.
        low, high = summary.interval or (
            summary.estimate - NORMAL_95 * summary.error,
            summary.estimate + NORMAL_95 * summary.error,
        )
        minima = tuple((float(value), float(chi)) for value, chi in summary.minima)
        return cls(
            summary.name, summary.unit, model, summary.estimate, summary.error,
            low, high, minima, summary.identified, summary.reason, summary.replicates,
        )  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Identification":
        """Read what `to_json` wrote."""
        minima = tuple((float(value), float(chi)) for value, chi in stored["minima"])
        fields: dict[str, Any] = {k: stored[k] for k in cls.__dataclass_fields__}
        for key in ("estimate", "error", "low", "high"):
            # JSON writes nan as null.
            fields[key] = math.nan if fields[key] is None else float(fields[key])
        fields["minima"] = minima
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and texts."""
        return asdict(self)

    @property
    def near_minima(self) -> list[float]:
        """Values of the minima that compete with the best."""
        return [value for value, chi in self.minima if chi < NEAR]


def identifications(
    summaries: Mapping[str, "ProfileSummary"], model: str = KEPT
) -> list[Identification]:
    """Return what the profiles of a training say; those over all features are marked."""
    from sciren.training.gauss_newton.engine import ALL_FEATURES

    profiles = []
    for name, summary in summaries.items():
        # The engine tells the two models of a profile by the end of the constant's
        # name.
        whole = name.endswith(ALL_FEATURES)
        profile = Identification.of(summary, OFFERED if whole else model)
        profiles.append(replace(profile, constant=name.removesuffix(ALL_FEATURES)))
    return profiles


def profile_rows(
    points: Iterable[Mapping[str, Any]], model: str = KEPT
) -> list[dict[str, Any]]:
    """Return points of profiles: constant, model (whose profile), value, loss, ..."""
    from sciren.training.gauss_newton.engine import ALL_FEATURES

    rows = []
    for point in points:
        name = str(point["constant"])
        mine = {
            "constant": name.removesuffix(ALL_FEATURES),
            "model": OFFERED if name.endswith(ALL_FEATURES) else model,
        }
        rows.append(mine | {k: v for k, v in point.items() if k != "constant"})
    return rows


def equation_summaries(
    equations: "SymbolicModel", model: "ScIReN", table: "Table"
) -> dict[str, "ProfileSummary"]:
    """Profile the constants with the equations in place of the encoder."""
    from discovery.results.equation_problem import equation_problem
    from sciren.solvers.profile import profile_constants

    problem, theta = equation_problem(equations, model, table)
    # Plain regression has no process constants.
    if not problem.n_constants:
        return {}
    summaries, _ = profile_constants(problem, theta, POINTS, {})
    return {summary.name: summary for summary in summaries}


def verdicts(
    profiles: Sequence[Identification],
    intervals: Mapping[str, tuple[float, float]],
    positive: Mapping[str, bool],
) -> dict[str, tuple[bool, str]]:
    """Return constant -> whether it is identified, and why not.

    It is when every profile says so and the printed interval is not too wide.

    Args:
        profiles: all that were computed.
        intervals: constant -> 95 % interval that is printed.
        positive: constant -> whether it is positive (judged by its factor).
    """
    verdict_of = {}
    for name, (low, high) in intervals.items():
        mine = [profile for profile in profiles if profile.constant == name]
        reasons = _doubts(mine)
        # A ratio only has a meaning for a positive constant; others are left to their
        # profiles.
        wide = positive.get(name, False) and (low <= 0 or math.log(high / low) > WIDEST)
        if wide:
            reasons.append(
                f"its 95 % interval, {low:.3g} to {high:.3g}, "
                "spans more than a factor of 2"
            )
        # Not asked is not identified.
        if not mine:
            reasons.append("no profile was computed")
        verdict_of[name] = (not reasons, "; ".join(reasons))
    return verdict_of


def first_reason(reason: str) -> str:
    """Return the first of the doubts about a constant, which `verdicts` joins by "; "."""
    return reason.partition("; ")[0]


def _doubts(profiles: Sequence[Identification]) -> list[str]:
    """Return why not, each reason once; kept features only repeat what all say."""
    whole = [
        profile.reason
        for profile in profiles
        if profile.model == OFFERED and profile.reason
    ]
    # A doubt with all features holds with fewer as well, so it is said only once.
    doubts = [f"with all offered features {reason}" for reason in whole]
    for profile in profiles:
        repeated = any(reason in profile.reason for reason in whole)
        if profile.model != OFFERED and not profile.identified and not repeated:
            doubts.append(f"with the {profile.model} {profile.reason}")
    return doubts
