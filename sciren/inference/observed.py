"""Rows that were observed through a process: what every inference here starts from.

Whatever encoder was trained, the data speak about its latents only through the process.
An `ObservedProcess` therefore knows no encoder: it maps raw latents and constants of its
rows to the mean of its observations and gives the sensitivities, on the scale on which
training compares predictions with targets. All arrays are numpy, double precision; this
is the only module of the package that touches torch.
"""

from collections import deque
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from sciren.comparison import ResidualScale
from sciren.data.kinds import FeatureKind, kinds_in_order
from sciren.data.table import Table
from sciren.errors import TrainingError
from sciren.solvers.process_term import ProcessTerm
from sciren.start_values import short_of_bounds, start_latents

if TYPE_CHECKING:
    from sciren.model import ScIReN

LONGEST_GAP = 10.0
"""Median time steps between neighbours beyond which the memory of the noise restarts.

measured: benchmarks.belief, half of the rows missing at random must stay one series,
seasons of 200 rows may be several.
"""


MOST_ROWS = 30_000
"""Rows above which stretches of the record are looked at: with so many, an effect that
they do not show changes no prediction."""

STRETCHES = 60  # in each, neighbours stay neighbours; together they hold all seasons
REMEMBERED = 4
"""Evaluations that are kept: on the demo 23 % of all repeat one of the last four."""

COMPARED = (
    "features", "values", "rows", "targets", "weights", "segments", "groups", "clock",
    "box", "start_latents", "start_constants",
)  # fmt: skip


class Response(NamedTuple):
    """Mean of the observations and its sensitivities.

    Attributes:
        mean: (m,) on the scale of the comparison.
        by_latent: (m, L) slope by the raw latents of the observation's row.
        by_constant: (m, K) slope by the constants on their training scale.
    """

    mean: np.ndarray
    by_latent: np.ndarray
    by_constant: np.ndarray


