"""Whether features of a product or a hidden node really act together.

Tests of single edges add up curves, so they say nothing about what stands inside a node of
several features. Two questions are asked of each node here, with its contribution h to the
observations and its residual e + h, both in units of the noise and whitened:

    together   h beside free curves of each of its features: is there more than their sum?
    each       h minus h with one feature held at its median: does that feature act there?

Other constants of the equations move along their tangent, and so do those of the node: they
were moved until it explains the most, and a test of h alone tells a feature that does
nothing as seen in a quarter of records (`python -m benchmarks.belief interactions`). All
these columns are tested together, beside the others, by the robust test of edges
(`sciren.inference.wald`).
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from discovery.verdict.record import Reason
from sciren.inference.relationship import LEVEL
from sciren.solvers.spans import orthonormal_span

if TYPE_CHECKING:
    from discovery.verdict.equation_fit import EquationFit
    from discovery.verdict.evidence import Evidence
    from symbolic.terms.nodes import Node, Product

Array = NDArray[np.float64]

SAID_ALREADY = 1e-4  # length left of a column of length one that the others say already


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
            narrow_basis(kinds[k], features[:, k], COLUMNS).at(features[:, k])
            for k in sources
        ]
        return self._p(np.column_stack(curves), self._tangent(self.z))

    def alone(self, source: int) -> float:
        """p-value of one feature inside the node."""
        held = self.z.copy()
        # held at its median, a place where there are rows: at zero there may be none
        held[:, source] = np.median(held[:, source])
        still = self._tangent(held)
        return self._p(still, self._tangent(self.z) - still)

    def _tangent(self, z: Array) -> Array:
        """Return the node (n, 1 + k) and its slopes by its constants."""
        # with the slopes its constants may move, as they do in a refit: the test then asks
        # for the node and not for these values of it
        return np.column_stack((self.node.value(z), self.node.by_constants(z)))

    def _p(self, beside: Array, asked: Array) -> float:
        """p-value of columns (n, k), the first the contribution, beside other columns."""
        from sciren.inference.sandwich import cosine_count, cosine_meat
        from sciren.inference.wald import independent_p_values, wald_p_value

        parts = self.slope[:, None] * asked[self.rows]
        beside = self.slope[:, None] * beside[self.rows]
        answer = self.residual + parts[:, 0]
        white = self._white(np.column_stack((self.others, beside, parts, answer)))
        cuts = np.cumsum([self.others.shape[1] + beside.shape[1], parts.shape[1]])
        base, block, answer = np.split(white, cuts, axis=1)
        base = orthonormal_span(base, SAID_ALREADY)
        # lengths before the others are taken out: what is left is then a share of one
        block = block / np.maximum(np.linalg.norm(block, axis=0), 1e-300)
        answer = answer[:, 0]
        answer = answer - base @ (base.T @ answer)
        # Only what the other columns cannot say is asked for.
        free = block - base @ (base.T @ block)
        block = orthonormal_span(free, SAID_ALREADY, unit=False)
        if not block.shape[1]:
            return 1.0
        # The columns are orthonormal: least squares is a projection, and what is left of
        # the answer carries the scores of the test.
        theta = block.T @ answer
        left = answer - block @ theta
        process, spent = self.evidence.process, base.shape[1] + block.shape[1]
        if process.ordered:
            count, scores = cosine_count(process.n_rows), block * left[:, None]
            meat = cosine_meat(scores, count, spent, process.time_rank())
            return wald_p_value(theta, meat, count, known=False)
        columns = np.column_stack((base, block))  # orthonormal
        whole = np.concatenate((np.zeros(base.shape[1]), theta))
        places = [slice(base.shape[1], spent)]
        return independent_p_values(whole, columns, np.eye(spent), places, left)[0]

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
