"""The record of equations: plain data that evaluate themselves (no torch).

What prints, stores, compiles or checks equations takes this record, so that imports point
one way; `symbolic.model.symbolic_model` puts all of it behind one object.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import sympy

from sciren.errors import ColumnError, ExpressionError, closest_names
from symbolic.curves.spline_curve import SplineCurve
from symbolic.expression.evaluate import compile_numpy
from symbolic.model.fit_record import FitRecord
from symbolic.printing.parts import readable
from symbolic.printing.rounding import enough_digits, rounded
from symbolic.search.candidate import Candidate
from symbolic.terms.bounded import Beside, Span
from symbolic.terms.rebuild import BENT, Units, feature_symbols, straight
from symbolic.terms.structure import LatentStructure
from symbolic.verdict import Verification

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Any]

ROUNDING_LOSS = 2e-5  # allowed 1 - R2 by rounding, well inside what is verified


@dataclass(eq=False)
class EquationRecord:
    """The whole model as formulas.

    Attributes:
        equations: latent -> sympy expression of raw features, inside its bounds.
        unconstrained: latent -> the same before the constraint.
        process: target -> expression of latents, constants and forcing columns;
            None where the process model cannot be traced.
        process_latex: the process model's own equation where it brings one.
        constants: process constant -> value;  errors: -> standard error.
        functions: name -> table of a refused function.
        structures: the parametric model of scaled features behind the equations.
        units: scaling and ranges of the features.
        edges, table: one row an edge, one row a printed constant.
        forcing_columns, target_columns: decoder's name -> column.
        unit_of: column, latent or constant -> unit.
        constraints: latent -> (name, low, high, temperature).
        spans: latent -> smallest and largest raw value on the rows, where it is known.
        record: how the constants were fitted, and what was tried.
        verification: result of `symbolic.verify`, see `attach`.
        digits: significant digits of the printed equations.
        candidates: every model of the path, simplest first.
    """

    equations: dict[str, sympy.Expr]
    unconstrained: dict[str, sympy.Expr]
    process: dict[str, sympy.Expr] | None
    process_latex: str | None
    constants: dict[str, float]
    errors: dict[str, float]
    functions: dict[str, SplineCurve]
    structures: tuple[LatentStructure, ...]
    units: Units
    edges: "pd.DataFrame"
    table: "pd.DataFrame"
    forcing_columns: dict[str, str]
    target_columns: dict[str, str]
    unit_of: dict[str, str]
    constraints: dict[str, tuple[str, float, float, float]]
    record: FitRecord = field(default_factory=FitRecord)
    verification: Verification | None = None
    digits: int = 3
    spans: dict[str, Span] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()

    # -- names ----------------------------------------------------------------------
    @property
    def features(self) -> tuple[str, ...]:
        """Columns that the equations were offered."""
        return self.units.names

    @property
    def latent_names(self) -> tuple[str, ...]:
        """Names of the latents."""
        return tuple(self.equations)

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the targets."""
        return tuple(self.target_columns)

    @property
    def names(self) -> frozenset[str]:
        """What has a name in the equations: columns, latents, constants and targets."""
        return frozenset(
            (*self.features, *self.latent_names, *self.constants, *self.target_names)
        )

    @property
    def verdict(self) -> str:
        """``"PASS"``, ``"FAIL"`` or ``"not verified"``."""
        judged = self.verification
        return "not verified" if judged is None else judged.verdict

    # -- numbers --------------------------------------------------------------------
    def latents(self, frame: Any) -> "pd.DataFrame":
        """Latents of every row of a frame with the feature columns; no forcings needed.

        Raises:
            ColumnError: a feature that an equation uses is missing.
        """
        import pandas as pd

        needed = self.used_features()
        columns = self._columns(frame, needed)
        symbols = feature_symbols(needed)
        values = {
            name: self._evaluate(expression, symbols, columns)
            for name, expression in self.equations.items()
        }
        return pd.DataFrame(values, index=getattr(frame, "index", None))

    def predict(self, frame: Any) -> "pd.DataFrame":
        """Targets and latents of every row; targets are nan where a forcing is missing.

        A latent that is a target by name (plain regression) is listed once.

        Raises:
            ColumnError: a feature or forcing column is missing.
            ExpressionError: the process model could not be traced.
        """
        import pandas as pd

        latents = self.latents(frame)
        # 1. Latents from features. 2. Targets from latents, process constants and forcings.
        process = self._traced()
        columns = list(self.forcing_columns.values())
        arrays = self._columns(frame, columns)
        names = [*latents.columns, *self.constants, *columns]
        values = [latents[name].to_numpy() for name in latents.columns]
        values += [np.full(len(latents), value) for value in self.constants.values()]
        symbols = feature_symbols(names)
        targets = {
            name: self._evaluate(expression, symbols, [*values, *arrays])
            for name, expression in process.items()
        }
        # in plain regression the target is the latent: one column
        others = latents.drop(columns=list(targets), errors="ignore")
        return pd.concat([pd.DataFrame(targets, index=latents.index), others], axis=1)

    def _traced(self) -> dict[str, sympy.Expr]:
        if self.process is None:
            raise ExpressionError(
                "the process model could not be traced with symbols, so the equations "
                "give latents only; use .latents, or predict with the network"
            )
        return self.process

    def _columns(self, frame: Any, names: list[str]) -> list[np.ndarray]:
        present = list(getattr(frame, "columns", frame))
        for name in names:
            if name not in present:
                raise ColumnError(
                    f"the equations need column {name!r}. {closest_names(name, present)}"
                )
        # classes come as words or codes, equations compare numbers
        kinds = self.units.kinds
        return [
            kinds[name].encoded(frame, name)
            if name in kinds
            else np.asarray(frame[name], dtype=float)
            for name in names
        ]

    def _evaluate(
        self, expression: sympy.Expr, symbols: Any, arrays: list[np.ndarray]
    ) -> np.ndarray:
        calls = {name: curve.value for name, curve in self.functions.items()}
        rows = len(arrays[0]) if arrays else 1
        used = compile_numpy(expression, symbols, calls)
        # an equation without features is a single number: one for each row
        return np.broadcast_to(used(*arrays), (rows,)).astype(float)

    def attach(self, verification: Verification) -> None:
        """Keep the result of `symbolic.verify`; it marks everything that is printed."""
        self.verification = verification

    def used_features(self) -> list[str]:
        """Features that occur in an equation, in the order of the table."""
        free = {
            str(symbol)
            for expression in self.equations.values()
            for symbol in expression.free_symbols
        }
        # at least one column, to know how many rows there are
        return [name for name in self.features if name in free] or list(
            self.features[:1]
        )

    def unconstrained_values(self, frame: Any) -> dict[str, np.ndarray]:
        """Raw latents by name, before the constraint."""
        needed = self.used_features()
        columns, symbols = self._columns(frame, needed), feature_symbols(needed)
        return {
            name: self._evaluate(expression, symbols, columns)
            for name, expression in self.unconstrained.items()
        }

    @cached_property
    def candidate_rows(self) -> list[dict[str, Any]]:
        """One row a candidate, plain numbers and texts, simplest first."""
        return [
            candidate.row(self.units, self.constraints, place == self.record.selected)
            for place, candidate in enumerate(self.candidates)
        ]

    def with_equations(self, equations: Mapping[str, Any]) -> Self:
        """Return the model with other expressions of its latents."""
        return replace(self, equations=dict(equations))

    def to_numpy(self, targets: bool = True) -> Callable[[Columns], dict[str, Any]]:
        """Return a function: columns by name -> arrays of latents and targets by name.

        Args:
            targets: also evaluate the process model, where it could be traced.
        """
        # without a traced process there are latents only
        both = targets and self.process is not None

        def evaluate(columns: Columns) -> dict[str, Any]:
            values = self.predict(columns) if both else self.latents(columns)
            return {str(name): values[name].to_numpy() for name in values.columns}

        return evaluate

    # -- printing -------------------------------------------------------------------
    def printed(self, name: str) -> sympy.Expr:
        """Equation of a latent as it is printed: rounded, without the bounds beside it."""
        return rounded(self.between_bounds(name), self.digits)

    @cached_property
    def printed_process(self) -> dict[str, sympy.Expr]:
        """Name -> equation of the process as it is printed, without repeated latents.

        Long equations have names for their parts, which come first.
        """
        written = {n: e for n, e in (self.process or {}).items() if str(e) != n}
        return {} if self.plain else readable(written, self.names)

    @property
    def plain(self) -> bool:
        """Whether it is a regression: every latent is a target, and nothing else."""
        process = sorted(map(str, (self.process or {}).values()))
        return process == sorted(self.equations)

    def left_side(self, latent: str) -> str:
        """Return what a printed equation is of: in regression the target, whose name may hold
        a point or a blank, else the latent."""
        if not self.plain:
            return latent
        return {str(e): target for target, e in (self.process or {}).items()}[latent]

    def printed_unit(self, latent: str) -> tuple[float, str]:
        """Return what a raw latent is times to have the unit of its equation, and this unit.

        One and nothing where the equations keep the raw latent inside a function that bends.
        """
        kind, low, high, _ = self.constraints.get(latent, (BENT[0], 0, 0, 0))
        if kind in BENT:
            return 1.0, ""
        return straight(kind, low, high)[0], self.unit_of.get(latent, "")

    def beside(self, name: str) -> Beside:
        """Bounds of a latent that no row comes near: they stand beside its equation."""
        return Beside.of(self.constraints[name], self.spans.get(name))

    def between_bounds(self, name: str) -> sympy.Expr:
        """Equation of a latent without the bounds that stand beside it."""
        return self.beside(name).without(self.equations[name])

    def digits_needed(self, frame: Any) -> int:
        """Return as many significant digits as the printed equations need on a frame."""
        needed = self.used_features()
        columns, symbols = self._columns(frame, needed), feature_symbols(needed)

        def evaluate(expression: sympy.Expr) -> np.ndarray:
            return self._evaluate(expression, symbols, columns)

        return enough_digits(self.equations, evaluate, ROUNDING_LOSS)
