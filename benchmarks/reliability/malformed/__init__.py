"""Degenerate tables, settings, process models and command lines, drawn at random.

Every case says what must come of it: one line with the file, before any training; or a
training, where the input is odd and sound. `attempt` tells whether it came.
"""
