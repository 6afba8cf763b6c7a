"""Code that runs a recurrence over time: Python, C, Fortran, R and Julia.

Every language has the same two functions after those of the latents: one step, and a run
of one group from its start.
"""

from symbolic.dynamics.code.writing import recurrence_code as recurrence_code

__all__ = ["recurrence_code"]
