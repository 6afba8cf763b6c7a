"""The values of a column that a sweep goes over, with their rows and places."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from discovery.config.settings import RunConfig
from sciren.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

PLACES = (("lon", "lat"), ("longitude", "latitude"), ("lon_deg", "lat_deg"))
"""Names of coordinates that are recognised, in any case; CF and FLUXNET spell them so."""


@dataclass(frozen=True)
class Site:
    """One value of the column.

    Attributes:
        label: the value as text.
        folder: name of its run's folder; letters that a file system refuses are replaced.
        rows: that the value has.
        place: mean (longitude, latitude) in degrees, None where unknown.
    """

    label: str
    folder: str
    rows: int
    place: tuple[float, float] | None = None


def sites_of(
    config: RunConfig, over: str, least: int, say: Callable[[str], None]
) -> list[Site]:
    """Return the values with enough rows, in their order.

    Args:
        config: whose filters of rows count.
        over: column of the values.
        least: rows that a value needs.
        say: hears which values have too few.
    Raises:
        ColumnError: there is no such column.
        ConfigError: the rows are a sample.
        DataError: no value has enough rows.
    """
    from discovery.tables.prepare import labelled_frame
    from sciren.data.labels import id_text

    if config.data.sample is not None:
        raise ConfigError(
            "key 'data.sample': a sweep fits each value by itself, of which a sample of "
            "all has few rows; write a file for each value, or leave sample out"
        )
    frame = labelled_frame(config, over)
    # As text, so that 007 and 7 are two sites.
    labels = id_text(frame[over])
    groups = {str(k): part for k, part in frame.groupby(labels.to_numpy(), sort=True)}
    nowhere = int(labels.isna().sum())
    if nowhere:
        say(f"left out {nowhere} rows without a value of {over}")
    few = [label for label, part in groups.items() if len(part) < least]
    if few:
        counted = "1 value" if len(few) == 1 else f"{len(few)} values"
        say(
            f"left out {counted} of {over} with fewer than {least} rows: "
            f"{', '.join(few[:8])}{', ...' if len(few) > 8 else ''}"
        )
    sites = [
        Site(label, _folder(label), len(part), _place(part))
        for label, part in groups.items()
        if len(part) >= least
    ]
    if not sites:
        raise DataError(
            f"{config.data.source}: no value of {over!r} has {least} rows; lower --least, "
            "or choose another column"
        )
    return _apart(sites)


def _folder(label: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", label).strip("._") or "value"


def _apart(sites: list[Site]) -> list[Site]:
    """Give values whose folders would be the same a number, whatever their case."""
    taken: set[str] = set()
    apart = []
    for site in sites:
        folder, number = site.folder, 1
        # macOS and Windows take "A" and "a" for the same folder.
        while folder.casefold() in taken:
            number += 1
            folder = f"{site.folder}_{number}"
        taken.add(folder.casefold())
        apart.append(replace(site, folder=folder))
    return apart


def _place(frame: "pd.DataFrame") -> tuple[float, float] | None:
    """Return the mean coordinates where two columns say them, else None."""
    import pandas as pd

    names = {str(name).casefold(): name for name in frame.columns}
    for east, north in PLACES:
        if east in names and north in names:
            place: Any = frame[[names[east], names[north]]]
            lon, lat = place.apply(pd.to_numeric, errors="coerce").mean()
            # Columns that are called so may hold metres of a projection.
            if abs(lon) <= 360 and abs(lat) <= 90:
                return float(lon), float(lat)
    return None
