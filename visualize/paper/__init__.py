"""Figures at the size of a journal's column: one drawing, scaled as a whole."""
