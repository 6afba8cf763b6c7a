"""Formulas of the latent: inside the families, near them, outside, and none.

    inside   sums, curves and products of the five families
    near     saturations, sigmoids, bells, powers and thresholds: further families
    outside  what no list of families holds: to be refused, or said to be one of several
    none     the latent is one number for all rows

They are written by hand, so that they owe nothing to the class that a search is made for.
Features lie between -2.9 and 2.9.
"""

import sympy

from benchmarks.cases.case import Formula
from benchmarks.cases.noisy import FOREIGN, INSIDE, PRODUCTS, A, B

NEAR: tuple[Formula, ...] = (
    3 * (A + 3) / (A + 4) + 0.3 * B,
    1 / (1 + sympy.exp(-3 * A)) + 0.3 * B,
    sympy.exp(-(A**2) / 2) + 0.2 * B,
    (A + 3) ** 1.6 - 0.8 * B,
    (1 + sympy.sign(A - 0.4)) / 2 + 0.5 * B,
)

FORMULAS: dict[str, tuple[Formula, ...]] = {
    "inside": (*INSIDE, *PRODUCTS),
    "near": NEAR,
    "outside": tuple(f for f in FOREIGN if f not in NEAR),
    "none": (sympy.Integer(0),),
}
SHARES = {"inside": 0.5, "near": 0.2, "outside": 0.2, "none": 0.1}
"""Share of the cases of each kind."""
