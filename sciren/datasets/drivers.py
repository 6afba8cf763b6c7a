"""Measured drivers of the respiration record: checks, and a split for any of them."""

import numpy as np
import pandas as pd

from sciren.errors import ColumnError, DataError, closest_names

COLUMNS = ("time", "sw_pot", "dsw_pot", "ta")

TRAIN_QUANTILE = 0.8
"""Training keeps rows up to this quantile of its temperature."""

TRAIN_YEARS, VALID_YEAR, TEST_YEAR = (2003, 2006), 2007, 2008
SHARES = (0.7, 0.15, 0.15)
"""Weeks of train, valid and test where the published years are not in the record."""

DEAL = 2003
"""Seed of the weeks; fixed, so that seeds of a study change the noise only."""

Masks = tuple[np.ndarray, np.ndarray, np.ndarray]


def measured_drivers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns time, sw_pot, dsw_pot and ta of the rows that have all of them.

    Args:
        frame: any half-hours in any order of columns; sw_pot and dsw_pot in the scale of
            the published record. Rows with a gap are left out.
    Raises:
        ColumnError: a column is missing.
        DataError: times or numbers cannot be read, fewer than three weeks are left, or
            a driver does not vary.
    """
    for name in COLUMNS:
        if name not in frame.columns:
            raise ColumnError(
                f"the record has no column {name!r}. "
                f"{closest_names(name, map(str, frame.columns))}"
            )
    try:
        time = pd.to_datetime(pd.Series(frame["time"])).dt.tz_localize(None)
        numbers = frame[list(COLUMNS[1:])].apply(pd.to_numeric).astype(float)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"the record cannot be read: {error}") from error
    # Stamps as they are written: season and hour are what features are made of.
    stamps = time.to_numpy().astype("datetime64[ns]")
    complete = np.isfinite(numbers.to_numpy()).all(axis=1) & ~np.isnat(stamps)
    stamps = stamps[complete]
    if len(np.unique(_weeks(stamps))) < 3:
        raise DataError(
            f"only {len(stamps)} rows hold all of {', '.join(COLUMNS)}; the record needs "
            "at least three weeks"
        )
    values = dict(zip(COLUMNS[1:], numbers.to_numpy()[complete].T, strict=True))
    for name, column in values.items():
        if np.ptp(column) == 0:
            raise DataError(f"column {name!r} of the record does not vary")
    return pd.DataFrame({"time": stamps} | values)


def split_masks(time: np.ndarray, ta: np.ndarray) -> Masks:
    """Return the rows (n,) of train, valid and test.

    Where the record holds rows of every published year: 2003-2006, 2007, 2008; else
    whole calendar weeks, dealt at random but always the same way. Training then leaves
    out its warmest fifth, so that warm air in the test is an extrapolation.
    """
    year = time.astype("datetime64[Y]").astype(int) + 1970
    first, last = TRAIN_YEARS
    wanted = {*range(first, last + 1), VALID_YEAR, TEST_YEAR}
    if wanted <= set(np.unique(year).tolist()):
        masks = (year >= first) & (year <= last), year == VALID_YEAR, year == TEST_YEAR
    else:
        masks = _by_weeks(time)
    # Only training loses its warm rows; validation and test keep theirs.
    train, valid, test = masks
    return train & (ta <= np.quantile(ta[train], TRAIN_QUANTILE)), valid, test


def _weeks(time: np.ndarray) -> np.ndarray:
    """Number of the calendar week (Monday to Sunday) of each time."""
    return (time.astype("datetime64[D]").astype(np.int64) + 3) // 7


def _by_weeks(time: np.ndarray) -> Masks:
    weeks = _weeks(time)
    order = np.random.default_rng(DEAL).permutation(np.unique(weeks))
    # At least one week each; training takes what is left.
    held = [max(1, round(share * len(order))) for share in SHARES[1:]]
    valid, test, train = np.split(order, np.cumsum(held))
    return np.isin(weeks, train), np.isin(weeks, valid), np.isin(weeks, test)
