"""From one learned curve to its best closed form, or to an honest refusal.

`fit` takes arrays; only `extract`, `edge_errors` and `learned_curves` look into a network.
"""
