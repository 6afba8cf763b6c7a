"""Partitioning of a tower's net exchange into uptake and respiration.

tower -> thresholds of turbulence -> equations of the night and of the day -> sums with
intervals, beside constants that are fitted anew in every window.
"""
