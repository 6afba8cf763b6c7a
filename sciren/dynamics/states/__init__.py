"""A function of the state that nobody has measured: a spline, solved for through time."""
