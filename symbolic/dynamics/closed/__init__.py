"""Closed forms of latents that change in time, and the process that they make.

`forms` chooses and refits them through the simulation; `model` is the process with the
formulas in place of the latents, whose constants are constants like any other. Names
resolve on first use.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from symbolic.dynamics.closed.forms import FunctionForms as FunctionForms
    from symbolic.dynamics.closed.forms import function_forms as function_forms
    from symbolic.dynamics.closed.model import ClosedModel as ClosedModel

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
