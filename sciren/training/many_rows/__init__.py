"""One fit on more rows than one machine or its memory holds.

A sample of the rows decides what has to be decided (edges, smoothing, the right minimum);
then curves and constants are solved on all rows, block by block: each block gives its
share of the normal equations, and the sum is solved as always.
"""
