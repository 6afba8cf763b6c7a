"""What figures and report show of the data: sampled rows, curves, residuals, sites."""
