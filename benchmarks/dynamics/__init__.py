"""Process models with memory: speed of derivatives, simulated catchments, unknown drainage."""
