"""Write variety and year of the soybean plots as numbers: 1 where it applies, else 0."""

from pathlib import Path

import pandas as pd

INTRODUCED = "P"  # variety: plant introduction; F is a commercial one
DRY, WET = 1988, 1989  # the third year, 1990, was between them


def table(data: Path) -> pd.DataFrame:
    """Return the plots by the day, with columns introduced, dry and wet."""
    (file,) = data.rglob("soybean.csv")
    frame = pd.read_csv(file)
    frame["introduced"] = (frame["variety"] == INTRODUCED).astype(int)
    for name, year in (("dry", DRY), ("wet", WET)):
        frame[name] = (frame["year"] == year).astype(int)
    return frame
