"""The walker: a loose fit from which one quantity after the other is moved away."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from sciren.inference.design import Design, Edge
from sciren.inference.identifiability.loose_fit import (
    LooseFit,
    LooseProblem,
    fit_loosely,
)
from sciren.inference.identifiability.quantities import WEAK, Quantity, listed
from sciren.inference.kind_bases import smooth_basis
from sciren.inference.noise import Whitening
from sciren.inference.observed import ObservedProcess

Array = NDArray[np.float64]

FACTORS = (0.67, 1.5)  # of a latent's level
LOG_MOVE = 0.4  # of a constant's logarithm: the same two factors
LEVEL_SD, SHAPE_SD, LOG_SD = 1.5, 1.0, 1.0  # of the loose prior, in sizes of the latent
COLUMNS = 8  # of a feature's curve
TINY = 1e-300  # keeps a division by nothing finite
ROUNDING = 5e-32
"""Variance of noise below which residuals are rounding: the square of a double's 2.2e-16, in
squares of the targets' deviation."""
MEASURED_SD = 0.1  # of imagined direct observations, as a share of the latent's size


@dataclass(frozen=True)
class Move:
    """One quantity held at another value, and everything else fitted again."""

    quantity: int
    rise: float
    theta: Array
    latents: Array
    constants: Array
    moved: bool = True
    """Whether a latent inside its bounds followed its raw level at least half of the way:
    rows on a bound let the raw level go anywhere without any change."""


def smallest_rise(moves: Sequence[Move]) -> float:
    """Return the smaller rise of the moves that really moved, of both where none did."""
    real = [move.rise for move in moves if move.moved]
    return float(min(real or [move.rise for move in moves]))


