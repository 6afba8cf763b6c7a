"""What all cells of a run share: settings, temperature or drivers, and the record."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from case_studies.respiration.methods import Mode
from case_studies.respiration.published import Setting
from discovery import read_frame
from sciren import Split
from sciren.datasets import RespirationStudy, make_respiration

DRIVERS = ["time", "sw_pot", "dsw_pot", "ta"]


@dataclass(frozen=True)
class Record:
    """What all cells of a run share.

    Args:
        out: folder of the results.
        mode: ours, paper or nominal.
        temperature: file with a measured temperature (half-hours, column ta), laid on
            the record; default: the surrogate.
        drivers: file with measured time, sw_pot, dsw_pot and ta of any half-hours, in
            place of the record 2003-2011.
        thin: every how many rows are used; above 1 for trials only.
    """

    out: Path
    mode: Mode = "ours"
    temperature: Path | None = None
    drivers: Path | None = None
    thin: int = 1

    @property
    def tag(self) -> str:
        """Ending of the names of files that are not made with our settings."""
        return "" if self.mode == "ours" else f"_{self.mode}"

    @property
    def description(self) -> str:
        """What the record is, for the notes under a table."""
        if self.drivers is not None:
            return f"measured drivers ({self.drivers.name}), test weeks"
        air = "surrogate"
        if self.temperature is not None:
            air = f"measured ({self.temperature.name})"
        return f"test year 2008, {air} air temperature"

    def fingerprint(self) -> str:
        """Return a hash of what was measured, or "surrogate"."""
        return _fingerprint(self.temperature, self.drivers)

    def study(self, setting: Setting, seed: int) -> RespirationStudy:
        """Return the simulated record of a seed.

        Raises:
            DataError: a file cannot be used.
        """
        return _study(setting, seed, self.temperature, self.drivers)

    def tables(self, setting: Setting, seed: int) -> tuple[RespirationStudy, Split]:
        """Return the record of a seed and its tables, thinned for a trial."""
        study = self.study(setting, seed)
        every = slice(None, None, self.thin)
        return study, Split(*(part.take(every) for part in study.tables()))


@lru_cache(maxsize=4)
def temperature_of(file: Path) -> pd.Series:
    """Return the column ta of a file, with its times where it has any."""
    frame = read_frame(file)
    column = "ta" if "ta" in frame else frame.columns[-1]
    index = pd.to_datetime(frame["time"]) if "time" in frame else None
    values = pd.Series(frame[column].to_numpy(), name=column)
    return values if index is None else values.set_axis(pd.DatetimeIndex(index))


@lru_cache(maxsize=2)
def drivers_of(file: Path) -> pd.DataFrame:
    """Return the drivers in a file."""
    return read_frame(file)


@lru_cache(maxsize=4)
def _fingerprint(temperature: Path | None, drivers: Path | None) -> str:
    if temperature is None and drivers is None:
        return "surrogate"
    total = hashlib.sha256()
    if temperature is not None:
        total.update(np.asarray(temperature_of(temperature), np.float64).tobytes())
    if drivers is not None:
        known = make_respiration(drivers=drivers_of(drivers)).frame[DRIVERS]
        for name in DRIVERS:
            total.update(np.ascontiguousarray(known[name]).tobytes())
    return total.hexdigest()


@lru_cache(maxsize=12)
def _study(
    setting: Setting, seed: int, temperature: Path | None, drivers: Path | None
) -> RespirationStudy:
    return make_respiration(
        setting,
        seed,
        None if temperature is None else temperature_of(temperature),
        drivers=None if drivers is None else drivers_of(drivers),
    )
