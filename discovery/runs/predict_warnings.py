"""Warnings about rows that are predicted: unseen classes, and what the model was not made from."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from discovery.results.record import DiscoveryRecord
from discovery.runs.files import read_record
from sciren.errors import DataWarning

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data.kinds import Kinds


def warn_unseen(
    kinds: "Kinds", frame: "pd.DataFrame", codes: Mapping[str, np.ndarray]
) -> None:
    """Warn of classes that training had not.

    Args:
        kinds: of the features;  frame: their cells as they are written.
        codes: their numbers (n,).
    """
    for name, values in codes.items():
        trained_on = kinds[name].known(values)
        if trained_on is None or trained_on.all():
            continue
        unseen = dict.fromkeys(frame[name].to_numpy()[~trained_on].tolist())
        cells = ", ".join(map(repr, [*unseen][:3]))
        warnings.warn(
            f"column {name!r}: {float((~trained_on).mean()):.1%} of the rows hold classes "
            f"that training had not ({cells}); they get the mean of the classes",
            DataWarning,
            stacklevel=5,
        )


def warn_beyond(
    discovery: DiscoveryRecord,
    columns: Mapping[str, np.ndarray],
    kinds: Collection[str],
) -> None:
    """Warn where rows lie outside the data that the model was made from."""
    warn_outside(known_ranges(discovery), columns, kinds)


def warn_outside(
    ranges: Mapping[str, Sequence[float]],
    columns: Mapping[str, np.ndarray],
    kinds: Collection[str] = (),
) -> None:
    """Warn where rows lie outside the ranges (lowest, highest) of columns.

    Args:
        ranges: of the columns that have one.
        columns: values (n,).
        kinds: columns of classes and of places on a circle, which have no range.
    """
    for name, values in columns.items():
        if name not in ranges or name in kinds or np.isnan(values).all():
            continue
        low, high = ranges[name]
        # Comparisons with nan are false: missing cells are not outside.
        share = float(np.nanmean((values < low) | (values > high)))
        if share > 0:
            warnings.warn(
                f"column {name!r}: {share:.1%} of the rows are outside {low:g} to "
                f"{high:g}, where the model was made; there it extrapolates",
                DataWarning,
                stacklevel=5,
            )


def known_ranges(discovery: DiscoveryRecord) -> Mapping[str, Sequence[float]]:
    """Return column -> (lowest, highest) of the rows that the model was made from."""
    if discovery.folder is not None:
        return read_record(discovery.folder / "data.json", "ranges")["ranges"]
    if discovery.uncertainty is None:
        return {}
    reach = discovery.uncertainty.reach
    ends = zip(reach.low, reach.high, strict=True)
    return dict(zip(reach.names, ends, strict=True))


def warn_apart(discovery: DiscoveryRecord, columns: Mapping[str, np.ndarray]) -> None:
    """Warn where columns lie inside their ranges and their combination does not."""
    assert discovery.uncertainty is not None
    reach = discovery.uncertainty.reach
    apart = reach.apart(columns)
    share = float(apart.mean()) if len(apart) else 0.0
    if share > 0:
        others = [name for name in reach.names if name not in reach.used]
        stood_in = f" ({', '.join(others)} stood in for others)" if others else ""
        warnings.warn(
            f"{share:.1%} of the rows combine {', '.join(reach.names)}{stood_in} as no row "
            "did that the model was made from; column `outside` marks them",
            DataWarning,
            stacklevel=4,
        )
