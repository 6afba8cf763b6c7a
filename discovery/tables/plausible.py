"""Tables that can be read and not be learned from, told before any training.

A single value of 1e15 rules every sum of squares, a dozen rows leave nothing to score on,
and a feature that was computed from the target explains it whatever the process is.
"""

import warnings
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sciren.data.frames import LEAST_SCORED, has_one_value
from sciren.data.labels import row_name
from sciren.errors import DataError, DataWarning

if TYPE_CHECKING:
    import pandas as pd

    from discovery.tables.magnitudes import Magnitudes
    from discovery.tables.study import Study
    from sciren.data import Split, Table
    from sciren.decoders import Decoder

# A value counts as gross beyond both distances: Cauchy's distribution, the heaviest tail in
# use, reaches 11 deviations of its logarithm in a million rows, a lognormal one 5 of its
# own (quantiles of both; tests/discovery/tables/test_plausible.py draws them).
FAR, FAR_IN_LOGS = 1e5, 12.0
LEAST_IN_LOGS = 0.5  # deviation of numbers between 1 and 5
# 1.4826 median absolute deviations are one standard deviation of normal numbers:
# Rousseeuw and Croux 1993, Alternatives to the median absolute deviation
NORMAL = 1.4826
# rank correlation from which a feature is called a function of the target; of 10 pairs of
# independent numbers one in 1.8 million has 1
SAME_ORDER, LEAST_PAIRS = 0.9999, 10
MOST_RANKED = 2000  # rows whose ranks are compared; a copy shows in all of them
# numbers from 0 or 1 on without a gap, from three (two have no order to mistake) to as many
# as a reader would still call classes; more are counts, days or months
FEWEST_CLASSES, MOST_CLASSES = 3, 9
STRAIGHT = 1e-9  # largest distance from a straight line, in spreads of the target


def check_plausible(
    table: "Table",
    split: "Split",
    decoder: "Decoder",
    index: "pd.Index",
    magnitudes: "Magnitudes",
    meant: Collection[float] = (),
) -> None:
    """Refuse tables that no training can learn from.

    Args:
        table: all rows that can be used;  split: its parts.
        decoder: the process model.
        index: labels of the rows of the frame that the table came from.
        magnitudes: powers of ten by which columns were divided.
        meant: numbers that the user calls data (``not_missing``).
    Raises:
        DataError: a value lies grossly apart from the others of its column, a target
            does not vary, or a part has too few rows.
    """
    for name, values in _columns(table):
        check_outliers(
            name, values, table.row_ids, index, meant, magnitudes.of.get(name, 1)
        )
    for name, values in zip(table.target_names, table.targets.numpy().T, strict=True):
        check_varies(table.target_columns.get(name, name), values)
    _check_enough(split, decoder)


def _columns(table: "Table") -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and values, (n,) or (n, ...), of every column that holds amounts."""
    for name, values in zip(table.feature_names, table.features.numpy().T, strict=True):
        if name not in table.kinds:
            yield name, values
    for name, forcing in table.forcings.items():
        yield table.forcing_columns.get(name, name), forcing.numpy()
    for name, values in zip(table.target_names, table.targets.numpy().T, strict=True):
        yield table.target_columns.get(name, name), values


def robust_distance(values: np.ndarray) -> np.ndarray:
    """Return the distance of every value from the median, in robust deviations.

    The deviation is the median distance of the values that differ from the median, so
    that a column that is mostly zero has one as well.

    Args:
        values: any shape, nan where there is none.
    Returns:
        As many numbers; zero where all values are equal.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        away = np.abs(values - np.median(values[np.isfinite(values)]))
    nonzero = away[away > 0]
    deviation = NORMAL * float(np.median(nonzero)) if nonzero.size else 0.0
    return away / deviation if deviation else np.zeros_like(away)


def gross_outliers(values: np.ndarray) -> np.ndarray:
    """Return where a value is gross as it is and gross in logarithms of its size."""
    # Both conditions: a heavy tail is far in plain numbers but not in logarithms; a
    # shifted code is far in both.
    far = robust_distance(values) > FAR
    if not far.any():
        return far
    # Zeros have no logarithm and stay nan, so that they are never gross by this
    # measure.
    sizes = np.log(np.abs(values), where=values != 0, out=np.full(values.shape, np.nan))
    away = np.abs(sizes - np.nanmedian(sizes))
    # codes such as 0 and 1 have no deviation in logarithms
    return far & (away > FAR_IN_LOGS * max(NORMAL * np.nanmedian(away), LEAST_IN_LOGS))


