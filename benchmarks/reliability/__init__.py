"""Attacks on a small run: altered files, edited values, kills, faults, hostile files.

Every harness tries many faults of one kind and says which were not noticed; its self-test
in `tests/reliability` puts a fault into the toolkit that the harness must see.
"""
