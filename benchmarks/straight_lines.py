"""Whether straight lines under wide errors are called straight lines.

    python -m benchmarks.straight_lines --cases 100 --seed 0

Latents are linear in one or two of three features (normal or lognormal, correlated up to
0.8), seen directly, through Q10 or through a saturating response to light, on 100 to
2,000 rows. The noise is half, once or twice the spread that the latent leaves in the
target: normal, proportional to the target, autocorrelated or Student's t of three degrees
of freedom. Counted are equations with a curve that stays undefined, and terms for which
neither the family nor the set of equals is linear. Tuning seeds begin at 1000.
"""

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from discovery import ScIReNRegressor
from sciren import Parameter, process_model
from symbolic import symbolify

Array = np.ndarray

LAWS = ("normal", "proportional", "series", "t3")
PROCESSES = ("none", "q10", "light")
ROWS = (100, 200, 400, 1000, 2000)
NOISES = (0.5, 1.0, 2.0)
MEMORY = 0.7  # lag-1 correlation of the series
LEVEL = 3.0  # of the latent


@process_model(
    parameters=[
        Parameter("efficiency", low=0, unit="g MJ-1"),
        Parameter("half", low=0.1, start=5, kind="constant"),
    ],
    forcings=["par"],
    targets=["gpp"],
)
def light_use(p: Any, f: Any) -> Any:
    """Uptake that saturates with light: efficiency * par / (1 + par / half)."""
    return p.efficiency * f.par / (1 + f.par / p.half)


DECODERS = {"none": None, "q10": "q10", "light": light_use}
FORCINGS = {"none": None, "q10": {"ta": "ta"}, "light": {"par": "par"}}


@dataclass(frozen=True)
class Record:
    """Rows of one case: columns, target, and how they were made."""

    frame: pd.DataFrame
    target: Array
    process: str
    law: str
    noise: float


def record(seed: int) -> Record:
    """Draw a case."""
    rng = np.random.default_rng([seed, 411])
    rows = int(rng.choice(ROWS))
    shared = rng.uniform(0, 0.8)
    a = rng.normal(size=rows)
    b = shared * a + np.sqrt(1 - shared**2) * rng.normal(size=rows)
    if rng.random() < 0.4:
        a = np.exp(0.7 * a)
    law, process = LAWS[seed % 4], PROCESSES[seed // 4 % 3]
    latent = LEVEL + 0.25 * _standard(a)
    if rng.random() < 0.5:
        latent = latent + 0.2 * _standard(b)
    latent = np.clip(latent, 0.2, None)
    ta, par = rng.uniform(-5, 30, rows), rng.gamma(2, 4, rows)
    factor = {"none": 1.0, "q10": 1.8 ** ((ta - 15) / 10), "light": par / (1 + par / 6)}
    clean = latent * factor[process]
    noise = float(rng.choice(NOISES))
    spread = np.std(clean - clean * LEVEL / latent)
    target = clean + noise * spread * _errors(law, clean, rng)
    columns = {"a": a, "b": b, "c": rng.normal(size=rows), "ta": ta, "par": par}
    return Record(pd.DataFrame(columns), target, process, law, noise)


def _standard(values: Array) -> Array:
    return (values - values.mean()) / values.std()


def _errors(law: str, clean: Array, rng: np.random.Generator) -> Array:
    """Draw errors of unit size (n,)."""
    errors = rng.normal(size=len(clean))
    if law == "proportional":
        errors = errors * np.abs(clean) / np.mean(np.abs(clean))
    if law == "t3":
        errors = rng.standard_t(3, len(clean)) / np.sqrt(3)
    if law == "series":
        for row in range(1, len(clean)):
            innovation = np.sqrt(1 - MEMORY**2) * errors[row]
            errors[row] = MEMORY * errors[row - 1] + innovation
    return errors


def judged(case: Record) -> tuple[bool, bool, str]:
    """Return whether a curve stays undefined, whether all terms are linear, and them."""
    model = ScIReNRegressor(
        decoder=DECODERS[case.process],
        features=["a", "b", "c"],
        forcings=FORCINGS[case.process],
        random_state=0,
    )
    model.fit(case.frame, case.target)
    equations = symbolify(model.model_, model._train, seed=model._seed)
    rows = equations.edges.to_dict("records")
    terms = [row for row in rows if row["status"] != "dropped"]
    linear = ["linear" in (t["family"], *str(t["equals"]).split(", ")) for t in terms]
    told = ", ".join(f"{term['source']}: {term['equals']}" for term in terms)
    return bool(equations.functions), all(linear), told


def main() -> None:
    """Run the cases and print one line each, and the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    undefined, straight = 0, 0
    for seed in range(options.seed, options.seed + options.cases):
        start, case = time.process_time(), record(seed)
        open_curve, linear, told = judged(case)
        undefined += open_curve
        straight += linear and not open_curve
        seconds = time.process_time() - start
        print(
            f"{seed} {case.process} {case.law} n={len(case.target)} "
            f"noise={case.noise:g}: {told} ({seconds:.1f} s)",
            flush=True,
        )
    print(
        f"{options.cases} cases: {undefined} with an undefined curve, {straight} linear "
        "or in a set with linear"
    )


if __name__ == "__main__":
    main()
