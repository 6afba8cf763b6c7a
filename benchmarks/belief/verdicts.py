"""How often a verdict accuses a right model, sees a wrong one, or claims a useless feature.

Records of 1,000 rows behind Q10 respiration (rb from x1 and x2, three useless features
beside), noise of 20 % of the mean unless said. Right models must not be accused of
missing something; processes that are wrong, and products that no sum of curves holds,
must be.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sciren.inference.observed import ObservedProcess
from sciren.inference.skill import Skill, skill_of_selection

Array = np.ndarray
FEATURES = tuple(f"x{k}" for k in range(1, 6))
ROWS, NOISE, MEMORY = 1000, 0.2, 0.9


def _q10(rb: Array, ta: Array) -> Array:
    return rb * 1.5 ** ((ta - 15) / 10)


def _lloyd_taylor(rb: Array, ta: Array) -> Array:
    return rb * np.exp(308.56 * (1 / 56.02 - 1 / (ta + 46.02)))


def _optimum(rb: Array, ta: Array) -> Array:
    return rb * np.exp(-(((ta - 16) / 9) ** 2))


@dataclass(frozen=True)
class Case:
    """One kind of record.

    Attributes:
        response: (rb, ta) -> mean.
        product: coefficient of x1 x2 in rb.
        kind: of the noise: iid, growing, t3 or ar.
        useless: "" or "latent" (rb is constant) or "all" (the target is a constant).
        wrong: whether something is missing in the fitted model.
    """

    response: Callable[[Array, Array], Array] = _q10
    product: float = 0.0
    kind: str = "iid"
    useless: str = ""
    wrong: bool = False


CASES = {
    "right, iid": Case(),
    "right, growing noise": Case(kind="growing"),
    "right, t3": Case(kind="t3"),
    "right, AR 0.9": Case(kind="ar"),
    "latent constant": Case(useless="latent"),
    "useless, iid": Case(useless="all"),
    "useless, AR 0.9": Case(kind="ar", useless="all"),
    "0.4 x1 x2 missing": Case(product=0.4, wrong=True),
    "0.4 x1 x2 missing, AR 0.9": Case(product=0.4, kind="ar", wrong=True),
    "Lloyd-Taylor for Q10": Case(_lloyd_taylor, wrong=True),
    "optimum curve for Q10": Case(_optimum, wrong=True),
}


def draw(case: Case, seed: int, rows: int = ROWS) -> pd.DataFrame:
    """Draw one record: time (AR only), x1 .. x5, ta, reco."""
    from benchmarks.belief.records import autoregressive

    rng = np.random.default_rng([seed, 71])
    memory = MEMORY if case.kind == "ar" else 0.0
    x = autoregressive(rows, len(FEATURES), memory, rng)
    frame = pd.DataFrame(x, columns=list(FEATURES))
    season = 8 * np.sin(2 * np.pi * 3 * np.arange(rows) / rows)
    frame["ta"] = 12 + season + 3 * autoregressive(rows, 1, memory, rng)[:, 0]
    rb = 4 + 0.6 * x[:, 0] + 0.4 * np.sin(1.5 * x[:, 1])
    rb = rb + case.product * x[:, 0] * x[:, 1]
    ta = frame["ta"].to_numpy()
    if case.useless:
        rb = np.full(rows, 4.0)
    mean = rb if case.useless == "all" else case.response(np.maximum(rb, 0.1), ta)
    frame["reco"] = mean + _noise(case, mean, rng)
    if case.kind == "ar":
        frame.insert(0, "time", pd.date_range("2001-01-01", periods=rows, freq="h"))
    return frame


def _noise(case: Case, mean: Array, rng: np.random.Generator) -> Array:
    from benchmarks.belief.records import autoregressive

    size = NOISE * float(np.abs(mean).mean())
    if case.kind == "growing":
        return NOISE * mean * rng.standard_normal(len(mean))
    if case.kind == "t3":
        return size * rng.standard_t(3, len(mean)) / np.sqrt(3)
    memory = MEMORY if case.kind == "ar" else 0.0
    return size * autoregressive(len(mean), 1, memory, rng)[:, 0]


def observed_record(frame: pd.DataFrame) -> ObservedProcess:
    """See a record through Q10 respiration."""
    from sciren import KANEncoder, Q10Respiration, ScIReN, Table

    table = Table.from_frame(
        frame, features=list(FEATURES), forcings=["ta"], targets=["reco"],
        time="time" if "time" in frame.columns else None,
    )  # fmt: skip
    model = ScIReN(KANEncoder(len(FEATURES), 1), "auto", Q10Respiration())
    return ObservedProcess.of(model, table)


def judge(case: Case, seed: int) -> Skill:
    """Judge one record by the pipeline of selection and fit."""
    return skill_of_selection(observed_record(draw(case, seed)))


def run(seeds: Sequence[int], names: Sequence[str] = ()) -> list[dict[str, object]]:
    """Judge every record; return one row a case with shares in per cent."""
    rows = []
    for name in names or CASES:
        before = time.process_time()
        found = [judge(CASES[name], seed) for seed in seeds]
        spent = (time.process_time() - before) / len(seeds)
        rows.append(
            {
                "case": name,
                "sets": len(seeds),
                "relation claimed %": _share([one.claimed for one in found]),
                "flexible better %": _share(
                    [bool(one.better_reference) for one in found]
                ),
                "something missing %": _share([one.missing.fires for one in found]),
                "CPU s a set": round(spent, 2),
            }
        )
    return rows


def _share(fired: Sequence[bool]) -> float:
    return round(100 * float(np.mean(fired)), 1)
