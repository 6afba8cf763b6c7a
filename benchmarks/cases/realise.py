"""Trees with constants: the formula, its values, and the guards against dull draws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy

from benchmarks.cases.case import feature_symbol, rounded
from benchmarks.cases.expressions import FOREIGN, Leaf, Product, Sum, Tree, Unary
from symbolic.curves.fit import fit_curve

SMALLEST_TERM = 0.01
"""Share of the variance below which a term is not noticed."""

SMALLEST_CURVATURE = 1e-3
"""Share of the variance below which a function might as well be a straight line."""

SMALLEST_FOREIGN = 2e-3
"""Same for what the best of the five families leaves of a function outside of them."""

FARTHEST = 12.0
"""Deviations from the mean that a value may reach."""


@dataclass(eq=False)
class Node:
    """A part of a formula with its values.

    Attributes:
        tree: the drawn structure.
        expression: in the features' symbols, constants as floats.
        values: (n,) on the rows.
        children: parts below.
        rebuild: values of the children -> values.
    """

    tree: Tree
    expression: sympy.Expr
    values: np.ndarray
    children: tuple["Node", ...]
    rebuild: Callable[..., np.ndarray]

    def evaluate(self, held: Mapping[int, np.ndarray]) -> np.ndarray:
        """Return the values with some parts held: id(part) -> (n,)."""
        if id(self) in held:
            return held[id(self)]
        return self.rebuild(*(child.evaluate(held) for child in self.children))

    def parts(self) -> list["Node"]:
        """Return this part and everything below."""
        return [self, *(part for child in self.children for part in child.parts())]


class Realiser:
    """Draws the constants of a tree so that every part matters on the rows.

    Args:
        features: (n, d) raw features.
        names: of the features.
        rng: source of the constants.
    """

    def __init__(
        self, features: np.ndarray, names: tuple[str, ...], rng: np.random.Generator
    ) -> None:
        self.features, self.names, self.rng = features, names, rng

    def realise(self, tree: Tree) -> Node:
        """Return the tree with constants, four significant digits each."""
        if isinstance(tree, Leaf):
            column = self.features[:, tree.feature]
            symbol = feature_symbol(self.names[tree.feature])
            return Node(tree, symbol, column, (), lambda: column)
        if isinstance(tree, Unary):
            return self._unary(tree)
        if isinstance(tree, Product):
            one, other = self.realise(tree.left), self.realise(tree.right)
            return Node(
                tree,
                one.expression * other.expression,
                one.values * other.values,
                (one, other),
                lambda u, v: u * v,
            )
        return self._sum(tree)

    def _sum(self, tree: Sum) -> Node:
        parts = tuple(self.realise(term) for term in tree.terms)
        spread = [max(float(part.values.std()), 1e-12) for part in parts]
        size = self.rng.choice([-1.0, 1.0], len(parts)) * self.rng.uniform(
            0.6, 1.4, len(parts)
        )
        weights = [rounded(s / d) for s, d in zip(size, spread, strict=True)]
        offset = rounded(self.rng.uniform(-1.0, 1.0))
        terms = (w * part.expression for w, part in zip(weights, parts, strict=True))

        def rebuild(*values: np.ndarray) -> np.ndarray:
            return offset + sum(
                (w * v for w, v in zip(weights, values, strict=True)),
                np.zeros(len(self.features)),
            )

        values = rebuild(*(part.values for part in parts))
        return Node(tree, sympy.Add(offset, *terms), values, parts, rebuild)

    def _unary(self, tree: Unary) -> Node:
        child = self.realise(tree.child)
        if tree.function == "linear":
            return Node(tree, child.expression, child.values, (child,), lambda v: v)
        v = child.values
        slope = rounded(1.0 / max(float(v.std()), 1e-12))
        z = slope * (v - v.mean())
        shift, factor = self._inner(tree.function, z)
        slope = rounded(slope * factor)
        offset = rounded(shift - slope * float(v.mean()))
        numeric, symbolic = FUNCTIONS[tree.function]

        def rebuild(values: np.ndarray) -> np.ndarray:
            return numeric(slope * values + offset)

        expression = symbolic(slope * child.expression + offset)
        with np.errstate(all="ignore"):
            return Node(tree, expression, rebuild(v), (child,), rebuild)

    def _inner(self, function: str, z: np.ndarray) -> tuple[float, float]:
        """Offset and factor of the standardised argument z (n,)."""
        rng, sign = self.rng, float(self.rng.choice([-1.0, 1.0]))
        if function == "quadratic":
            return rng.uniform(-1.5, 1.5), 1.0
        if function == "exp":
            return 0.0, sign * float(np.exp(rng.uniform(np.log(0.3), np.log(1.3))))
        if function in ("log", "sqrt", "reciprocal"):
            reach = float(-(sign * z).min())
            return reach + float(np.exp(rng.uniform(np.log(0.15), np.log(2.0)))), sign
        if function == "abs":
            return -float(np.quantile(z, rng.uniform(0.15, 0.85))), 1.0
        if function == "sin":
            return rng.uniform(-1.5, 1.5), rng.uniform(1.0, 2.5)
        return rng.uniform(-0.5, 0.5), rng.uniform(1.0, 2.5)


FUNCTIONS: dict[str, tuple[Callable[..., np.ndarray], Callable[..., sympy.Expr]]] = {
    "quadratic": (np.square, lambda t: t**2),
    "exp": (np.exp, sympy.exp),
    "log": (np.log, sympy.log),
    "abs": (np.abs, sympy.Abs),
    "sin": (np.sin, sympy.sin),
    "tanh": (np.tanh, sympy.tanh),
    "sqrt": (np.sqrt, sympy.sqrt),
    "reciprocal": (np.reciprocal, lambda t: 1 / t),
}


def dull(root: Node) -> str:
    """Return why a formula says less than its class promises, "" when it does not.

    Rules, shares of the variance of the whole: every term of every sum above 1 %; every
    curve off its best straight line, and every product off its best plane, by more than
    0.1 %; foreign functions off the best of the five families by 0.2 %; a function of a
    function of one feature off every family; no value beyond 12 deviations.
    """
    y = root.values
    if not np.isfinite(y).all() or y.std() <= 0:
        return "not finite"
    if np.abs(y - y.mean()).max() > FARTHEST * y.std():
        return "values far from the mean"
    for part in root.parts():
        reason = _dull_part(root, part)
        if reason:
            return reason
    return ""


def _dull_part(root: Node, part: Node) -> str:
    tree = part.tree
    if isinstance(tree, Sum) and len(part.children) > 1:
        for child in part.children:
            level = np.full(len(child.values), child.values.mean())
            if _change(root, child, level) < SMALLEST_TERM:
                return "a term below 1 % of the variance"
    if isinstance(tree, Product):
        sides = np.stack([child.values for child in part.children], axis=1)
        if _change(root, part, _plane(sides, part.values)) < SMALLEST_CURVATURE:
            return "a product that is nearly a sum"
    if isinstance(tree, Unary) and tree.function != "linear":
        return _dull_curve(root, part, tree)
    return ""


def _dull_curve(root: Node, part: Node, tree: Unary) -> str:
    inner = part.children[0]
    line = _plane(inner.values[:, None], part.values)
    if _change(root, part, line) < SMALLEST_CURVATURE:
        return "a curve that is nearly a straight line"
    if tree.function in FOREIGN:
        best = fit_curve(inner.values, part.values).alternatives[0]
        if _change(root, part, best.value(inner.values)) < SMALLEST_FOREIGN:
            return "a foreign function that a family describes"
    leaves = {id(p): p for p in part.parts() if isinstance(p.tree, Leaf)}
    columns = {str(leaf.expression): leaf.values for leaf in leaves.values()}
    if len(columns) == 1 and not isinstance(tree.child, Leaf):
        (column,) = columns.values()
        best = fit_curve(column, part.values).alternatives[0]
        if 1.0 - best.r2 < SMALLEST_FOREIGN:
            return "a function of a function that one family describes"
    return ""


def _change(root: Node, part: Node, values: np.ndarray) -> float:
    """Share of the variance that changes when a part takes other values (n,)."""
    with np.errstate(all="ignore"):
        moved = root.evaluate({id(part): values}) - root.values
    share = float(np.var(moved) / np.var(root.values))
    return share if np.isfinite(share) else np.inf


def _plane(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Best affine function of columns (n, k)."""
    design = np.column_stack([np.ones(len(values)), columns])
    return design @ np.linalg.lstsq(design, values, rcond=None)[0]
