"""Tables larger than memory: a sample is judged, and all rows are solved on.

`drawing` draws the sample; `held_out` says which of all rows train, so that no row that
chooses or reports is learned from; `blocks` reads those that train, block by block, with
the units and filters of the study. What one file cannot do at that size is refused here
before it is read.
"""
