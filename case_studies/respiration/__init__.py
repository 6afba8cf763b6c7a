"""The respiration experiments of the paper: Tables 1, 2 and 9, Figures 2 and 5 to 8."""
