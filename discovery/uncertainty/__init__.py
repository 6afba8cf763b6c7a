"""Intervals, bands and reach of a result: computed once, stored, and laid on new rows."""