@dataclass(frozen=True, eq=False)
class Walker:
    """A loose problem with its best fit and its noise."""

    problem: LooseProblem
    best: LooseFit
    variance: float
    information: float

    @classmethod
    def of(
        cls,
        process: ObservedProcess,
        raw: Array,
        constants: Array,
        whitening: Whitening | None,
        edges: Sequence[Edge] | None,
        information: float,
    ) -> "Walker":
        """Fit a process loosely from several starts, see `walk` for the arguments."""
        problem, start = _loose_problem(process, raw, constants, whitening, edges)
        rows = len(process)
        # Nothing is left of a target that is one number, or of data without noise.
        first = max(float((problem.residual(start) ** 2).sum()) / rows, ROUNDING)
        # Several starts: the loosest of all fits has the most minima, and a walk from a
        # wrong one would call everything identified that the right one frees.
        tried = [
            fit_loosely(problem, point, first) for point in _starts(problem, start)
        ]
        best = min(tried, key=lambda fit: fit.objective)
        return cls(problem, best, first, information).settled(best.theta)

    def settled(self, theta: Array) -> "Walker":
        """Fit again from a start, and judge the noise by that fit."""
        best, variance, rows = self.best, self.variance, len(self.process)
        # Twice: the first judgement of the noise still holds the misfit of the start,
        # under which the prior would outweigh the data.
        for _ in range(2):
            best = fit_loosely(self.problem, theta, variance)
            noise = best.squares / max(rows - best.edf, 1.0) / self.information
            variance, theta = max(noise, ROUNDING), best.theta
        best = fit_loosely(self.problem, theta, variance)
        return replace(self, best=best, variance=variance)

    @property
    def process(self) -> ObservedProcess:
        """The observations."""
        return self.problem.process

    @property
    def names(self) -> tuple[str, ...]:
        """Latents, then constants."""
        return (*self.process.latent_names, *self.process.constant_names)

    def place(self, quantity: int) -> int:
        """Where the level of a latent, or a constant, stands in theta."""
        latents = self.process.n_latents
        if quantity < latents:
            return quantity
        return self.problem.design.constants.start + quantity - latents

    def physical(self, fit: LooseFit) -> tuple[Array, Array]:
        """Latents (n, L) and constants (K,) in physical units."""
        constants = fit.theta[self.problem.design.constants]
        return (
            self.process.physical(self.problem.raw(fit.theta)),
            self.process.physical_constants(constants),
        )

    def moves(self) -> list[Move]:
        """Both moves of every quantity."""
        return [
            self._move(k, up) for k in range(len(self.names)) for up in (False, True)
        ]

    def _move(self, quantity: int, up: bool) -> Move:
        place = self.place(quantity)
        start = self.best.theta.copy()
        # The moved quantity is held, everything else follows: what rises is the price
        # of the move that nothing else can pay.
        start[place] = self._moved_to(self.best, quantity, up)
        fit = fit_loosely(self.problem, start, self.variance, [place])
        rise = fit.objective - self.best.objective
        latents, constants = self.physical(fit)
        moved = True
        if quantity < self.process.n_latents:
            before = float(self.physical(self.best)[0][:, quantity].mean())
            # A raw level beyond a bound moves without its latent.
            change = abs(float(latents[:, quantity].mean()) - before)
            moved = change >= 0.5 * abs(FACTORS[up] - 1) * abs(before)
        return Move(quantity, rise, fit.theta, latents, constants, moved)

    def _moved_to(self, fit: LooseFit, quantity: int, up: bool) -> float:
        """Value of a level or a constant, on its raw scale, at its lower or upper move."""
        here = float(fit.theta[self.place(quantity)])
        latents = self.process.n_latents
        if quantity < latents:
            return here + self._level_shift(fit, quantity, FACTORS[up] - 1)
        sign = 1.0 if up else -1.0
        if self.process.in_logs[quantity - latents]:
            return here + sign * LOG_MOVE
        # Zero has no share that one could move by.
        return here + sign * LOG_MOVE * (abs(here) or 1.0)

    def _level_shift(self, fit: LooseFit, latent: int, share: float) -> float:
        """Raw shift by which the mean of a latent changes by a share of its size."""
        raw = self.problem.raw(fit.theta)
        now = self.process.physical(raw)[:, latent]
        # a third of nothing moves nothing: around zero its spread is a latent's size
        size = max(abs(float(now.mean())), float(now.std()), TINY)
        inside, outside = 0.0, _size(self.process, raw, latent)
        for _ in range(40):  # bisection: constraints rise, but not always straight
            middle = (inside + outside) / 2
            shifted = raw.copy()
            shifted[:, latent] += math.copysign(middle, share)
            rise = self.process.physical(shifted)[:, latent].mean() - now.mean()
            if abs(rise) < abs(share) * size:
                inside = middle
            else:
                outside = middle
        return math.copysign((inside + outside) / 2, share)

    def quantities(self, moves: Sequence[Move]) -> list[Quantity]:
        """Judge every quantity by the cheaper of its moves."""
        latents, constants = self.physical(self.best)
        quantities = []
        for k, name in enumerate(self.names):
            is_latent = k < self.process.n_latents
            rows = latents[:, k] if is_latent else constants[[k - latents.shape[1]]]
            quantities.append(
                Quantity(
                    name,
                    "latent" if is_latent else "constant",
                    float(rows.mean()),
                    smallest_rise([move for move in moves if move.quantity == k]),
                )
            )
        return quantities

    def settled_by(self, loose: Sequence[int]) -> tuple[str, ...]:
        """Try to fix each loose quantity, to leave out a feature, to observe a latent."""
        settled = [
            f"a known value of {self.names[k]}"
            for k in loose
            if self._settles(loose, [self.place(k)], {})
        ]
        settled += [
            f"knowing that {name} has no part in {listed(self.process.latent_names)}"
            for number, name in enumerate(self.process.feature_names)
            if (places := self._curves_of(number)) and self._settles(loose, places, {})
        ]
        latents = self.physical(self.best)[0]
        for k, name in enumerate(self.process.latent_names):
            size = max(abs(float(latents[:, k].mean())), float(latents[:, k].std()))
            measured = {k: (latents[:, k], MEASURED_SD * size)}
            if self._settles(loose, [], measured):
                settled.append(f"direct observations of {name} beside the target")
        return tuple(settled)

    def _curves_of(self, feature: int) -> list[int]:
        """Positions in theta of all coefficients of a feature, none where it is alone."""
        design = self.problem.design
        pairs = zip(design.blocks, design.edges, strict=True)
        mine = [block for block, edge in pairs if edge[0] == feature]
        if len(mine) == len(design.edges):
            return []
        return [place for block in mine for place in range(block.start, block.stop)]

    def _settles(
        self,
        loose: Sequence[int],
        fixed: Sequence[int],
        measured: dict[int, tuple[Array, float]],
    ) -> bool:
        """Whether all loose quantities are held when something is fixed or measured."""
        problem = replace(self.problem, measured=measured)
        start, base = self.best.theta.copy(), self.best
        levels = self.process.n_latents
        curves = [p for p in fixed if levels <= p < problem.design.constants.start]
        start[curves] = 0.0
        # Fixing a level or a constant where it stands leaves the best fit as it is;
        # only a flat curve or further observations move it.
        if curves or measured:
            base = fit_loosely(problem, start, self.variance, fixed)
        # A feature that the data want cannot be assumed away.
        if curves and base.squares - self.best.squares > self.variance * (
            chi2.ppf(0.95, len(curves))
        ):
            return False
        for quantity in loose:
            place = self.place(quantity)
            for up in (False, True) if place not in fixed else ():
                there = base.theta.copy()
                there[place] = self._moved_to(base, quantity, up)
                fit = fit_loosely(problem, there, self.variance, [place, *fixed])
                if fit.objective - base.objective < WEAK:
                    return False
        return True


