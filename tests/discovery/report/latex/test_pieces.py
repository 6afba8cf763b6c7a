"""Pieces of LaTeX compile, name their sources and say the numbers of the run."""

import shutil
import subprocess

import pytest
from tex_check import check_latex

from discovery.report.latex.methods import cited, methods_paragraph
from discovery.report.latex.pieces import edges_piece
from discovery.report.latex.references import REFERENCES, bibliography
from discovery.results.result import Discovery
from discovery.runs.files import read_json
from discovery.runs.stored import stored_config
from symbolic.printing.printable import PrintableModel


def test_the_paragraph_says_the_numbers_of_the_run(light):
    text = methods_paragraph(
        Discovery.load(light), stored_config(light), read_json(light / "data.json")
    )
    assert "Of 600 rows 600 could be used" in text
    assert r"\texttt{efficiency}" in text
    assert "5 of 5 checks" in text
    assert "20 resamples of blocks" in text
    assert check_latex(text) == []
    assert set(cited(text)) <= set(REFERENCES)


def test_every_piece_is_sound_and_every_citation_has_its_entry(light):
    pieces = {file.name: file.read_text() for file in (light / "tex").iterdir()}
    assert {"methods.tex", "equations.tex", "constants.tex", "edges.tex"} <= set(pieces)
    for name, text in pieces.items():
        assert name.endswith(".bib") or check_latex(text) == [], name
    for key in cited(pieces["methods.tex"]):
        assert f"{{{key}," in pieces["references.bib"]
    assert "supported" in pieces["verdict.tex"]


def test_dropped_edges_are_a_sentence_and_no_rows():
    rows = [
        {"source": name, "target": "rb", "importance": share, "family": "linear",
         "status": status, "formula": name, "latex": name, "r2": 1.0, "gap": 9.0}
        for name, share, status in (("a", 1.0, "closed"), ("useless", 0.0, "dropped"))
    ]  # fmt: skip
    text = edges_piece(PrintableModel(edges=rows, notes=["Left out of rb: useless."]))
    table, _, rest = text.partition(r"\end{table}")
    assert "useless" not in table
    assert "useless" in rest


def test_a_manuscript_asks_for_nothing_that_classes_of_journals_refuse(light):
    paper = (light / "tex" / "paper.tex").read_text(encoding="utf-8")
    assert paper.startswith("\\documentclass{article}\n")
    for words in (r"\bibliographystyle{copernicus}", r"\journalname{"):
        assert any(words in line for line in paper.splitlines() if line[0] == "%")


def test_an_unknown_reference_is_refused():
    with pytest.raises(KeyError, match="nobody"):
        bibliography(["nobody"], "1")


CLASSES = {  # class -> first line of a manuscript
    "article": r"\documentclass[11pt]{article}",
    "elsarticle": r"\documentclass[review]{elsarticle}",
    "IEEEtran": r"\documentclass[journal]{IEEEtran}",
    "revtex4-2": r"\documentclass[aps,preprint]{revtex4-2}",
    "copernicus": r"\documentclass[bg,manuscript]{copernicus}",
    "agujournal2019": "\\documentclass[draft]{agujournal2019}\n\\journalname{JGR}",
}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("name", CLASSES)
def test_the_pieces_compile_in_manuscripts(light, name):
    place = ["kpsewhich", f"{name}.cls"]
    if subprocess.run(place, capture_output=True, check=False).returncode:
        pytest.skip(f"this TeX has no {name}.cls")
    paper = light / "tex" / "paper.tex"
    first, _, rest = paper.read_text(encoding="utf-8").partition("\n")
    assert first.startswith(r"\documentclass")
    paper.write_text(f"{CLASSES[name]}\n{rest}", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=light / "tex", capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(shutil.which("bibtex") is None, reason="needs bibtex")
def test_bibtex_finds_every_citation(light):
    for program in ("pdflatex -interaction=nonstopmode paper.tex", "bibtex paper"):
        done = subprocess.run(
            program.split(), cwd=light / "tex", capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Warning" not in done.stdout


def test_the_paragraph_names_a_process_of_a_file_without_its_place(light):
    config = stored_config(light)
    assert ":" in config.decoder.name
    text = methods_paragraph(
        Discovery.load(light), config, read_json(light / "data.json")
    )
    assert r"process model \texttt{light\_use}" in text
    assert "the hidden quantity " in text
