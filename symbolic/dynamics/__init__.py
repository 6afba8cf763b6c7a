"""Recurrences: the step of a process model with memory as formulas of states in time.

Pure sympy: a recurrence is traced, stored as data, printed and written as source code; the
relations behind its parameters are those of a `SymbolicModel`.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from symbolic.dynamics.latex import recurrence_latex as recurrence_latex
    from symbolic.dynamics.python_code import recurrence_python as recurrence_python
    from symbolic.dynamics.recurrence import Recurrence as Recurrence
    from symbolic.dynamics.recurrence import StateLaw as StateLaw

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
