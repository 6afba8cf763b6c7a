"""Starts for series that oscillate and of which all states are observed: short pieces at once.

A trajectory of a wrong frequency is out of phase after a few turns; a piece of a few rows
that begins at the states observed there is not. All pieces of a group share its numbers,
and pieces grow until one is the whole series, so that errors of observed starts count less
and less.

Reference: Bock 1983 (multiple shooting); its free starts of pieces are observed ones here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from sciren.data.series import SeriesTable
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.groups.group_problem import GroupProblem, replace_series
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.solving.simulation import Values
from sciren.errors import TrainingError
from sciren.solvers.levenberg import Normal, minimise

# Intervals of the first pieces: nearly differences; each next ones twice as long
FIRST = 2
ITERATIONS, TOLERANCE = 20, 1e-3  # of a length: it only has to lead to the next


def shooting_start(problem: GroupProblem, start: Tensor) -> Tensor | None:
    """Return raw numbers (G, Q) to which pieces of growing length lead.

    None where a state is not observed itself, starts as a share of a parameter, or first
    rows only run: then no piece can begin inside a series.

    Args:
        problem: all rows;  start: declared numbers.
    """
    targets = _target_of_states(problem.process.model)
    if targets is None:
        return None
    raw, length = start, FIRST
    while length < problem.process.table.rows:
        pieces = Pieces.of(problem, targets, length)
        try:
            pieces = pieces.accurate(raw)
        except (
            TrainingError
        ):  # no finite solution at these numbers: others may have one
            return None
        raw = minimise(pieces, raw, ITERATIONS, TOLERANCE, damping=1e-2).theta
        length *= 2
    return raw


def _target_of_states(model: DynamicModel) -> dict[str, str] | None:
    known = {state: target for target, state in model.observed_states.items()}
    shares = any(state.of is not None for state in model.states)
    if model.warmup or shares or set(known) != set(model.state_names):
        return None
    return known


@dataclass(frozen=True)
class StartedScale(LocalScale):
    """Local numbers of series that begin at observed states.

    Args:
        begun: state -> (S,) where every series begins; nan where as declared.
    """

    begun: Mapping[str, np.ndarray] = field(default_factory=dict)

    def values(self, physical: np.ndarray) -> Values:
        """Return local numbers (S, Q) as values of the process."""
        values = super().values(physical)
        starts = {
            name: np.where(np.isnan(at), values.starts[name], at)
            for name, at in self.begun.items()
        }
        return replace(values, starts=starts)


@dataclass(frozen=True)
class Pieces:
    """Sums of squares of groups over pieces of their series; a `levenberg.Problem`.

    Args:
        problem: of the pieces, one a group of its table.
        owner: (S,) group of every piece.
    """

    problem: GroupProblem
    owner: Tensor

    @classmethod
    def of(
        cls, problem: GroupProblem, targets: Mapping[str, str], length: int
    ) -> "Pieces":
        """Cut all series where all states are observed, at least so many rows apart.

        Args:
            problem: all rows.
            targets: state -> target that observes it.
            length: intervals of a piece; the last one of a group may be shorter.
        """
        table = problem.process.table
        places = [table.target_names.index(targets[n]) for n in targets]
        seen = np.asarray(table.compared()[..., places].all(-1))
        cuts = [cut for g in range(len(table)) for cut in _cuts(table, seen, g, length)]
        groups, firsts, ends = np.array(cuts).T
        pieces = _cut(table, groups, firsts, ends)
        inner = replace_series(problem, pieces)
        begun = {
            name: np.where(firsts > 0, pieces.targets[0, :, place], np.nan)
            for name, place in zip(targets, places, strict=True)
        }
        scale = problem.scale
        started = StartedScale(scale.model, scale.constraints, scale.functions, begun)
        return cls(replace(inner, scale=started), torch.from_numpy(groups))

    def accurate(self, raw: Tensor) -> "Pieces":
        """Return the problem with as many substeps as these numbers need."""
        physical = self.problem.scale.physical(raw[self.owner]).numpy()
        return replace(self, problem=self.problem.accurate(physical))

    def _part(self, members: Tensor) -> tuple[GroupProblem, Tensor]:
        """Return the pieces of some groups, and the place of each among these groups."""
        mine = torch.isin(self.owner, members)
        rows = mine.nonzero()[:, 0]
        scale = self.problem.scale
        assert isinstance(scale, StartedScale)  # `of` has made it
        begun = {name: at[rows.numpy()] for name, at in scale.begun.items()}
        part = replace(self.problem.take(rows), scale=replace(scale, begun=begun))
        return part, torch.searchsorted(members, self.owner[rows])

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Loss (S,) of some groups."""
        part, place = self._part(members)
        losses = part.loss(theta[place], torch.arange(len(place)))
        return losses.new_zeros(len(members)).index_add(0, place, losses)

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss, half gradient and Gauss-Newton matrix of some groups, raw scale."""
        part, place = self._part(members)
        loss, gradient, matrix = part.normal(theta[place], torch.arange(len(place)))
        # A learned start moves the piece that begins there, and no other.
        acts = torch.from_numpy(self._acting(part.scale))
        gradient, matrix = gradient * acts, matrix * acts[:, :, None] * acts[:, None]
        return Normal(
            *(
                values.new_zeros(len(members), *values.shape[1:]).index_add(
                    0, place, values
                )
                for values in (loss, gradient, matrix)
            )
        )

    @staticmethod
    def _acting(scale: LocalScale) -> np.ndarray:
        """Whether a number acts on a piece, (S, Q)."""
        assert isinstance(scale, StartedScale)
        starts = {s.start_name: s.name for s in scale.model.states if s.learn_start}
        size = len(next(iter(scale.begun.values())))
        return np.stack(
            [
                np.isnan(scale.begun[starts[name]]) if name in starts else np.ones(size)
                for name in scale.names
            ],
            1,
        ).astype(float)

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Shorten a step to the longest allowed, and hold it inside the bounds."""
        return self.problem.retract(trial, theta, members)


def _cuts(
    table: SeriesTable, seen: np.ndarray, group: int, length: int
) -> list[tuple[int, int, int]]:
    """Return (group, first row, last row) of every piece of a group."""
    last = int(table.lengths[group]) - 1
    usable = np.flatnonzero(seen[: last + 1, group])
    cuts, first = [], 0
    while first < last:
        after = usable[np.searchsorted(usable, first + length) :]
        end = int(after[0]) if len(after) else last
        cuts.append((group, first, end))
        first = end
    return cuts or [(group, 0, last)]


def _cut(
    table: SeriesTable, groups: np.ndarray, firsts: np.ndarray, ends: np.ndarray
) -> SeriesTable:
    """Return the pieces as series; the row where a later one begins is not compared."""
    rows = np.arange(int((ends - firsts).max()) + 1)[:, None]
    at = np.minimum(firsts + rows, ends), groups
    counted = table.counted[at].copy()
    counted[0] &= firsts == 0
    return replace(
        table,
        groups=tuple(
            f"{table.groups[g]} {k}" for g, k in zip(groups, firsts, strict=True)
        ),
        lengths=ends - firsts + 1,
        static=table.static[groups],
        features=table.features[at],
        forcings={name: part[at] for name, part in table.forcings.items()},
        targets=table.targets[at],
        time=table.time[at],
        row_ids=table.row_ids[at],
        counted=counted,
    )
