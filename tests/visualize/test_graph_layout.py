"""The layered layout keeps order, distance and direction."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from visualize.graph_labels import place_badges, places_beside
from visualize.graph_layout import Curve, Rectangle, lay_out


def graph_of(*edges, extras=()):
    """Two-column graph; an edge is (source, target) or (source, target, changes)."""
    graph = nx.DiGraph()
    for source, target, *change in edges:
        graph.add_node(source, kind="feature", layer=0, label=source)
        graph.add_node(target, kind="latent", layer=1, label=target)
        attributes = {
            "importance": 0.5, "family": "linear", "dropped": False, "refused": False,
            "formula": f"2*{source}", "latex": "",
        }  # fmt: skip
        graph.add_edge(source, target, **attributes | (change[0] if change else {}))
    for name in extras:
        graph.add_node(name, kind="forcing", layer=1, label=name)
    return graph


def full(sources, targets):
    return graph_of(*[(s, t) for s in sources for t in targets])


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize(
    ("features", "latents"), [("a", "x"), ("abc", "xy"), ("abcdefghijkl", "wxyz")]
)
def test_nodes_stay_apart_and_inside(features, latents, labels):
    layout = lay_out(full(features, latents), labels=labels)
    for box in layout.nodes.values():
        assert box.x - box.width / 2 >= 0
        assert box.x + box.width / 2 <= layout.width + 1e-9
        assert box.y - box.height / 2 >= 0
        assert box.y + box.height / 2 <= layout.height
    for one, other in combinations(layout.nodes.values(), 2):
        assert not one.overlaps(other, 0.05)


def test_edges_run_from_left_to_right_and_do_not_merge():
    layout = lay_out(full("abc", "xy"), labels=True)
    for curve in layout.curves.values():
        assert (np.diff(curve.sample()[:, 0]) >= 0).all()
    ends = [tuple(curve.control[3].round(6)) for curve in layout.curves.values()]
    assert len(set(ends)) == len(ends)


def test_parallel_edges_do_not_cross():
    layout = lay_out(graph_of(("a", "y"), ("b", "x"), ("c", "y"), ("d", "x")))
    height = {node: box.y for node, box in layout.nodes.items()}
    upper = "x" if height["x"] > height["y"] else "y"
    sources = {"x": "bd", "y": "ac"}
    lower = "y" if upper == "x" else "x"
    assert min(height[n] for n in sources[upper]) > max(
        height[n] for n in sources[lower]
    )


def test_one_latent_keeps_the_given_order_and_dead_features_go_last():
    layout = lay_out(graph_of(("c", "x"), ("a", "x", {"dropped": True}), ("b", "x")))
    order = sorted("abc", key=lambda node: -layout.nodes[node].y)
    assert order == ["c", "b", "a"]


def test_forcings_hang_below_the_latents():
    layout = lay_out(graph_of(("a", "x"), ("b", "y"), extras=["f"]))
    assert layout.nodes["f"].y < min(layout.nodes["x"].y, layout.nodes["y"].y)
    assert [caption[0] for caption in layout.captions] == [
        "features",
        "latents",
        "forcings",
    ]


def test_a_curve_meets_its_ends():
    control = np.array([(1, 0), (2, 0), (2, 1), (3, 1)], dtype=float)
    curve = Curve(np.array([0.0, 0.0]), 1.0, control)
    assert curve.span == (0.0, 3.0)
    assert curve.at(0.5) == (0.5, 0.0)
    assert curve.at(3.0) == (3.0, 1.0)


def test_rectangles_overlap_when_they_come_close():
    box = Rectangle(0, 0, 2, 1)
    assert box.overlaps(Rectangle(1.9, 0, 2, 1))
    assert not box.overlaps(Rectangle(2.1, 0, 2, 1))
    assert box.overlaps(Rectangle(2.1, 0, 2, 1), gap=0.2)


def test_labels_lie_on_the_straight_part_of_their_edge():
    graph = full("abc", "x")
    layout = lay_out(graph, labels=True)
    places = places_beside(graph, layout, list(graph.edges))
    assert places is not None
    for edge, place in places.items():
        curve = layout.curves[edge]
        assert curve.at(place.x)[1] == pytest.approx(place.y)
        assert place.x + place.width / 2 <= curve.span[0] + curve.stem + 0.01


@pytest.mark.parametrize(
    ("graph", "width"),
    [
        (full("a", "xyz"), 9.0),
        (graph_of(("a", "x", {"formula": 40 * "x*"})), 9.0),
        (full("abc", "x"), 2.0),
    ],
    ids=["one source", "too long", "too narrow"],
)
def test_labels_that_would_hide_something_are_not_placed(graph, width):
    layout = lay_out(graph, width, labels=True)
    assert places_beside(graph, layout, list(graph.edges)) is None


def test_badges_stay_apart_even_where_edges_cross():
    graph = full("abcdefghijkl", "wxyz")
    layout = lay_out(graph)
    places = place_badges(layout, list(graph.edges), [(0.2, 0.2)] * 48)
    assert len(places) >= 40
    for one, other in combinations(places.values(), 2):
        assert not one.overlaps(other)
