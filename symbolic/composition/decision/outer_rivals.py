"""Other outer functions of a node, with its inner constants refitted.

A logarithm of a sum imitates its root, and an exponential its reciprocal; only a joint
refit shows which it is. Amplitude and offset are linear and projected out, so that each
rival has as many constants as the outer function it stands for.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from sciren.solvers.spans import orthonormal_span
from symbolic.composition.decision.record import Rival, gain_of
from symbolic.composition.fitting.model import Evaluator, Model, Node, node_sum
from symbolic.composition.fitting.regression import Regression

Array = np.ndarray

SMALLEST = 1e-6  # argument of roots and reciprocals, in ranges of the sum
EVALUATIONS = 25  # of each start, about five steps of as many constants

OUTER: dict[str, Callable[[Array], Array]] = {
    "square root": np.sqrt,
    "reciprocal": lambda t: 1 / t,
    "logarithm": np.log,
    "power 3/2": lambda t: t**1.5,
}
"""Functions of a positive argument t = s + c."""


def outer_rivals(regression: Regression, model: Model, rss: float) -> Iterator[Rival]:
    """Yield every other outer function of every node that is no product.

    Args:
        rss: weighted sum of squares of the fitted model.
    """
    for h, node in enumerate(model.nodes):
        if node.kind == "product":
            continue
        # tangents of all other constants: to first order
        # the rest of the formula is refitted as well
        basis, target = beside(regression, model, h)
        for name, function in OUTER.items():
            if name == "logarithm" and node.kind == "log":
                continue
            left = _misfit(regression, node, function, target, basis)
            # as many constants on both sides, so the fall of BIC is that of the deviance
            gain = gain_of(rss, left, 0, regression.information)
            features = tuple(sorted({term.feature for term in node.terms}))
            yield Rival(features, f"{name} of the sum", gain, 0)


def beside(regression: Regression, model: Model, h: int) -> tuple[Array, Array]:
    """Return directions (n, q) of everything beside a node, and the target without them."""
    evaluator = Evaluator(regression.columns, model)
    value, tangent = evaluator.value_jacobian(model.pack())
    sizes = [len(Model(nodes=(node,)).pack()) for node in model.nodes]
    # nodes stand first in the packed constants
    own = slice(sum(sizes[:h]), sum(sizes[: h + 1]))
    weight = regression.weight
    others = np.delete(tangent, np.r_[own], axis=1) * weight[:, None]
    basis = orthonormal_span(regression.without(others))
    node = Model(nodes=(model.nodes[h],))
    alone, _ = Evaluator(regression.columns, node).value_jacobian(node.pack())
    residual = regression.target - regression.without(value * weight)
    # what the node has to explain: its own contribution and what was left over
    target = residual + regression.without(alone * weight)
    return basis, target - basis @ (basis.T @ target)


def _misfit(
    regression: Regression,
    node: Node,
    function: Callable[[Array], Array],
    target: Array,
    basis: Array,
) -> float:
    """Smallest sum of squares with an outer function, from a few offsets."""
    heads = len(node.head)

    def residual(theta: Array) -> Array:
        # heads (offset, amplitude) are projected out here; they keep any value
        packed = np.concatenate([node.head, theta[1:]])
        changed = Model(nodes=(node,)).unpack(packed).nodes[0]
        total = node_sum(regression.columns, changed)
        span = max(float(np.ptp(total)), 1e-300)
        # the offset is counted from the smallest sum, so that the argument stays positive
        argument = (total - total.min()) / span + np.exp(np.clip(theta[0], -12, 6))
        column = function(np.maximum(argument, SMALLEST))
        free = regression.without(column * regression.weight)
        free = free - basis @ (basis.T @ free)
        size = float(free @ free)
        if not np.isfinite(size) or size <= 1e-14 * len(target):
            return target
        # residual after the best amplitude of the column
        return target - free * (float(free @ target) / size)

    inner = Model(nodes=(replace(node),)).pack()[heads:]
    best = float(target @ target)
    with np.errstate(all="ignore"):
        # close to the pole, half way, and nearly straight
        for offset in (-6.0, -2.0, 0.5):
            start = np.concatenate([[offset], inner])
            result = least_squares(residual, start, x_scale="jac", max_nfev=EVALUATIONS)
            regression.work.add(len(target), len(start) * EVALUATIONS, basis.shape[1])
            # scipy's cost is half the sum of squares
            best = min(best, 2 * float(result.cost))
    return best
