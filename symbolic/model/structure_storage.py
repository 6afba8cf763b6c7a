"""Latents, their nodes, edges and candidates as plain JSON, and back."""

import math
from typing import Any

from sciren.errors import FormatError
from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.forms import Variant
from symbolic.families.kind_families import form_from_details
from symbolic.families.variants import form_named
from symbolic.search.candidate import Candidate
from symbolic.terms.bounded import Span
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import OUTERS, PRODUCT, Factor, Node, Product
from symbolic.terms.structure import LatentStructure


def number_to_json(value: float) -> float | str:
    """Return a number; JSON has no infinity and no nan, they are written as text."""
    return float(value) if math.isfinite(value) else str(float(value))


def _edge(edge: EdgeTerm) -> dict[str, Any]:
    return {
        "source": edge.source,
        "family": edge.form and edge.form.family,
        "variant": edge.form and _variant(edge.form.variant),
        "details": edge.form and edge.form.details(),
        "constants": list(edge.constants),
        "curve": edge.curve and edge.curve.to_json(),
        "function": edge.function,
    }


def _variant(variant: Variant) -> str | dict[str, Any]:
    """Return the branch, or a mapping where there is more to say than that."""
    # the usual case stays one short text
    if variant == Variant(variant.branch):
        return variant.branch
    return {
        "branch": variant.branch,
        "about": variant.about,
        "raw": variant.raw and list(variant.raw),
    }


def _read_variant(stored: Any) -> Variant:
    """Read a branch, a mapping, or the text that older files hold."""
    if isinstance(stored, str):
        return _older_variant(stored)
    about, raw = stored["about"], stored["raw"]
    return Variant(
        str(stored["branch"]),
        None if about is None else float(about),
        None if raw is None else (float(raw[0]), float(raw[1])),
    )


def _older_variant(text: str) -> Variant:
    """Read "+", " about 2010" or "- of 0.1 + 2 z", as files up to 2026 hold them."""
    # "branch about number of shift + scale z", every part but the branch optional
    first, of, line = text.partition(" of ")
    raw = None
    if of:
        shift, _, scale = line.removesuffix(" z").partition(" + ")
        raw = float(shift), float(scale)
    branch, about, number = first.partition(" about ")
    return Variant(branch, float(number) if about else None, raw)


def _read_edge(stored: Any) -> EdgeTerm:
    form = None
    # classes and waves are described by their details, other forms by name and variant
    if stored.get("details"):
        form = form_from_details(stored["family"], stored["details"])
    elif stored["family"] is not None:
        try:
            variant = _read_variant(stored["variant"])
            form = form_named(stored["family"], variant)
        except KeyError as error:
            raise FormatError(
                f"the equation file uses family {stored['family']!r}, which is not in "
                "the library; register it before loading"
            ) from error
    curve = stored["curve"] and SplineCurve.from_json(stored["curve"])
    constants = tuple(float(value) for value in stored["constants"])
    # the offset is the latent's and not stored with an edge
    wanted = 0 if form is None else len(form.constants) - 1
    # a refused edge is its table; without either there is nothing to evaluate
    if len(constants) != wanted or (form is None and not curve):
        raise FormatError(f"an edge of family {stored['family']!r} lacks its numbers")
    function = str(stored["function"])
    return EdgeTerm(int(stored["source"]), form, constants, curve, function)


def structure_to_json(latent_structure: LatentStructure) -> dict[str, Any]:
    """Return a latent's structure as plain data."""
    return {
        "name": latent_structure.name,
        "offset": latent_structure.offset,
        "offset_free": latent_structure.offset_free,
        "edges": [_edge(edge) for edge in latent_structure.edges],
        "nodes": [_node(node) for node in latent_structure.nodes],
    }


def _node(node: Node | Product) -> dict[str, Any]:
    if isinstance(node, Product):
        factors = [
            {"offset": o.offset, "anchored": o.anchored, "edge": _edge(o.edge)}
            for o in node.factors
        ]
        return {"outer": PRODUCT, "factors": factors}
    return {
        "outer": node.outer,
        "amplitude": node.amplitude,
        "offset": node.offset,
        "edges": [_edge(edge) for edge in node.edges],
        "curve": node.curve and node.curve.to_json(),
        "function": node.function,
    }


def _read_node(stored: Any) -> Node | Product:
    if stored["outer"] == PRODUCT:
        factors = tuple(
            Factor(
                _read_edge(entry["edge"]),
                float(entry["offset"]),
                bool(entry["anchored"]),
            )
            for entry in stored["factors"]
        )
        # Files may be edited by hand: what would fail later without a word is refused
        # here.
        if len(factors) < 2:
            raise FormatError("a product has fewer than two factors")
        return Product(factors)
    node = Node(
        str(stored["outer"]),
        float(stored["amplitude"]),
        float(stored["offset"]),
        tuple(_read_edge(edge) for edge in stored["edges"]),
        stored["curve"] and SplineCurve.from_json(stored["curve"]),
        str(stored["function"]),
    )
    if node.outer not in OUTERS or (node.outer == "spline" and not node.curve):
        raise FormatError(f"a hidden node has the outer function {node.outer!r}")
    return node


def structure_from_json(stored: Any) -> LatentStructure:
    """Rebuild a latent's structure.

    Raises:
        FormatError: a part is of the wrong kind.
    """
    nodes = tuple(_read_node(entry) for entry in stored["nodes"])
    edges = tuple(_read_edge(edge) for edge in stored["edges"])
    free = bool(stored["offset_free"])
    return LatentStructure(
        str(stored["name"]), float(stored["offset"]), edges, nodes, free
    )


def spans_from_json(stored: Any) -> dict[str, Span]:
    """Return latent -> range; earlier files keep the size of raw values alone."""
    sizes = {name: (-v, v) for name, v in stored.get("largest", {}).items()}
    spans = stored.get("spans", sizes)
    return {name: (float(low), float(high)) for name, (low, high) in spans.items()}


_NUMBERS = ("loss", "criterion", "r2", "complexity", "score")


def candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    """Return a candidate of the search as plain data."""
    return {
        "label": candidate.label,
        **{name: number_to_json(getattr(candidate, name)) for name in _NUMBERS},
        "constants": dict(candidate.constants),
        "spans": {name: list(span) for name, span in candidate.spans.items()},
        "structures": [structure_to_json(part) for part in candidate.structures],
    }


def candidate_from_json(stored: Any) -> Candidate:
    """Rebuild a candidate of the search."""
    return Candidate(
        structures=tuple(structure_from_json(part) for part in stored["structures"]),
        constants={n: float(v) for n, v in stored["constants"].items()},
        spans=spans_from_json(stored),
        label=str(stored["label"]),
        **{name: float(stored[name]) for name in _NUMBERS},
    )
