"""The commands of `sciren`, one function each, and what all of them share.

A command reads its words, calls the work and prints; no work is done here, and what is
heavy is imported inside the functions.
"""
