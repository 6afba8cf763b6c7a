"""Orthonormal bases of columns."""

from sciren.solvers.spans import orthonormal_span

__all__ = ["orthonormal_span"]
