"""SymbolicModel: equations in raw units that predict, print, save and load (no torch)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from sciren.errors import ColumnError, closest_names
from symbolic.curves.spline_curve import SplineCurve
from symbolic.expression.evaluate import compile_numpy
from symbolic.printing.rounding import enough_digits, rounded
from symbolic.search.candidate import Candidate
from symbolic.terms.rebuild import Units, feature_symbols
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    import pandas as pd

    from symbolic.model.torch_module import EquationModule

Columns = Mapping[str, Any]

ROUNDING_LOSS = 2e-5  # allowed 1 - R2 by rounding, well inside what is verified


@dataclass(eq=False)
class SymbolicModel:
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
        settings: how the constants were fitted, and what the verification needs.
        verification: result of `verify`, attached by it.
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
    settings: dict[str, Any] = field(default_factory=dict)
    verification: Any = None
    digits: int = 3
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
        others = latents.drop(columns=list(targets), errors="ignore")
        return pd.concat([pd.DataFrame(targets, index=latents.index), others], axis=1)

    def _traced(self) -> dict[str, sympy.Expr]:
        from sciren.errors import ExpressionError

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
        return [np.asarray(frame[name], dtype=float) for name in names]

    def _evaluate(
        self, expression: sympy.Expr, symbols: Any, arrays: list[np.ndarray]
    ) -> np.ndarray:
        calls = {name: curve.value for name, curve in self.functions.items()}
        rows = len(arrays[0]) if arrays else 1
        used = compile_numpy(expression, symbols, calls)
        return np.broadcast_to(used(*arrays), (rows,)).astype(float)

    def used_features(self) -> list[str]:
        """Features that occur in an equation, in the order of the table."""
        free = {
            str(symbol)
            for expression in self.equations.values()
            for symbol in expression.free_symbols
        }
        return [name for name in self.features if name in free] or [self.features[0]]

    def unconstrained_values(self, frame: Any) -> dict[str, np.ndarray]:
        """Raw latents by name, before the constraint."""
        needed = self.used_features()
        columns, symbols = self._columns(frame, needed), feature_symbols(needed)
        return {
            name: self._evaluate(expression, symbols, columns)
            for name, expression in self.unconstrained.items()
        }

    # -- candidates -----------------------------------------------------------------
    def with_candidates(
        self, candidates: Sequence[Candidate], selected: int
    ) -> "SymbolicModel":
        """Return the model with its path of candidates, one of which it is."""
        rows = [
            one.row(self.units, self.constraints, place == selected)
            for place, one in enumerate(candidates)
        ]
        settings = self.settings | {"candidates": rows}
        return replace(self, candidates=tuple(candidates), settings=settings)

    def candidate(self, row: int) -> "SymbolicModel":
        """Return a candidate as a model: its equations and constants, not verified.

        Its constants are those of the search; `symbolify` with ``model_selection`` gives
        them with errors.

        Raises:
            ConfigError: there is no such row.
        """
        from symbolic.model.candidate_table import candidate_model

        return candidate_model(self, row)

    @property
    def equations_(self) -> "pd.DataFrame":
        """One row a candidate and latent, see `symbolic.model.candidate_table`."""
        from symbolic.model.candidate_table import candidates_table

        return candidates_table(self)

    def with_equations(self, equations: Mapping[str, Any]) -> "SymbolicModel":
        """Return the model with other expressions of its latents."""
        return replace(self, equations=dict(equations))

    def to_numpy(self, targets: bool = True) -> Callable[[Columns], dict[str, Any]]:
        """Return a function: columns by name -> arrays of latents and targets by name.

        Args:
            targets: also evaluate the process model, where it could be traced.
        """
        both = targets and self.process is not None

        def evaluate(columns: Columns) -> dict[str, Any]:
            found = self.predict(columns) if both else self.latents(columns)
            return {str(name): found[name].to_numpy() for name in found.columns}

        return evaluate

    def export(self, kind: str, provenance: Mapping[str, str] | None = None) -> str:
        """Return the equations as text of one kind, see `symbolic.printing.exporting.export`.

        Args:
            kind: "latex", "document", "markdown", "text", "csv" or "json".
            provenance: label -> text, such as data hash and seed.
        Raises:
            ConfigError: another kind.
        """
        from symbolic.printing.exporting import export

        return export(self, kind, provenance)

    def _repr_latex_(self) -> str:
        """Show the equations in a notebook."""
        from symbolic.printing.exporting import notebook_latex

        return notebook_latex(self)

    def to_torch(self) -> "EquationModule":
        """Return a torch module whose parameters are the printed constants."""
        from symbolic.model.torch_module import EquationModule

        return EquationModule(self)

    def to_code(
        self, language: str, provenance: Mapping[str, str] | None = None
    ) -> str:
        """Return source code of all equations, see `symbolic.code.to_code`.

        Args:
            language: "python", "c", "fortran", "julia" or "r".
            provenance: label -> text for the first comment.
        Raises:
            ConfigError: another language.
        """
        from symbolic.code import to_code

        return to_code(self, language, provenance)

    # -- files ----------------------------------------------------------------------
    def save(self, path: str | Path) -> Path:
        """Write the model as JSON; the file appears whole or not at all."""
        from symbolic.model.storage import save

        return save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> "SymbolicModel":
        """Read a model from JSON without running any code in it.

        Raises:
            FormatError: the file cannot be read.
        """
        from symbolic.model.storage import load

        return load(path)

    # -- printing -------------------------------------------------------------------
    def printed(self, name: str) -> sympy.Expr:
        """Equation of a latent with its constants rounded as printed."""
        return rounded(self.equations[name], self.digits)

    def choose_digits(self, frame: Any) -> None:
        """Take as many significant digits as the printed equations need on a frame."""
        needed = self.used_features()
        columns, symbols = self._columns(frame, needed), feature_symbols(needed)

        def evaluate(expression: sympy.Expr) -> np.ndarray:
            return self._evaluate(expression, symbols, columns)

        self.digits = enough_digits(self.equations, evaluate, ROUNDING_LOSS)

    def full_equations(self) -> dict[str, sympy.Expr] | None:
        """Target -> expression of raw features and forcings, constants put in."""
        if self.process is None:
            return None
        symbol = {name: sympy.Symbol(name, real=True) for name in self.equations}
        values = {
            sympy.Symbol(name, real=True): sympy.Float(value)
            for name, value in self.constants.items()
        }
        # A latent and a column may share a name, so all replacements happen at once.
        inside: dict[Any, Any] = {symbol[n]: one for n, one in self.equations.items()}
        full: dict[str, Any] = {
            name: expression.xreplace(values | inside)
            for name, expression in self.process.items()
        }
        return full
