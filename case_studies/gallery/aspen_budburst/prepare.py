"""Join days of budburst with the temperatures of their year, one series a site and year."""

from pathlib import Path

import pandas as pd

BUDBURST, LAST, WINTER = 371, 200, 90  # phenophase; days of the year
KEYS = ["site_id", "year"]
KEPT = ["season", "day", "latitude", "winter_ta", "temperature", "doy"]


def table(data: Path) -> pd.DataFrame:
    """Return the days 1 to 200 of every observed year; doy stands in the last row."""
    (folder,) = {file.parent for file in data.rglob("aspen_observations.csv")}
    seen = pd.read_csv(folder / "aspen_observations.csv")
    seen = seen.query("phenophase == @BUDBURST").groupby(KEYS, as_index=False)
    first = seen.agg(doy=("doy", "min"))
    warm = pd.read_csv(folder / "aspen_temperature.csv.gz").dropna(subset="temperature")
    warm = warm.rename(columns={"doy": "day"}).query("1 <= day <= @LAST")
    # later first records are no budburst of that spring
    rows = warm.merge(first.query("doy <= @LAST"), on=KEYS)
    rows = rows[rows.groupby(KEYS)["day"].transform("count") == LAST]
    early = rows.query("day <= @WINTER").groupby(KEYS, as_index=False)
    rows = rows.merge(early.agg(winter_ta=("temperature", "mean")), on=KEYS)
    rows["season"] = rows["site_id"].astype(str) + " in " + rows["year"].astype(str)
    rows.loc[rows["day"] < LAST, "doy"] = None
    rows = rows.sort_values(["season", "day"])
    return pd.DataFrame(rows[KEPT])
