"""Runs as packages that other programs read: R, PEtab-SciML."""
