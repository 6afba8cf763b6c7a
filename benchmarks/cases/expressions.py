"""Random expression trees, and the class of formulas that each belongs to.

A tree is drawn without looking at classes; its class is read off afterwards, so that
what a search method assumes about formulas is not built into them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

FAMILIES = ("linear", "quadratic", "exp", "log", "abs")
CURVED = FAMILIES[1:]
FOREIGN = ("sin", "tanh", "sqrt", "reciprocal")

GROUPS = (
    "sum", "node", "node + rest", "node + own rest", "two nodes", "three nodes",
    "products", "outside",
)  # fmt: skip


@dataclass(frozen=True)
class Leaf:
    """One feature."""

    feature: int


@dataclass(frozen=True)
class Unary:
    """A function of an affine map of its child."""

    function: str
    child: "Tree"


@dataclass(frozen=True)
class Sum:
    """A weighted sum with an offset."""

    terms: tuple["Tree", ...]


@dataclass(frozen=True)
class Product:
    """A product of two factors."""

    left: "Tree"
    right: "Tree"


Tree = Leaf | Unary | Sum | Product


def draw_tree(rng: np.random.Generator, d: int) -> Sum:
    """Draw a tree over d features: one to five terms, nested at most three deep."""
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.3, 0.28, 0.22, 0.12, 0.08]))
    return Sum(tuple(_term(rng, d, 0) for _ in range(count)))


def _term(rng: np.random.Generator, d: int, level: int) -> Tree:
    odds = ([0.42, 0.40, 0.18], [0.84, 0.10, 0.06], [1.0, 0.0, 0.0])[level]
    kind = rng.choice(["edge", "node", "product"], p=odds)
    if kind == "node":
        count = int(rng.choice([1, 2, 3, 4], p=[0.05, 0.55, 0.28, 0.12]))
        inner = tuple(_term(rng, d, level + 1) for _ in range(count))
        return Unary(_function(rng, CURVED), Sum(inner))
    if kind == "product":
        return Product(_term(rng, d, 2), _term(rng, d, 2))
    function = "linear" if rng.random() < 0.25 else _function(rng, FAMILIES)
    return Unary(function, Leaf(int(rng.integers(d))))


def _function(rng: np.random.Generator, families: tuple[str, ...]) -> str:
    return str(rng.choice(FOREIGN if rng.random() < 0.05 else families))


def walk(tree: Tree) -> Iterator[Tree]:
    """Yield a tree and everything below it."""
    yield tree
    if isinstance(tree, Unary):
        yield from walk(tree.child)
    elif isinstance(tree, Sum):
        for term in tree.terms:
            yield from walk(term)
    elif isinstance(tree, Product):
        yield from walk(tree.left)
        yield from walk(tree.right)


def leaves(tree: Tree) -> list[int]:
    """Return the features of a tree, repeats included."""
    return [part.feature for part in walk(tree) if isinstance(part, Leaf)]


def _is_edge(tree: Tree) -> bool:
    return isinstance(tree, Unary) and isinstance(tree.child, Leaf)


def _is_node(tree: Tree) -> bool:
    if not (isinstance(tree, Unary) and isinstance(tree.child, Sum)):
        return False
    return all(_is_edge(term) for term in tree.child.terms)


def _is_product(tree: Tree) -> bool:
    return isinstance(tree, Product) and _is_edge(tree.left) and _is_edge(tree.right)


def _repeats(features: list[int]) -> bool:
    return len(set(features)) < len(features)


def group_of(tree: Sum) -> str | None:
    """Return the class of a tree; None for trees that are left out.

    Inside the class are sums of edges (a family of one feature), nodes (a family of a
    sum of edges) and products of two edges, at most three of the latter two. Left out:
    one edge alone, two families on one feature in one sum, and more nodes than three.
    """
    edges = [term for term in tree.terms if _is_edge(term)]
    nodes = [term for term in tree.terms if _is_node(term)]
    products = [term for term in tree.terms if _is_product(term)]
    direct = [feature for edge in edges for feature in leaves(edge)]
    if _repeats(direct) or any(_repeats(leaves(one)) for one in [*nodes, *products]):
        return None
    functions = {part.function for part in walk(tree) if isinstance(part, Unary)}
    simple = len(edges) + len(nodes) + len(products) == len(tree.terms)
    if not simple or functions & set(FOREIGN):
        return "outside"
    inner = {feature for node in nodes for feature in leaves(node)}
    return _inside_group(len(nodes), len(products), direct, inner)


def _inside_group(
    nodes: int, products: int, direct: list[int], inner: set[int]
) -> str | None:
    if nodes + products > 3 or len(direct) > 4:
        return None
    if products and not nodes:
        return "products" if products <= 2 else None
    if nodes + products == 0:
        return "sum" if len(direct) > 1 else None
    if nodes + products > 1:
        return {2: "two nodes", 3: "three nodes"}[nodes + products]
    if not direct:
        return "node"
    return "node + own rest" if inner & set(direct) else "node + rest"
