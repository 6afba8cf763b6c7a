"""The sparse encoder, and the process behind it, as a networkx graph."""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd

from sciren.errors import ColumnError, DataError

FEEDBACK = "feedback"  # family of the edges from a process back into its states
_NEEDED = ("layer", "source", "target", "importance")
_TEXTS = ("family", "status", "formula", "latex", "latent")
_ILLEGAL = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)  # in XML


@dataclass(frozen=True)
class Process:
    """What the decoder's part of the graph shows.

    Args:
        name: name of the process model.
        targets: names of its outputs.
        forcings: names of its observed inputs.
        constants: names of its shared hidden parameters.
        states: names of what it carries from row to row.
    """

    name: str
    targets: tuple[str, ...]
    forcings: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @classmethod
    def of(cls, decoder: Any) -> "Process":
        """Read the names off a decoder."""
        return cls(
            name=decoder.name,
            targets=tuple(decoder.targets),
            forcings=tuple(decoder.forcings),
            constants=tuple(constant.name for constant in decoder.parameters.constants),
            states=tuple(getattr(decoder, "state_names", ())),
        )


def encoder_graph(
    source: Any,
    table: Any = None,
    *,
    decoder: Any = None,
    process: Process | None = None,
    plain: bool = False,
) -> nx.DiGraph:
    """Return features, hidden nodes and latents, and the process that they feed.

    Nodes carry ``kind`` ("feature", "hidden", "latent", "constant", "forcing", "state",
    "process" or "target"), ``layer`` (column of a layered drawing) and ``label``. Edges
    carry ``importance``, ``family``, ``status``, ``formula``, ``latex``, ``refused`` and
    ``dropped``; connections of the process have ``family`` "process". All attributes
    are plain numbers, texts and truth values, as GraphML needs them. Nodes are called
    as in the edge table; those behind the latents as ``"<kind>:<name>"``.

    Args:
        source: table of edges with the columns layer, source, target, importance, and
            where known family, status, formula, latex, latent; or an object with such a
            table as ``edges``; or a trained model.
        table: rows on which a trained model's importances are computed.
        decoder: process model behind the latents; default: that of ``source``.
        process: its names, where the decoder itself is not at hand.
        plain: whether the latents are what was observed, as in a regression without a
            process; default: as ``source`` says.
    Raises:
        ColumnError: the edge table lacks a column.
        DataError: an edge occurs twice, none exists, or a model comes without a table.
    """
    edges = _edge_table(source, table)
    graph = nx.DiGraph()
    _add_encoder(graph, edges)
    process = process or _process_of(source, decoder)
    if process is not None:
        _add_process(graph, process)
    elif plain or getattr(source, "plain", False):
        latents = [n for n, kind in graph.nodes(data="kind") if kind == "latent"]
        nx.set_node_attributes(graph, dict.fromkeys(latents, "target"), "kind")
    return graph


def write_graphml(graph: nx.DiGraph, path: str | Path) -> None:
    """Write a graph with all attributes, its own too; what XML cannot hold is dropped."""
    # XML 1.0 has no control characters, and escaping does not help: they are dropped.
    clean = nx.DiGraph(**_legal_values(graph.graph))
    for node, attributes in graph.nodes(data=True):
        clean.add_node(_legal(node), **_legal_values(attributes))
    for start, end, attributes in graph.edges(data=True):
        clean.add_edge(_legal(start), _legal(end), **_legal_values(attributes))
    nx.write_graphml(clean, Path(path), named_key_ids=True)


def without_feedback(graph: nx.DiGraph) -> nx.DiGraph:
    """Return a copy in layers, whose edges all lead onwards; states are inputs there."""
    back = [
        (start, end)
        for start, end, family in graph.edges(data="family")
        if family == FEEDBACK
    ]
    layered = graph.copy()
    layered.remove_edges_from(back)
    return layered


def _legal(value: Any) -> Any:
    return _ILLEGAL.sub("", value) if isinstance(value, str) else value


def _legal_values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _legal(value) for key, value in attributes.items()}


