"""Whether features of a product or a hidden node really act together.

Tests of single edges add up curves, so they say nothing about what stands inside a node of
several features. Two questions are asked of each node here, with its contribution h to the
observations and its residual e + h, both in units of the noise and whitened:

    together   h beside free curves of each of its features: is there more than their sum?
    each       h minus h with one feature held at its median: does that feature act there?

All other constants of the equations move along their tangent. The coefficient of the asked
column is one where the node is right and zero where it says nothing; its test allows for
the noise as those of edges do (`sciren.inference.sandwich`).
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from discovery.verdict.record import Reason

if TYPE_CHECKING:
    from discovery.verdict.evidence import EquationFit, Evidence
    from symbolic.terms.nodes import Node, Product

Array = NDArray[np.float64]

LEVEL = 0.05
"""Of each test; a node that is nothing but chance is told as seen in one of twenty."""


def interaction_reasons(evidence: "Evidence") -> list[Reason]:
    """Say of every node of several features whether the data see it."""
    fit = evidence.fit
    reasons = []
    for latent, structure in enumerate(fit.structures_at(fit.theta)):
        place = fit.cuts[latent] + 1 + sum(edge.size for edge in structure.edges)
        for node in structure.nodes:
            own = range(place, place + node.size)
            place += node.size
            sources = sorted({edge.source for edge in node.edges})
            if len(sources) > 1:
                asked = _Asked(evidence, latent, node, own)
                reasons.append(_told(asked, structure.name, sources))
    return reasons


class _Asked:
    """One node, and what else moves while it is asked about."""

    def __init__(
        self, evidence: "Evidence", latent: int, node: "Node | Product", own: range
    ) -> None:
        self.evidence, self.node = evidence, node
        fit: EquationFit = evidence.fit
        process = fit.process
        response = process.evaluate(fit.raw(fit.theta), fit.theta[fit.cuts[-1] :])
        self.slope = response.by_latent[:, latent]
        self.z, self.rows = fit.z, process.rows
        self.others = np.delete(fit.jacobian(fit.theta), list(own), axis=1)
        self.residual = process.values - response.mean

    def together(self, sources: list[int]) -> float:
        """p-value of the node beside curves of each of its features."""
        from sciren.inference.kind_bases import narrow_basis
        from sciren.inference.search import COLUMNS

        kinds, features = (
            self.evidence.process.kinds,
            self.evidence.process.features,
        )
        curves = [
            narrow_basis(kinds[k], features[:, k], COLUMNS).at(features[self.rows, k])
            for k in sources
        ]
        columns = [self.others, *(self.slope[:, None] * curve for curve in curves)]
        return self._p(columns, self.node.value(self.z))

    def alone(self, source: int) -> float:
        """p-value of one feature inside the node."""
        held = self.z.copy()
        held[:, source] = np.median(held[:, source])
        still = self.node.value(held)
        columns = [self.others, (self.slope * still[self.rows])[:, None]]
        return self._p(columns, self.node.value(self.z) - still)

    def _p(self, columns: list[Array], contribution: Array) -> float:
        """p-value of a contribution (n,) to the latent beside columns (m, P)."""
        from sciren.inference.sandwich import (
            cosine_count,
            cosine_meat,
            independent_meat,
            leverages,
        )

        part = self.slope * contribution[self.rows]
        whole = np.column_stack([*columns, part, self.residual + part])
        white = self._white(whole)
        design, answer = white[:, :-1], white[:, -1]
        # Columns of unit length, so that the pseudo-inverse leaves out nothing but what
        # another column says already.
        size = np.maximum(np.linalg.norm(design, axis=0), 1e-300)
        design = design / size
        inverse = np.linalg.pinv(design.T @ design, rcond=1e-10, hermitian=True)
        theta = inverse @ (design.T @ answer)
        left = answer - design @ theta
        scores = (design @ inverse[:, -1:]) * left[:, None]
        process = self.evidence.process
        freedom: float = max(len(left) - len(theta), 1)
        if process.ordered:
            freedom = cosine_count(process.n_rows)
            meat = cosine_meat(scores, freedom, len(theta), process.time_rank())
        else:
            meat = independent_meat(scores, leverages(design, inverse))
        error = float(np.sqrt(meat[0, 0]))
        if not error > 0:
            return 1.0
        return float(2 * student.sf(abs(theta[-1]) / error, freedom))

    def _white(self, columns: Array) -> Array:
        selection = self.evidence.selection
        if selection is None:
            return columns / self.evidence.scale[:, None]
        return selection.whitening.whiten(columns)


def _told(asked: _Asked, latent: str, sources: list[int]) -> Reason:
    """Put the tests of one node into a sentence."""
    names = [asked.evidence.process.feature_names[k] for k in sources]
    subject = f"{' and '.join(names)} -> {latent}"
    together = asked.together(sources)
    alone = {name: asked.alone(k) for name, k in zip(names, sources, strict=True)}
    idle = max(alone, key=lambda name: alone[name])
    if together >= LEVEL:
        sentence = (
            f"{', '.join(names)} act together in the equation of {latent}, but a test "
            f"that allows for the noise sees no more than a curve of each "
            f"(p = {together:.2g})"
        )
        step = "Compare a run without products (discovery.compose: 0, no hidden layer)"
    elif alone[idle] >= LEVEL:
        sentence = (
            f"{idle} stands in a term of several features in the equation of {latent}, "
            f"but a test that allows for the noise does not see it there "
            f"(p = {alone[idle]:.2g})"
        )
        step = f"Leave {idle} out, or wait for more data before claiming it"
    else:
        sentence = (
            f"{', '.join(names)} act together in {latent}, beyond a curve of each "
            f"(p = {together:.2g})"
        )
        return Reason("identified", subject, True, sentence, together, LEVEL, rank=8)
    number = together if together >= LEVEL else alone[idle]
    return Reason("identified", subject, False, sentence, number, LEVEL, step, rank=4)
