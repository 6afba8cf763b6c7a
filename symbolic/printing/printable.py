"""What a document about equations is made of: plain data, no model, no training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symbolic.printing.pieces import PrintedPieces


@dataclass(frozen=True)
class PrintedQuantity:
    """A latent or a target and its formula.

    Args:
        name: its name; how it is written follows ``symbolic.printing.symbols``.
        expression: sympy formula in raw units, with the bounds that the data come near;
            None when the quantity is given by ``latex`` only (a decoder that cannot be traced).
        unit, meaning: as the decoder's table has them.
        low, high: bounds.
        arguments: names the left side shows, most important first; None for those in
            the formula.
        latex: right side as LaTeX, in place of an expression.
        beside: the quantity and bounds that no row comes near, rising: they are printed
            beside the formula.
        r2: share of the network's variance that the formula explains, when known.
    """

    name: str
    expression: Any = None
    unit: str = ""
    meaning: str = ""
    low: float = -np.inf
    high: float = np.inf
    arguments: Sequence[str] | None = None
    latex: str | None = None
    beside: Sequence[Any] = ()
    r2: float | None = None


@dataclass(frozen=True)
class PrintedConstant:
    """A constant with its standard error and 95 % interval.

    Args:
        name: of the constant;  value, error, unit;  low, high: the interval.
        note: what a reader must know.
        latent: whose equation it belongs to, "" for the process model;  source: the
            feature of its term.
        share: members of an ensemble that kept its term, and their families.
    """

    name: str
    value: float
    error: float = float("nan")
    unit: str = ""
    low: float = float("nan")
    high: float = float("nan")
    note: str = ""
    latent: str = ""
    source: str = ""
    share: str = ""


@dataclass(frozen=True)
class PrintedFeature:
    """A column that occurs in the equations."""

    name: str
    unit: str = ""
    meaning: str = ""
    mean: float = float("nan")
    deviation: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class PrintedCheck:
    """One line of a verification: what was compared, how close, how close it must be."""

    name: str
    value: float
    tolerance: float
    passed: bool
    above: bool = False
    """Whether the value has to be above the tolerance (an R2) instead of below."""
    applies: bool = True

    def row(self, value: Any, limit: Any, failed: Any) -> dict[str, Any]:
        """Return the row of a table: value and limit as they are written, and the result."""
        if not self.applies:
            value, limit, result = "", "", "does not apply"
        else:
            result = "PASS" if self.passed else failed
        return {"check": self.name, "value": value, "limit": limit, "result": result}


@dataclass(frozen=True)
class PrintableModel:
    """Everything a document, a Markdown page or a table shows.

    Args:
        latents, targets: in the order in which they are printed.
        edges: rows of the edge table, the columns as in ``edges.csv``.
        functions: name of an edge without closed form -> why and what it is.
        pieces: the same edges, written out.
        symbols: name -> final LaTeX.
        digits: significant digits of the printed equations; None for full precision.
        provenance: written as comments, in this order: version, data hash, seed.
        error_source: how the errors of the constants were obtained.
        notes: sentences printed below the equations.
        candidates: rows of the table of candidates, simplest first.
        constant_notes: sentences under the table of constants.
        weights: feature or family -> weight of its nodes in the complexity.
    """

    title: str = "Equations"
    latents: Sequence[PrintedQuantity] = ()
    targets: Sequence[PrintedQuantity] = ()
    constants: Sequence[PrintedConstant] = ()
    features: Sequence[PrintedFeature] = ()
    edges: Sequence[Mapping[str, Any]] = ()
    checks: Sequence[PrintedCheck] = ()
    functions: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[PrintedPieces] = ()
    symbols: Mapping[str, str] = field(default_factory=dict)
    digits: int | None = 3
    provenance: Mapping[str, str] = field(default_factory=dict)
    error_source: str = ""
    notes: Sequence[str] = ()
    candidates: Sequence[Mapping[str, Any]] = ()
    constant_notes: Sequence[str] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every check of the verification passed (true when there is none)."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> list[str]:
        """Names of the checks that failed."""
        return [check.name for check in self.checks if not check.passed]

    @property
    def expressions(self) -> list[Any]:
        """All formulas, latents first."""
        quantities = (*self.latents, *self.targets)
        return [q.expression for q in quantities if q.expression is not None]
