"""Many runs of one configuration: over the values of a column, over settings.

What runs them, one process or a cluster, is `sciren.execution`; what each of them does is
`discovery.runs`.
"""
