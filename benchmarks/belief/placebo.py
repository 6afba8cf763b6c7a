"""How often a relation is claimed although features and flux have nothing to do with each other.

The flux is that of a record with autocorrelated rows; its features are replaced by
surrogates with their own memory and shape.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from benchmarks.belief.records import CELLS, FEATURES, Cell, record
from benchmarks.belief.selection import observed
from sciren.inference import select

Surrogate = Callable[[np.ndarray, np.random.Generator], np.ndarray]

RECORDS = ("ar_plain_30", "ar_q10_30", "ar_plain_100", "ar_q10_100")


def permuted_blocks(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put stretches of 100 rows into another order."""
    blocks = np.split(np.arange(len(x)), range(100, len(x), 100))
    return x[np.concatenate([blocks[k] for k in rng.permutation(len(blocks))])]


def random_phases(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Keep spectrum and correlations of the columns, draw one phase a frequency for all."""
    spectrum = np.fft.rfft(x - x.mean(0), axis=0)
    turns = np.exp(2j * np.pi * rng.uniform(size=(len(spectrum), 1)))
    turns[0] = 1.0
    return np.fft.irfft(spectrum * turns, n=len(x), axis=0) + x.mean(0)


def circular_shift(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move the columns against the flux by a fifth of the record or more."""
    rows = len(x)
    return np.roll(x, int(rng.integers(rows // 5, rows - rows // 5)), axis=0)


def coordinates(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Time, two annual waves, and slow random walks."""
    share = np.linspace(0, 1, len(x))
    waves = [np.sin(4 * np.pi * share), np.cos(4 * np.pi * share)]
    walks = np.cumsum(rng.standard_normal((len(x), x.shape[1] - 3)), axis=0)
    return np.column_stack((share, *waves, (walks - walks.mean(0)) / walks.std(0)))


def smooth_coordinates(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Time, its square, and waves of one to four cycles: slower than any noise."""
    share = np.linspace(0, 1, len(x))
    waves = [
        shape(2 * np.pi * cycles * share)
        for cycles in (1, 2, 3, 4)
        for shape in (np.sin, np.cos)
    ]
    return np.column_stack((share, share**2, *waves))


SURROGATES: dict[str, Surrogate] = {
    "blocks of 100 rows permuted": permuted_blocks,
    "phases randomised": random_phases,
    "circular shift": circular_shift,
    "coordinates only": coordinates,
    "smooth coordinates only": smooth_coordinates,
}


def claimed(cell: Cell, surrogate: Surrogate, number: int) -> bool:
    """Select among surrogate features; whether any is kept."""
    frame: pd.DataFrame = record(cell, number)
    columns = list(FEATURES)
    rng = np.random.default_rng([number, 77])
    frame[columns] = surrogate(frame[columns].to_numpy(), rng)
    return bool(select(observed(cell, frame)).kept)


def run(sets: range, cases: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a surrogate: per cent of sets with a claim, one column a record."""
    rows: list[dict[str, object]] = []
    for name, make in SURROGATES.items():
        row: dict[str, object] = {"surrogate": name, "sets": len(sets)}
        for kind in cases or RECORDS:
            share = np.mean([claimed(CELLS[kind], make, number) for number in sets])
            row[kind] = f"{100 * share:.1f}"
        rows.append(row)
    return rows
