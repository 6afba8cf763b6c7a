"""Which latents, constants and combinations of them the data hold.

The level of each latent and each constant is moved away from its estimate and held there
while everything else is fitted again, in a fit that is as free as the data allow
(`loose_fit`). What can move without a worse fit is not identified. Of what moved together,
products, sums, ratios and differences that stayed where they were are identified: the
data know them, and only them.

Reference: Raue et al. 2009 for profiles; walking by finite moves sees what the
eigenvectors of a curvature matrix only promise nearby.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from sciren.inference.design import Design, Edge
from sciren.inference.identifiability.combinations import (
    STAYS,
    Combination,
    find_combinations,
    moved,
)
from sciren.inference.identifiability.loose_fit import (
    LooseFit,
    LooseProblem,
    fit_loosely,
)
from sciren.inference.kind_bases import smooth_basis
from sciren.inference.noise import Whitening
from sciren.inference.observed import ObservedProcess

Array = NDArray[np.float64]

FACTORS = (0.67, 1.5)  # of a latent's level
LOG_MOVE = 0.4  # of a constant's logarithm: the same two factors
NOT_IDENTIFIED, WEAK = 3.84, 10.0  # rise of chi-square, 95 % and 99.8 % of one degree
LEVEL_SD, SHAPE_SD, LOG_SD = 1.5, 1.0, 1.0  # of the loose prior, in sizes of the latent
COLUMNS = 8  # of a feature's curve
TINY = 1e-300
RESTARTS, BELOW = (
    4,
    0.5,
)  # of the walk, from a move that ends this far below the best fit
MEASURED_SD = 0.1  # of imagined direct observations, as a share of the latent's size


@dataclass(frozen=True)
class Quantity:
    """What the walk says about the level of a latent, or about a constant.

    Attributes:
        name, kind: and whether it is a "latent" or a "constant".
        estimate: in physical units (of a latent the mean over the rows).
        loss: smaller rise of chi-square of the two moves.
    """

    name: str
    kind: str
    estimate: float
    loss: float

    @property
    def status(self) -> str:
        """``"identified"``, ``"weak"`` or ``"not identified"``."""
        if self.loss < NOT_IDENTIFIED:
            return "not identified"
        return "weak" if self.loss < WEAK else "identified"


@dataclass(frozen=True)
class Identifiability:
    """Result of the walk.

    Attributes:
        quantities: latents, then constants.
        combinations: products, sums, ratios and differences that stay.
        shapes: latents whose shape a / mean(a) stays although their level does not.
        settled_by: what would make everything identified, found by trying.
    """

    quantities: tuple[Quantity, ...]
    combinations: tuple[Combination, ...] = ()
    shapes: tuple[str, ...] = ()
    settled_by: tuple[str, ...] = ()

    def of(self, status: str) -> list[str]:
        """Return the names of the quantities with a status."""
        return [
            quantity.name for quantity in self.quantities if quantity.status == status
        ]

    @property
    def identified(self) -> bool:
        """Whether the data hold every level and every constant."""
        return all(quantity.status == "identified" for quantity in self.quantities)

    def sentence(self) -> str:
        """Return what is identified, in one sentence."""
        said = [
            f"{listed(names)} {'is' if len(names) == 1 else 'are'} {word}"
            for status, word in (
                ("not identified", "not identified"),
                ("weak", "identified only weakly"),
            )
            if (names := self.of(status))
        ]
        if not said:
            return "all latents and constants are identified"
        known = [combination.text for combination in self.combinations]
        if self.shapes:
            word = "shape" if len(self.shapes) == 1 else "shapes"
            known.append(f"the {word} of {listed(list(self.shapes))}")
        text = ", ".join(said)
        return f"{text}: only {listed(known)}" if known else text


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence: a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True)
class _Move:
    """One quantity held at another value, and everything else fitted again."""

    quantity: int
    rise: float
    theta: Array
    latents: Array
    constants: Array
    moved: bool = True
    """Whether a latent inside its bounds followed its raw level at least half of the way:
    rows on a bound let the raw level go anywhere without any change."""


def _smallest_rise(moves: Sequence[_Move]) -> float:
    """Return the smaller rise of the moves that really moved, of both where none did."""
    real = [move.rise for move in moves if move.moved]
    return float(min(real or [move.rise for move in moves]))


def walk(
    process: ObservedProcess,
    raw: Array,
    constants: Array,
    whitening: Whitening | None = None,
    edges: Sequence[Edge] | None = None,
    remedies: bool = True,
    information: float = 1.0,
) -> Identifiability:
    """Say which latents, constants and combinations the data hold.

    Each quantity is held at 0.67 and 1.5 times its estimate and all others are refitted;
    a smaller rise of chi-square below 3.84 means not identified, below 10 weak.

    Args:
        process: observations.
        raw, constants: (n, L), (K,) estimates, raw.
        whitening: of the noise; default equal and independent.
        edges: (feature, latent) that may have a curve; default all.
        remedies: whether to try what would settle it: fix a quantity, leave out a
            feature, observe a latent.
        information: how many times as much is known as these rows say, where they stand
            for more rows that were left out to save time.
    """
    walker = _Walker.of(process, raw, constants, whitening, edges, information)
    moves = walker.moves()
    for _ in range(RESTARTS):
        lowest = min(moves, key=lambda move: move.rise)
        if lowest.rise > -BELOW:
            break
        walker = walker.settled(lowest.theta)  # the walk has found a better minimum
        moves = walker.moves()
    quantities = walker.quantities(moves)
    loose = [
        k for k, quantity in enumerate(quantities) if quantity.status != "identified"
    ]
    taken = [m for m in moves if m.moved and m.rise < WEAK and m.quantity in loose]
    before, values = walker.physical(walker.best)
    combinations = find_combinations(
        walker.names,
        process.n_latents,
        loose,
        _columns(before, values),
        [(m.quantity, _columns(m.latents, m.constants)) for m in taken],
    )
    shapes = _steady_shapes(process.latent_names, loose, before, taken)
    result = Identifiability(tuple(quantities), combinations, shapes)
    if loose and remedies:
        result = replace(result, settled_by=walker.settled_by(loose))
    return result


def _columns(latents: Array, constants: Array) -> Array:
    """Latents (n, L) with the constants beside them in every row, (n, L + K)."""
    return np.column_stack([latents, np.tile(constants, (len(latents), 1))])


def _steady_shapes(
    names: Sequence[str], loose: Sequence[int], before: Array, moves: "Sequence[_Move]"
) -> tuple[str, ...]:
    """Latents whose shape a / mean(a) no accepted move has changed by 5 %."""
    steady = []
    for k in loose:
        if k >= len(names) or np.ptp(before[:, k]) == 0:
            continue
        shape = before[:, k] / before[:, k].mean()
        changes = [
            moved(shape, m.latents[:, k] / m.latents[:, k].mean()) for m in moves
        ]
        if max(changes, default=0.0) < STAYS:
            steady.append(names[k])
    return tuple(steady)


@dataclass(frozen=True, eq=False)
class _Walker:
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
    ) -> "_Walker":
        problem, start = _loose_problem(process, raw, constants, whitening, edges)
        rows = len(process)
        first = float((problem.residual(start) ** 2).sum()) / rows
        tried = [
            fit_loosely(problem, one, max(first, TINY))
            for one in _starts(problem, start)
        ]
        best = min(tried, key=lambda fit: fit.objective)
        return cls(problem, best, first, information).settled(best.theta)

    def settled(self, theta: Array) -> "_Walker":
        """Fit again from a start, and judge the noise by that fit."""
        best, variance, rows = self.best, self.variance, len(self.process)
        # Twice: the first judgement of the noise still holds the misfit of the start,
        # under which the prior would outweigh the data.
        for _ in range(2):
            best = fit_loosely(self.problem, theta, variance)
            noise = best.squares / max(rows - best.edf, 1.0) / self.information
            variance, theta = max(noise, TINY), best.theta
        best = fit_loosely(self.problem, theta, variance)
        return replace(self, best=best, variance=variance)

    @property
    def process(self) -> ObservedProcess:
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

    def moves(self) -> list[_Move]:
        """Both moves of every quantity."""
        return [
            self._move(k, up) for k in range(len(self.names)) for up in (False, True)
        ]

    def _move(self, quantity: int, up: bool) -> _Move:
        place = self.place(quantity)
        start = self.best.theta.copy()
        start[place] = self._moved_to(self.best, quantity, up)
        fit = fit_loosely(self.problem, start, self.variance, [place])
        rise = fit.objective - self.best.objective
        latents, constants = self.physical(fit)
        moved = True
        if quantity < self.process.n_latents:
            before = float(self.physical(self.best)[0][:, quantity].mean())
            change = abs(float(latents[:, quantity].mean()) - before)
            moved = change >= 0.5 * abs(FACTORS[up] - 1) * abs(before)
        return _Move(quantity, rise, fit.theta, latents, constants, moved)

    def _moved_to(self, fit: LooseFit, quantity: int, up: bool) -> float:
        """Value of a level or a constant, on its raw scale, at its lower or upper move."""
        here = float(fit.theta[self.place(quantity)])
        latents = self.process.n_latents
        if quantity < latents:
            return here + self._level_shift(fit, quantity, FACTORS[up] - 1)
        sign = 1.0 if up else -1.0
        if self.process.in_logs[quantity - latents]:
            return here + sign * LOG_MOVE
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

    def quantities(self, moves: Sequence[_Move]) -> list[Quantity]:
        """Judge every quantity by the cheaper of its moves."""
        latents, constants = self.physical(self.best)
        found = []
        for k, name in enumerate(self.names):
            is_latent = k < self.process.n_latents
            rows = latents[:, k] if is_latent else constants[[k - latents.shape[1]]]
            found.append(
                Quantity(
                    name,
                    "latent" if is_latent else "constant",
                    float(rows.mean()),
                    _smallest_rise([move for move in moves if move.quantity == k]),
                )
            )
        return found

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
            seen = {k: (latents[:, k], MEASURED_SD * size)}
            if self._settles(loose, [], seen):
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
    shift = 1e-3 * max(1.0, float(np.abs(raw[:, latent]).mean()))
    shifted = raw.copy()
    shifted[:, latent] += shift
    slope = abs(float(process.physical(shifted)[:, latent].mean() - now.mean())) / shift
    # On a bound nothing moves, and the raw values themselves say how large they are.
    return size / slope if slope > 1e-9 else max(1.0, float(np.abs(raw).mean()))


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
        centred = raw[:, k] - raw[:, k].mean()
        found = np.linalg.lstsq(columns, centred, rcond=1e-6)[0]
        cuts = np.cumsum([basis.size for _, basis in mine])[:-1]
        for (block, _), part in zip(mine, np.split(found, cuts), strict=True):
            theta[block] = part
    return theta


def _starts(problem: LooseProblem, start: Array) -> list[Array]:
    """The estimate, and flat latents with the constants moved to either side of it."""
    cut, found = problem.design.constants, [start]
    for sign in (-1.0, 1.0):
        other = problem.centre.copy()
        other[cut] += sign * LOG_MOVE * problem.deviation[cut]
        found.append(other)
        if cut.stop == cut.start:
            break  # without constants both are the same
    return found
