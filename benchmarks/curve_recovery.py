"""How often ``fit_curve`` finds the right family, its constants, or refuses.

    python -m benchmarks.curve_recovery --cases 200 --seed 1000

Curves are drawn in random units with 0 to 1 % noise: members of the five families, noisy
members smoothed by a spline (what a trained network hands over), and curves outside
the library that the best family misses by more than 2 % of the variance.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_lsq_spline

from symbolic.fit import CurveFit, fit_curve
from symbolic.library import FAMILIES

CURVES = ("linear", "quadratic", "exp", "log", "abs")
OUTSIDE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sine": lambda z: np.sin(3 * z),
    "fast sine": lambda z: np.sin(9 * z + 0.4),
    "tanh": lambda z: np.tanh(4 * z),
    "gaussian": lambda z: np.exp(-((z / 0.35) ** 2) / 2),
    "reciprocal": lambda z: 1 / (z + 1.03),
    "root": lambda z: np.sqrt(np.abs(z)) * np.sign(z),
    "cube": lambda z: z**3,
    "hill": lambda z: (z + 1) ** 4 / (0.5 + (z + 1) ** 4),
}


@dataclass(frozen=True)
class Outcome:
    """One fitted curve."""

    truth: str
    fit: CurveFit
    constants_right: bool
    seconds: float


def draw_inner(family: str, rng: np.random.Generator) -> tuple[str, list[float]]:
    """Return the branch and the inner constants of a member on [-1, 1]."""
    sign = float(rng.choice([-1.0, 1.0]))
    if family == "linear":
        return "linear", []
    if family == "quadratic":
        return "quadratic", [rng.uniform(-1.5, 1.5)]
    if family == "exp":
        return "exp", [sign * np.exp(rng.uniform(np.log(0.3), np.log(4)))]
    if family == "log":
        branch = "log+" if sign > 0 else "log-"
        return branch, [1 + np.exp(rng.uniform(np.log(0.01), np.log(2)))]
    return "abs", [rng.uniform(-0.85, 0.85)]


def draw_points(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n values on [-1, 1] of one of four marginals."""
    draws = [
        lambda: rng.uniform(-1, 1, n),
        lambda: np.clip(rng.normal(0, 0.35, n), -1, 1),
        lambda: 2 * rng.beta(0.7, 2, n) - 1,
        lambda: 2 * rng.beta(2, 2, n) - 1,
    ]
    return draws[rng.integers(4)]()


def smoothed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a cubic least squares spline with 15 coefficients at the points."""
    order = np.argsort(x)
    inner = np.quantile(x, np.linspace(0, 1, 13)[1:-1])
    knots = np.r_[[x.min()] * 4, inner, [x.max()] * 4]
    return make_lsq_spline(x[order], y[order], knots, k=3)(x)


def member(family: str, seed: int, spline: bool) -> Outcome:
    """Draw, disturb and fit one member of a family."""
    rng = np.random.default_rng([seed, CURVES.index(family)])
    branch, inner = draw_inner(family, rng)
    form = next(form for form in FAMILIES[family] if form.name == branch)
    amplitude = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-2, 2))
    scaled = np.array([amplitude, *inner, amplitude * rng.uniform(0.5, 3)])
    n = int(rng.choice([300, 1000, 3000]))
    z = draw_points(rng, n)
    scale = 10 ** rng.uniform(-2, 2)
    shift = float(rng.uniform(-3, 3)) * scale
    x, truth = shift + scale * z, form.to_raw(scaled, shift, scale)
    clean = form.value(z, scaled)
    noise = rng.choice([0.05, 0.2]) if spline else rng.choice([0.0, 0.001, 0.01])
    y = clean + noise * clean.std() * rng.normal(size=n)
    y = smoothed(x, y) if spline else y
    start = time.process_time()
    fit = fit_curve(x, y)
    seconds = time.process_time() - start
    found = next((f for f in fit.alternatives if f.family == family), None)
    right = found is not None and _close(found, form.name, truth)
    return Outcome(family, fit, right, seconds)


def _close(fit: CurveFit, branch: str, truth: np.ndarray) -> bool:
    if fit.form is None or fit.form.name != branch:
        return False
    return bool((np.abs(fit.constants - truth) <= 0.05 * np.abs(truth)).all())


def outsider(name: str, seed: int) -> Outcome | None:
    """Draw and fit a curve of no family; None when a family comes within 2 %."""
    rng = np.random.default_rng([seed, 99, list(OUTSIDE).index(name)])
    z = draw_points(rng, int(rng.choice([300, 1000, 3000])))
    clean = OUTSIDE[name](z)
    noise = rng.choice([0.0, 0.001, 0.01])
    y = clean + noise * clean.std() * rng.normal(size=len(z))
    start = time.process_time()
    fit = fit_curve(z, y)
    seconds = time.process_time() - start
    missed = 1.0 - max(other.r2 for other in fit.alternatives) - noise**2
    return Outcome(name, fit, False, seconds) if missed > 0.02 else None


def report_members(title: str, outcomes: list[Outcome]) -> None:
    """Print the shares of one group of members."""
    right = np.mean([o.fit.family == o.truth for o in outcomes])
    inside = np.mean([o.truth in o.fit.equals for o in outcomes])
    size = np.mean([len(o.fit.equals) for o in outcomes])
    constants = np.mean([o.constants_right for o in outcomes])
    refused = np.mean([o.fit.refused for o in outcomes])
    seconds = np.mean([o.seconds for o in outcomes])
    print(
        f"{title:18s} n={len(outcomes):5d} family={right:.3f} in set={inside:.3f} "
        f"set size={size:.2f} constants={constants:.3f} refused={refused:.3f} "
        f"ms={1e3 * seconds:.1f}"
    )


def main() -> None:
    """Run the benchmark and print one line per group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1000)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.cases)
    for spline in (False, True):
        everything = []
        for family in CURVES:
            outcomes = [member(family, seed, spline) for seed in seeds]
            report_members(f"{family}{' spline' if spline else ''}", outcomes)
            everything += outcomes
        report_members("all" + (" splines" if spline else " members"), everything)
    drawn = [outsider(name, seed) for name in OUTSIDE for seed in seeds]
    outside = [outcome for outcome in drawn if outcome is not None]
    refused = np.mean([o.fit.refused for o in outside])
    zero = sum(o.fit.family == "constant" for o in outside)
    print(
        f"outside            n={len(outside):5d} refused={refused:.3f} set to zero={zero}"
    )


if __name__ == "__main__":
    main()
