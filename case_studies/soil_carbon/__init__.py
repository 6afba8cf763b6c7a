"""Soil carbon: Tables 3 and 4 of the ScIReN paper, and their figures."""
