"""Latents of groups: fits of each group alone, and groups that deviate from a relation.

Groups are fitted from their own series, in windows that grow where a whole series misleads;
deviations have a spread that is learned (`mixed_fitting`).
"""
