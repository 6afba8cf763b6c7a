"""Join days of budburst with the temperatures of their year, one series a site and year."""

from pathlib import Path

import pandas as pd

BUDBURST, LAST, WINTER = 371, 200, 90  # phenophase; days of the year


def table(data: Path) -> pd.DataFrame:
    """Return the days 1 to 200 of every observed year; doy stands in the last row."""
    (folder,) = {file.parent for file in data.rglob("aspen_observations.csv")}
    seen = pd.read_csv(folder / "aspen_observations.csv")
    seen = (
        seen[seen["phenophase"] == BUDBURST].groupby(["site_id", "year"])["doy"].min()
    )
    warm = pd.read_csv(folder / "aspen_temperature.csv.gz").dropna(subset="temperature")
    warm = warm[warm["doy"].between(1, LAST)].rename(columns={"doy": "day"})
    seen = seen[seen <= LAST]  # later first records are no budburst of that spring
    rows = warm.merge(seen.rename("doy").reset_index(), on=["site_id", "year"])
    seasons = rows.groupby(["site_id", "year"])
    rows = rows[seasons["day"].transform("count") == LAST]
    winter = (
        rows[rows["day"] <= WINTER].groupby(["site_id", "year"])["temperature"].mean()
    )
    rows = rows.merge(winter.rename("winter_ta").reset_index(), on=["site_id", "year"])
    rows["season"] = rows["site_id"].astype(str) + " in " + rows["year"].astype(str)
    rows.loc[rows["day"] < LAST, "doy"] = None
    kept = ["season", "day", "latitude", "winter_ta", "temperature", "doy"]
    return rows.sort_values(["season", "day"])[kept]
