"""Formulas as data: the whitelist of nodes, stored trees, evaluators, traced processes, complexity.

Knows sympy; only `torch_evaluate` knows torch. Nothing here knows what a formula is for.
"""
