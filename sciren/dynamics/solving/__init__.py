"""Running a process over time: steps, integrators, and exact derivatives by recurrences.

A step, its Jacobians in one vectorised call, and linear recurrences that carry them through
time. Nothing here knows of data or fits.
"""
