"""Recurrences: the step of a process model with memory as formulas of states in time.

A recurrence is traced, stored as data, printed and written as source code; the relations
behind its parameters are those of a `SymbolicModel`, and closed forms of states where a
latent is a function of one.
"""

from symbolic.dynamics.code import recurrence_code
from symbolic.dynamics.latex import aligned, process_latex, recurrence_latex
from symbolic.dynamics.recurrence import Recurrence, StateLaw
from symbolic.dynamics.relations import no_relations, with_process
from symbolic.dynamics.state_closed_forms import StateForm, StateForms, state_forms

__all__ = [
    "Recurrence", "StateForm", "StateForms", "StateLaw", "aligned", "no_relations", "process_latex",
    "recurrence_code", "recurrence_latex", "state_forms", "with_process",
]  # fmt: skip