def _size(process: ObservedProcess, raw: Array, latent: int) -> float:
    """Raw shift that would change the mean of a latent by its own size."""
    now = process.physical(raw)[:, latent]
    size = max(abs(float(now.mean())), float(now.std()), TINY)
    typical = float(np.abs(raw[:, latent]).mean()) or 1.0
    shift = 1e-3 * typical
    shifted = raw.copy()
    shifted[:, latent] += shift
    slope = abs(float(process.physical(shifted)[:, latent].mean() - now.mean())) / shift
    # On a bound nothing moves, and the raw values themselves say how large they are.
    return size / slope if slope * typical > 1e-9 * size else typical


def _loose_problem(
    process: ObservedProcess,
    raw: Array,
    constants: Array,
    whitening: Whitening | None,
    edges: Sequence[Edge] | None,
) -> tuple[LooseProblem, Array]:
    """Centre a loose prior on the estimates; return the problem and where it starts."""
    pairs = zip(process.kinds, process.features.T, strict=True)
    bases = [smooth_basis(kind, x, COLUMNS) for kind, x in pairs]
    every = [(i, k) for k in range(process.n_latents) for i in range(len(bases))]
    offered = every if edges is None else list(edges)
    design = Design.of(
        process, [edge for edge in offered if bases[edge[0]].size], bases
    )
    start, deviation = np.zeros(design.size), np.ones(design.size)
    sizes = [_size(process, raw, k) for k in range(process.n_latents)]
    for k, size in enumerate(sizes):
        start[k], deviation[k] = raw[:, k].mean(), LEVEL_SD * size
    for block, (_, k) in zip(design.blocks, design.edges, strict=True):
        # Columns have mean square one: this is the deviation of each curve's part.
        deviation[block] = SHAPE_SD * sizes[k]
    start[design.constants] = constants
    logs = np.asarray(process.in_logs, dtype=bool)
    deviation[design.constants] = LOG_SD * np.where(
        logs, 1.0, np.where(constants == 0, 1.0, np.abs(constants))
    )
    law = whitening or Whitening.none(process)
    problem = LooseProblem(process, design, law, start, deviation)
    return problem, _projected(design, raw, start)


def _projected(design: Design, raw: Array, level: Array) -> Array:
    """Return theta with the curves that come closest to raw latents (n, L)."""
    theta = level.copy()
    for k in range(raw.shape[1]):
        mine = [
            (block, basis)
            for block, basis, edge in zip(
                design.blocks, design.bases, design.edges, strict=True
            )
            if edge[1] == k
        ]
        if not mine:
            continue
        columns = np.concatenate([basis.columns for _, basis in mine], axis=1)
        # Curves have mean zero on the data; the level is taken already.
        centred = raw[:, k] - raw[:, k].mean()
        coefficients = np.linalg.lstsq(columns, centred, rcond=1e-6)[0]
        cuts = np.cumsum([basis.size for _, basis in mine])[:-1]
        for (block, _), part in zip(mine, np.split(coefficients, cuts), strict=True):
            theta[block] = part
    return theta


def _starts(problem: LooseProblem, start: Array) -> list[Array]:
    """The estimate, and flat latents with the constants moved to either side of it."""
    cut, starts = problem.design.constants, [start]
    for sign in (-1.0, 1.0):
        other = problem.centre.copy()
        other[cut] += sign * LOG_MOVE * problem.deviation[cut]
        starts.append(other)
        if cut.stop == cut.start:
            break  # without constants both are the same
    return starts
