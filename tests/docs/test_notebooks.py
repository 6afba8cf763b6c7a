"""Notebooks of the manual hold their outputs, and come to the same when they run again."""

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted(
    (Path(__file__).resolve().parents[2] / "docs/notebooks").glob("*.ipynb")
)
LARGEST = 200_000  # bytes: what a browser shows at once
BEGIN = 80  # characters that are compared: headline, heads of columns, equations
NUMBER = re.compile(r"-?\d[\d,.]*(e-?\d+)?")
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def said(notebook):
    """How the texts begin that cells print and show; digits may differ, sentences be reworded."""
    texts = []
    for cell in cells(notebook):
        for output in cell["outputs"]:
            assert output["output_type"] != "error", output
            shown = output.get("text") or output.get("data", {}).get("text/plain", "")
            texts.append(" ".join(NUMBER.sub("#", "".join(shown)).split())[:BEGIN])
    return texts


@EACH
def test_a_notebook_can_be_read_with_its_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < LARGEST
    assert all(cell["execution_count"] for cell in cells(notebook))
    assert any(
        "image/png" in out.get("data", {})
        for c in cells(notebook)
        for out in c["outputs"]
    )
    assert said(notebook)
    for cell in notebook["cells"]:
        for target in re.findall(r"\]\(([^)#]+)\)", "".join(cell["source"])):
            assert (path.parent / target).exists(), target


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
@EACH
def test_a_notebook_runs_and_says_the_same(path, tmp_path):
    nbformat, nbclient = (
        pytest.importorskip("nbformat"),
        pytest.importorskip("nbclient"),
    )
    notebook = nbformat.read(path, 4)
    stored = said(json.loads(path.read_text(encoding="utf-8")))
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=place).execute()
    assert said(notebook) == stored
