"""Latents that are functions: of features of a row, of a state, fitted through simulations.

`terms` says what a function is made of, `problem` is the loss by all its constants together
with numbers of groups and constants of the process, `fit` finds curves and drops features.
"""