@dataclass(frozen=True, eq=False)
class ObservedProcess:
    """m observations of t targets in n rows, missing ones left out.

    Observations are stacked target by target, within a target group by group (where
    groups are given), within a group in time order. One segment is an unbroken series of
    one target: no memory of the noise reaches from one segment to the next.

    Attributes:
        features: (n, d) physical units.
        values: (m,) observed, on the scale of the comparison (sd one a target).
        rows, targets: (m,) row and target of every observation.
        weights: (m,) weights that the user gave, mean one; all one by default.
        segments: (m,) ids, consecutive and rising.
        groups: (m,) ids of the groups that the user gave, or None.
        clock: (n,) time of the rows in median steps, or their order in the file.
        ordered: whether the clock is time; without, rows are taken as independent.
        box: lowest and highest constants (K,) on their training scale.
        start_latents, start_constants: (L,), (K,) where a search may begin, raw.
        feature_names, latent_names, constant_names, target_names: of the columns.
    """

    features: np.ndarray
    values: np.ndarray
    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    segments: np.ndarray
    groups: np.ndarray | None
    clock: np.ndarray
    ordered: bool
    box: tuple[np.ndarray, np.ndarray]
    start_latents: np.ndarray
    start_constants: np.ndarray
    feature_names: tuple[str, ...]
    latent_names: tuple[str, ...]
    constant_names: tuple[str, ...]
    target_names: tuple[str, ...]
    term: ProcessTerm
    table: Table

    @classmethod
    def of(
        cls,
        model: "ScIReN",
        table: Table,
        scale: ResidualScale | None = None,
        factors: torch.Tensor | None = None,
    ) -> "ObservedProcess":
        """See a table through the decoder, the bounds and the constants of a model.

        Args:
            model: trained or not; its encoder is not used.
            table: rows with targets, forcings and features.
            scale: of the comparison; default that of the training, else of the table.
            factors: (n, t) on the weights of the observations, such as robust weights.
        Raises:
            TrainingError: the decoder mixes rows, or nothing is observed.
        """
        if not model.decoder.rowwise:
            raise TrainingError(
                f"decoder {model.decoder.name!r} does not act row by row, so there are "
                "no sensitivities of single rows; selection and intervals need them"
            )
        scale = scale or model.residual_scale or ResidualScale.fit(table.targets)
        term = ProcessTerm(model, table, scale, violation=0.0, noise_weights=factors)
        clock, ordered = _clock(table)
        return cls._stacked(term, table, clock, ordered)

    @classmethod
    def _stacked(
        cls, term: ProcessTerm, table: Table, clock: np.ndarray, ordered: bool
    ) -> "ObservedProcess":
        model = term.model
        observed = (term.observations.weights > 0).cpu().numpy()
        if not observed.any():
            raise TrainingError(
                "no target is observed in these rows; check targets and row filter"
            )
        group = table.groups
        # One entry for each observation, not for each row: targets have gaps of their own.
        rows, targets = _stacking(observed, group, clock)
        weights = term.observations.weights.cpu().numpy()[rows, targets]
        low, high = model.constant_scale.box()
        return cls(
            features=table.features.cpu().numpy(),
            values=term.observations.values.cpu().numpy()[rows, targets],
            rows=rows,
            targets=targets,
            # of mean one, so that the variance of the noise is that of an average row
            weights=weights / weights.mean(),
            segments=_segments(rows, targets, group, clock),
            groups=None if group is None else group[rows],
            clock=clock,
            ordered=ordered,
            box=(low.numpy(), high.numpy()),
            start_latents=start_latents(model, table)[0].cpu().numpy(),
            start_constants=model.constant_raw.detach().cpu().double().numpy().copy(),
            feature_names=table.feature_names,
            latent_names=model.latent_names,
            constant_names=model.decoder.constant_names,
            target_names=model.decoder.targets,
            term=term,
            table=table,
        )

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kinds(self) -> tuple[FeatureKind, ...]:
        """Kind of every feature (d,)."""
        return kinds_in_order(self.table.kinds, self.feature_names)

    @property
    def n_rows(self) -> int:
        """Number n of rows."""
        return len(self.features)

    @property
    def n_latents(self) -> int:
        """Number L of latents."""
        return len(self.latent_names)

    @property
    def n_constants(self) -> int:
        """Number K of constants."""
        return len(self.constant_names)

    def short_of_bounds(self, trial: np.ndarray, now: np.ndarray) -> np.ndarray:
        """Return constant raw latents (L,) that a step has not taken beyond a bound."""
        device = self.term.observations.values.device
        both = torch.as_tensor(np.stack((trial, now)), device=device)
        return short_of_bounds(self.term.model, *both).cpu().numpy()

    def evaluate(self, raw: np.ndarray, constants: np.ndarray) -> Response:
        """Return mean and sensitivities of all observations.

        Args:
            raw: (n, L) raw latents of the rows.
            constants: (K,) on their training scale (positive ones in logs).
        """
        for place, given, recent in self._recent:
            if np.array_equal(given, constants) and np.array_equal(place, raw):
                return recent
        device = self.term.observations.values.device
        latents = torch.as_tensor(raw, dtype=torch.float64, device=device)[None]
        shared = torch.as_tensor(constants, dtype=torch.float64, device=device)[None]
        slopes, residual = self.term.jacobian(latents, shared)
        flat = self._stack(slopes[0].cpu().numpy())
        mean = self._stack(residual[0].cpu().numpy()) + self.values
        response = Response(mean, flat[:, : self.n_latents], flat[:, self.n_latents :])
        self._recent.append((raw.copy(), constants.copy(), response))
        return response

    @cached_property
    def _recent(self) -> "deque[tuple[np.ndarray, np.ndarray, Response]]":
        """Where the process was evaluated last: a search begins where another ended."""
        return deque(maxlen=REMEMBERED)

    @cached_property
    def row_by_row(self) -> bool:
        """Whether the observations are those of the rows in their order, one a row."""
        return np.array_equal(self.rows, np.arange(self.n_rows))

    def _stack(self, values: np.ndarray) -> np.ndarray:
        """Return the values (n, t, ...) of the rows at the observations (m, ...)."""
        if self.row_by_row and values.shape[1] == 1:
            return values[:, 0]
        return values[self.rows, self.targets]

    def physical(self, raw: np.ndarray) -> np.ndarray:
        """Return latents (n, L) inside their bounds, physical units."""
        device = self.term.observations.values.device
        latents = torch.as_tensor(raw, dtype=torch.float64, device=device)
        with torch.no_grad():
            return self.term.model.constrain(latents).cpu().numpy()

    def physical_constants(self, raw: np.ndarray) -> np.ndarray:
        """Return constants (..., K) in physical units."""
        scale = self.term.model.constant_scale
        return scale.to_physical(torch.as_tensor(raw, dtype=torch.float64)).numpy()

    @property
    def in_logs(self) -> tuple[bool, ...]:
        """Which of the constants are fitted as logarithms, (K,)."""
        return tuple(self.term.model.constant_scale.in_logs.tolist())

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return lowest and highest values (L + K,) of latents and constants."""
        table = self.term.model.decoder.parameters
        both = [*table.latents, *table.constants]
        return (
            np.array([parameter.low for parameter in both], dtype=float),
            np.array([parameter.high for parameter in both], dtype=float),
        )

    def constant_slopes(self, raw: np.ndarray) -> np.ndarray:
        """Return the derivative (K,) of the physical constants by the training scale."""
        scale = self.term.model.constant_scale
        return scale.slope(torch.as_tensor(raw, dtype=torch.float64)).numpy()

    def take(self, rows: np.ndarray) -> "ObservedProcess":
        """Return some of the rows (positions, ascending); gaps restart the noise."""
        index = np.asarray(rows)
        device = self.term.observations.values.device
        term = self.term.take(torch.as_tensor(index, device=device))
        table = self.table.take(index)
        return self._stacked(term, table, self.clock[index], self.ordered)

    def stretches(self, most: int = MOST_ROWS) -> "ObservedProcess":
        """Return at most so many rows, in even stretches of time."""
        if self.n_rows <= most:
            return self
        return self.take(stretch_rows(self.clock, most))

    def from_declared_starts(self) -> "ObservedProcess":
        """Return the same observations, whatever the constants of the model are now."""
        start = self.term.model.constant_scale.start
        return replace(self, start_constants=start.cpu().double().numpy().copy())

    def same_as(self, other: "ObservedProcess") -> bool:
        """Whether another process shows the same rows, with the same places to start.

        Whether neighbours in the file are taken for time is not compared: that is found
        from the rows, not given.
        """
        mine, theirs = self.table, other.table
        return (
            self.term.model.decoder is other.term.model.decoder
            and (mine.time is None) == (theirs.time is None)
            and self.kinds == other.kinds
            and mine.forcings.keys() == theirs.forcings.keys()
            and all(
                torch.equal(value, theirs.forcings[name])
                for name, value in mine.forcings.items()
            )
            and all(_same(getattr(self, n), getattr(other, n)) for n in COMPARED)
        )

    @cached_property
    def sorted_by_target(self) -> bool:
        """Whether the file is sorted by a target and by no feature.

        Its neighbours then have like residuals because they have like observations, as
        the cases and the controls of a study have that stand one below the other.
        """
        if self.ordered or self.groups is not None:
            return False
        by_target = (self.targets == k for k in range(len(self.target_names)))
        if not any(_is_sorted(self.values[mine]) for mine in by_target):
            return False
        shown = np.unique(self.rows)
        return not any(_is_sorted(x) for x in self.features[shown].T)

    def in_file_order(self) -> "ObservedProcess":
        """Return the same observations with the order of the file taken for time."""
        return replace(self, ordered=True)

    def time_rank(self) -> np.ndarray:
        """Return the position (m,) of every observation's row in time, 0 .. n - 1."""
        rank = np.empty(self.n_rows, dtype=np.int64)
        rank[np.argsort(self.clock, kind="stable")] = np.arange(self.n_rows)
        return rank[self.rows]


