"""A recurrence with legal identifiers: what every language writes in its own way."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from symbolic.code.expressions import CodeText, Dialect
from symbolic.code.identifiers import Identifiers
from symbolic.dynamics.recurrence import Recurrence
from symbolic.expression.sharing import numbered, shared_parts
from symbolic.printing.printer import names_in

OWN = frozenset(
    [
        *("one_row", "linear", "exponential", "run", "rows", "intervals", "advance"),
        *("states", "outputs", "now", "ahead", "out", "before", "fixed", "given"),
        *("h", "s", "p", "f", "n", "m", "t", "j", "i", "l", "q", "a"),
        *("k1", "k2", "k3", "k4", "rates", "share", "moved", "unit", "units", "zero"),
        *("constant", "column", "columns", "total", "term", "next", "largest", "size"),
        *("halvings", "wanted", "shrunk", "product", "sum", "result"),
    ]
)
"""Names that the code itself uses."""

TERMS = 19  # of the exponential's series: 0.5^19 / 19! is below the rounding


@dataclass(frozen=True)
class Slot:
    """A state in the code.

    Attributes:
        name: identifier;  start: value, times the parameter ``of`` where that is given.
        low, high: bounds after a step, None for none.
    """

    name: str
    start: float
    of: str | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class StepCode:
    """One step and its run.

    Attributes:
        states: in the order of the process.
        given: identifiers of parameters that `run` takes;  constants: those that it
            knows, with their values; together all that a step takes, in this order.
        forcings: identifiers, in the order of the process.
        parts: (identifier, text) of what is used several times.
        new, outputs: texts; new values or derivatives of the states, and targets.
        observed: positions of the states that are targets themselves, before `outputs`.
        targets: names of all targets as they are printed.
        used: identifiers that a step reads.
        ode, linear, substeps: how states are carried over an interval.
    """

    states: tuple[Slot, ...]
    given: tuple[str, ...]
    constants: tuple[tuple[str, float], ...]
    forcings: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]
    new: tuple[str, ...]
    outputs: tuple[str, ...]
    observed: tuple[int, ...]
    targets: tuple[str, ...]
    used: frozenset[str]
    ode: bool
    linear: bool
    substeps: int

    @property
    def parameters(self) -> tuple[str, ...]:
        """All parameters of a step, in order."""
        return (*self.given, *(name for name, _ in self.constants))

    @property
    def title(self) -> str:
        """What one step returns, for the comment above it."""
        word = "derivatives" if self.ode else "new values"
        names = ", ".join(state.name for state in self.states)
        return f"{word} of the states ({names}), and outputs"

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments of `run`; without forcings nothing says how many rows there are."""
        return (*(self.forcings or ("rows",)), *self.given)

    def assigned(self, sign: str, first: int) -> str:
        """Return the lines that take names out of s, p and f, and those of the parts.

        Args:
            sign: of an assignment;  first: place of an array's first number.
        """
        read = [f"{name} {sign} {array}[{k}]" for name, array, k in self.read(first)]
        parts = [f"{name} {sign} {text}" for name, text in self.parts]
        return "\n".join(f"    {line}" for line in (*read, *parts))

    def row(
        self,
        called: list[str],
        held: list[str],
        outputs: str,
        substep: tuple[str, str, str],
    ) -> list[str]:
        """Return the lines of one row of a run.

        Args:
            called: take new values, or derivatives, and outputs from one step.
            held: put states inside their bounds;  outputs: keeps the outputs.
            substep: head of the loop over substeps, what moves the states, and its end.
        """
        # Outputs of an ODE belong to the time of the row, before its states move.
        if not self.ode:
            return [*called, *held, outputs]
        head, moved, end = substep
        return [
            *called,
            outputs,
            head,
            *(f"    {line}" for line in (moved, *held)),
            end,
        ]

    def read(self, first: int) -> list[tuple[str, str, int]]:
        """Return identifier, array (s, p or f) and place of all that a step reads.

        Args:
            first: place of an array's first number in the language.
        """
        # only what a step reads: unused variables make compilers warn
        arrays = {
            "s": [state.name for state in self.states],
            "p": self.parameters,
            "f": self.forcings,
        }
        return [
            (name, array, place)
            for array, names in arrays.items()
            for place, name in enumerate(names, first)
            if name in self.used
        ]

    def starts(self, number: Callable[[float], str] = repr) -> list[str]:
        """Return the text of every state before the first row.

        Args:
            number: how the language writes one.
        """
        return [
            number(state.start) + (f" * {state.of}" if state.of else "")
            for state in self.states
        ]

    def bounds(self, infinity: str) -> tuple[str, str] | None:
        """Return lower and upper bounds of all states, None where none has any."""
        low = [
            # every state has two bounds then, so that one vector operation holds them all
            f"-{infinity}" if s.low is None else repr(float(s.low))
            for s in self.states
        ]
        high = [
            infinity if s.high is None else repr(float(s.high)) for s in self.states
        ]
        if all(state.low is None and state.high is None for state in self.states):
            return None
        return ", ".join(low), ", ".join(high)


def step_code(
    law: Recurrence,
    constants: Mapping[str, float],
    dialect: Dialect,
    reserved: Collection[str],
    folded: bool,
) -> StepCode:
    """Return a recurrence with the identifiers and texts of a language.

    Args:
        law: the recurrence.
        constants: value of every constant, learned starts among them.
        dialect: of the language;  reserved, folded: see `symbolic.code.identifiers`.
    """
    law = law.written_out()
    names = Identifiers([*reserved, *OWN], folded)
    # learned starts are used once, at the beginning of the run: no step takes them
    learned = {state.start_name for state in law.states}
    moving = [*(s.name for s in law.states), *law.forcings.values()]
    identifiers = {name: names("moving", name) for name in moving}
    identifiers |= {name: names("parameter", name) for name in law.parameters}
    formulas = [law.new[s.name] for s in law.states] + list(law.outputs.values())
    # names of parts come after all others, so that none is taken away from a column
    parts, short = shared_parts(formulas, identifiers, numbered())
    identifiers |= {str(symbol): names("part", str(symbol)) for symbol, _ in parts}
    writer = CodeText(dialect, identifiers)
    free = names_in([*(formula for _, formula in parts), *short])
    index = [state.name for state in law.states]
    # parameters of a group are arguments of `run`, shared constants numbers in it
    own = [n for n in law.parameters if n not in learned]
    count = len(law.states)
    return StepCode(
        tuple(_slot(state, constants, identifiers) for state in law.states),
        tuple(identifiers[n] for n in own if n not in constants),
        tuple((identifiers[n], float(constants[n])) for n in own if n in constants),
        tuple(identifiers[column] for column in law.forcings.values()),
        tuple((identifiers[str(symbol)], writer.text(expression)) for symbol, expression in parts),
        tuple(writer.text(expression) for expression in short[:count]),
        tuple(writer.text(expression) for expression in short[count:]),
        tuple(index.index(state) for state in law.observed.values()),
        law.targets,
        frozenset(identifiers[n] for n in free if n in identifiers),
        law.time == "ode", law.solver == "linear", law.substeps,
    )  # fmt: skip


def _slot(
    state: Any, constants: Mapping[str, float], identifiers: Mapping[str, str]
) -> Slot:
    start = float(constants.get(state.start_name, state.start))
    return Slot(
        identifiers[state.name], start, identifiers[state.of] if state.of else None,
        state.low, state.high,
    )  # fmt: skip
