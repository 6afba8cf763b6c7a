"""Closed forms of one variable and their registration.

A form has values, exact derivatives, a domain and a rule for new units; no data enter here.
"""
