"""Where the solvers start: level and unit of constant latents, directions of hidden nodes.

A search of one minimum is as good as its start. Constant latents are looked for all over their
ranges (`elsewhere`), the indices of hidden nodes among many random directions (`directions`).
"""
