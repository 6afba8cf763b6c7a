"""Factors of products as curves: the equation has them, the network has none."""

from typing import TYPE_CHECKING, Any

import numpy as np

from symbolic.curves.edge_curve import EdgeCurve
from symbolic.expression.evaluate import compile_numpy
from symbolic.options import hidden_name
from symbolic.terms.nodes import Factor, Product
from symbolic.terms.rebuild import factor_expressions
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    import sympy

    from sciren.data.table import Table
    from symbolic.model.record import EquationRecord

POINTS = 201  # of a factor: enough to see a kink
SAMPLE = 2000  # values of the feature for the density strip


def products_of(structure: LatentStructure | None) -> list[tuple[int, Product]]:
    """Products of a latent by their number; slopes of classes are drawn with their line."""
    return [
        (number, node)
        for number, node in enumerate(structure.nodes if structure else ())
        if isinstance(node, Product) and not node.of_classes
    ]


def factor_sources(structure: LatentStructure | None) -> set[int]:
    """Features that are factors of a product."""
    products = products_of(structure)
    return {edge.source for _, product in products for edge in product.edges}


def factor_curves(
    table: "Table",
    structure: LatentStructure | None,
    symbolic: "EquationRecord | None",
) -> list[EdgeCurve]:
    """Return every factor as it is written, in raw units of its feature.

    Args:
        table: rows whose range and density are shown.
        structure: of a latent;  symbolic: its equations.
    Returns:
        Curves whose learned part is nan; of a refused factor it is the spline that stays.
    """
    if structure is None or symbolic is None:
        return []
    return [
        _curve(table, factor, expression, hidden_name(number, structure.name), symbolic)
        for number, product in products_of(structure)
        for factor, expression in zip(
            product.factors, factor_expressions(product, symbolic.units), strict=True
        )
    ]


def _curve(
    table: "Table",
    factor: Factor,
    expression: "sympy.Expr",
    target: str,
    symbolic: "EquationRecord",
) -> EdgeCurve:
    source, units = factor.edge.source, symbolic.units
    name = table.feature_names[source]
    values = np.sort(table.features[:, source].numpy())
    x = np.linspace(values[0], values[-1], POINTS)
    # Not-a-number and not the formula again: a picture must not show as learned what the
    # network has never had.
    learned, formula = np.full(POINTS, np.nan), None
    if factor.edge.form is None:
        z = (x - units.shift[source]) / units.scale[source]
        learned = factor.offset + factor.edge.value(z)
    else:
        formula = compile_numpy(expression, [units.symbol(source)])(x)
    edges: Any = symbolic.edges
    (row,) = edges[(edges.source == name) & (edges.target == target)].to_dict("records")
    return EdgeCurve(
        0,
        name,
        target,
        table.units.get(name, ""),
        x,
        learned,
        formula,
        values[:: max(1, len(values) // SAMPLE)],
        float(row["importance"]),
        str(row["family"]),
        str(row["formula"]),
        formula is None,
    )
