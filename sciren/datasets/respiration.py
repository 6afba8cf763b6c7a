"""The synthetic respiration record: known base respiration, Q10 and noise.

Reference: Reichstein et al. 2022, chapter on hybrid modelling; the settings and the
constants are those of the ScIReN paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sciren.datasets.drivers import measured_drivers, split_masks
from sciren.datasets.noise import truncated_normal
from sciren.datasets.solar import radiation_signals
from sciren.datasets.temperature import (
    FIRST_YEAR,
    LAST_YEAR,
    TOWER_CORRELATIONS,
    Temperature,
    lay_on_record,
    surrogate_temperature,
)
from sciren.errors import ConfigError

if TYPE_CHECKING:
    from sciren.data.splits import Split

Setting = Literal["linear", "abs"]

LATITUDE = 47.1167
"""Degrees north of the site (Neustift, AT-Neu)."""

FEATURES = ("sw_pot", "dsw_pot", "ta")

UNITS = {
    "sw_pot": "W m-2",
    "dsw_pot": "1e-4 W m-2 per half-hour",
    "ta": "degC",
    "rb_true": "umol m-2 s-1",
    "reco": "umol m-2 s-1",
    "reco_clean": "umol m-2 s-1",
}


@dataclass(frozen=True, eq=False)
class RespirationTruth:
    """What the record was made from.

        linear: rb = 0.0075 sw_pot - 0.00375 dsw_pot + 1.03506858
        abs:    rb = |0.0075 sw_pot - 0.00375 dsw_pot - mean| / sd + 0.1
        reco_clean = rb q10^((ta - t_ref) / 10)

    Args:
        setting: which of the two.
        rb: (n,) base respiration, umol m-2 s-1.
        mean, sd: of the linear combination over the whole record (ddof 0).
        q10: factor per 10 degrees.
        t_ref: reference temperature, degrees C.
    """

    setting: Setting
    rb: np.ndarray
    mean: float
    sd: float
    q10: float = 1.5
    t_ref: float = 15.0

    @property
    def formula(self) -> str:
        """Base respiration as text in raw units."""
        return _formula(self.setting, self.mean, self.sd)

    def base_respiration(self, sw_pot: np.ndarray, dsw_pot: np.ndarray) -> np.ndarray:
        """Return rb for other radiation signals, in their shape."""
        return _base(self.setting, _slope(sw_pot, dsw_pot), self.mean, self.sd)


def _slope(sw_pot: np.ndarray, dsw_pot: np.ndarray) -> np.ndarray:
    return 0.0075 * sw_pot - 0.00375 * dsw_pot


def _base(setting: Setting, slope: np.ndarray, mean: float, sd: float) -> np.ndarray:
    if setting == "linear":
        # Slopes and offset to the last digit of the published study.
        return slope + 1.03506858
    return np.abs((slope - mean) / sd) + 0.1


def _formula(setting: Setting, mean: float, sd: float) -> str:
    slope = "0.0075*sw_pot - 0.00375*dsw_pot"
    if setting == "linear":
        return f"{slope} + 1.03506858"
    return f"abs({slope} - {mean:.6g})/{sd:.6g} + 0.1"


@dataclass(frozen=True, eq=False)
class RespirationStudy:
    """A simulated record with its truth and the published split.

    Args:
        setting: ``"linear"`` or ``"abs"``.
        seed: of the noise.
        frame: (n) rows with columns time, sw_pot, dsw_pot, ta, rb_true, reco (noisy),
            reco_clean.
        truth: base respiration, Q10 and the formula.
        train, valid, test: (n,) bool; 2003-2006 up to the 80 % quantile of its
            temperature, 2007, 2008; whole weeks where drivers of other years were given.
        units: column -> unit.
        temperature: ``"surrogate"`` or ``"measured"``.
        correlations: correlation of ta with sw_pot and dsw_pot over the record, beside
            the same at the CH-Dav tower.
    """

    setting: Setting
    seed: int
    frame: pd.DataFrame
    truth: RespirationTruth
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    units: Mapping[str, str]
    temperature: Literal["surrogate", "measured"]
    correlations: pd.DataFrame

    def tables(self, features: Sequence[str] = FEATURES) -> "Split":
        """Return train, valid and test as tables for the Q10 decoder (loads torch).

        Forcing ta, target reco, blocks of calendar weeks. All three features are
        offered unless fewer are named. ``row_ids`` are rows of ``frame``, so
        ``truth.rb[table.row_ids]`` is the truth of a table.
        """
        from sciren.data.splits import Split
        from sciren.data.table import Table

        table = Table.from_frame(
            self.frame, features, ["ta"], ["reco"], units=self.units, time="time"
        )
        return Split(
            *(table.take(rows) for rows in (self.train, self.valid, self.test))
        )


def make_respiration(
    setting: Setting = "linear",
    seed: int = 0,
    temperature: Temperature | None = None,
    noise: float = 0.1,
    drivers: pd.DataFrame | None = None,
) -> RespirationStudy:
    """Simulate nine years of half-hourly ecosystem respiration with a known truth.

        reco = rb 1.5^((ta - 15) / 10) (1 + eps),  eps normal(0, noise) in [-0.95, 0.95]

    Rows 2003-2011, latitude 47.1167 N, unless drivers are given. The seed changes the
    noise only: as in the published study, every seed sees the same weather.

    Args:
        setting: ``"linear"`` or ``"abs"``, the form of rb; see ``RespirationTruth``.
        seed: of the noise, not negative.
        temperature: measured half-hours, degrees C, see
            ``sciren.datasets.temperature.lay_on_record``; default: the surrogate.
        noise: relative standard deviation before truncation; 0 for none.
        drivers: measured time, sw_pot, dsw_pot and ta of any half-hours, in place of
            computed radiation and temperature; see
            ``sciren.datasets.drivers.measured_drivers``.
    Raises:
        ConfigError: unknown setting, noise or seed are negative, or temperature and
            drivers are both given.
        DataError: the measured temperature or drivers cannot be used.
    """
    if setting not in ("linear", "abs"):
        raise ConfigError(f"setting {setting!r} does not exist; use 'linear' or 'abs'")
    if not (0 <= noise < np.inf) or seed < 0:
        raise ConfigError(
            f"noise={noise} and seed={seed} must be finite and not negative"
        )
    time, sw_pot, dsw_pot, ta = _weather(temperature, drivers)
    # Mean and deviation of the whole record, so that rb is known on every part of it.
    slope = _slope(sw_pot, dsw_pot)
    mean, sd = float(slope.mean()), float(slope.std())
    truth = RespirationTruth(setting, _base(setting, slope, mean, sd), mean, sd)
    # Noise multiplies: an error of the eddy flux grows with the flux, and no draw can
    # make respiration negative.
    clean = truth.rb * truth.q10 ** ((ta - truth.t_ref) / 10)
    reco = clean * (1 + truncated_normal(len(time), noise, seed))
    frame = pd.DataFrame(
        {"time": time, "sw_pot": sw_pot, "dsw_pot": dsw_pot, "ta": ta}
        | {"rb_true": truth.rb, "reco": reco, "reco_clean": clean}
    )
    simulated = temperature is None and drivers is None
    return RespirationStudy(
        setting, seed, frame, truth, *split_masks(time, ta), units=UNITS,
        temperature="surrogate" if simulated else "measured",
        correlations=_correlations(frame),
    )  # fmt: skip


def _weather(
    temperature: Temperature | None, drivers: pd.DataFrame | None
) -> tuple[Any, ...]:
    """Return time, sw_pot, dsw_pot and ta of every half-hour."""
    if drivers is not None:
        if temperature is not None:
            raise ConfigError("give a measured temperature or drivers, which hold one")
        weather = measured_drivers(drivers)
        return tuple(weather[name].to_numpy() for name in weather)
    time, sw_pot, dsw_pot = radiation_signals(FIRST_YEAR, LAST_YEAR, LATITUDE)
    if temperature is None:
        return time, sw_pot, dsw_pot, surrogate_temperature(time)
    return time, sw_pot, dsw_pot, lay_on_record(temperature)


def _correlations(frame: pd.DataFrame) -> pd.DataFrame:
    ours = {
        name: float(np.corrcoef(frame["ta"], frame[name])[0, 1])
        for name in TOWER_CORRELATIONS
    }
    return pd.DataFrame(
        [ours, TOWER_CORRELATIONS], index=["this record", "CH-Dav tower"]
    )
