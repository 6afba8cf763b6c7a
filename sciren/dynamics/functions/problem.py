"""Loss of functions, numbers of groups and constants of a process, through its simulation.

    loss = sum of whitened squares + c' penalty c

theta (1, K + G L + C) holds the K constants c of all terms, the L latents of every group on
their raw scale, and the C constants of the process on their training scale.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from sciren.dynamics.functions.terms import OFFSET, Additive, Held, Term
from sciren.dynamics.local_values import LocalScale
from sciren.dynamics.residuals import Comparison
from sciren.dynamics.solving.directions import Directions, jacobian_blocks
from sciren.dynamics.solving.simulation import (
    SeriesProcess,
    StateFunction,
    Trajectory,
    Values,
)
from sciren.solvers.levenberg import Normal

LARGEST_STEP = 2.0
"""Of one step in sizes of a constant, or raw units: as in `local_values`."""


@dataclass(frozen=True)
class FunctionProblem:
    """Loss as a function of all that is unknown of a process with functions.

    Args:
        process: model and series;  comparison: targets and noise.
        scale: of the numbers of groups and of the constants.
        terms: those of latents per row first, all of a latent together.
        weights: of the penalties of the terms.
    """

    process: SeriesProcess
    comparison: Comparison
    scale: LocalScale
    terms: tuple[Term, ...]
    weights: tuple[float, ...] = ()
    _last: dict[tuple[float, ...], Trajectory] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def columns(self) -> Mapping[str, np.ndarray]:
        """Feature -> (T, G); `OFFSET` -> zeros."""
        table = self.process.table
        known = dict(
            zip(table.feature_names, np.moveaxis(table.features, -1, 0), strict=True)
        )
        return known | {OFFSET: np.zeros(table.time.shape)}

    @cached_property
    def places(self) -> tuple[slice, ...]:
        """Place of the constants of every term in theta."""
        ends = np.cumsum([0, *map(len, self.terms)])
        return tuple(slice(a, b) for a, b in pairwise(ends))

    @cached_property
    def penalty(self) -> np.ndarray:
        """(K, K) of all terms, weighted."""
        size = self.places[-1].stop if self.terms else 0
        whole = np.zeros((size, size))
        for place, term, weight in zip(
            self.places, self.terms, self.weights, strict=True
        ):
            whole[place, place] = weight * term.penalty
        return whole

    @property
    def size(self) -> int:
        """Number K of constants of functions."""
        return len(self.penalty)

    @cached_property
    def row_latents(self) -> tuple[str, ...]:
        """Latents per row that have terms here, in order."""
        own = [p.name for p in self.process.model.row_latents]
        return tuple(
            dict.fromkeys(t.latent.name for t in self.terms if t.latent.name in own)
        )

    @cached_property
    def state_latents(self) -> tuple[str, ...]:
        """Latents of a state, in order."""
        own = [p.name for p in self.process.model.state_latents]
        return tuple(t.latent.name for t in self.terms if t.latent.name in own)

    def start(self, constants: np.ndarray) -> Tensor:
        """Return theta with these constants (K,) of functions, all others as declared."""
        return self.joined(
            torch.from_numpy(constants), self.scale.start(len(self.process.table))
        )

    def joined(self, constants: Tensor, raw: Tensor) -> Tensor:
        """Return theta of constants (K,) of functions and raw numbers (G, L + C) of groups."""
        # Every group carries a copy of the constants of the process; in theta they
        # stand once.
        own, others = raw[:, : self._latents], raw[0, self._latents :]
        return torch.cat([constants, own.reshape(-1), others]).unsqueeze(0)

    @property
    def _latents(self) -> int:
        return len(self.process.model.group_latents)

    def parts(self, theta: Tensor) -> tuple[np.ndarray, Tensor]:
        """Return constants (K,) of functions, and raw numbers (G, L + C) of groups."""
        count = len(self.process.table)
        end = self.size + count * self._latents
        groups = theta[0, self.size : end].reshape(count, self._latents)
        others = theta[0, end:].expand(count, -1)
        return theta[0, : self.size].numpy(), torch.cat([groups, others], 1)

    def functions(self, theta: Tensor) -> dict[str, Additive | StateFunction]:
        """Return latent -> its function."""
        constants, _ = self.parts(theta)
        built = [
            term.build(constants[place])
            for term, place in zip(self.terms, self.places, strict=True)
        ]
        # A latent of the row is a sum of functions of features, which do not move
        # during a run; one of a state has a single function whose argument does.
        known: dict[str, Additive | StateFunction] = {}
        for name in self.row_latents:
            own = [k for k, term in enumerate(self.terms) if term.latent.name == name]
            latent = self.terms[own[0]].latent
            sources = [self.terms[k].source for k in own]
            functions = [built[k] for k in own]
            known[name] = Additive(functions, sources, latent.low, latent.high)
        for term, function in zip(self.terms, built, strict=True):
            if term.latent.name in self.state_latents:
                known[term.latent.name] = Held(
                    function, term.latent.low, term.latent.high
                )
        return known

    def values(self, theta: Tensor) -> Values:
        """Return the physical values of all parameters."""
        _, raw = self.parts(theta)
        plain = self.scale.values(self.scale.physical(raw).numpy())
        functions, parameters = self.functions(theta), dict(plain.parameters)
        for name in self.row_latents:
            parameters[name] = functions[name].value(self.columns)  # pyright: ignore[reportArgumentType]
        of_states = {n: functions[n] for n in self.state_latents}
        return Values(parameters, plain.starts, of_states)  # pyright: ignore[reportArgumentType]

    def accurate(self, theta: Tensor) -> "FunctionProblem":
        """Return the problem with as many substeps as these numbers need."""
        from sciren.dynamics.solving.accuracy import accurate

        return replace(self, process=accurate(self.process, self.values(theta)))

    def trajectory(self, theta: Tensor) -> Trajectory:
        """Simulate; an accepted trial is not run again for its derivatives."""
        key = tuple(theta[0].tolist())
        if key not in self._last:
            self._last.clear()
            self._last[key] = self.process.simulate(self.values(theta))
        return self._last[key]

    def visited(self, theta: Tensor, term: Term) -> np.ndarray:
        """Return the values of the source of a term in all compared rows."""
        seen = self.comparison.compared.any(0)
        if not term.latent.inputs:
            return self.columns[term.source][seen]
        return self.process.input_of(term.latent.name, self.trajectory(theta))[seen]

    def _rough(self, theta: Tensor) -> float:
        c = theta[0, : self.size].numpy()
        return float(c @ self.penalty @ c)

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Loss (1,) with the penalty."""
        squares = self.comparison.losses(self.trajectory(theta).outputs).sum()
        return torch.tensor([squares + self._rough(theta)])

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss, half gradient and Gauss-Newton matrix with the penalty."""
        loss, gradient, matrix = self.data_normal(theta)
        gradient[: self.size] += self.penalty @ theta[0, : self.size].numpy()
        matrix[: self.size, : self.size] += self.penalty
        parts = (np.array([loss + self._rough(theta)]), gradient[None], matrix[None])
        return Normal(*map(torch.from_numpy, parts))

    def data_normal(self, theta: Tensor) -> tuple[float, np.ndarray, np.ndarray]:
        """Return loss, half gradient and Gauss-Newton matrix of the data alone."""
        trajectory = self.trajectory(theta)
        residual = self.comparison.residual(trajectory.outputs)
        slope = self.comparison.slope(trajectory.outputs)
        _, raw = self.parts(theta)
        scales = self.scale.slope(raw).numpy()  # (G, L + C)
        size, width = theta.shape[1], scales.shape[1]
        loss, gradient, matrix = 0.0, np.zeros(size), np.zeros((size, size))
        for part, columns in jacobian_blocks(
            self.process, trajectory, self._directions(theta)
        ):
            for place, group in enumerate(range(*part.indices(len(scales)))):
                moved = columns[:, :, place] * slope[None, ..., group]
                # Numbers of groups and constants come first, by their raw values.
                moved[:width] *= scales[group][:, None, None]
                both = np.concatenate([moved, residual[None, ..., group]])
                stack = self.comparison.stacked(both, group)
                gram, own = stack.T @ stack, self._columns(group)
                matrix[np.ix_(own, own)] += gram[:-1, :-1]
                gradient[own] += gram[:-1, -1]
                loss += float(gram[-1, -1])
        return loss, gradient, matrix

    def _directions(self, theta: Tensor) -> Directions:
        known = self.functions(theta)
        designs = {n: known[n].by_constants(self.columns) for n in self.row_latents}  # pyright: ignore[reportArgumentType]
        return replace(
            self.scale.directions(), designs=designs, functions=self.state_latents
        )

    def _columns(self, group: int) -> np.ndarray:
        """Return where the columns of the Jacobian of a group stand in theta."""
        latents = self._latents
        own = self.size + group * latents + np.arange(latents)
        end = self.size + len(self.process.table) * latents
        constants = end + np.arange(len(self.scale.constants))
        return np.concatenate([own, constants, np.arange(self.size)])

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Shorten a step to the longest allowed, numbers and constants inside their bounds."""
        sizes = torch.from_numpy(np.concatenate([t.sizes for t in self.terms] or [[]]))
        own = LARGEST_STEP * torch.maximum(sizes, 0.5 * theta[0, : self.size].abs())
        _, raw = self.parts(theta)
        whole = self.scale.longest(raw)
        latents, count = self._latents, len(raw)
        longest = torch.cat([own, whole[:, :latents].reshape(-1), whole[0, latents:]])
        steps = (trial - theta).abs().clamp_min(1e-300)
        # One share for all numbers: the direction of a step is that of the solved
        # matrix.
        share = (longest / steps).amin(1).clamp_max(1.0)
        moved = theta + share.unsqueeze(1) * (trial - theta)
        low, high = (
            torch.cat([bound[:latents].repeat(count), bound[latents:]])
            for bound in self.scale.limits()
        )
        held = moved[:, self.size :]
        moved[:, self.size :] = torch.minimum(torch.maximum(held, low), high)
        return moved
