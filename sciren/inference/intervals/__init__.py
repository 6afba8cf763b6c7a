"""Intervals of constants, curves, means and new observations that count the selection."""
