"""Twelve cases whose identifiable combinations are known: what does the walk say?

Each set has 700 rows and noise of 10 % of the mean (30 % in one case, in which a product
is offered as the verdict offers those of the equations). The walk starts
from the true latents, moved by a tenth at random, as a fit would leave them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sciren.inference.identifiability import Identifiability, walk
from sciren.inference.observed import ObservedProcess

Array = np.ndarray
ROWS = 700


@dataclass(frozen=True)
class Case:
    """One process with known latents.

    Attributes:
        name: of the case.
        process: (latents and constants by name, forcings by name) -> mean, in functions
            of `sciren`.
        latents: name -> function of the features by name, the truth.
        constants: name -> true value.
        features: offered to every latent, by name.
        loose: names that must not be identified;  held: names that must be.
        known: the combination that must be named, or "".
        noise: as a share of the mean.
    """

    name: str
    process: Callable[..., object]
    latents: dict[str, Callable[[pd.DataFrame], Array]]
    constants: dict[str, float]
    features: tuple[str, ...]
    loose: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    known: str = ""
    noise: float = 0.1


def _a(f: pd.DataFrame) -> Array:
    return 2 + 0.6 * f.x1 + 0.4 * np.sin(2 * f.x2)


def _b(f: pd.DataFrame) -> Array:
    return 1.5 + 0.5 * f.x2 + 0.4 * f.x1**2


def _q10(p: Any, f: Any) -> Any:
    return p.rb * p.q10 ** ((f.ta - 15) / 10)


def _saturating(p: Any, f: Any) -> Any:
    return p.vmax * f.s / (p.km + f.s)


def _growth(p: Any, f: Any) -> Any:
    from sciren.functions import exp

    return p.rb * exp((p.k1 + p.k2) * f.u)


def _warm(f: pd.DataFrame) -> Array:
    return 3 + 0.5 * f.x1 + 0.08 * (f.ta - 12)


BOTH = ("x1", "x2")
FORCINGS = ["s", "ta", "u"]
CASES = (
    Case(
        "a*b*s, both from x1 and x2", lambda p, f: p.a * p.b * f.s, {"a": _a, "b": _b},
        {}, BOTH, ("a", "b"), (), "a*b",
    ),
    Case(
        "a(x1)*b(x2)*s", lambda p, f: p.a * p.b * f.s,
        {"a": lambda f: 2 + 0.6 * f.x1 + 0.3 * f.x1**2,
         "b": lambda f: 1.5 + 0.5 * np.sin(2 * f.x2)},
        {}, BOTH, ("a", "b"), (), "a*b",
    ),
    Case(
        "a+b, both from x1 and x2", lambda p, f: p.a + p.b + 0 * f.s,
        {"a": _a, "b": _b}, {}, BOTH, ("a", "b"), (), "a + b",
    ),
    Case(
        "a + b*s", lambda p, f: p.a + p.b * f.s, {"a": _a, "b": _b}, {}, BOTH, (),
        ("a", "b"),
    ),
    Case(
        "a*c*s, c constant", lambda p, f: p.a * p.c * f.s, {"a": _a}, {"c": 1.7}, BOTH,
        ("a", "c"), (), "a*c",
    ),
    Case(
        "rb*q10, rb from x1", _q10, {"rb": lambda f: 3 + 0.8 * f.x1}, {"q10": 1.5},
        ("x1",), (), ("rb", "q10"),
    ),
    Case(
        "rb from x1 and ta", _q10, {"rb": _warm}, {"q10": 1.5}, ("x1", "ta"), (),
        ("q10",),
    ),
    Case(
        "rb from ta alone, x1 and ta offered", _q10,
        {"rb": lambda f: 3 + 0.08 * (f.ta - 12)}, {"q10": 1.5}, ("x1", "ta"), ("q10",),
    ),
    Case(
        "vmax s/(km + s), s below 0.05 km", _saturating, {"vmax": _a}, {"km": 40.0},
        BOTH, ("vmax", "km"), (), "vmax/km",
    ),
    Case(
        "the same, s to 4 km", _saturating, {"vmax": _a}, {"km": 0.5}, BOTH, (),
        ("vmax", "km"),
    ),
    Case(
        "rb exp((k1 + k2) u)", _growth,
        {"rb": _a}, {"k1": 0.3, "k2": 0.5}, BOTH, ("k1", "k2"), ("rb",), "k1 + k2",
    ),
    Case(
        "rb from x1, ta and their product, 30 % noise", _q10,
        {"rb": lambda f: _warm(f) + 0.5 * f["x1*ta"]}, {"q10": 1.5},
        ("x1", "ta", "x1*ta"), ("q10",), noise=0.3,
    ),
)  # fmt: skip


def observed_case(
    case: Case, seed: int, rows: int = ROWS
) -> tuple[ObservedProcess, Array, Array]:
    """Draw one set; return its process, raw latents (n, L) and raw constants (K,)."""
    import torch

    from sciren import KANEncoder, Parameter, ScIReN, Table, process_model

    rng = np.random.default_rng([seed, rows])
    frame = pd.DataFrame(
        {
            "x1": rng.uniform(-1, 1, rows),
            "x2": rng.uniform(-1, 1, rows),
            "s": rng.uniform(0.2, 2, rows),
            "ta": rng.uniform(0, 25, rows),
            "u": rng.uniform(-1, 1, rows),
        }
    )
    frame["x1*ta"] = frame["x1"] * (frame["ta"] - 12) / 12
    parameters = [Parameter(name, low=0) for name in case.latents] + [
        Parameter(name, low=0, start=value, kind="constant")
        for name, value in case.constants.items()
    ]
    decoder = process_model(parameters=parameters, forcings=FORCINGS, targets=["y"])(
        case.process
    )
    true = np.stack([make(frame) for make in case.latents.values()], axis=1)
    shared = np.array(list(case.constants.values()), dtype=float)
    mean = decoder.evaluate(
        torch.from_numpy(true),
        torch.from_numpy(shared),
        {name: torch.tensor(frame[name].to_numpy()) for name in FORCINGS},
    ).numpy()[:, 0]
    frame["y"] = mean + case.noise * np.abs(mean).mean() * rng.normal(size=rows)
    table = Table.from_frame(
        frame, features=list(case.features), forcings=FORCINGS, targets=["y"]
    )
    encoder = KANEncoder(len(case.features), len(case.latents))
    process = ObservedProcess.of(ScIReN(encoder, "auto", decoder), table)
    moved = true * rng.uniform(0.9, 1.1, true.shape[1])
    constants = np.log(shared) + 0.05 * rng.normal(size=len(shared))
    return process, moved, constants


def judged(case: Case, found: Identifiability) -> bool:
    """Whether everything was called as it is, and the combination was named."""
    held = {
        quantity.name
        for quantity in found.quantities
        if quantity.status == "identified"
    }
    loose = set(found.of("not identified"))
    named = not case.known or case.known in {
        combination.text for combination in found.combinations
    }
    return set(case.loose) <= loose and set(case.held) <= held and named


def run(seeds: Sequence[int], names: Sequence[str] = ()) -> list[dict[str, object]]:
    """Walk every set; return one row a case: right of sets, CPU seconds, an example."""
    rows = []
    for case in [one for one in CASES if not names or one.name in names]:
        right, spent, said = 0, [], ""
        for seed in seeds:
            drawn = observed_case(case, seed)
            before = time.process_time()
            found = walk(*drawn, remedies=False)
            spent.append(time.process_time() - before)
            right += judged(case, found)
            said = said or found.sentence()
        rows.append(
            {
                "case": case.name,
                "right": f"{right} of {len(seeds)}",
                "CPU s, largest": round(max(spent), 2),
                "first set says": said,
            }
        )
    return rows
