"""Noise, selection, intervals, bands and predictions that can be trusted.

Works on numpy arrays; `sciren.inference.observed` alone knows the torch model.
"""
