"""Cases as measured data are: few rows, much noise, no relation, or a foreign truth.

    no relation     a target without any relation to its features, by law of the noise
    noisy inside    plain formulas of the class, 5 to 40 % noise, 60 to 2,000 rows
    noisy products  products of two and three features, 5 % noise
    Q10 products    the same as the latent behind Q10, 5 % multiplicative noise
    foreign         formulas that no list of families holds, 5 to 20 % noise

The formulas are written by hand, not drawn, so that they owe nothing to the class that a
search is made for. Features are 3 to 5, correlated by up to 0.6.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sympy

from benchmarks.cases.case import (
    Case,
    Formula,
    Stream,
    case_rng,
    feature_symbol,
    rounded,
)
from benchmarks.cases.processes import PROCESSES

Array = np.ndarray

NAMES = ("a", "b", "c", "d", "e")
A, B, C = (feature_symbol(name) for name in NAMES[:3])

LAWS = ("normal", "t2", "lognormal features", "series", "constant truth")

INSIDE: tuple[Formula, ...] = (
    2 * A + B,
    sympy.exp(0.8 * A),
    A**2 - B,
    sympy.Abs(A - 0.3) + 0.5 * B,
    sympy.log(A + 3.5) + 0.4 * B,
    sympy.exp(0.6 * A) - 0.8 * C,
    2 - A + 0.7 * B**2,
    sympy.exp(0.5 * A + 0.4 * B),
)

PRODUCTS: tuple[Formula, ...] = (A * B, A * B * C, A * B + C, A**2 * B)

FOREIGN: tuple[Formula, ...] = (
    3 * (A + 3) / (A + 4) + 0.3 * B,
    1 / (1 + sympy.exp(-3 * A)) + 0.3 * B,
    sympy.sin(3 * A),
    A**3 - 2 * A + 0.3 * B,
    sympy.exp(-8 / (A + 4)) * 5 + 0.2 * B,
    sympy.sqrt(A**2 + B**2),
    (1 + sympy.sign(A - 0.4)) / 2 + 0.5 * B,
    A / (1 + A**2),
    (A + 3) * sympy.log(A + 3.1),
    sympy.exp(A) - 0.3 * sympy.exp(-2 * A),
    sympy.cos(2 * A) * sympy.exp(0.4 * B),
    sympy.sqrt(sympy.exp(A) + sympy.exp(B)),
    sympy.atan(2 * A) + sympy.Abs(B),
    sympy.tanh(2 * A) * B,
)

ROWS = {"noisy inside": (60, 150, 400, 2000), "foreign": (150, 400)}
NOISE = {"noisy inside": (0.05, 0.1, 0.2, 0.4), "foreign": (0.05, 0.1, 0.2)}


def features_of(rows: int, count: int, rng: np.random.Generator) -> Array:
    """Return normal features (rows, count) with a common part of random size."""
    shared = rng.uniform(0, 0.6)
    common = rng.normal(size=(rows, 1))
    own = rng.normal(size=(rows, count))
    return np.sqrt(shared) * common + np.sqrt(1 - shared) * own


def unrelated(number: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return features and a target that know nothing of each other."""
    law = LAWS[number % len(LAWS)]
    rows = (60, 200, 600)[number // len(LAWS) % 3]
    features, target = features_of(rows, 5, rng), rng.normal(size=rows)
    if law == "t2":
        target = rng.standard_t(2, size=rows)
    if law == "lognormal features":
        features = np.exp(1.5 * features)
    if law == "series":
        for series in (features, target):
            for row in range(1, rows):
                series[row] = 0.9 * series[row - 1] + 0.44 * series[row]
    if law == "constant truth":
        target = 5 + 0.1 * target
    return features, target


def noisy_case(group: str, number: int, stream: Stream, seed: int = 0) -> Case:
    """Return a case of a group.

    Raises:
        KeyError: there is no such group.
    """
    rng = case_rng(stream, group, number, seed)
    if group == "no relation":
        features, target = unrelated(number, rng)
        level = np.full(len(target), float(target.mean()))
        truth = sympy.Float(float(target.mean()))
        return _case(group, number, features, target, level, truth, 1.0, True)
    return GROUPS[group](group, number, rng)


def _formula_case(group: str, number: int, rng: np.random.Generator) -> Case:
    formulas = {"noisy inside": INSIDE, "foreign": FOREIGN}[group]
    truth = formulas[number % len(formulas)]
    rows = int(rng.choice(ROWS[group]))
    noise = float(rng.choice(NOISE[group]))
    features = features_of(rows, int(rng.integers(3, 6)), rng)
    # Poles and logarithms of the formulas begin at -3.
    features = np.clip(features, -2.9, None)
    return _observed(group, number, features, truth, noise, rng)


def _product_case(group: str, number: int, rng: np.random.Generator) -> Case:
    truth = PRODUCTS[number % len(PRODUCTS)]
    features = rng.normal(size=(400, 4))
    if number // len(PRODUCTS) % 2:
        features = rng.uniform(-1, 2, size=(400, 4))
    return _observed(group, number, features, truth, 0.05, rng)


def _q10_product_case(group: str, number: int, rng: np.random.Generator) -> Case:
    """A product as base respiration between 0.15 and 3.5 times its mean of 3."""
    plain = _product_case(group, number, rng)
    values, process = plain.clean, PROCESSES["Q10"]
    below, above = values.mean() - values.min(), values.max() - values.mean()
    slope = rounded(3.0 * min(0.85 / below, 2.5 / above, 0.4 / float(values.std())))
    offset = rounded(3.0 - slope * float(values.mean()))
    latent, ta = offset + slope * values, rng.uniform(-5.0, 30.0, len(values))
    value = rounded(rng.uniform(*process.constant))
    clean = latent * value ** ((ta - 15.0) / 10.0)
    return replace(
        plain,
        target=clean * (1.0 + 0.05 * rng.normal(size=len(clean))),
        clean=clean,
        truth=sympy.expand_mul(offset + slope * plain.truth, deep=False),
        latent=latent,
        process=process.decoder,
        forcings={"ta": ta},
        constants={"q10": value},
        latent_error=0.05 * float(latent.mean()),
    )


def _observed(
    group: str,
    number: int,
    features: Array,
    truth: Formula,
    noise: float,
    rng: np.random.Generator,
) -> Case:
    symbols = [feature_symbol(name) for name in NAMES[: features.shape[1]]]
    clean = np.asarray(
        sympy.lambdify(symbols, truth, "numpy")(*features.T), dtype=float
    )
    target = clean + noise * clean.std() * rng.normal(size=len(clean))
    inside = group != "foreign"
    return _case(group, number, features, target, clean, truth, noise, inside)


def _case(
    group: str,
    number: int,
    features: Array,
    target: Array,
    clean: Array,
    truth: Formula,
    noise: float,
    inside: bool,
) -> Case:
    return Case(
        name=f"{group} {number}",
        group=group,
        features=features,
        names=NAMES[: features.shape[1]],
        target=target,
        clean=clean,
        truth=truth,
        latent=clean,
        noise=noise,
        inside=inside,
    )


GROUPS: dict[str, Callable[[str, int, np.random.Generator], Case]] = {
    "noisy inside": _formula_case,
    "noisy products": _product_case,
    "Q10 products": _q10_product_case,
    "foreign": _formula_case,
}
NOISY = ("no relation", *GROUPS)
