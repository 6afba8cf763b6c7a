"""The parametric model behind an equation: terms of scaled features, nodes, raw units, errors.

What a latent is made of, how it is written in raw units, and how sure its constants are.
"""
