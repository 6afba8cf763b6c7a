"""How far trained curves and constants are from the truth, with and without the noise's law.

A network is trained on every record as by default (`noise: auto`: weights where the noise
grows, whitened rows where it remembers) and with equal, independent rows
(`noise: constant`). Roots of mean squares over the sets: of the latent about its own mean,
and of ln q10.
"""

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.belief.laws import COVERAGE, Law, draw
from benchmarks.belief.public import Case
from sciren import TrainConfig, fit

LAWS = ("independent, 1000", "growing", "AR 0.9", "AR 0.9, growing")
KINDS = ("constant", "auto")


def run(sets: range, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one row a law."""
    return [_row(name, sets) for name in LAWS if not names or name in names]


def _row(name: str, sets: range) -> dict[str, object]:
    start = time.process_time()
    errors = np.array(
        [[missed(COVERAGE[name], seed, kind) for kind in KINDS] for seed in sets]
    )
    seconds = (time.process_time() - start) / len(sets) / len(KINDS)
    size = np.sqrt((errors**2).mean(0))
    row: dict[str, object] = {"law": name, "sets": len(sets)}
    for place, what in enumerate(("latent", "ln q10")):
        for kind, value in zip(KINDS, size[:, place], strict=True):
            row[f"{what}, {kind}"] = f"{value:.3f}"
    return row | {"CPU s": f"{seconds:.2f}"}


def missed(law: Law, seed: int, kind: str) -> tuple[float, float]:
    """Return the deviation of a trained latent's error, and the error of ln q10."""
    record = draw(law, seed)
    case = Case.of(record)
    held = np.arange(len(case.table)) // 20 % 5 == 4  # as `Case.trained` does
    config = TrainConfig(profiles=False, ladder=False).replace(noise=kind)
    fit(case.model, case.table.take(~held), case.table.take(held), config)
    latent = case.model.predict(case.table).latents.numpy()[:, 0]
    error = latent - record.latent[case.table.row_ids]
    return float(error.std()), float(np.log(case.model.constants()["q10"] / record.q10))
