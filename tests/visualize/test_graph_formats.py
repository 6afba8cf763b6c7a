"""DOT and Mermaid texts hold every node and edge, whatever their names are."""

import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from visualize import encoder_graph, to_dot, to_mermaid
from visualize.graph import Process

EDGES = pd.DataFrame(
    {
        "layer": [0, 0, 0, 1],
        "source": ["sw_pot", 'dsw "pot"\\', "ta|x[1]", "h1_rb"],
        "target": ["h1_rb", "h1_rb", "h1_rb", "rb"],
        "latent": "rb",
        "importance": [0.36, 0.64, np.nan, 1.0],
        "family": ["linear", "none", None, "abs"],
        "status": ["closed", "refused", "dropped", "closed"],
        "formula": ["0.0075*sw_pot", np.nan, None, "abs(h1_rb) # <b>"],
    }
)
GRAPH = encoder_graph(EDGES, process=Process("q10", ("reco",), ("ta",), ("q10",)))


def test_dot_holds_every_node_and_edge():
    text = to_dot(GRAPH)
    assert text.count(" -> ") == GRAPH.number_of_edges()
    assert text.count("shape=") == GRAPH.number_of_nodes()
    assert r'"dsw \"pot\"\\"' in text
    assert text.count("{") == text.count("}")


def test_dot_tells_family_importance_and_what_became_of_an_edge():
    lines = {
        line.split(" [")[0].strip(): line
        for line in to_dot(GRAPH).splitlines()
        if " -> " in line
    }
    first = lines['"sw_pot" -> "h1_rb"']
    assert 'style="solid"' in first
    assert 'penwidth="2.80"' in first
    assert 'label="0.0075*sw_pot  36 %"' in first
    assert 'style="dotted"' in lines['"ta|x[1]" -> "h1_rb"']
    assert "spline  64 %" in next(one for one in lines.values() if "dashed" in one)
    assert "label" not in lines['"rb" -> "process:q10"']


def test_dot_keeps_attributes_of_the_graph_and_line_ends():
    graph = GRAPH.copy()
    graph.graph["verification"] = "PASS\nall"
    assert r'"verification"="PASS\nall";' in to_dot(graph, name="my graph")
    assert to_dot(graph, name="my graph").startswith('digraph "my graph" {')


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_the_text():
    done = subprocess.run(
        ["dot", "-Tplain"],
        input=to_dot(GRAPH),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\nedge ") == GRAPH.number_of_edges()


def test_mermaid_holds_every_node_and_edge_with_a_style():
    text = to_mermaid(GRAPH)
    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    arrows = [line for line in lines if "->" in line]
    assert len(arrows) == GRAPH.number_of_edges()
    assert sum("-.->" in line for line in arrows) == 2  # refused, dropped
    styled = [line for line in lines if line.strip().startswith("linkStyle")]
    numbers = [int(line.split()[1]) for line in styled]
    assert numbers == list(range(GRAPH.number_of_edges()))


def test_mermaid_texts_hold_nothing_that_has_a_meaning_there():
    for text in re.findall(r'"([^"]*)"', to_mermaid(GRAPH)):
        assert not set("[]{}|<>`\\") & set(text)
        assert re.sub(r"#\w+;", "", text).count("#") == 0
    assert "#60;" in to_mermaid(GRAPH) or "#lt;" in to_mermaid(GRAPH)
