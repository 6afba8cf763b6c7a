"""Placebos, in which no relation can be, and processes that are deliberately wrong."""
