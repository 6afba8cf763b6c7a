"""Least squares through a process model: row-wise local models, normal equations, minimisers.

Shared by the training engines and by the refit of equations; knows neither encoders nor formulas.
"""
