"""How many standard errors an interval reaches to either side."""

NORMAL_95 = 1.96  # 2.5 % of a normal distribution lie above


def t_quantile(level: float, freedom: float) -> float:
    """Return q with P(|t| <= q) = level, the normal quantile for infinite freedom."""
    # scipy.stats is slow to load, and importing a package waits for nothing
    from scipy.stats import t as student

    return float(student.ppf(0.5 * (1.0 + level), freedom))
