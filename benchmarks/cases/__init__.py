"""Simulated cases with known formulas: random expression trees, named formulas, processes."""

from benchmarks.cases.case import Case as Case
from benchmarks.cases.case import case_rng as case_rng
