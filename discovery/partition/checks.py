"""What a tower's file must hold before anything is learned from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sciren.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

ENOUGH = 200  # rows of night and of day below which no equation is sought
LONGEST_STEP = 3600.0
"""Seconds between rows: networks report half hours or hours (FLUXNET2015)."""
DEGREES = (-90.0, 60.0)
"""Air on Earth, degrees C; a median beyond is in another unit."""


def measured_columns(
    raw: "pd.DataFrame", roles: Mapping[str, str], path: Path
) -> dict[str, np.ndarray]:
    """Return role -> numbers of its column; a role without any number is left out.

    Raises:
        DataError: text or infinities, or one column for two roles.
    """
    from sciren.data.frames import numeric_column

    twice = {name for name in roles.values() if [*roles.values()].count(name) > 1}
    if twice:
        both = " and ".join(role for role, name in roles.items() if name in twice)
        raise DataError(
            f"{path}: column {min(twice)!r} is {both}; name one column for each with "
            "--column"
        )
    try:
        columns = {role: numeric_column(raw, name) for role, name in roles.items()}
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return {
        role: np.asarray(values, dtype=float)
        for role, values in columns.items()
        if not np.isnan(values).all() or role == "nee"
    }


def check_weather(frame: "pd.DataFrame", roles: Mapping[str, str], path: Path) -> None:
    """Refuse half hours that occur twice or are days, and weather that is none.

    Args:
        frame: roles by time, in order of time.
        roles: role -> column.
        path: for messages.
    Raises:
        DataError: says which column or time stamp.
    """
    for role in ("ta", "rg"):
        if role not in frame.columns:
            raise DataError(f"{path}: column {roles[role]!r} has no value for {role}")
    twice = frame.index.duplicated()
    if twice.any():
        raise DataError(
            f"{path}: time stamp {frame.index[twice][0]} occurs twice ({twice.sum():,} rows "
            "in all); keep one row for each half hour"
        )
    # The median, because gaps make single steps long.
    step = float(np.median(np.diff(frame.index.to_numpy()) / np.timedelta64(1, "s")))
    if step > LONGEST_STEP:
        raise DataError(
            f"{path}: rows are {step / 3600:g} hours apart; nights are told from days in "
            "half hours or hours"
        )
    # Kelvin and Fahrenheit give numbers that no fit would refuse, and a response that
    # is wrong by a factor.
    warmth = float(frame.ta.median())
    if not DEGREES[0] <= warmth <= DEGREES[1]:
        raise DataError(
            f"{path}: column {roles['ta']!r} has a median of {warmth:.4g}; ta is needed in "
            "degrees C"
        )


def check_enough(frame: "pd.DataFrame", rows: np.ndarray, path: Path) -> None:
    """Refuse a record without enough measured half hours of night or of day.

    Args:
        frame: of the tower;  rows: positions that may be learned from;  path: for messages.
    Raises:
        DataError: says how many there are.
    """
    dark = frame.night.to_numpy()[rows]
    for part, count in (("night", dark.sum()), ("day", (~dark).sum())):
        if count < ENOUGH:
            raise DataError(
                f"{path}: {count} measured half hours are of the {part}; at least "
                f"{ENOUGH} are needed"
            )
