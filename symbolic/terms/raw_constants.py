"""Every printed constant of the equations: its name, where it stands, its value in raw units."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from symbolic.families.class_effects import ClassTable
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Product
from symbolic.terms.rebuild import RawTerm, Units, raw_closed, raw_factors, total
from symbolic.terms.structure import LatentStructure


@dataclass(frozen=True)
class RawConstant:
    """One printed constant: where it stands and its value in raw units.

    Args:
        drawn: whether the fit draws it to a mean (effects of classes).
    """

    name: str
    latent: str
    source: str
    role: str
    value: float
    drawn: bool = False

    @property
    def described(self) -> str:
        """What the constant is, in words: "a of ta", "factor offset of sw", "offset"."""
        return f"{self.role} of {self.source}" if self.source else self.role


def raw_constants(
    structures: Sequence[LatentStructure], units: Units
) -> list[RawConstant]:
    """List every constant of the printed equations with its value in raw units.

    Names are unique within a latent: ``rb_0`` its offset; ``a_ta``; ``c_rb`` the offset
    of a node's index and ``c_ta`` that of a factor; ``a_ta_1`` inside the first hidden
    node or product of several, or beside direct terms; ``a_ta_b`` where one uses a
    feature twice.
    """
    return [
        replace(constant, name=name)
        for structure in structures
        for constant, name in _uniquely_named(_constants_of(structure, units))
    ]


def _constants_of(structure: LatentStructure, units: Units) -> list[RawConstant]:
    latent = structure.name
    offset, inner = _edge_constants(structure.edges, latent, "", units)
    listed: list[RawConstant] = []
    if structure.offset_free:
        # in raw units each term sheds an offset; they are one constant with D
        value = total([structure.offset, *offset])
        listed.append(RawConstant(f"{latent}_0", latent, "", "offset", value))
    listed += inner
    # a single node needs no number in the names of its constants
    alone = len(structure.nodes) == 1 and not structure.edges
    for number, node in enumerate(structure.nodes):
        tail = "" if alone else f"_{number + 1}"
        if isinstance(node, Product):
            listed += _factor_constants(node, latent, tail, units)
            continue
        offset, inner = _edge_constants(node.edges, latent, tail, units)
        value = total([node.offset, *offset])
        label = f"c_{latent}{tail}"
        listed.append(RawConstant(label, latent, "", "index offset", value))
        listed += inner
        if node.outer == "log":
            label = f"A_{latent}{tail}"
            listed.append(RawConstant(label, latent, "", "amplitude", node.amplitude))
    return listed


def _uniquely_named(listed: list[RawConstant]) -> Iterator[tuple[RawConstant, str]]:
    """Constants with names of their own: a second a_ta becomes a_ta_b."""
    count: dict[str, int] = {}
    for constant in listed:
        name = constant.name
        number = count[name] = count.get(name, 0) + 1
        # chr(98) = "b" for the second
        yield constant, name if number == 1 else f"{name}_{chr(96 + number)}"


def _edge_constants(
    edges: Sequence[EdgeTerm], latent: str, tail: str, units: Units
) -> tuple[list[float], list[RawConstant]]:
    """Offsets of some terms, and their other constants."""
    terms = [raw_closed(edge, units) for edge in edges if edge.form is not None]
    listed = [
        term_constant
        for term in terms
        for term_constant in _term_constants(term, latent, tail)
    ]
    return [term.offset for term in terms], listed


def _term_constants(term: RawTerm, latent: str, tail: str) -> list[RawConstant]:
    return [
        RawConstant(
            f"{term.form.constant_name(role, term.feature)}{tail}",
            latent,
            term.feature,
            role,
            float(c),
            term.form.penalty() is not None,
        )
        for role, c in zip(term.form.constants[:-1], term.constants, strict=True)
    ]


def _factor_constants(
    product: Product, latent: str, tail: str, units: Units
) -> list[RawConstant]:
    listed = []
    for factor in raw_factors(product, units):
        term = factor.term
        if term is not None and isinstance(term.form, ClassTable):
            listed += _slopes(term, product, latent, units)
            continue
        feature = units.names[factor.edge.source]
        if factor.offset is not None:
            label = f"c_{feature}{tail}"
            role = "factor offset"
            listed.append(RawConstant(label, latent, feature, role, factor.offset))
        if factor.term is not None:
            written = _term_constants(factor.term, latent, tail)
            # without the amplitude, which is one there
            listed += written[1:] if factor.unit else written
    return listed


def _slopes(
    term: RawTerm, product: Product, latent: str, units: Units
) -> list[RawConstant]:
    """Slopes by the other factor, one a class: ``ta:veg[DBF]``."""
    names = [units.names[edge.source] for edge in product.edges]
    by = ":".join(name for name in names if name != term.feature)
    return [
        replace(
            constant,
            name=f"{by}:{constant.name}",
            role=f"slope by {by} in {constant.role}",
        )
        for constant in _term_constants(term, latent, "")
    ]
