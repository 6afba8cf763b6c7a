"""The graph holds every edge with its attributes, and GraphML gives them back."""

import sys
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from sciren.errors import ColumnError, DataError
from sciren.parameters import Parameter, ParameterTable
from visualize.graph import Process, encoder_graph, write_graphml

EDGES = pd.DataFrame(
    {
        "layer": [0, 0, 0, 1],
        "source": ["sw_pot", "dsw_pot", "ta", "h1_rb"],
        "target": ["h1_rb", "h1_rb", "h1_rb", "rb"],
        "latent": "rb",
        "importance": [0.36, np.float32(0.64), np.nan, 1.0],
        "family": ["linear", "none", None, "abs"],
        "status": ["closed", "refused", "dropped", "closed"],
        "formula": ["0.0075*sw_pot", np.nan, None, "abs(h1_rb)"],
    }
)
DECODER = SimpleNamespace(
    name="q10",
    parameters=ParameterTable([Parameter("rb"), Parameter("q10", kind="constant")]),
    forcings=("ta",),
    targets=("reco",),
)


def test_nodes_know_their_kind_and_column():
    graph = encoder_graph(EDGES, decoder=DECODER)
    kinds = {
        node: (data["kind"], data["layer"]) for node, data in graph.nodes(data=True)
    }
    assert kinds == {
        "sw_pot": ("feature", 0), "dsw_pot": ("feature", 0), "ta": ("feature", 0),
        "h1_rb": ("hidden", 1), "rb": ("latent", 2), "constant:q10": ("constant", 2),
        "forcing:ta": ("forcing", 2), "process:q10": ("process", 3),
        "target:reco": ("target", 4),
    }  # fmt: skip


def test_edges_carry_plain_attributes():
    graph = encoder_graph(EDGES)
    assert graph.edges["dsw_pot", "h1_rb"]["refused"] is True
    assert graph.edges["ta", "h1_rb"] == {
        "importance": 0.0, "family": "", "status": "dropped", "formula": "",
        "latex": "", "latent": "rb", "refused": False, "dropped": True,
    }  # fmt: skip
    for _, _, edge in graph.edges(data=True):
        assert {type(value) for value in edge.values()} <= {float, str, bool}


@pytest.mark.parametrize("decoder", [None, DECODER])
def test_graphml_gives_back_every_attribute(tmp_path, decoder):
    graph = encoder_graph(EDGES, decoder=decoder)
    write_graphml(graph, tmp_path / "graph.graphml")
    read = nx.read_graphml(tmp_path / "graph.graphml")
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
    assert {e: read.edges[e] for e in read.edges} == {
        e: graph.edges[e] for e in graph.edges
    }


def test_graphml_gives_back_what_belongs_to_the_whole_graph(tmp_path):
    graph = encoder_graph(EDGES)
    graph.graph |= {"verification": "FAIL\x00ED", "seed": 3, "rows": True}
    write_graphml(graph, tmp_path / "graph.graphml")
    found = nx.read_graphml(tmp_path / "graph.graphml").graph
    assert {name: found[name] for name in ("verification", "seed", "rows")} == {
        "verification": "FAILED",
        "seed": 3,
        "rows": True,
    }


def test_graphml_takes_any_name(tmp_path):
    edges = pd.DataFrame(
        {"layer": [0], "source": ["a<b>\x00&é"], "target": ["y"], "importance": [1.0]}
    )
    write_graphml(encoder_graph(edges), str(tmp_path / "odd.graphml"))
    assert "a<b>&é" in nx.read_graphml(tmp_path / "odd.graphml")


def test_a_skip_edge_ends_in_the_latent():
    skip = EDGES.iloc[[0]].assign(target="rb")
    graph = encoder_graph(pd.concat([EDGES, skip]))
    assert graph.nodes["rb"]["layer"] == 2
    assert graph.has_edge("sw_pot", "rb")


def test_a_feature_and_a_latent_may_share_a_name():
    edges = pd.DataFrame(
        {"layer": [0], "source": ["rb"], "target": ["rb"], "importance": [1.0]}
    )
    graph = encoder_graph(edges)
    assert list(graph.edges) == [("rb", "latent:rb")]
    assert graph.nodes["latent:rb"]["label"] == "rb"


def test_an_object_brings_its_edges_and_its_decoder():
    symbolic = SimpleNamespace(edges=EDGES, decoder=DECODER)
    assert nx.utils.graphs_equal(
        encoder_graph(symbolic), encoder_graph(EDGES, process=Process.of(DECODER))
    )


def test_a_plain_regression_has_no_process():
    plain = SimpleNamespace(edges=EDGES, decoder=DECODER, plain=True)
    graph, latents = encoder_graph(plain), encoder_graph(EDGES)
    # what it predicts is what was observed
    assert graph.nodes["rb"]["kind"] == "target"
    assert nx.utils.graphs_equal(graph, encoder_graph(EDGES, plain=True))
    graph.nodes["rb"]["kind"] = "latent"
    assert nx.utils.graphs_equal(graph, latents)


def test_a_trained_model_is_measured_on_the_table(monkeypatch):
    model, table = object(), object()
    calls = []

    def edge_table(*given):
        calls.append(given)
        return EDGES

    monkeypatch.setitem(
        sys.modules, "sciren.importance", SimpleNamespace(edge_table=edge_table)
    )
    encoder_graph(model, table)
    assert calls == [(model, table)]


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (object(), DataError, r"pass the rows .*encoder_graph\(model, table\)"),
        (EDGES.drop(columns=["layer", "source"]), ColumnError, "lacks layer, source"),
        (EDGES.iloc[:0], DataError, "is empty"),
        (
            pd.concat([EDGES, EDGES]),
            DataError,
            "sw_pot -> h1_rb of layer 0 occurs twice",
        ),
    ],
)
def test_what_is_no_graph_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        encoder_graph(source)
