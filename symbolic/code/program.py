"""What source code of the equations holds, before it is written in any language."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from sciren.data.kinds import NUMERIC, Categorical, FeatureKind
from symbolic.code.identifiers import Identifiers
from symbolic.curves.spline_curve import SplineCurve
from symbolic.printing.beside import text_beside
from symbolic.printing.printer import names_in

if TYPE_CHECKING:
    from symbolic.model.record import EquationRecord


@dataclass(frozen=True)
class Argument:
    """An argument: its identifier, column, unit, range of the data, kind of feature."""

    identifier: str
    column: str
    unit: str = ""
    low: float = float("nan")
    high: float = float("nan")
    kind: FeatureKind = NUMERIC

    @property
    def meaning(self) -> str:
        """Column, unit and range in one line of text; for classes their numbers."""
        unit = f" [{self.unit}]" if self.unit else ""
        if isinstance(self.kind, Categorical):
            pairs = zip(self.kind.codes, self.kind.labels, strict=True)
            shown = ", ".join(f"{code:g} = {label}" for code, label in pairs)
            return f"column {self.column!r}{unit} as numbers: {shown}; others: the mean"
        bounded = np.isfinite([self.low, self.high]).all()
        range_of_data = (
            f", fitted on {self.low:.6g} to {self.high:.6g}" if bounded else ""
        )
        return f"column {self.column!r}{unit}{range_of_data}"


@dataclass(frozen=True)
class Local:
    """A value that a function asks of another one before it is evaluated."""

    identifier: str
    function: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Routine:
    """One function: a latent of its features, or a target of features and forcings."""

    identifier: str
    summary: str
    arguments: tuple[Argument, ...]
    expression: Any
    names: Mapping[str, str]
    locals: tuple[Local, ...] = ()


@dataclass(frozen=True)
class NamedNumber:
    """A constant of the process model."""

    identifier: str
    value: float
    meaning: str


@dataclass(frozen=True)
class Table:
    """A function without closed form: cubic pieces between knots, lines outside."""

    identifier: str
    curve: SplineCurve
    meaning: str

    @property
    def pieces(self) -> np.ndarray:
        """Coefficients (m - 1, 4) of the powers 3, 2, 1, 0 of the distance to a knot."""
        return self.curve.coefficients


@dataclass(frozen=True)
class Program:
    """All that is written.

    Args:
        header: lines of the first comment.
        numbers: constants of the process model.
        tables: functions without closed form.
        routines: latents first, then targets.
    """

    header: tuple[str, ...]
    numbers: tuple[NamedNumber, ...]
    tables: tuple[Table, ...]
    routines: tuple[Routine, ...]
    kinds: frozenset[str] = field(default_factory=frozenset)
    blocks: tuple[str, ...] = ()
    exported: tuple[str, ...] = ()

    @property
    def public(self) -> tuple[str, ...]:
        """Identifiers of all that a user of the code calls."""
        return (*(routine.identifier for routine in self.routines), *self.exported)

    def functions(
        self, table: Callable[[Table], str], routine: Callable[[Routine], str]
    ) -> list[str]:
        """Return the text of every function, tables first, as a language writes each."""
        # Functions of tables first: routines call them, and C knows what stands above only.
        return [*map(table, self.tables), *map(routine, self.routines), *self.blocks]


def program_of(
    model: "EquationRecord",
    reserved: Collection[str],
    folded: bool,
    provenance: Mapping[str, str] | None = None,
    process_follows: bool = False,
) -> Program:
    """Collect functions, constants and tables of a model with legal identifiers.

    Args:
        reserved: words that the language has taken;  folded: whether it ignores case.
        provenance: label -> text for the first comment.
        process_follows: whether the code of the process is added by the caller.
    """
    builder = _Builder(model, Identifiers(reserved, folded), process_follows)
    single_line = {k: " ".join(str(v).split()) for k, v in (provenance or {}).items()}
    return builder.program(single_line)


class _Builder:
    def __init__(
        self, model: "EquationRecord", identifiers: Identifiers, process_follows: bool
    ) -> None:
        self.model, self.name = model, identifiers
        self.process_follows = process_follows
        # latents get their names first: they are what a user calls
        for latent in model.equations:
            self.name("function", latent)

    def program(self, provenance: Mapping[str, str]) -> Program:
        model = self.model
        latents = [self._latent(name) for name in model.equations]
        targets = [
            self._target(name, expression)
            # in plain regression the target is the latent
            for name, expression in (model.process or {}).items()
            if not (name in model.equations and str(expression) == name)
        ]
        # only tables that an equation calls are written
        used = set(names_in([*model.equations.values()]))
        tables = tuple(
            Table(self.name("table", name), curve, self._reason(name))
            for name, curve in model.functions.items()
            if name in used
        )
        numbers = [self._number(name) for name in model.constants]
        return Program(
            tuple(self._header(provenance)),
            tuple(numbers),
            tables,
            (*latents, *targets),
        )

    def _header(self, provenance: Mapping[str, str]) -> list[str]:
        model = self.model
        lines = ["Equations found by ScIReN; every constant at full precision."]
        lines += [f"{label}: {text}" for label, text in provenance.items()]
        if model.verification is not None:
            lines.append(f"verification: {model.verification.verdict}")
        if model.process is None and not self.process_follows:
            lines.append("The process model cannot be written here: latents only.")
            written = model.process_latex or ""
            if r"\begin" in written:  # no comment can be read as a page
                lines.append("process model: see the LaTeX of these equations")
            elif written:
                lines.append(f"process model: {written}")
        return lines

    def _latent(self, name: str) -> Routine:
        model = self.model
        expression = model.equations[name]
        kind, low, high, _ = model.constraints[name]
        arguments = self._arguments(self._features(name))
        names = {argument.column: argument.identifier for argument in arguments}
        unit = model.unit_of.get(name, "")
        summary = f"latent {name!r}{f' [{unit}]' if unit else ''}"
        if np.isfinite([low, high]).any():
            summary += f", bounds {low:g} to {high:g} ({kind})"
        if beside := text_beside(model.beside(name).rising(name)):
            summary += f"; no row of the training came near{beside.replace(',', '', 1)}"
        return Routine(
            self.name("function", name),
            summary,
            arguments,
            expression,
            names | self._tables(expression),
        )

    def _target(self, name: str, expression: sympy.Expr) -> Routine:
        model = self.model
        free = {str(symbol) for symbol in expression.free_symbols}
        latents = [latent for latent in model.equations if latent in free]
        forcings = [
            column
            for column in dict.fromkeys(model.forcing_columns.values())
            if column in free
        ]
        # a target takes what its latents take, and its forcings
        features = [
            f
            for f in model.features
            if any(f in self._features(latent) for latent in latents)
        ]
        arguments = self._arguments(list(dict.fromkeys([*features, *forcings])))
        names = {argument.column: argument.identifier for argument in arguments}
        names |= {
            constant: self.name("constant", constant) for constant in model.constants
        }
        called = []
        for latent in latents:
            # the latent's value inside the target's function: not the function of the same name
            names[latent] = self.name("local", f"{latent}_value")
            given = tuple(self.name("argument", f) for f in self._features(latent))
            called.append(Local(names[latent], self.name("function", latent), given))
        column = model.target_columns.get(name, name)
        unit = model.unit_of.get(column, "")
        summary = f"target {name!r}, column {column!r}{f' [{unit}]' if unit else ''}"
        return Routine(
            self.name("target" if name in model.equations else "function", name),
            summary,
            arguments,
            expression,
            names,
            tuple(called),
        )

    def _features(self, latent: str) -> list[str]:
        free = {str(symbol) for symbol in self.model.equations[latent].free_symbols}
        return [name for name in self.model.features if name in free]

    def _arguments(self, columns: list[str]) -> tuple[Argument, ...]:
        units = self.model.units
        arguments = []
        for column in columns:
            unit = self.model.unit_of.get(column, "")
            # Forcings are no features, so no range of the training is known of them.
            ends = (float("nan"), float("nan"))
            if column in units.names:
                place = units.names.index(column)
                ends = (float(units.low[place]), float(units.high[place]))
            kind = units.kinds.get(column, NUMERIC)
            arguments.append(
                Argument(self.name("argument", column), column, unit, *ends, kind)
            )
        return tuple(arguments)

    def _tables(self, expression: sympy.Expr) -> dict[str, str]:
        used = set(names_in([expression]))
        return {n: self.name("table", n) for n in self.model.functions if n in used}

    def _number(self, name: str) -> NamedNumber:
        value, error = self.model.constants[name], self.model.errors.get(name, 0.0)
        unit = self.model.unit_of.get(name, "")
        meaning = f"constant {name!r}{f' [{unit}]' if unit else ''}"
        if error > 0:
            meaning += f", standard error {error:.2g}"
        return NamedNumber(self.name("constant", name), float(value), meaning)

    def _reason(self, name: str) -> str:
        rows = self.model.edges.to_dict("records")
        # the formula of a refused edge is its function
        said = [r["reason"] for r in rows if str(r["formula"]).startswith(f"{name}(")]
        return f"{name}: {(said or [''])[0] or 'no closed form fits'}; a table instead"
