"""What a release is held to: oldest dependencies, builds that repeat, licences.

Each file is a command, see the targets `test-oldest`, `dist-check` and `licences` of the
Makefile. Nothing here is installed with the packages.
"""
