"""Hidden parameters behind a process: cases, an independent judge, and runners of methods.

    python -m benchmarks.hidden --methods compose --noise 0.1 --cases 40 --out OUT

Described in `benchmarks/hidden/README.md`, also how to add a method.
"""
