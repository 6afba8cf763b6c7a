"""Compositions for a latent of a trained model, and their way back into its equations."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from sciren.errors import ConfigError, closest_names
from symbolic.composition.entry import compose
from symbolic.composition.result import Composition
from symbolic.rebuild import Units
from symbolic.structure import EdgeTerm, LatentStructure, Node, in_raw

Array = np.ndarray


def compose_latent(
    model: Any, table: Any, latent: str | None = None, **options: Any
) -> Composition:
    """Compose the formula of one latent of a trained model on the observations.

    The search starts from the latent and the process constants that the model learned;
    its other latents are held where they are.

    Args:
        model: trained, with a decoder of one target.
        table: rows with observed targets.
        latent: name; not needed where the model has one latent.
        options: of `compose`, e.g. families, seed, budget_s.
    Raises:
        ConfigError: an unknown latent, or a decoder of several targets.
    """
    decoder, names = model.decoder, [str(one) for one in model.latent_names]
    name = names[0] if latent is None and len(names) == 1 else str(latent)
    if name not in names:
        raise ConfigError(
            f"the model has the latents {', '.join(names)}; say which one to compose. "
            f"{closest_names(name, names)}"
        )
    if len(decoder.targets) != 1:
        raise ConfigError(
            f"decoder {decoder.name!r} has the targets {', '.join(decoder.targets)}; "
            "a formula is composed on one target, so give a decoder of that one"
        )
    column = table.target_names.index(decoder.targets[0])
    target = _array(table.targets)[:, column]
    rows = np.flatnonzero(np.isfinite(target))
    learned = _array(model.latents(table))[rows]
    others = {n: learned[:, k] for k, n in enumerate(names) if n != name}
    forcings = {n: _array(table.forcings[n])[rows] for n in decoder.forcings}
    bounds = decoder.parameters[name]
    return compose(
        _array(table.features)[rows],
        target[rows],
        names=tuple(table.feature_names),
        process=_process(decoder, name, others),
        forcings=forcings,
        constants=_ranges(decoder, model.constants()),
        bounds=(bounds.low, bounds.high),
        start=learned[:, names.index(name)],
        target_name=name,
        **options,
    )


def _array(values: Any) -> Array:
    """Tensor or array -> array of float64."""
    held = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    return np.asarray(held, dtype=float)


def _process(decoder: Any, name: str, others: Mapping[str, Array]) -> Any:
    target = decoder.targets[0]

    def function(
        latent: Array, forcings: Mapping[str, Any], constants: Mapping[str, float]
    ) -> Any:
        parameters = SimpleNamespace(**{name: latent}, **others, **constants)
        found = decoder(parameters, SimpleNamespace(**forcings))
        return found[target] if hasattr(found, "keys") else found

    return function


def _ranges(decoder: Any, values: Mapping[str, float]) -> dict[str, Any]:
    """Start, and bounds around it, of every constant of the process."""
    found = {}
    for one in decoder.parameters.constants:
        start = float(values[one.name])
        found[one.name] = (min(one.low, start), start, max(one.high, start))
    return found


def latent_structure(
    found: Composition, units: Units, slope: float = 1.0, offset: float = 0.0
) -> LatentStructure | None:
    """Write a composition as the structure that a model's equations are made of.

    Args:
        units: scaling of the features in the model.
        slope, offset: raw latent = offset + slope * physical latent, inside the bounds.
    Returns:
        None where a node is a product of two functions, which structures do not have.
    """
    if found.form.products:
        return None
    shift = (found.units.shift - units.shift) / units.scale
    scale = found.units.scale / units.scale
    structure = found.form.structure
    edges, left = _moved(structure.edges, shift, scale, slope)
    nodes = tuple(_moved_node(one, shift, scale, slope) for one in structure.nodes)
    total = offset + slope * structure.offset + left
    free = structure.offset_free or total != 0.0
    return replace(
        structure, offset=total, edges=edges, nodes=nodes, offset_free=free
    ).oriented()


def _moved(
    edges: tuple[EdgeTerm, ...], shift: Array, scale: Array, factor: float
) -> tuple[tuple[EdgeTerm, ...], float]:
    """Edges of other scaled features, times a factor, and the offset that is left."""
    found, left = [], 0.0
    for edge in edges:
        assert edge.form is not None
        i = edge.source
        whole = np.array([factor * edge.constants[0], *edge.constants[1:], 0.0])
        form, c = in_raw(edge.form, whole, float(shift[i]), float(scale[i]))
        found.append(EdgeTerm(i, form, tuple(float(one) for one in c[:-1])))
        left += float(c[-1])
    return tuple(found), left


def _moved_node(node: Node, shift: Array, scale: Array, slope: float) -> Node:
    size, sign = abs(slope), 1.0 if slope > 0 else -1.0
    factor = {"quadratic": float(np.sqrt(size)), "abs": size}.get(node.outer, 1.0)
    edges, left = _moved(node.edges, shift, scale, factor)
    offset = factor * node.offset + left
    if node.outer == "exp":
        offset += float(np.log(size))
    amplitude = node.amplitude * (slope if node.outer == "log" else sign)
    return Node(node.outer, amplitude, offset, edges)
