"""Products as nodes of a model's equations, from the data to every way out."""

import shutil
import subprocess

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit
from symbolic import SymbolicModel, symbolify, verify
from symbolic.printing.latex_reader import read_latex
from symbolic.terms.nodes import Product
from visualize.graph import encoder_graph

NAMES = ["light", "water", "other"]


def rows(seed, count=300):
    """A base rate that is a product of two features, behind a Q10."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.2, 3.0, (count, 3))
    ta = rng.uniform(-5, 25, count)
    rb = 1.0 + 0.8 * x[:, 0] * x[:, 1]
    reco = rb * 1.6 ** ((ta - 15) / 10) + 0.03 * rng.normal(size=count)
    data = pd.DataFrame(x, columns=NAMES).assign(ta=ta, reco=reco)
    return Table.from_frame(
        data, NAMES, ["ta"], ["reco"], units={"light": "W m-2", "water": "mm"}
    )


@pytest.fixture(scope="module")
def found():
    train, valid = rows(0), rows(1)
    model = ScIReN(KANEncoder(3, 1, seed=0), "auto", Q10Respiration())
    fit(model, train, valid, TrainConfig())
    symbolic = symbolify(model, train, compose=3.0)
    return symbolic, model, train, valid


@pytest.fixture
def frame():
    rng = np.random.default_rng(5)
    return pd.DataFrame(rng.uniform(0.2, 3.0, (50, 3)), columns=NAMES).assign(ta=10.0)


def test_a_product_behind_a_process_comes_back_with_its_constants(found):
    symbolic = found[0]
    (node,) = symbolic.structures[0].nodes
    assert isinstance(node, Product)
    constants = symbolic.table.set_index("name")
    scale = constants.loc["a_light"]
    assert abs(scale.value - 0.8) < 4 * scale.error
    assert abs(symbolic.constants["q10"] - 1.6) < 4 * symbolic.errors["q10"]
    taken = [
        row for row in symbolic.settings["compositions"] if row["verdict"] == "taken"
    ]
    assert taken[0]["structure"] == "[linear(light) * linear(water)]"


def test_a_product_is_verified(found):
    symbolic, model, train, valid = found
    checked = verify(symbolic, model, train, valid)
    assert checked.passed, checked.frame().to_string()


def test_a_product_is_stored_and_printed_without_loss(found, frame, tmp_path):
    symbolic = found[0]
    again = SymbolicModel.load(symbolic.save(tmp_path / "equations.json"))
    assert again.structures == symbolic.structures
    pd.testing.assert_frame_equal(again.predict(frame), symbolic.predict(frame))
    for kind in ("latex", "document", "markdown", "text", "csv", "json"):
        assert "light" in symbolic.export(kind).replace("\\", "")
    equation = symbolic.equations["rb"]
    from symbolic import to_latex

    read = read_latex(to_latex(equation, None), sorted(equation.free_symbols, key=str))
    np.testing.assert_allclose(
        symbolic.with_equations({"rb": read}).latents(frame)["rb"],
        symbolic.latents(frame)["rb"],
        rtol=1e-12,
    )


@pytest.mark.parametrize("language", ["python", "c", "fortran", "r", "julia"])
def test_a_product_is_code_in_every_language(found, language):
    text = found[0].to_code(language)
    assert "light" in text
    assert "water" in text


def test_the_c_code_of_a_product_gives_its_numbers(found, frame, tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    symbolic = found[0]
    (tmp_path / "equations.c").write_text(symbolic.to_code("c"))
    done = subprocess.run(
        ["cc", "-std=c99", "-c", "-Wall", "-Werror", "-o", "equations.o", "equations.c"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_torch_module_of_a_product_gives_its_numbers(found, frame):
    symbolic = found[0]
    values = symbolic.to_torch()(frame)["rb"].detach().numpy()
    np.testing.assert_allclose(values, symbolic.latents(frame)["rb"], rtol=1e-12)


def test_edges_and_graph_show_a_product_as_a_node(found):
    symbolic = found[0]
    edges = symbolic.edges.set_index(["source", "target"])
    assert edges.loc[("h1_rb", "rb"), "family"] == "product"
    assert edges.loc[("light", "h1_rb"), "family"] == "linear"
    assert edges.loc[("other", "h1_rb"), "status"] == "dropped"
    graph = encoder_graph(symbolic)
    assert nx.has_path(graph, "light", "rb")
    assert graph.nodes["h1_rb"]["kind"] == "hidden"


def test_the_path_of_candidates_leads_over_the_product(found):
    symbolic = found[0]
    labels = [candidate.label for candidate in symbolic.candidates]
    assert any(label.startswith("product(light linear * water") for label in labels)
    assert any("product" not in label for label in labels)


def test_the_scale_of_a_product_takes_the_unit_that_fits(found):
    table = found[0].table
    units = dict(zip(table["name"], table["unit"], strict=True))
    assert "mm-1" in units["a_light"] or "mm" in units["a_light"], units
