"""From the proposals of a search to an answer: found, a set of equals, refused, nothing.

A search returns what fits best. Under noise that claims too much; here the plainest form
that the data cannot tell from the best is taken, rivals are asked for, and what rests on a
few rows or is patched together is refused. Measured: `python -m benchmarks.recovery
--classes noisy`.
"""
