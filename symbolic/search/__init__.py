"""Which terms a model gets: starts, moves, joint refits, the path of candidates."""