def _same(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def stretch_rows(clock: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many positions of rows, rising, in even stretches of time.

    Args:
        clock: (n,) time of the rows.
    """
    # The first part of each stretch, so that the memory of the noise can still be seen.
    place = np.linspace(0, STRETCHES, len(clock), endpoint=False)
    order = np.argsort(clock, kind="stable")
    return np.sort(order[place % 1 < most / len(clock)])


def _is_sorted(values: np.ndarray) -> bool:
    """Whether numbers that differ rise or fall from first to last."""
    steps = np.diff(values)
    return bool(steps.any() and ((steps >= 0).all() or (steps <= 0).all()))


def _clock(table: Table) -> tuple[np.ndarray, bool]:
    """Return time in median steps (n,), or positions in the file; whether it is time."""
    if table.time is None:
        return np.asarray(table.row_ids, dtype=float), False
    seconds = (table.time - table.time.min()) / np.timedelta64(1, "s")
    group = np.zeros(len(table)) if table.groups is None else table.groups
    order = np.lexsort((seconds, group))
    # Steps inside a group only; equal times (two sensors) are no step.
    steps = np.diff(seconds[order])[np.diff(group[order]) == 0]
    steps = steps[steps > 0]
    return seconds / (np.median(steps) if len(steps) else 1.0), True


def _stacking(
    observed: np.ndarray, group: np.ndarray | None, clock: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and targets of all observations in the order of the stack."""
    rows, targets = np.nonzero(observed)
    member = np.zeros(len(rows)) if group is None else group[rows]
    # lexsort sorts by its last key first: target, then group, then time.
    order = np.lexsort((clock[rows], member, targets))
    return rows[order], targets[order]


def _segments(
    rows: np.ndarray, targets: np.ndarray, group: np.ndarray | None, clock: np.ndarray
) -> np.ndarray:
    """Return ids (m,) that rise where target, group or a long gap breaks the series."""
    breaks = (np.diff(targets) != 0) | (np.diff(clock[rows]) > LONGEST_GAP)
    if group is not None:
        breaks |= np.diff(group[rows]) != 0
    return np.concatenate(([0], np.cumsum(breaks)))
