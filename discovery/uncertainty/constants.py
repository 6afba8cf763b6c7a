"""The recommended numbers of constants in the tables of a result."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from discovery.uncertainty.coefficients import METHOD
from sciren.inference.intervals.constants import RECOMMENDED, SELECTED

OF_EQUATIONS = "equations, "
"""How methods begin whose numbers are those of the equations."""

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.identification import Identification
    from discovery.uncertainty.record import Uncertainty


def with_recommended(
    frame: "pd.DataFrame", uncertainty: "Uncertainty | None"
) -> "pd.DataFrame":
    """Put the recommended numbers into the rows of constants.

    Those of the process get estimate and interval; those of closed forms keep the printed
    estimate and get the interval under the law of the noise, unless rows were resampled.

    Args:
        frame: constants of a result: constant, latent, estimate, error, low, high, ...
        uncertainty: None leaves everything as it is.
    """
    if uncertainty is None:
        return frame
    changed = frame.copy()
    keys = zip(frame.index, frame["constant"], frame["latent"], strict=True)
    for place, constant, latent in keys:
        if latent != "":
            row = uncertainty.coefficient(str(latent), str(constant))
            # Intervals of resampled blocks are kept: they need no law of the noise.
            if row is None or "bootstrap" in str(frame.at[place, "method"]):
                continue
            for name in ("error", "low", "high"):
                changed.at[place, name] = row[name]
            changed.at[place, "method"] = METHOD
            continue
        row = uncertainty.recommended(str(constant))
        if row is None:
            continue
        for name in ("estimate", "error", "low", "high"):
            changed.at[place, name] = row[name]
        changed.at[place, "method"] = row["method"]
    return changed


def with_alternatives(
    uncertainty: "Uncertainty",
    equations: "pd.DataFrame",
    profiles: "Sequence[Identification]" = (),
) -> "Uncertainty":
    """Add what the equations and the profiles say about the process constants.

    Args:
        uncertainty: of the result.
        equations: constants of the equations, before the recommended ones took their
            place.
        profiles: of the constants, with the kept and with all offered features.
    """
    rows = [
        {
            "constant": row["constant"], "method": f"{OF_EQUATIONS}{row['method']}",
            "estimate": float(row["estimate"]), "error": float(row["error"]),
            "low": float(row["low"]), "high": float(row["high"]), "unit": row["unit"],
            "recommended": False, "depends": False,
            "reason": "believes that features and families of the equations are right",
        }
        for row in equations.to_dict("records")
        # Rows without a latent are constants of the process.
        if row["latent"] == ""
    ]  # fmt: skip
    order = [row["constant"] for row in rows]
    units = {row["constant"]: row["unit"] for row in rows}
    rows += [
        {
            "constant": profile.constant, "method": f"profile, {profile.model}",
            "estimate": profile.estimate, "error": profile.error, "low": profile.low,
            "high": profile.high, "unit": units[profile.constant],
            "recommended": False, "depends": False,
            "reason": "fits the curves of the network to the training rows alone, "
            "without what the choice of features adds",
        }
        for profile in profiles
        if profile.constant in units
    ]  # fmt: skip
    every = [*_off_the_bound(uncertainty.constants, profiles), *rows]
    # A stable sort: methods of a constant stay in their order, the recommended first.
    every.sort(key=lambda row: order.index(row["constant"]) if order else 0)
    return replace(uncertainty, constants=tuple(every))


def in_equations(
    rows: Sequence[Mapping[str, Any]], constant: str
) -> Mapping[str, Any] | None:
    """Return what the equations hold where the recommended interval leaves it out.

    Such a constant has two answers: the equations go with their own, which only their
    features explain, and the recommended one counts those that were left out.

    Args:
        rows: of `Uncertainty.constants`.
        constant: of the process.
    """
    own = [row for row in rows if row["constant"] == constant]
    best = next((row for row in own if row["recommended"]), None)
    for row in own:
        if best is None or not str(row["method"]).startswith(OF_EQUATIONS):
            continue
        # nan limits leave nothing out
        if row["estimate"] < best["low"] or row["estimate"] > best["high"]:
            return row
    return None


def _off_the_bound(
    rows: Sequence[Mapping[str, Any]], profiles: "Sequence[Identification]"
) -> list[Mapping[str, Any]]:
    """Give constants at their lower bound the limits of the profile.

    Intervals of positive constants are those of a logarithm, which has no width where it
    has run to minus infinity; the profile knows up to where the data allow a value.
    """
    from sciren.solvers.profile import AT_LOWER_BOUND

    bounded = {
        profile.constant: profile
        for profile in profiles[::-1]
        if profile.reason.startswith(AT_LOWER_BOUND)
    }

    def freed(row: Mapping[str, Any]) -> Mapping[str, Any]:
        profile = bounded.get(row["constant"])
        if profile is None or row["high"] >= profile.high:
            return row
        limits = {"low": 0.0, "high": profile.high, "error": profile.error}
        return {**row, **limits, "reason": profile.reason}

    return [freed(row) for row in rows]


def dependence_notes(uncertainty: "Uncertainty") -> list[str]:
    """Say which constants depend on the features, with both numbers."""
    notes = []
    for row in uncertainty.constants:
        if not row["recommended"] or not row["depends"]:
            continue
        other = next(
            constant
            for constant in uncertainty.constants
            if constant["constant"] == row["constant"]
            and constant["method"] == SELECTED
        )
        notes.append(
            f"{row['constant']} depends on the features: {_shown(row)} with {RECOMMENDED}, "
            f"{_shown(other)} with the {SELECTED}. Take the first."
        )
    return notes


def _shown(row: Mapping[str, Any]) -> str:
    values = [f"{row[name]:.4g}" for name in ("estimate", "low", "high")]
    return f"{values[0]} (95 % {values[1]} to {values[2]})"