def check_outliers(
    name: str,
    values: np.ndarray,
    row_ids: np.ndarray,
    index: "pd.Index",
    meant: Collection[float] = (),
    unit: float = 1.0,
) -> None:
    """Refuse a column of which a value lies grossly apart.

    Args:
        name: of the column;  values: (n,) or (n, ...), nan where there is none.
        row_ids: (n,) positions of the rows in a frame;  index: labels of its rows.
        meant: numbers that the user calls data (``not_missing``).
        unit: that the column was divided by.
    Raises:
        DataError: with the row, the distance, and what to do.
    """
    # The user wrote numbers in the unit of the file.
    gross = gross_outliers(values) & ~np.isin(values * unit, [*meant])
    if not gross.any():
        return
    # A forcing may have several values a row (layers, months); one gross value marks
    # the row.
    rows = np.asarray(gross).reshape(len(values), -1).max(1)
    row = int(rows.argmax())
    value = float(np.ravel(values[row])[np.ravel(gross[row]).argmax()])
    distance = float(robust_distance(values)[gross].min())
    usual = float(np.nanmedian(values)) * unit
    raise DataError(
        f"column {name!r} is {value * unit:.6g} in {row_name(index, int(row_ids[row]))}, "
        f"{distance:.1e} robust deviations from the median {usual:.4g} ({int(rows.sum())} "
        f"of {len(rows)} rows are as far); correct it, leave the row out with data.rows, "
        f"or set data: {{not_missing: [{value * unit:.17g}]}} if it was measured"
    )


def check_varies(name: str, values: np.ndarray) -> None:
    """Refuse a target of one value.

    Raises:
        DataError: with the value.
    """
    seen = values[np.isfinite(values)]
    # Fewer values are refused as too few rows, with a better message.
    if has_one_value(seen):
        raise DataError(
            f"target column {name!r} is {seen[0]:g} in all {len(seen)} observed rows; "
            "there is nothing to explain, name another column or other rows"
        )


def _check_enough(split: "Split", decoder: "Decoder") -> None:
    """Refuse parts in which not even constants, or no score, have a spare row."""
    unknowns = len(decoder.latent_names) + len(decoder.constant_names)
    least = {
        "train": max(LEAST_SCORED, 1 + unknowns), "valid": LEAST_SCORED, "test": LEAST_SCORED
    }  # fmt: skip
    for (part, needed), table in zip(least.items(), split, strict=True):
        # A row without weight counts in no sum.
        seen = table.observed
        if table.weights is not None:
            seen = seen & (table.weights > 0)[:, None]
        rows = int(seen.any(1).sum())
        # A process that is not row by row may have few rows of many targets each.
        numbers = rows if decoder.rowwise else int(seen.sum())
        if numbers < needed:
            why = (
                f"{unknowns} latents and constants are unknown"
                if part == "train"
                else "a score of fewer says nothing"
            )
            raise DataError(
                f"{part} has {rows} rows with an observed target"
                + (" and a weight above zero" if table.weights is not None else "")
                + f", at least {needed} are needed ({why}); give more rows or other shares "
                "(split.fractions)"
            )


def warn_of_copies(study: "Study") -> tuple[str, ...]:
    """Warn about features that are a function of a target; return the sentences.

    Raises:
        DataError: behind a process model a feature is a straight line of a target.
    """
    from sciren.decoders import IdentityDecoder

    notes = []
    table, plain = study.table, isinstance(study.decoder, IdentityDecoder)
    physical = {*table.forcing_columns.values()}
    for feature, target, correlation, straight in _copies(table, physical):
        shown = table.target_columns.get(target, target)
        if straight and not plain:
            raise DataError(
                f"{study.source}: feature {feature!r} is a straight line of target column "
                f"{shown!r} in every row, so it was computed from it; remove it from the "
                "features"
            )
        notes.append(
            f"Feature {feature!r} rises or falls with target column {shown!r} in every "
            f"row (rank correlation {correlation:.5f}); if one was computed from the "
            "other, every equation below restates that."
        )
        warnings.warn(notes[-1], DataWarning, stacklevel=2)
    return tuple(notes)


