"""Features that cannot have caused the target, made from the real ones."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sciren.data import Table

Array = NDArray[np.float64]

WAVES = 2  # pairs of sine and cosine of the whole record among the coordinates
WALKS = 3  # slow random walks beside them
NEAREST = 0.1  # share of the record that a circular shift moves at least


def shifted(x: Array, rng: np.random.Generator) -> Array:
    """Move all columns (n, d) by the same number of rows, the end to the beginning.

    Memory of each column and relations among columns stay; that with the target goes.
    """
    # Small shifts leave a slow column nearly in step with the target: no placebo.
    least = max(1, int(NEAREST * len(x)))
    return np.roll(x, int(rng.integers(least, max(len(x) - least, least + 1))), axis=0)


def phases_randomised(x: Array, rng: np.random.Generator) -> Array:
    """Turn the phases of all columns (n, d) by the same random angles.

    Spectra, and correlations among columns at every frequency, stay as they are.

    Reference: Prichard and Theiler 1994.
    """
    middle = x.mean(0)
    spectrum = np.fft.rfft(x - middle, axis=0)
    angles = rng.uniform(0, 2 * np.pi, len(spectrum))
    # Frequency zero is the mean and has no phase.
    angles[0] = 0.0
    if len(x) % 2 == 0:
        angles[-1] = 0.0  # the highest frequency of an even length is real
    # One angle a frequency for all columns: their phase differences, and so their
    # cross-spectra, stay.
    turned = spectrum * np.exp(1j * angles)[:, None]
    return np.fft.irfft(turned, len(x), axis=0) + middle


def coordinates(rows: int, rng: np.random.Generator) -> Array:
    """Position, waves of the record, and slow random walks (n, 1 + 4 + 3)."""
    position = np.linspace(0, 1, rows)
    waves = [
        shape(2 * np.pi * cycles * position)
        for cycles in range(1, WAVES + 1)
        for shape in (np.sin, np.cos)
    ]
    walks = np.cumsum(rng.standard_normal((rows, WALKS)), axis=0)
    return np.column_stack([position, *waves, walks])


def constants_of_groups(
    groups: NDArray[np.int64], columns: int, rng: np.random.Generator
) -> Array:
    """Random numbers that are the same in all rows of a group (n, columns)."""
    return rng.standard_normal((int(groups.max()) + 1, columns))[groups]


def with_features(table: "Table", x: Array) -> "Table":
    """Return a table with other features, under names of their own if their number is.

    A feature keeps its kind where the new values can be of it: shifted classes are still
    classes, random numbers are amounts.
    """
    import torch

    names = table.feature_names
    if x.shape[1] != len(names):
        names = tuple(f"placebo{k + 1}" for k in range(x.shape[1]))
    kinds = {}
    for name, values in zip(names, x.T, strict=True):
        kind = table.kinds.get(name)
        # None for an amount, which is what a column without a kind is; values that are
        # no classes make the column an amount.
        occurs = None if kind is None else kind.known(values)
        if kind is not None and occurs is not None and occurs.all():
            kinds[name] = kind
    features = torch.from_numpy(np.ascontiguousarray(x))
    return replace(table, features=features, feature_names=names, kinds=kinds)


def with_forcings(table: "Table", reverse: bool) -> "Table":
    """Return a table whose forcings are constant, or run the other way round.

    constant: the mean;  reversed: smallest + largest - value
    """
    import torch

    changed = {}
    for name, value in table.forcings.items():
        # Mirrored within its range: the same values occur, but the response runs the
        # other way.
        if reverse:
            changed[name] = value.amin(0) + value.amax(0) - value
        else:
            changed[name] = torch.ones_like(value) * value.mean(0)
    return replace(table, forcings=changed)
