"""The 500 cases: strata, and the rows of one case."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import sympy
from scipy.stats import norm

from benchmarks.cases.case import Case, Stream, case_rng, feature_symbol, rounded
from benchmarks.hidden.formulas import FORMULAS, SHARES
from benchmarks.hidden.processes import PROCESSES, HiddenProcess

Array = np.ndarray

COUNT = 500
NOISES = (0.0, 0.05, 0.1, 0.2, 0.3)
ROWS = (60, 150, 400, 1000, 2000, 5000)
CONDITIONS = ("plain", "correlated", "confounded", "misspecified", "autocorrelated")
NAMES = ("a", "b", "c", "d", "e")
FRESH = 1000  # rows that no method sees, on which predictions are scored
FEATURE_MEMORY, NOISE_MEMORY = 0.9, 0.7  # lag-1 correlations of a series
CONFOUNDED = 0.8  # correlation of the forcings with the first feature
CURVED_SCALE = 1.4  # exponent of the scale on which a misspecified forcing is read
LOWEST, HIGHEST, SPREAD = 0.15, 3.5, 0.4
"""Smallest and largest latent and its deviation at most, in units of the process's scale."""


@dataclass(frozen=True)
class Stratum:
    """What is asked for in a case.

    Args:
        number: of the case, 0 to 499;  process: name;  kind: of the formula.
        noise: deviation over the spread that the latent leaves in the target.
        rows: that methods see;  condition: of features, forcings and noise.
    """

    number: int
    process: str
    kind: str
    noise: float
    rows: int
    condition: str


