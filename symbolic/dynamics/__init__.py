"""Recurrences: the step of a process model with memory as formulas of states in time.

Pure sympy: a recurrence is traced, stored as data, printed and written as source code; the
relations behind its parameters are those of a `SymbolicModel`.
"""

from symbolic.dynamics.latex import recurrence_latex
from symbolic.dynamics.python_code import recurrence_python
from symbolic.dynamics.recurrence import Recurrence, StateLaw

__all__ = ["Recurrence", "StateLaw", "recurrence_latex", "recurrence_python"]
