"""What is believed of free runs: checks of the simulation, and the verdict on series.

Enters: free runs of groups or periods that chose nothing. Leaves: a `Verification` and a
`Verdict`, in the words that row by row runs use.
"""