def strata(stream: Stream, seed: int = 0) -> Iterator[Stratum]:
    """Yield the strata of all cases: processes and noises in turn, the rest drawn."""
    for number in range(COUNT):
        rng = case_rng(stream, "hidden stratum", number, seed)
        yield Stratum(
            number,
            PROCESSES[number % len(PROCESSES)].name,
            str(rng.choice(list(SHARES), p=list(SHARES.values()))),
            NOISES[number // len(PROCESSES) % len(NOISES)],
            int(rng.choice(ROWS)),
            str(rng.choice(CONDITIONS)),
        )


@dataclass(frozen=True, eq=False)
class HiddenCase:
    """A case with rows that no method sees.

    Args:
        stratum: what was asked for;  case: what the methods get, and the truth.
        features, forcings, clean: `FRESH` more rows, without noise.
    """

    stratum: Stratum
    case: Case
    features: Array
    forcings: Mapping[str, Array]
    clean: Array


def hidden_case(stratum: Stratum, stream: Stream, seed: int = 0) -> HiddenCase:
    """Draw the rows of a stratum."""
    rng = case_rng(stream, "hidden rows", stratum.number, seed)
    process = next(one for one in PROCESSES if one.name == stratum.process)
    count = stratum.rows + FRESH
    series = stratum.condition == "autocorrelated"
    features = _features(count, stratum.condition, rng)
    shared = features[:, 0] if stratum.condition == "confounded" else None
    shares = _forcing_shares(count, process, shared, rng)
    truth = _truth(FORMULAS[stratum.kind], stratum.number, features, process, rng)
    symbols = [feature_symbol(name) for name in NAMES]
    latent = np.broadcast_to(
        sympy.lambdify(symbols, truth, "numpy")(*features.T), (count,)
    ).astype(float)
    value = rounded(rng.uniform(*process.truth))
    constants = {process.constant: value} if process.constant else {}
    acting = {name: _in_range(process, name, share) for name, share in shares.items()}
    clean = observed(process, latent, constants, acting)
    level = observed(process, np.full(count, latent.mean()), constants, acting)
    spread = float(np.std(clean - level)) or float(np.std(clean))
    noise = _noise(count, series, rng) * stratum.noise * spread
    if stratum.condition == "misspecified":
        shares = {name: share**CURVED_SCALE for name, share in shares.items()}
    told = {name: _in_range(process, name, share) for name, share in shares.items()}
    seen, fresh = slice(stratum.rows), slice(stratum.rows, None)
    return HiddenCase(
        stratum,
        Case(
            name=f"hidden {stratum.number}",
            group=stratum.process,
            features=features[seen],
            names=NAMES,
            target=(clean + noise)[seen],
            clean=clean[seen],
            truth=truth,
            latent=latent[seen],
            noise=stratum.noise,
            inside=stratum.kind == "inside",
            process=process.decoder,
            forcings={name: column[seen] for name, column in told.items()},
            constants=constants,
            latent_error=stratum.noise * float(latent.std()),
        ),
        features[fresh],
        {name: column[fresh] for name, column in told.items()},
        clean[fresh],
    )


def observed(
    process: HiddenProcess,
    latent: Array,
    constants: Mapping[str, float],
    forcings: Mapping[str, Array],
) -> Array:
    """Output of a process (n,)."""
    decoder = process.decoder
    p = SimpleNamespace(**{decoder.latent_names[0]: latent}, **constants)
    out = decoder(p, SimpleNamespace(**forcings))
    value = out[process.target] if hasattr(out, "keys") else out
    return np.asarray(value, dtype=float).reshape(len(latent))


def _features(count: int, condition: str, rng: np.random.Generator) -> Array:
    """Normal features (n, 5), held between -2.9 and 2.9."""
    share = rng.uniform(0.6, 0.95) if condition == "correlated" else 0.2
    drawn = rng.normal(size=(count, len(NAMES) + 1))
    if condition == "autocorrelated":
        drawn = series(drawn, FEATURE_MEMORY)
    mixed = np.sqrt(share) * drawn[:, :1] + np.sqrt(1 - share) * drawn[:, 1:]
    return np.clip(mixed, -2.9, 2.9)


def series(innovations: Array, memory: float) -> Array:
    """Autoregressive columns of order one and unit variance from normal ones (n, k)."""
    values = innovations.copy()
    for row in range(1, len(values)):
        step = np.sqrt(1 - memory**2) * innovations[row]
        values[row] = memory * values[row - 1] + step
    return values


def _noise(count: int, in_series: bool, rng: np.random.Generator) -> Array:
    drawn = rng.normal(size=(count, 1))
    return (series(drawn, NOISE_MEMORY) if in_series else drawn)[:, 0]


def _forcing_shares(
    count: int, process: HiddenProcess, shared: Array | None, rng: np.random.Generator
) -> dict[str, Array]:
    """Forcings as shares of their ranges (n,), uniform."""
    shares = {}
    for name in process.forcings:
        drawn = rng.normal(size=count)
        if shared is not None:
            drawn = CONFOUNDED * shared + np.sqrt(1 - CONFOUNDED**2) * drawn
        shares[name] = norm.cdf(drawn)
    return shares


def _in_range(process: HiddenProcess, name: str, share: Array) -> Array:
    low, high = process.forcings[name]
    return low + (high - low) * share


def _truth(
    formulas: tuple[sympy.Expr, ...],
    number: int,
    features: Array,
    process: HiddenProcess,
    rng: np.random.Generator,
) -> sympy.Expr:
    """Formula of the latent inside its range: offset + slope * one of the formulas."""
    formula = formulas[int(rng.integers(len(formulas)))]
    symbols = [feature_symbol(name) for name in NAMES]
    values = np.asarray(sympy.lambdify(symbols, formula, "numpy")(*features.T))
    if not formula.free_symbols:
        return sympy.Float(process.scale)
    below, above = values.mean() - values.min(), values.max() - values.mean()
    limits = (1 - LOWEST) / below, (HIGHEST - 1) / above, SPREAD / values.std()
    slope = rounded(process.scale * min(limits))
    offset = rounded(process.scale - slope * float(values.mean()))
    return sympy.expand_mul(offset + slope * formula, deep=False)
