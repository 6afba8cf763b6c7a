"""A tower's half hours: which column is what, gaps of the weather, slow drivers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from discovery.partition.checks import check_weather, measured_columns
from discovery.tables.sources import read_table
from sciren.errors import ColumnError, DataError, closest_names

if TYPE_CHECKING:
    import pandas as pd

# FLUXNET2015 and AmeriFlux names first (Pastorello et al. 2020, Scientific Data 7, 225),
# then those of REddyProc and of plain tables
ROLES: Mapping[str, tuple[str, ...]] = {
    "nee": ("NEE_VUT_REF", "NEE_CUT_REF", "NEE", "FC", "nee"),
    "ta": ("TA_F", "TA_F_MDS", "TA", "Tair", "ta"),
    "rg": ("SW_IN_F", "SW_IN_F_MDS", "SW_IN", "Rg", "sw_in"),
    "vpd": ("VPD_F", "VPD_F_MDS", "VPD", "vpd"),
    "rh": ("RH", "rH", "rh"),
    "ustar": ("USTAR", "Ustar", "ustar"),
    "swc": ("SWC_F_MDS_1", "SWC_1_1_1", "SWC", "swc"),
    "potential": ("SW_IN_POT", "sw_pot_inst"),
}
NEEDED = ("nee", "ta", "rg")
DARK = 4.0
"""W m-2 of global radiation below which it is night (Lasslop et al. 2010)."""
SLOW_DAYS = 10
"""Window of the slow drivers: longer than weather, shorter than a season."""


@dataclass(frozen=True)
class Tower:
    """Half hours of a tower.

    Attributes:
        frame: time, nee, ta, rg, night, split; vpd, ustar where there are any; features.
        features: slow drivers that may act on the latents.
        columns: role -> column of the file.
        filled: role -> share of its values that were gaps.
    """

    frame: "pd.DataFrame"
    features: tuple[str, ...]
    columns: Mapping[str, str]
    filled: Mapping[str, float]

    @property
    def dry_air(self) -> bool:
        """Whether the vapour pressure deficit is known."""
        return "vpd" in self.frame.columns


def read_tower(path: Path, columns: Mapping[str, str] | None = None) -> Tower:
    """Read a tower's file: FLUXNET columns, or a column ``time`` and plain names.

    Net exchange counts as measured only: filled values (flag ``NEE_..._QC`` above 0) are
    gaps. Every fifth day is kept for scores, another fifth for validation.

    Args:
        path: of the table.
        columns: role (nee, ta, rg, vpd, rh, ustar, swc, potential) -> column, where it is
            called otherwise.
    Raises:
        ColumnError: a needed column is not there, or a role does not exist.
        DataError: the file cannot be read, or has too few measured half hours.
    """
    import pandas as pd

    # Read twice: the names of the columns say which format the second reading takes.
    raw = read_table(path)
    fluxnet = {"TIMESTAMP_START", "TIMESTAMP_END"} <= set(map(str, raw.columns))
    # the flags of the weather do not matter for sums, so nothing is emptied by them
    reading = {"format": "fluxnet", "quality": 3} if fluxnet else {}
    raw = read_table(path, time=None if fluxnet else "time", **reading)
    roles = _roles(raw, columns or {}, path)
    values = measured_columns(raw, roles, path)
    flag = f"{roles['nee']}_QC"
    # Filled values are another model's opinion and must not be learned from.
    if flag in raw.columns:
        flags = measured_columns(raw, {flag: flag}, path).get(flag, np.nan)
        values["nee"] = np.where(flags == 0, values["nee"], np.nan)
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(raw["time"], name="time"))
    frame = frame.sort_index()
    if int(frame.nee.notna().sum()) < 1000:
        raise DataError(
            f"{path}: {int(frame.nee.notna().sum())} half hours of {roles['nee']} are "
            "measured; at least 1,000 are needed"
        )
    check_weather(frame, roles, path)
    return _prepared(frame, roles)


def _roles(
    frame: "pd.DataFrame", given: Mapping[str, str], path: Path
) -> dict[str, str]:
    present = [str(name) for name in frame.columns]
    for role, name in given.items():
        if role not in ROLES:
            raise ColumnError(f"no column is a {role!r}. {closest_names(role, ROLES)}")
        if name not in present:
            raise ColumnError(
                f"{path}: has no column {name!r} for {role}. {closest_names(name, present)}"
            )
    named = {
        role: next((name for name in names if name in present), "")
        for role, names in ROLES.items()
    }
    roles = {role: name for role, name in (named | dict(given)).items() if name}
    for role in NEEDED:
        if role not in roles:
            raise ColumnError(
                f"{path}: has none of the columns {', '.join(ROLES[role])}; say which is "
                f"{role} with --column {role}=NAME"
            )
    return roles


def _prepared(frame: "pd.DataFrame", roles: Mapping[str, str]) -> Tower:
    if "vpd" not in frame.columns and "rh" in frame.columns:
        # Magnus formula over water, hPa, with the coefficients of the WMO guide.
        saturation = 6.112 * np.exp(17.62 * frame.ta / (243.12 + frame.ta))
        frame["vpd"] = saturation * (1 - frame.rh / 100)
    import pandas as pd

    weather = [name for name in ("ta", "rg", "vpd", "swc") if name in frame.columns]
    filled = {name: float(np.isnan(frame[name].to_numpy()).mean()) for name in weather}
    for name in weather:
        frame[name] = fill_gaps(pd.Series(frame[name]))
    frame["rg"] = frame.rg.clip(lower=0)
    frame["night"] = frame.rg < DARK
    if "potential" in frame.columns:
        frame["night"] |= frame.potential <= 0
    # Sensors show a few W m-2 in the dark, which the light response would turn into
    # uptake.
    frame.loc[frame.night, "rg"] = 0.0
    if "vpd" in frame.columns:
        frame["vpd"] = frame.vpd.clip(lower=0)
    features = []
    for name in weather:
        slow = frame[name].rolling(f"{SLOW_DAYS}D", center=True, min_periods=1).mean()
        frame[f"{name}_slow"] = slow
        features.append(f"{name}_slow")
    time = pd.DatetimeIndex(frame.index)
    days = time.to_numpy().astype("datetime64[D]")
    since = (days - days.astype("datetime64[Y]")).astype(int)
    # A place on a circle: 31 December lies beside 1 January.
    angle = 2 * np.pi * since / 365.25
    frame["season_cos"], frame["season_sin"] = np.cos(angle), np.sin(angle)
    # Whole days by turns: half hours of a day are not independent, seasons are in all
    # parts.
    day = days.astype(int) % 5
    frame["split"] = np.select([day == 4, day == 2], ["test", "valid"], "train")
    used = (*features, "season_cos", "season_sin")
    return Tower(frame.reset_index(), used, roles, filled)


def fill_gaps(values: "pd.Series", days: int = 15) -> "pd.Series":
    """Fill gaps by the mean of the same time of day in the days around, then linearly.

    Reference: mean diurnal course, Falge et al. 2001, Agricultural and Forest
    Meteorology 107, 43-69.
    """
    import pandas as pd

    clock = pd.DatetimeIndex(values.index)
    minute = clock.hour * 60 + clock.minute
    around = values.groupby(minute).transform(
        lambda same: same.rolling(days, center=True, min_periods=1).mean()
    )
    measured = values.to_numpy(dtype=float)
    filled = np.where(np.isnan(measured), np.asarray(around, dtype=float), measured)
    return pd.Series(filled, clock).interpolate(limit_direction="both")
