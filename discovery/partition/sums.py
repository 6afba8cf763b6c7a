"""Daily and yearly sums, with intervals from resamples of weeks and thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.partition.response import Fitted, Response
from discovery.partition.turbulence import threshold, thresholds

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray

GRAMS = 12.011e-6 * 86_400
"""gC m-2 d-1 of a flux of 1 umol m-2 s-1."""
FLUXES = ("gpp", "reco", "nee")
ENDS = {"low": 0.025, "high": 0.975}


@dataclass(frozen=True)
class Parts:
    """Both equations of a tower, and the rows that they learn from.

    Attributes:
        night, day: equations of respiration and of uptake.
        most: rows of each that a refit takes, spread evenly.
    """

    night: Response
    day: Response
    most: int = 4000

    def fit(self, frame: "pd.DataFrame", rows: Array) -> tuple[Fitted, Fitted]:
        """Refit both to some rows of the tower (positions, repeats allowed)."""
        part = frame.iloc[rows]
        dark = _spread(part[part.night.to_numpy()], self.most)
        lit = _spread(part[~part.night.to_numpy()], self.most)
        night = self.night.refit(self.night.table(dark, dark.nee.to_numpy()))
        # gpp = reco - nee, with the respiration of the day from the equation of the
        # night.
        uptake = self.night.flux(lit, night) - lit.nee.to_numpy()
        return night, self.day.refit(self.day.table(lit, uptake))

    def fluxes(
        self, frame: "pd.DataFrame", fitted: tuple[Fitted, Fitted]
    ) -> dict[str, Array]:
        """Return uptake, respiration and their difference at all rows."""
        reco = self.night.flux(frame, fitted[0])
        # No uptake in the dark, whatever the light response gives at zero.
        gpp = np.where(frame.night.to_numpy(), 0.0, self.day.flux(frame, fitted[1]))
        return {"gpp": gpp, "reco": reco, "nee": reco - gpp}


def _spread(frame: "pd.DataFrame", most: int) -> "pd.DataFrame":
    if len(frame) <= most:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, most).round().astype(int)]


def usable(frame: "pd.DataFrame", lowest: float) -> Array:
    """Return positions of measured half hours, at night only of enough turbulence."""
    calm = np.zeros(len(frame), dtype=bool)
    if "ustar" in frame.columns:
        night = frame.night.to_numpy()
        # Negated, so that a night without friction velocity counts as calm.
        calm = night & ~(frame.ustar.to_numpy() >= lowest) if lowest > 0 else calm
    return np.flatnonzero(np.isfinite(frame.nee.to_numpy()) & ~calm)


def tower_threshold(
    frame: "pd.DataFrame", replicates: int, seed: int
) -> tuple[float, Array]:
    """Return the threshold of friction velocity, and those of resamples; 0 without any."""
    if "ustar" not in frame.columns:
        return 0.0, np.zeros(replicates)
    measured_nights = frame.night & frame.nee.notna() & frame.ustar.notna()
    nights = frame.loc[measured_nights.to_numpy()]
    if nights.empty:
        return 0.0, np.zeros(replicates)
    ustar, nee, ta = (nights[name].to_numpy() for name in ("ustar", "nee", "ta"))
    resampled = thresholds(ustar, nee, ta, weeks(nights), replicates, seed)
    return threshold(ustar, nee, ta), resampled


def weeks(frame: "pd.DataFrame") -> Array:
    """Return the calendar week of every row as a number."""
    days = frame.time.to_numpy().astype("datetime64[D]").astype(int)
    # 1 January 1970 was a Thursday: three days on, weeks begin on Mondays.
    return (days + 3) // 7


def replicate_sums(
    parts: Parts, frame: "pd.DataFrame", lowest: Array, seed: int
) -> tuple["pd.DataFrame", dict[str, Array]]:
    """Return daily sums of resamples, and their process constants.

    Each resample draws weeks with replacement, takes one of the thresholds, and refits
    the constants of both equations.

    Args:
        lowest: (replicates,) thresholds of friction velocity.
    Returns:
        Sums in gC m-2 d-1: rows days, columns (flux, replicate); constants of each.
    """
    import pandas as pd

    generator = np.random.default_rng(seed)
    label = weeks(frame)
    present = np.unique(label)
    columns: dict[Any, Any] = {}
    constants: list[dict[str, float]] = []
    for k, speed in enumerate(lowest):
        # Each resample has a threshold of its own, so that its uncertainty is in the
        # sums too.
        rows = usable(frame, float(speed))
        # Whole weeks, because half hours of a week err alike.
        by_week = {week: rows[label[rows] == week] for week in present}
        drawn = generator.choice(present, size=len(present))
        fitted = parts.fit(
            frame, np.sort(np.concatenate([by_week[week] for week in drawn]))
        )
        for name, values in daily_means(frame, parts.fluxes(frame, fitted)).items():
            columns[name, k] = values
        constants.append(
            parts.night.constants(fitted[0]) | parts.day.constants(fitted[1])
        )
    values = {
        n: np.array([replicate[n] for replicate in constants]) for n in constants[0]
    }
    return pd.DataFrame(columns), values


def daily_means(frame: "pd.DataFrame", fluxes: Mapping[str, Array]) -> dict[str, Any]:
    """Return flux -> gC m-2 d-1 of every day."""
    import pandas as pd

    day = frame.time.to_numpy().astype("datetime64[D]")
    table = pd.DataFrame({name: values * GRAMS for name, values in fluxes.items()})
    means: Any = table.groupby(day).mean()
    return {name: means[name] for name in fluxes}


def with_intervals(
    estimate: "pd.DataFrame", resamples: "pd.DataFrame"
) -> "pd.DataFrame":
    """Return sums with the columns low and high beside each, from their resamples."""
    import pandas as pd

    parts: dict[str, Any] = {}
    for name in estimate.columns:
        parts[name] = estimate[name]
        if name in FLUXES and len(resamples.columns):
            drawn = resamples[name].to_numpy()
            parts |= {
                f"{name}_{end}": np.quantile(drawn, share, axis=1)
                for end, share in ENDS.items()
            }
    return pd.DataFrame(parts, index=estimate.index)
