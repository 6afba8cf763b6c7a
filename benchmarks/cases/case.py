"""One simulated case, and the seeds that keep tuning and scoring apart."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import sympy

Stream = Literal["tuning", "scoring"]
STREAMS: dict[str, int] = {"tuning": 1, "scoring": 2}
ROWS = 2000

Formula = Any
"""A `sympy.Expr`; for a type checker the parts of one would only be `Basic`."""


@dataclass(frozen=True, eq=False)
class Case:
    """Data with a known formula.

    Attributes:
        name, group: label of the case and the class of formulas it was drawn from.
        features: (n, d) raw features, distractors included.
        names: of the features; they are the symbols of the formula.
        target: (n,) observed, with noise;  clean: (n,) without.
        truth: formula of the target, or of the latent where there is a process.
        latent: (n,) values of the formula (equal to ``clean`` without a process).
        noise: deviation of the noise over the deviation of ``clean``; with a process,
            over the value itself.
        inside: whether the formula belongs to the class that is searched.
        process: decoder from latent and constants to the target, or None.
        forcings: column -> (n,) of the process;  constants: true process constants.
        latent_error: deviation of the noise in units of the latent behind a process, where
            it is known: a constant that is zero within it is not counted as needless.
    """

    name: str
    group: str
    features: np.ndarray
    names: tuple[str, ...]
    target: np.ndarray
    clean: np.ndarray
    truth: sympy.Expr
    latent: np.ndarray
    noise: float
    inside: bool = True
    process: Any = None
    forcings: Mapping[str, np.ndarray] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    latent_error: float = 0.0

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The features as sympy symbols, in the order of the columns."""
        return tuple(feature_symbol(name) for name in self.names)

    @property
    def used(self) -> frozenset[str]:
        """Names of the features in the true formula."""
        return frozenset(str(symbol) for symbol in self.truth.free_symbols)


def feature_symbol(name: str) -> sympy.Symbol:
    """Return the symbol of a feature."""
    return sympy.Symbol(name, real=True)


def case_rng(stream: Stream, group: str, number: int, seed: int) -> np.random.Generator:
    """Return the generator of one case; the two streams share no number.

    Args:
        stream: "tuning" while a method is developed, "scoring" for reported figures.
        group, number: class of the formula and running number inside it.
        seed: of the whole run.
    """
    return np.random.default_rng(
        [STREAMS[stream], zlib.crc32(group.encode()), number, seed]
    )


def rounded(value: float, digits: int = 4) -> float:
    """Return a number with some significant digits, so that a truth prints short."""
    return float(f"{value:.{digits}g}")
