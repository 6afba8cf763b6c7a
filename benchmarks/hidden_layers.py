"""Whether one hidden layer holds what no sum of curves can, on few noisy rows.

    python -m benchmarks.hidden_layers --sets 0-19

Six features, two of them correlated, of which two or three act: as a product, an exponential
of a sum, a ratio, a sigmoid of a parabola, or as a sum of curves. Compared are smoothing
chosen on validation and the loosest alone (`--factors 1`). Printed are R2 of the network
against the truth on 2,000 rows without noise, the share of sets in which a hidden layer was
kept, and CPU seconds. A hidden layer for the sum of curves is false. Tuning sets are 0-4.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from sciren import KANEncoder, ScIReN, TrainConfig, fit
from sciren.data import Table

Array = np.ndarray
NAMES = list("abcdef")
TRUTHS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "product": lambda a, b, c: a * b,
    "exponential": lambda a, b, c: np.exp(0.8 * a - 0.6 * b + 0.3 * c),
    "ratio": lambda a, b, c: a / (2.5 + b),
    "sigmoid": lambda a, b, c: np.tanh(1.5 * (a + 0.7 * b * b - 0.5)),
    "sum": lambda a, b, c: np.sin(2 * a) + 0.5 * b * b,
}
CELLS = ((200, 0.5), (400, 1.0), (1000, 0.5), (400, 0.1))  # rows, noise over signal
UNSEEN = 2_000  # rows that judge


def study(truth: str, rows: int, noise: float, number: int) -> tuple[Table, Array]:
    """Table of all rows, and the signal of unit deviation behind it."""
    rng = np.random.default_rng(number)
    x = rng.uniform(-1.7, 1.7, (rows + UNSEEN, 6))
    x[:, 3] = 0.8 * x[:, 0] + 0.6 * x[:, 3]
    signal = TRUTHS[truth](x[:, 0], x[:, 1], x[:, 2])
    signal = (signal - signal.mean()) / signal.std()
    frame = pd.DataFrame(x, columns=NAMES)
    frame["y"] = signal + noise * rng.normal(size=len(signal))
    return Table.from_frame(frame, features=NAMES, targets=["y"]), signal


def scored(
    table: Table, signal: Array, config: TrainConfig
) -> tuple[float, bool, float]:
    """R2 on unseen rows, whether a hidden layer stayed, and CPU seconds."""
    rows = len(table) - UNSEEN
    cut = rows * 3 // 4
    model = ScIReN(KANEncoder(len(NAMES), 1), "auto")
    start = time.process_time()
    fit(model, table.take(slice(cut)), table.take(slice(cut, rows)), config)
    seconds = time.process_time() - start
    unseen = model.predict(table.take(slice(rows, None))).targets.numpy().ravel()
    r2 = 1 - np.var(signal[rows:] - unseen) / np.var(signal[rows:])
    encoder = model.encoder
    assert isinstance(encoder, KANEncoder)
    return float(r2), bool(encoder.hidden), seconds


def numbers(text: str) -> range:
    """Read "0-19" as numbers of sets."""
    first, last = text.split("-")
    return range(int(first), int(last) + 1)


def main() -> None:
    """Run every truth and cell, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=numbers, default=numbers("0-19"))
    parser.add_argument("--truths", nargs="+", default=list(TRUTHS), choices=TRUTHS)
    parser.add_argument("--factors", type=float, nargs="+", default=None)
    options = parser.parse_args()
    chosen = (
        {} if options.factors is None else {"smooth_hidden_choices": options.factors}
    )
    config = TrainConfig(ladder=True, **chosen)
    print("| truth | rows | noise | R2 median | R2 lowest | hidden | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for truth in options.truths:
        for rows, noise in CELLS:
            results = [
                scored(*study(truth, rows, noise, number), config)
                for number in options.sets
            ]
            r2, hidden, seconds = map(np.array, zip(*results, strict=True))
            print(
                f"| {truth} | {rows} | {noise:g} | {np.median(r2):.3f} | {r2.min():.3f} "
                f"| {hidden.mean():.0%} | {seconds.mean():.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
