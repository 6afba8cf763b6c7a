r"""The folder ``tex`` of a run: methods, equations, constants, edges, verdict, references.

``paper.tex`` shows how a manuscript takes them over, and says what classes of journals ask
for. Copernicus refuses the size of the letters as an option and cites by author and year,
which ``plain`` does not; that of the AGU sets its style of references itself, and a second
one stops BibTeX.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.config.file import versions
from discovery.report.latex.methods import cited, methods_paragraph
from discovery.report.latex.references import bibliography
from discovery.runs.files import write_text
from symbolic.printing.document import (
    constants_table,
    edges_table,
    equation_block,
    preamble,
)
from symbolic.printing.symbols import escape

if TYPE_CHECKING:
    from discovery.config.settings import RunConfig
    from discovery.results.result import Discovery
    from symbolic.printing.printable import PrintableModel

TEX = "tex"
_PAPER = r"""\documentclass{article}
% copernicus: \documentclass[bg,manuscript]{copernicus} and \bibliographystyle{copernicus}
% agujournal2019: \journalname{...} in the preamble, and no \bibliographystyle: it has its own
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
PREAMBLE
\begin{document}
\section{Methods}
\input{methods}
\section{Results}
\input{equations}
\input{constants}
\input{edges}
\subsection{What the result is worth}
\input{verdict}
\bibliographystyle{plain}
\bibliography{references}
\end{document}
"""


def write_pieces(
    discovery: "Discovery",
    printed: "PrintableModel",
    config: "RunConfig",
    record: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write the pieces into ``tex`` of a run folder.

    Args:
        discovery: with its equations.
        printed: the same as the documents print it.
        config: settings of the run.
        record: content of ``data.json``.
        folder: of the run.
    """
    place = folder / TEX
    place.mkdir(exist_ok=True)
    methods = methods_paragraph(discovery, config, record) + "\n"
    pieces = {
        "methods.tex": methods,
        "equations.tex": equation_block(printed),
        "constants.tex": constants_table(printed, siunitx=False),
        "edges.tex": edges_piece(printed),
        "verdict.tex": verdict_piece(discovery),
        # Only works that the paragraph cites.
        "references.bib": bibliography(cited(methods), versions()["sciren"]),
        "paper.tex": _PAPER.replace("PREAMBLE\n", preamble()),
    }
    for name, text in pieces.items():
        write_text(place / name, text)


def edges_piece(printed: "PrintableModel") -> str:
    """Return the table of the edges that were kept, and a sentence of the others."""
    notes = "".join(f"{escape(note)}\n" for note in printed.notes)
    kept = [row for row in printed.edges if row.get("status") != "dropped"]
    return (edges_table(printed) if kept else "") + notes


def verdict_piece(discovery: "Discovery") -> str:
    """Return headline, and every reason with its next step, as a list."""
    verdict = discovery.verdict
    items = "".join(f"  \\item {escape(text)}\n" for text in verdict.sentences())
    head = f"The result is \\emph{{{escape(verdict.line())}}}.\n"
    return head + (f"\\begin{{itemize}}\n{items}\\end{{itemize}}\n" if items else "")