def _copies(
    table: "Table", physical: Collection[str]
) -> Iterator[tuple[str, str, float, bool]]:
    """Yield feature, target, rank correlation, and whether a straight line joins them."""
    features, targets = table.features.numpy().T, table.targets.numpy().T
    for target, y in zip(table.target_names, targets, strict=True):
        seen = np.isfinite(y)
        for feature, x in zip(table.feature_names, features, strict=True):
            # Classes have no order; a forcing enters the process anyway and is no
            # explanation.
            if feature in table.kinds or feature in physical:
                continue
            pair = x[seen], y[seen]
            few = slice(None, None, 1 + len(pair[0]) // MOST_RANKED)
            # Ranks of few different values are mostly ties and agree by chance.
            if min(len(np.unique(values[few])) for values in pair) < LEAST_PAIRS:
                continue
            correlation = rank_correlation(*(values[few] for values in pair))
            if abs(correlation) >= SAME_ORDER:
                yield feature, target, correlation, _is_straight(*pair)


def warn_of_numbers_for_classes(table: "Table") -> tuple[str, ...]:
    """Warn about features that number something from 0 or 1 on; return the sentences.

    Diets 1 to 4 have no order, and a line through them says nothing; counts may have one.
    """
    notes = []
    for name, values in zip(table.feature_names, table.features.numpy().T, strict=True):
        different = np.unique(values[np.isfinite(values)])
        few = FEWEST_CLASSES <= len(different) <= MOST_CLASSES
        if name in table.kinds or not few or different[0] not in (0, 1):
            continue
        if not np.array_equal(different, different[0] + np.arange(len(different))):
            continue
        notes.append(
            f"Feature {name!r} holds the numbers {different[0]:g} to {different[-1]:g} alone. "
            f"If they stand for classes, write categorical: [{name}]; as they are they are "
            "amounts, of which 2 lies between 1 and 3."
        )
        warnings.warn(notes[-1], DataWarning, stacklevel=2)
    return tuple(notes)


def note_of_sums_in_logs(decoder: "Decoder", residual: str) -> tuple[str, ...]:
    """Return a note where an output is compared in logs and its equation adds."""
    from sciren.decoders import IdentityDecoder

    if residual != "log" or not isinstance(decoder, IdentityDecoder):
        return ()
    note = (
        "Targets are compared in logs, but without a process model the effects of features "
        "add up, so that a prediction may be negative. Where effects multiply, write "
        "decoder: log_link."
    )
    return (note,)


def notes_on_outcomes(
    table: "Table", decoder: "Decoder", noise: str
) -> tuple[str, ...]:
    """Return sentences about targets that are 0 or 1, or counts; warn where sums miss them.

    Args:
        table: all rows;  decoder: the process model.
        noise: how the training weighs rows, see `sciren.training.TrainConfig`.
    """
    from sciren.decoders import IdentityDecoder

    plain, notes = isinstance(decoder, IdentityDecoder), []
    for target, y in zip(table.target_names, table.targets.numpy().T, strict=True):
        shown = repr(table.target_columns.get(target, target))
        values = np.unique(y[np.isfinite(y)])
        if np.array_equal(values, [0, 1]):
            notes.append(_about_shares(shown, plain, noise))
        elif plain and len(values) > 2 and values[0] == 0 and not (values % 1).any():
            notes.append(
                f"Target {shown} holds whole numbers from 0 to {values[-1]:g}. If they are "
                "counts, effects mostly multiply, and a sum of them may be negative: write "
                "decoder: log_link, as glm(family = quasipoisson) has them."
            )
        if notes and plain:
            warnings.warn(notes[-1], DataWarning, stacklevel=2)
    return tuple(dict.fromkeys(notes))


def _about_shares(shown: str, plain: bool, noise: str) -> str:
    if plain:
        return (
            f"Target {shown} is 0 or 1, and a sum of effects may leave this range. Write "
            "decoder: logit_link for the log odds, as glm(family = binomial) has them."
        )
    weighed = (
        "weighed by its variance p (1 - p), as glm(family = binomial) does"
        if noise == "auto"
        else f"weighed as train.noise: {noise} says; auto would weigh by p (1 - p)"
    )
    return (
        f"Target {shown} is 0 or 1: what is predicted is the share p of 1, every row "
        f"{weighed}. R2 of single outcomes is low even where p is exact."
    )


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's correlation of two (n,) arrays without gaps."""
    # not that of scipy.stats, whose import takes longer than a whole check
    first, second = (pd.Series(values).rank().to_numpy() for values in (x, y))
    return float(np.corrcoef(first, second)[0, 1])


def _is_straight(x: np.ndarray, y: np.ndarray) -> bool:
    x, y = x - x.mean(), y - y.mean()
    # Residual of the straight line; the largest one must be rounding.
    residual = y - x * (x @ y) / (x @ x)
    return bool(np.abs(residual).max() <= STRAIGHT * np.ptp(y))
