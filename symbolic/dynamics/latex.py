r"""A recurrence as LaTeX: groups i, times t and t + 1, or derivatives in time.

S_{i,t+1} = S_{i,t} + P_{i,t} - ...        \frac{dC_i}{dt} = ...
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import sympy

from symbolic.dynamics.recurrence import Recurrence, StateLaw
from symbolic.expression.sharing import letters, shared_parts
from symbolic.printing.latex import to_latex
from symbolic.printing.numbers import format_number


class DeviationLaw(Protocol):
    """How groups deviate from a relation: by factors exp(u) or by amounts u."""

    @property
    def factor(self) -> bool:
        """Whether by factors."""
        ...

    @property
    def spread(self) -> float:
        """Standard deviation of u."""
        ...


TIME, AHEAD = "i,t", "i,t+1"


def recurrence_latex(
    law: Recurrence,
    latents: Mapping[str, sympy.Expr],
    constants: Mapping[str, float],
    digits: int = 3,
) -> list[str]:
    """Return the equations as lines, without dollar signs; needs ``amsmath`` only.

    New states first, then outputs, what they share under letters, starts and the relations
    behind the latents.

    Args:
        law: the recurrence.
        latents: latent per group -> formula of static features.
        constants: value of every constant, learned starts among them.
        digits: significant digits.
    """
    lines = process_latex(law, latents, constants, digits)
    # learned starts have a line of their own, S_{i,0} = ..., and constants of functions
    # stand in these as numbers
    starts = {state.start_name for state in law.states} | set(_of_functions(law))
    for name, value in constants.items():
        if name not in starts:
            lines.append(f"{_word(name)} = {format_number(value, digits, 'latex')}")
    for name, formula in latents.items():
        features = {str(s): _indexed(str(s), "i") for s in formula.free_symbols}
        lines.append(f"{_indexed(name, 'i')} = {to_latex(formula, digits, features)}")
    return lines


def process_latex(
    law: Recurrence,
    latents: Collection[str],
    constants: Mapping[str, float],
    digits: int = 3,
) -> list[str]:
    """Return the lines of the process alone: states, outputs, what they share, starts.

    Args:
        law: the recurrence.
        latents: names of latents per group, which get its index.
        constants: value of every constant, of which learned starts are printed.
        digits: significant digits.
    """
    # in the order in which a reader calculates: new states,
    # outputs, what they share, observed states, starts
    numbers = {
        sympy.Symbol(n, real=True): sympy.Float(constants[n])
        for n in _of_functions(law)
        if n in constants
    }
    law, parts = _shared(law)
    moving = [*parts, *law.functions]
    names = _symbols(law, latents) | {name: _indexed(name, TIME) for name in moving}
    lines = [_new_state(law, state, names) for state in law.states]
    for name, formula in law.functions.items():
        written = formula.xreplace(numbers)
        lines.append(f"{names[name]} = {to_latex(written, digits, names)}")
    for target, formula in law.outputs.items():
        lines.append(f"{_indexed(target, TIME)} = {to_latex(formula, None, names)}")
    for name, formula in parts.items():
        lines.append(f"{_indexed(name, TIME)} = {to_latex(formula, None, names)}")
    for target, state in law.observed.items():
        # a state that is observed is seen at the end of
        # its step; one of an ODE at the time of the row
        index = TIME if law.time == "ode" else AHEAD
        lines.append(f"{_indexed(target, TIME)} = {_indexed(state, index)}")
    lines += [_start(state, latents, constants, digits) for state in law.states]
    return lines


def deviation_latex(laws: "Mapping[str, DeviationLaw]", digits: int = 3) -> list[str]:
    """Return how groups deviate: one line a latent, and its law.

    Args:
        laws: latent -> law of its deviations.
        digits: significant digits.
    """
    lines = []
    for name, law in laws.items():
        latent, spread = _indexed(name, "i"), format_number(law.spread, digits, "latex")
        u = rf"u_{{{_word(name)},i}}"
        moved = rf"{latent}\, e^{{{u}}}" if law.factor else f"{latent} + {u}"
        normal = rf"{u} \sim N\left(0, {spread}^2\right)"
        lines.append(rf"\text{{group }} i = {moved},\quad {normal}")
    return lines


def aligned(lines: Sequence[str]) -> str:
    """Return lines as one ``aligned`` environment, aligned at their first equality."""
    body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _shared(law: Recurrence) -> tuple[Recurrence, dict[str, sympy.Expr]]:
    """Return the law with what occurs several times under names a, b, ... of its own."""
    taken = {
        *law.parameters, *law.functions, *law.forcings.values(), *law.new, *law.targets
    }  # fmt: skip
    formulas = [*law.new.values(), *law.outputs.values()]
    shared, short = shared_parts(formulas, taken, letters())
    # What is an output as it stands goes by the name of the output.
    own = {
        formula: sympy.Symbol(target, real=True)
        for target, formula in zip(law.outputs, short[len(law.new) :], strict=True)
        if formula in {name for name, _ in shared}
    }
    parts = {
        str(own.get(name, name)): expression.xreplace(own)
        for name, expression in shared
    }
    short = [formula.xreplace(own) for formula in short]
    # the formulas of new states come first in `short`
    new = dict(zip(law.new, short, strict=False))
    outputs = dict(zip(law.outputs, short[len(new) :], strict=True))
    outputs = {
        target: expression
        for target, expression in outputs.items()
        if target not in parts
    }
    return replace(law, new=new, outputs=outputs), parts


def _of_functions(law: Recurrence) -> list[str]:
    """Return the parameters that only functions of states and rows have."""
    inside, outside = (
        {str(symbol) for expression in group for symbol in expression.free_symbols}
        for group in (
            law.functions.values(),
            (*law.new.values(), *law.outputs.values()),
        )
    )
    return [n for n in law.parameters if n in inside and n not in outside]


def _new_state(law: Recurrence, state: StateLaw, names: Mapping[str, str]) -> str:
    right = to_latex(law.new[state.name], None, names)
    # bounds of an ODE are held between steps of its solver, not in its derivative
    if law.time == "ode":
        return rf"\frac{{d\,{_indexed(state.name, 'i')}}}{{dt}} = {right}"
    if state.low is not None:
        right = rf"\max\left({state.low:g}, {right}\right)"
    if state.high is not None:
        right = rf"\min\left({state.high:g}, {right}\right)"
    return f"{_indexed(state.name, AHEAD)} = {right}"


def _start(
    state: StateLaw,
    latents: Collection[str],
    constants: Mapping[str, float],
    digits: int,
) -> str:
    value = constants.get(state.start_name, state.start)
    text = format_number(float(value), digits, "latex")
    if state.of is not None:
        factor = _indexed(state.of, "i") if state.of in latents else _word(state.of)
        text = rf"{text}\, {factor}"
    return f"{_indexed(state.name, 'i,0')} = {text}"


def _symbols(law: Recurrence, latents: Collection[str]) -> dict[str, str]:
    """Return how states, forcings and latents are written inside a formula."""
    moving = [*(state.name for state in law.states), *law.forcings.values()]
    symbols = {name: _indexed(name, TIME) for name in moving}
    for name in law.parameters:
        symbols[name] = _indexed(name, "i") if name in latents else _word(name)
    return symbols


def _indexed(name: str, index: str) -> str:
    return f"{_word(name)}_{{{index}}}"


def _word(name: str) -> str:
    """Return a name as upright text; single letters are variables."""
    # chr(92) is the backslash of an escaped underscore
    return name if len(name) == 1 else rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}"