def _edge_table(source: Any, table: Any) -> pd.DataFrame:
    edges = source if isinstance(source, pd.DataFrame) else _edges_of(source, table)
    missing = [column for column in _NEEDED if column not in edges.columns]
    if missing:
        raise ColumnError(
            f"the table of edges lacks {', '.join(missing)}; "
            f"it has {', '.join(map(str, edges.columns))}"
        )
    if edges.empty:
        raise DataError("the table of edges is empty; there is nothing to draw")
    twice = edges.duplicated(["layer", "source", "target"])
    if twice.any():
        row = edges[twice].iloc[0]
        raise DataError(
            f"edge {row['source']} -> {row['target']} of layer {row['layer']} occurs "
            "twice in the table of edges"
        )
    return edges


def _edges_of(source: Any, table: Any) -> pd.DataFrame:
    edges = getattr(source, "edges", None)
    if isinstance(edges, pd.DataFrame):
        return edges
    if table is None:
        raise DataError(
            f"a {type(source).__name__} has no table of edges; to draw a trained "
            "model pass the rows for its importances: encoder_graph(model, table)"
        )
    from sciren.importance import edge_table  # loads torch

    return edge_table(source, table)


def _process_of(source: Any, decoder: Any) -> Process | None:
    """Names of the process; a plain regression has none worth drawing."""
    if isinstance(source, pd.DataFrame) or getattr(source, "plain", False):
        given = decoder
    else:
        given = decoder if decoder is not None else getattr(source, "decoder", None)
    return None if given is None else Process.of(given)


def _add_encoder(graph: nx.DiGraph, edges: pd.DataFrame) -> None:
    rows: list[dict[Hashable, Any]] = edges.to_dict("records")
    # Nodes stand in layers 0 (features) to `last` (latents).
    last = max(int(row["layer"]) for row in rows) + 1
    for row in rows:
        attributes = _edge_attributes(row)
        above = int(row["layer"])
        # A latent stands in the last column even where an additive edge leads to it
        # directly.
        below = last if str(row["target"]) == attributes["latent"] else above + 1
        start = _node(graph, row["source"], above, last)
        graph.add_edge(start, _node(graph, row["target"], below, last), **attributes)


def _node(graph: nx.DiGraph, label: Any, layer: int, last: int) -> str:
    """Add a node once and return its name, which is its label where that is free."""
    name = str(label)
    kind = "feature" if layer == 0 else "latent" if layer == last else "hidden"
    # A feature and a latent may have one name; networkx knows nodes by theirs.
    if name in graph and graph.nodes[name]["layer"] != layer:
        name = f"{kind}:{name}"
    if name not in graph:
        graph.add_node(name, kind=kind, layer=layer, label=str(label))
    return name


def _edge_attributes(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    texts = {key: _text(row.get(key)) for key in _TEXTS}
    family, status = texts["family"], texts["status"]
    measured = not pd.isna(row["importance"])
    return texts | {
        "importance": float(row["importance"]) if measured else 0.0,
        "refused": status == "refused" or family == "none",
        "dropped": status == "dropped",
    }


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _add_process(graph: nx.DiGraph, process: Process) -> None:
    """Latents, constants, forcings and states lead into the process, targets out of it.

    What comes back into a state is an edge of the family "feedback".
    """
    inputs = [node for node in graph if graph.nodes[node]["kind"] == "latent"]
    column = max(graph.nodes[node]["layer"] for node in graph)
    centre = f"process:{process.name}"
    graph.add_node(centre, kind="process", layer=column + 1, label=process.name)
    for kind, names in (
        ("constant", process.constants),
        ("forcing", process.forcings),
        ("state", process.states),
    ):
        for name in names:
            inputs.append(f"{kind}:{name}")
            graph.add_node(inputs[-1], kind=kind, layer=column, label=name)
    plain = {"importance": 0.0, "refused": False, "dropped": False} | dict.fromkeys(
        _TEXTS, ""
    )
    plain |= {"family": "process"}
    for name in inputs:
        graph.add_edge(name, centre, **plain)
    for name in process.states:
        graph.add_edge(centre, f"state:{name}", **plain | {"family": FEEDBACK})
    for target in process.targets:
        node = f"target:{target}"
        graph.add_node(node, kind="target", layer=column + 2, label=target)
        graph.add_edge(centre, node, **plain)
