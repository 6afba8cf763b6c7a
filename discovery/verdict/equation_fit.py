"""Equations as a least-squares problem on the observations of a process."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sciren.inference.observed import ObservedProcess
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel
    from symbolic.terms.edge_term import EdgeTerm
    from symbolic.terms.nodes import Product
    from symbolic.terms.structure import LatentStructure

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CurvePlace:
    """A term in which the equations are linear, so that another curve can take its place.

    Attributes:
        latent: column of the latent;  edge: the term.
        own: constants in theta that another curve makes superfluous: those of the term, and
            the scales of the other factors of its product, which that of the curve stands for.
        slope: (n,) derivative of the latent by the term: one, or the other factors.
        anchored: whether it is a factor without an offset.
    """

    latent: int
    edge: "EdgeTerm"
    own: list[int]
    slope: Array
    anchored: bool


@dataclass(frozen=True, eq=False)
class EquationFit:
    """Equations as a least-squares problem on the observations of a process.

    theta: the constants of every latent's closed form, then those of the process.

    Attributes:
        process: observations.
        z: (n, d) scaled features of its rows.
        structures: closed forms, one a latent.
        theta: (P,) as they were found.
    """

    process: "ObservedProcess"
    z: Array
    structures: "tuple[LatentStructure, ...]"
    theta: Array

    @classmethod
    def of(
        cls, equations: "SymbolicModel", model: "ScIReN", process: "ObservedProcess"
    ) -> "EquationFit":
        """Take the equations as they are."""
        import torch

        names = model.decoder.constant_names
        physical = torch.tensor([equations.constants[name] for name in names]).double()
        constants = model.constant_scale.to_raw(physical).numpy()
        # theta is the one vector that Gauss-Newton moves: [latent 1 | latent 2 | ... |
        # constants of the process on the training scale].
        packed = [structure.pack() for structure in equations.structures]
        z = model.scaled(process.table.features).cpu().numpy()
        return cls(
            process, z, equations.structures, np.concatenate([*packed, constants])
        )

    @property
    def cuts(self) -> list[int]:
        """Where the constants of every latent begin, and those of the process."""
        return np.cumsum(
            [0, *(structure.size for structure in self.structures)]
        ).tolist()

    def raw(self, theta: Array) -> Array:
        """Return raw latents (n, L)."""
        return np.stack(
            [structure.value(self.z) for structure in self.structures_at(theta)], axis=1
        )

    def mean(self, theta: Array) -> Array:
        """Return the mean (m,) of the observations."""
        return self.process.evaluate(self.raw(theta), theta[self.cuts[-1] :]).mean

    def jacobian(self, theta: Array) -> Array:
        """Return the slopes (m, P) of the mean."""
        # Chain rule: d mean / d theta_k = (d mean / d raw_k) (m, 1) * (d raw_k / d
        # theta_k) (n, P_k), the second taken at the row of every observation.
        response = self.process.evaluate(self.raw(theta), theta[self.cuts[-1] :])
        rows, columns = self.process.rows, []
        for k, structure in enumerate(self.structures_at(theta)):
            chain = structure.by_constants(self.z)[rows]
            columns.append(response.by_latent[:, k, None] * chain)
        return np.concatenate([*columns, response.by_constant], axis=1)

    def structures_at(self, theta: Array) -> "list[LatentStructure]":
        """Return the closed forms with the constants of a theta (P,)."""
        cuts = self.cuts
        return [
            structure.unpack(theta[cuts[k] : cuts[k + 1]])
            for k, structure in enumerate(self.structures)
        ]

    def direct_edges(self) -> "Iterator[tuple[int, list[int], EdgeTerm]]":
        """Yield latent, places in theta, and term of every edge that is in no node."""
        for latent, structure in enumerate(self.structures_at(self.theta)):
            place = self.cuts[latent] + 1  # behind the offset
            for edge in structure.edges:
                yield latent, list(range(place, place + edge.size)), edge
                place += edge.size

    def curve_places(self) -> "Iterator[CurvePlace]":
        """Yield every term that is in no outer function: direct edges, and factors."""
        from symbolic.terms import nodes

        ones = np.ones(len(self.z))
        for latent, own, edge in self.direct_edges():
            yield CurvePlace(latent, edge, own, ones, False)
        for latent, structure in enumerate(self.structures_at(self.theta)):
            at = self.cuts[latent] + 1 + sum(edge.size for edge in structure.edges)
            for node in structure.nodes:
                if isinstance(node, nodes.Product):
                    yield from _factors(node, latent, at, self.z)
                at += node.size

    def refitted(
        self, inside: NDArray[np.bool_], scale: Array, steps: int = 4
    ) -> Array:
        """Return theta after a few Gauss-Newton steps on some observations.

        The equations already stand near the minimum of all rows, so that of most of
        them is a few steps away; a step that makes things worse is halved.

        Args:
            inside: (m,) observations to fit.
            scale: (m,) standard deviation of their noise up to a factor.
        """
        from sciren.solvers.gauss_newton import descend, finite_squares

        def left(theta: Array) -> Array:
            return ((self.process.values - self.mean(theta)) / scale)[inside]

        def squares(theta: Array) -> float:
            # A trial step may leave the domain of a logarithm; it then counts as
            # infinitely bad.
            with np.errstate(all="ignore"):
                return finite_squares(left(theta))

        def linearise(theta: Array) -> tuple[Array, Array]:
            return (self.jacobian(theta) / scale[:, None])[inside], left(theta)

        # Few steps and a loose end: this is done once a fold, and held-out errors do
        # not feel the sixth digit.
        return descend(self.theta, squares, linearise, steps, 1e-6)


def _factors(
    product: "Product", latent: int, at: int, z: Array
) -> "Iterator[CurvePlace]":
    """Yield the factors of a product whose constants begin at a place of theta."""
    factors, starts = product.factors, [at + start for start in product.starts]
    closed = [k for k, factor in enumerate(factors) if factor.edge.form is not None]
    values = [factor.value(z) for factor in factors]
    for k, (factor, start) in enumerate(zip(factors, starts, strict=True)):
        scales = [starts[j] for j in closed if j != k]
        own = [*range(start, start + factor.edge.size), *scales]
        others = [value for j, value in enumerate(values) if j != k]
        slope = np.prod(others, axis=0)
        yield CurvePlace(latent, factor.edge, own, slope, factor.anchored)
