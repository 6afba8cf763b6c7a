"""How often ``fit_curve`` finds the right family, its constants, or refuses.

    python -m benchmarks.curve_recovery --cases 200 --seed 1000

Curves are drawn in random units with 0 to 1 % noise: members of the five families, a
third of all of them hard, noisy members smoothed by a spline (what a trained network
hands over), and curves outside the library that the best family misses by more than 2 %
of the variance. Hard: curvature below 1 % of the variance (and above 0.001 %), pole
within one range of the data, or kink in the outer tenth of the range (with five values
beyond it at least).
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_lsq_spline

from symbolic.curves.curve_fit import CurveFit
from symbolic.curves.fit import fit_curve
from symbolic.families.forms import Form
from symbolic.families.library import FAMILIES

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
    hard: bool = False


HARD_OF_TWELVE = 5
"""Hard members of twelve curved ones: a third of all, since no straight line is hard."""

LEAST_CURVATURE, HARD_CURVATURE = 1e-5, 1e-2
BEYOND_KINK = 5


def draw_inner(
    family: str, z: np.ndarray, hard: bool, rng: np.random.Generator
) -> tuple[Form, list[float]] | None:
    """Return the branch and the inner constants of a member on the values z (n,).

    None when no hard member turns up on these values.
    """
    for _ in range(1000):
        branch, inner = _hard_inner(family, rng) if hard else _inner(family, rng)
        form = next(form for form in FAMILIES[family] if form.name == branch)
        if not hard or _is_hard(form, inner, z):
            return form, inner
    return None


def _inner(family: str, rng: np.random.Generator) -> tuple[str, list[float]]:
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


def _hard_inner(family: str, rng: np.random.Generator) -> tuple[str, list[float]]:
    sign = float(rng.choice([-1.0, 1.0]))
    if family == "quadratic":
        return "quadratic", [sign * np.exp(rng.uniform(np.log(2), np.log(100)))]
    if family == "exp":
        return "exp", [sign * np.exp(rng.uniform(np.log(0.01), np.log(0.8)))]
    if family == "log":
        branch = "log+" if sign > 0 else "log-"
        near = rng.random() < 0.5
        low, high = (1e-3, 0.05) if near else (1.0, 100.0)
        return branch, [1 + np.exp(rng.uniform(np.log(low), np.log(high)))]
    return "abs", [sign * rng.uniform(0.5, 0.98)]


def _is_hard(form: Form, inner: list[float], z: np.ndarray) -> bool:
    if form.family == "abs":
        least = min(np.sum(z > inner[0]), np.sum(z < inner[0]))
        border = 0.1 * np.ptp(z)
        outer = inner[0] < z.min() + border or inner[0] > z.max() - border
        return bool(outer and least >= BEYOND_KINK)
    if form.family == "log" and inner[0] < 1.06:
        return True
    y = form.value(z, np.array([1.0, *inner, 0.0]))
    line = np.polyval(np.polyfit(z, y, 1), z)
    return bool(LEAST_CURVATURE < np.var(y - line) / np.var(y) < HARD_CURVATURE)


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


def _drawn(
    family: str, hard: bool, rng: np.random.Generator
) -> tuple[np.ndarray, Form, list[float]]:
    """Draw values z and a member on them."""
    while True:
        z = draw_points(rng, int(rng.choice([300, 1000, 3000])))
        found = draw_inner(family, z, hard, rng)
        if found is not None:
            return z, *found


def member(family: str, seed: int, spline: bool) -> Outcome:
    """Draw, disturb and fit one member of a family."""
    rng = np.random.default_rng([seed, CURVES.index(family)])
    hard = family != "linear" and not spline and seed % 12 < HARD_OF_TWELVE
    z, form, inner = _drawn(family, hard, rng)
    amplitude = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-2, 2))
    scaled = np.array([amplitude, *inner, amplitude * rng.uniform(0.5, 3)])
    scale = float(10 ** rng.uniform(-2, 2))
    shift = float(rng.uniform(-3, 3)) * scale
    x, truth = shift + scale * z, form.to_raw(scaled, shift, scale)
    clean = form.value(z, scaled)
    noise = rng.choice([0.05, 0.2]) if spline else rng.choice([0.0, 0.001, 0.01])
    y = clean + noise * clean.std() * rng.normal(size=len(z))
    y = smoothed(x, y) if spline else y
    start = time.process_time()
    fit = fit_curve(x, y)
    seconds = time.process_time() - start
    found = next((f for f in fit.alternatives if f.family == family), None)
    right = found is not None and _close(found, form.name, truth, x, clean)
    return Outcome(family, fit, right, seconds, hard)


def _close(
    fit: CurveFit, branch: str, truth: np.ndarray, x: np.ndarray, clean: np.ndarray
) -> bool:
    """Constants within 5 %, or two standard errors and the curve within 0.1 %."""
    if fit.form is None or fit.form.name != branch or len(fit.constants) != len(truth):
        return False
    off = np.abs(fit.constants - truth)
    near = off <= 0.05 * np.abs(truth)
    if np.abs(fit.value(x) - clean).max() <= 1e-3 * np.ptp(clean):
        near |= off <= 2.0 * fit.errors
    return bool(near.all())


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
        if hard := [outcome for outcome in everything if outcome.hard]:
            report_members("hard members", hard)
    drawn = [outsider(name, seed) for name in OUTSIDE for seed in seeds]
    outside = [outcome for outcome in drawn if outcome is not None]
    refused = np.mean([o.fit.refused for o in outside])
    zero = sum(o.fit.family == "constant" for o in outside)
    print(
        f"outside            n={len(outside):5d} refused={refused:.3f} set to zero={zero}"
    )


if __name__ == "__main__":
    main()
