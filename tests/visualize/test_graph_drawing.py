"""The drawing of the graph is readable: nothing overlaps, nothing leaves the page."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

from visualize.graph import Process, encoder_graph
from visualize.graph_drawing import describe_graph, draw_graph
from visualize.style import family_colour

FAMILIES = ("linear", "quadratic", "exp", "log", "abs", "constant", "none")
NAMES = (
    "BIO1_mean", "BIO12", "clay_0_5cm", "sand", "pH_H2O", "elevation", "slope", "npp",
    "a_feature_with_a_very_long_name", "vpd", "swc_15cm", "LAI",
)  # fmt: skip
Q10 = Process("q10", ("reco",), ("ta",), ("q10",))
MANY = Process("soil", tuple("abcdefgh"), tuple(f"force{i}" for i in range(31)))


def edge(layer, source, target, importance=0.5, family="linear", **more):
    known = {"status": "refused" if family == "none" else "closed", "latent": "rb"}
    known |= {"formula": f"0.0075*{source}", "latex": ""}
    return {
        "layer": layer, "source": source, "target": target, "importance": importance,
        "family": family,
    } | known | more  # fmt: skip


def random_edges(features, hidden, latents, seed=0):
    """Edge table of a pruned network with random families; about half are dropped."""
    random = np.random.default_rng(seed)
    rows = []
    for latent in [f"latent{k + 1}" for k in range(latents)]:
        nodes = [f"h{k + 1}_{latent}" for k in range(hidden)] or [latent]
        for node in nodes:
            rows += [_random_edge(random, name, node) for name in NAMES[:features]]
        rows += [edge(1, node, latent, 1 / hidden, "exp") for node in nodes if hidden]
    return pd.DataFrame(rows)


def _random_edge(random, source, target):
    family = str(random.choice(FAMILIES))
    share = float(random.random())
    if random.random() < 0.5:
        return edge(0, source, target, 0.0, "", status="dropped", formula="")
    latex = rf"{share:.3g}\,\left(\mathrm{{x}} - {share:.2f}\right)^{{2}}"
    return edge(
        0, source, target, share, family, latex="" if family == "none" else latex
    )


def boxes(figure):
    axis = figure.axes[0]
    figure.draw_without_rendering()
    return {text: text.get_window_extent() for text in axis.texts if text.get_text()}


def assert_readable(figure):
    found = boxes(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in found.items():
        assert text.get_fontsize() >= 8, text
        assert 0 <= box.x0 < box.x1 <= width, text
        assert 0 <= box.y0 < box.y1 <= height, text
    legend = figure.axes[0].get_legend().get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= width
    for (first, a), (second, b) in combinations(found.items(), 2):
        apart = a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0
        assert apart, f"{first} lies on {second}"


SHAPES = [
    (3, 0, 1),
    (3, 1, 1),
    (5, 0, 2),
    (8, 2, 1),
    (12, 0, 1),
    (12, 0, 4),
    (12, 2, 4),
]


@pytest.mark.parametrize(
    ("shape", "process"),
    # every shape, and every process beside few and many edges
    [
        *((shape, MANY) for shape in SHAPES),
        *((s, p) for s in SHAPES[:4:3] for p in (None, Q10)),
    ],
)
def test_no_text_lies_on_another(shape, process):
    assert_readable(draw_graph(encoder_graph(random_edges(*shape), process=process)))


def test_short_formulas_stand_on_their_edges():
    edges = [edge(0, "sw_pot", "rb", 0.36), edge(0, "ta", "rb", 0.64, "exp")]
    figure = draw_graph(encoder_graph(pd.DataFrame(edges), process=Q10))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "0.0075*sw_pot  36 %" in texts
    assert "formula" not in texts


@pytest.mark.parametrize("count", [3, 12])
def test_long_or_many_formulas_are_listed_below(count):
    long = {"formula": "0.123456*exp(0.654321*ta - 17.5) + 12.34*ta - 5.6789"}
    change = long if count == 3 else {}
    edges = [edge(0, name, "rb", **change) for name in NAMES[:count]]
    figure = draw_graph(encoder_graph(pd.DataFrame(edges)))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("1") == 2, "once on the edge, once in the list"
    assert f"{NAMES[0]} → rb" in texts


def test_listed_formulas_end_at_the_margin():
    edges = [edge(0, name, "rb", formula=" + ".join(50 * "x")) for name in NAMES[:3]]
    figure = draw_graph(encoder_graph(pd.DataFrame(edges)))
    assert_readable(figure)
    assert any("…" in text.get_text() for text in figure.axes[0].texts)


def lines(figure):
    """Curves of the edges, in the order of the graph."""
    return [
        p for p in figure.axes[0].patches if type(p) is PathPatch and not p.get_fill()
    ]


def test_width_colour_and_dashes_follow_the_attributes():
    edges = pd.DataFrame([
        edge(0, "a", "rb", 0.1), edge(0, "b", "rb", 0.6, "exp"),
        edge(0, "c", "rb", 0.3, "none"), edge(0, "d", "rb", 0, "", status="dropped"),
    ])  # fmt: skip
    a, b, c, d = lines(draw_graph(encoder_graph(edges)))
    assert d.get_linewidth() < a.get_linewidth() < c.get_linewidth() < b.get_linewidth()
    assert to_hex(b.get_edgecolor()) == family_colour("exp")
    assert [p.get_linestyle() == "solid" for p in (a, b, c, d)] == [
        True,
        True,
        False,
        False,
    ]
    assert c.get_linestyle() != d.get_linestyle()


def test_many_forcings_become_one_node():
    figure = draw_graph(encoder_graph(random_edges(3, 0, 1), process=MANY))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"31 forcings", "8 targets"} <= set(texts)


def test_a_network_with_no_edge_left_can_be_drawn():
    dropped = [edge(0, name, "rb", 0, "", status="dropped") for name in NAMES[:3]]
    graph = encoder_graph(pd.DataFrame(dropped))
    draw_graph(graph).draw_without_rendering()
    assert "no edge is left" in describe_graph(graph)


@pytest.mark.parametrize("hidden", [["rb"], ["h1_rb", "h2_rb"]])
def test_a_model_without_formulas_shows_shares_and_no_list(hidden):
    bare = {"family": "", "formula": "", "status": "spline"}
    edges = [edge(0, n, h, 0.3, **bare) for n in NAMES[:5] for h in hidden]
    figure = draw_graph(encoder_graph(pd.DataFrame(edges)))
    assert_readable(figure)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("30 %") == len(edges)
    assert "formula" not in texts


def test_long_names_everywhere_make_the_picture_wider():
    a, b, c, d = (f"a_rather_long_name_of_node_{i}" for i in range(4))
    edges = [edge(0, a, b, latent=c), edge(1, b, c, latent=c)]
    process = Process(d, ("another_very_long_name_of_it",), (a,), (b,))
    figure = draw_graph(encoder_graph(pd.DataFrame(edges), process=process))
    assert figure.get_figwidth() > 9
    assert_readable(figure)


def test_dollars_in_names_are_plain_text():
    edges = [edge(0, "a$b$", "rb"), edge(0, "c$", "rb", family="none")]
    assert_readable(draw_graph(encoder_graph(pd.DataFrame(edges))))


def test_the_picture_is_described_in_words():
    edges = [edge(0, "a", "rb", 0.7), edge(0, "b", "rb", 0.3, "none")]
    edges.append(edge(0, "c", "rb", 0, "", status="dropped"))
    text = draw_graph(encoder_graph(pd.DataFrame(edges))).get_label()
    assert text == (
        "Graph of the encoder: a to rb (70 %): 0.0075*a; b to rb (30 %): refused, "
        "stays a spline. Dropped: c to rb."
    )
