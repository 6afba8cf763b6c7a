"""Compositions as fast least squares: rows, bases, nodes, exact derivatives, constants."""
