"""Forecast of a refit: what a change of one edge would do, without the process.

Around a set of structures the observed loss is a quadratic function of the raw latents,

    loss(raw + d) = loss + 2 sum_rows g d + sum_rows d' H d   (Gauss-Newton)

so the best that a changed latent can reach with one step of all constants is the
solution of one linear system. The process is evaluated once for all changes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from symbolic.search.problem import SymbolicProblem
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.solvers.process_term import ProcessTerm

Array = np.ndarray

RIDGE = 1e-10  # of a unit diagonal


class Forecast:
    """Forecasts around a set of structures.

    Args:
        term: observed loss;  scaled: (n, d) scaled features of its rows.
        structures, constants: closed forms and raw process constants (K,).
    """

    def __init__(
        self,
        term: "ProcessTerm",
        scaled: "Tensor",
        structures: Sequence[LatentStructure],
        constants: "Tensor",
    ) -> None:
        problem = SymbolicProblem(term, scaled, structures)
        theta = problem.start(constants)
        member = scaled.new_zeros(1, device="cpu").long()
        # The only evaluation of the process: values (n, L), half gradients (n, L + K) and
        # curvatures (n, L + K, L + K) row by row.
        raw, given = problem.raw(theta), problem.constants_of(theta)
        local = term.local(raw, given, member)
        self.z, self.structures = problem.z, problem.structures
        self.loss = float(local.loss[0])
        self.gradient = local.gradient[0].cpu().numpy()
        self.curvature = local.curvature[0].cpu().numpy()
        self.values = raw[0].cpu().numpy()
        count = len(self.structures)
        self.designs = [_design(structure, self.z) for structure in self.structures]
        # A process constant moves as a column of ones that stands beside the latents.
        ones = np.ones((len(self.z), 1))
        self.designs += [ones] * (self.gradient.shape[1] - count)
        # Normal matrix D' H D in blocks, lower triangle. A change of one latent touches only
        # its own row and column, the rest serves all changes.
        self.blocks = {
            (a, b): self._block(a, b, self.designs[a], self.designs[b])
            for a in range(len(self.designs))
            for b in range(a + 1)
        }
        # Even without a change one step may gain something; forecasts are compared with this.
        self.unchanged = self.after(0, self.structures[0])

    def _block(self, a: int, b: int, left: Array, right: Array) -> Array:
        return left.T @ (self.curvature[:, a, b, None] * right)

    def after(self, latent: int, changed: LatentStructure) -> float:
        """Loss after one step of all constants from a latent's changed structure."""
        # Move to the changed curve first (d = moved):
        # loss + 2 g'd + d'Hd, and gradient g + H d there.
        moved = changed.value(self.z) - self.values[:, latent]
        design = _design(changed, self.z)
        designs = [*self.designs[:latent], design, *self.designs[latent + 1 :]]
        pull = self.gradient + self.curvature[:, latent] * moved[:, None]
        start = self.loss + float(
            moved @ (2 * self.gradient[:, latent] + self.curvature[:, latent, latent] * moved)
        )  # fmt: skip
        right = np.concatenate([d.T @ pull[:, a] for a, d in enumerate(designs)])
        matrix = self._matrix(latent, designs)
        # an exponential of the new form may overflow before any refit could tame it
        if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
            return float("inf")
        # Columns have the units of their constants; with a unit
        # diagonal the ridge means the same for all of them.
        size = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        unit = matrix / np.outer(size, size) + RIDGE * np.eye(len(size))
        scaled = right / size
        # least value of 2 r'x + x'Mx over the step x: -r' M^-1 r
        gain = float(scaled @ np.linalg.solve(unit, scaled))
        # the quadratic is no bound: far from its minimum it may promise a negative loss
        return max(start - gain, 0.0)

    def _matrix(self, latent: int, designs: list[Array]) -> Array:
        """Normal matrix (P, P) with the blocks of one latent made anew."""
        rows = []
        for a, design in enumerate(designs):
            row = []
            for b, other in enumerate(designs):
                if latent in (a, b):
                    row.append(self._block(a, b, design, other))
                else:
                    row.append(self.blocks[a, b] if b <= a else self.blocks[b, a].T)
            rows.append(row)
        return np.block(rows)


def _design(structure: LatentStructure, z: Array) -> Array:
    """Derivatives of a raw latent by its free constants (n, P)."""
    return structure.by_constants(z)[:, np.array(structure.free)]
