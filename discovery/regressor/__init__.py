"""Parts of `discovery.ScIReNRegressor`: what comes in, figures, files."""
