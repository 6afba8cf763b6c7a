r"""Pieces of LaTeX that a paper takes over with ``\input``: one file a piece."""
