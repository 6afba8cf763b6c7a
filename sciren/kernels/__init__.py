"""Spline networks by hand: forward and backward passes in few tensor operations.

Everything here is grouped: P networks side by side, one network being P = 1. Rows are
the last dimension, so that sums over a batch run over contiguous memory.
"""
