"""Raw latents as sums of curves: which columns stand for which edge.

    raw_l = level_l + sum over edges (i, l) of B_i(x_i) c_il

theta = levels (L), coefficients edge by edge, constants (K) on their training scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from sciren.inference.basis import CurveBasis
from sciren.inference.observed import ObservedProcess, Response

Edge = tuple[int, int]
"""Feature and latent."""


@dataclass(frozen=True, eq=False)
class Design:
    """Columns of the latents of one process.

    Attributes:
        edges: E of them, in the order of their coefficients.
        bases: for each edge its basis on the rows of the process.
        n_latents, n_constants: L, K.
    """

    edges: tuple[Edge, ...]
    bases: tuple[CurveBasis, ...]
    n_latents: int
    n_constants: int

    @classmethod
    def of(
        cls,
        process: ObservedProcess,
        edges: Sequence[Edge],
        bases: Sequence[CurveBasis],
    ) -> "Design":
        """Lay out edges; bases holds one basis a feature of the process."""
        edges = tuple(edges)
        taken = tuple(bases[feature] for feature, _ in edges)
        return cls(edges, taken, process.n_latents, process.n_constants)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Where the coefficients of every edge stand in theta."""
        ends = self.n_latents + np.cumsum([0, *(basis.size for basis in self.bases)])
        pairs = pairwise(ends)
        return tuple(slice(int(a), int(b)) for a, b in pairs)

    @cached_property
    def size(self) -> int:
        """Length P of theta."""
        return self.n_latents + sum(b.size for b in self.bases) + self.n_constants

    @property
    def constants(self) -> slice:
        """Where the constants stand in theta."""
        return slice(self.size - self.n_constants, self.size)

    @cached_property
    def _columns(self) -> np.ndarray:
        """All bases beside each other on the rows of the process (n, coefficients)."""
        return np.concatenate([basis.columns for basis in self.bases], axis=1)

    @cached_property
    def _latents(self) -> np.ndarray:
        """Latent of every coefficient."""
        sizes = [basis.size for basis in self.bases]
        return np.repeat([latent for _, latent in self.edges], sizes).astype(int)

    @cached_property
    def units(self) -> np.ndarray:
        """(P,) numbers that are equal where parameters have one unit: latents, constants."""
        constants = self.n_latents + np.arange(self.n_constants)
        return np.concatenate((np.arange(self.n_latents), self._latents, constants))

    def columns_of(self, latent: int) -> np.ndarray:
        """Return positions in theta of a latent's level and coefficients."""
        mine = [
            np.arange(block.start, block.stop)
            for block, edge in zip(self.blocks, self.edges, strict=True)
            if edge[1] == latent
        ]
        return np.concatenate(([latent], *mine)).astype(int)

    def subset(self, edges: Sequence[Edge]) -> "Design":
        """Return the design of some of the edges, in this order."""
        wanted = set(edges)
        kept = [
            (edge, basis)
            for edge, basis in zip(self.edges, self.bases, strict=True)
            if edge in wanted
        ]
        return Design(
            tuple(edge for edge, _ in kept),
            tuple(basis for _, basis in kept),
            self.n_latents,
            self.n_constants,
        )

    def positions(self, edges: Sequence[Edge]) -> np.ndarray:
        """Return positions in theta of levels, some edges, and the constants."""
        wanted = set(edges)
        inside = [
            np.arange(block.start, block.stop)
            for block, edge in zip(self.blocks, self.edges, strict=True)
            if edge in wanted
        ]
        levels = np.arange(self.n_latents)
        constants = np.arange(self.constants.start, self.constants.stop)
        return np.concatenate((levels, *inside, constants)).astype(int)

    def penalty(self, weights: Sequence[float]) -> np.ndarray:
        """Return the (P, P) penalty with one weight an edge on its integral of f''^2."""
        matrix = np.zeros((self.size, self.size))
        for block, basis, weight in zip(self.blocks, self.bases, weights, strict=True):
            matrix[block, block] = weight * basis.penalty
        return matrix

    def raw(self, theta: np.ndarray, rows: int) -> np.ndarray:
        """Return raw latents (rows, L)."""
        raw = np.tile(theta[: self.n_latents], (rows, 1))
        # All columns belong to the one latent: one product instead of one an edge.
        if self.n_latents == 1 and self.edges:
            raw[:, 0] += self._columns @ theta[1 : self.constants.start]
            return raw
        for block, basis, (_, latent) in zip(
            self.blocks, self.bases, self.edges, strict=True
        ):
            raw[:, latent] += basis.columns @ theta[block]
        return raw

    def curve(self, theta: np.ndarray, edge: Edge, x: np.ndarray) -> np.ndarray:
        """Return the curve of an edge (k,) at other values of its feature (k,)."""
        number = self.edges.index(edge)
        return self.bases[number].at(x) @ theta[self.blocks[number]]

    def jacobian(
        self,
        response: Response,
        process: ObservedProcess,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return d mean / d theta (m, P) of the observations of a process, into ``out``."""
        result = np.empty((len(process), self.size)) if out is None else out
        result[:, : self.n_latents] = response.by_latent
        if self.edges:
            # d mean / d c = d mean / d raw, of the latent that the coefficient belongs
            # to, times its column.
            slopes, columns = response.by_latent, self._columns
            if self.n_latents > 1:
                slopes = slopes[:, self._latents]
            # Observations that are not simply the rows in order take the columns of
            # their row.
            if not process.row_by_row:
                columns = columns[process.rows]
            middle = slice(self.n_latents, self.constants.start)
            np.multiply(slopes, columns, out=result[:, middle])
        result[:, self.constants] = response.by_constant
        return result
