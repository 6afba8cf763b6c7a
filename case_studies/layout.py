"""Tables of the studies as Markdown and LaTeX: mean ± deviation, published values beside."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Lines = Sequence[Sequence[str]]
Line = Mapping[Any, Any]
NOTHING = "-"


@dataclass(frozen=True)
class Columns:
    """Columns of a table of methods.

    Args:
        beside: column of the summary -> head, shown with the published value.
        alone: further columns of means.
        digits: (column, mean, whether published) -> digits after the point.
        texts: columns of text.
    """

    beside: Mapping[str, str]
    alone: Mapping[str, str]
    digits: Callable[[str, float, bool], int]
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def heads(self) -> list[str]:
        """Heads of the table, method first."""
        parts = (self.beside, self.alone, self.texts)
        return ["method", *(head for part in parts for head in part.values())]

    def mean(self, line: Line, name: str, sign: str, published: bool = False) -> str:
        """Mean and deviation; a single published run has no deviation."""
        prefix = "published_" if published else ""
        mean, spread = line[prefix + name], line.get(f"{prefix}{name}_sd", math.nan)
        if pd.isna(mean):
            return NOTHING
        digits = self.digits(name, mean, published)
        shown = f"{mean:.{digits}f}"
        return shown if pd.isna(spread) else f"{shown} {sign} {spread:.{digits}f}"

    def with_published(self, line: Line, name: str, sign: str) -> str:
        """Mean and deviation, the published ones in brackets."""
        return f"{self.mean(line, name, sign)} ({self.mean(line, name, sign, True)})"

    def cells(self, line: Line, sign: str) -> list[str]:
        """Cells of a row, in the order of the heads."""
        return [
            str(line["method"]),
            *(self.with_published(line, name, sign) for name in self.beside),
            *(self.mean(line, name, sign) for name in self.alone),
            *(str(line[name]) for name in self.texts),
        ]

    def grid(self, summary: pd.DataFrame) -> str:
        """Return the rows of a summary as a Markdown table."""
        rows = [self.cells(line, "±") for line in summary.to_dict("records")]
        return grid(self.heads, rows)

    def tabular(self, summary: pd.DataFrame) -> list[str]:
        """Return the rows of a summary as the lines of a booktabs tabular."""
        body = []
        for line in summary.to_dict("records"):
            name, *values = self.cells(line, r"\pm")
            body.append([escaped(name), *map(in_math, values)])
        return tabular([escaped(head) for head in self.heads], body)


def titled(caption: str, table: str, notes: Sequence[str]) -> str:
    """Return a Markdown table with its caption above and notes below."""
    below = "\n".join(f"- {note}" for note in notes)
    return f"## {caption}\n\n{table}\n\n{below}\n"


def means(runs: Any, names: Sequence[str]) -> dict[str, float]:
    """Return the mean and standard deviation (ddof 0) of columns over the runs."""
    values: dict[str, float] = {}
    for name in names:
        values |= {name: runs[name].mean(), f"{name}_sd": runs[name].std(ddof=0)}
    return values


def published(values: Mapping[str, tuple[float, float] | None]) -> dict[str, float]:
    """Return published means and deviations as columns; nan where there are none."""
    columns: dict[str, float] = {}
    for name, known in values.items():
        mean, spread = known or (math.nan, math.nan)
        columns |= {f"published_{name}": mean, f"published_{name}_sd": spread}
    return columns


def failures(runs: pd.DataFrame, number: str) -> list[str]:
    """Return a sentence about each run that failed.

    Args:
        number: column that counts the runs of a method, such as "seed".
    """
    failed = pd.DataFrame(runs[runs["failed"] != ""])
    return [
        f"{line['method']}, {number} {line[number]}: {line['failed']}"
        for line in failed.to_dict("records")
    ]


def write_tables(
    out: Path, stem: str, frames: Mapping[str, pd.DataFrame], text: str, tex: str
) -> str:
    """Write a table as CSV, Markdown and LaTeX, and return the Markdown.

    Args:
        out: folder, made where it is missing.
        stem: start of the names of the files.
        frames: ending of the name -> frame, written as CSV.
    """
    out.mkdir(parents=True, exist_ok=True)
    for ending, frame in frames.items():
        frame.to_csv(out / f"{stem}{ending}.csv", index=False)
    (out / f"{stem}.md").write_text(text, encoding="utf-8")
    (out / f"{stem}.tex").write_text(tex, encoding="utf-8")
    return text


def save_figures(
    figures: "Iterator[tuple[str, Figure]]", folder: Path, dpi: int
) -> list[Path]:
    """Save named figures as PNG and PDF, each when it is drawn; return the PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, figure in figures:
        files.append(folder / f"{name}.png")
        figure.savefig(files[-1], dpi=dpi)
        # without the date the same figure is the same file
        figure.savefig(files[-1].with_suffix(".pdf"), metadata={"CreationDate": None})
    return files


def plain_grid(frame: pd.DataFrame, digits: int = 3) -> str:
    """Return any frame as a Markdown table, numbers with so many significant digits."""
    rows = [
        [f"{v:.{digits}g}" if isinstance(v, float) else str(v) for v in row]
        for row in frame.itertuples(index=False)
    ]
    return grid(list(map(str, frame.columns)), rows)


def grid(heads: Sequence[str], lines: Lines) -> str:
    """Return a Markdown table with aligned columns, readable as plain text, too."""
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    rows = [heads, ["-" * max(width, 3) for width in widths], *lines]
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def tabular(heads: Sequence[str], body: Lines, above: Sequence[str] = ()) -> list[str]:
    """Return the lines of a booktabs tabular.

    Args:
        heads, body: LaTeX of the cells.
        above: lines between the top rule and the heads.
    """
    return [
        rf"\begin{{tabular}}{{@{{}}{'l' * len(heads)}@{{}}}}",
        r"\toprule",
        *above,
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(" & ".join(line) + r" \\" for line in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def floating(
    caption: str,
    label: str,
    content: Sequence[str],
    notes: Sequence[str],
    size: str = "",
    note_size: str = r"\footnotesize",
) -> str:
    """Return a table environment with notes below.

    Args:
        caption, notes: plain text.
        label: of the table, as it stands.
        content: lines of the tabulars.
        size: LaTeX after ``centering``.
    """
    return "\n".join(
        [
            "% packages: booktabs, threeparttable",
            r"\begin{table}[htbp]",
            r"\centering" + size,
            r"\begin{threeparttable}",
            rf"\caption{{{escaped(caption)}.}}",
            rf"\label{{{label}}}",
            *content,
            r"\begin{tablenotes}" + note_size,
            *(rf"\item {escaped(note)}" for note in notes),
            r"\end{tablenotes}",
            r"\end{threeparttable}",
            r"\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Return plain text as LaTeX shows it."""
    text = text.replace("\\", r"\textbackslash ")
    for special in "&%$#_{}":
        text = text.replace(special, f"\\{special}")
    return text.replace("R2", "$R^2$").replace("±", r"$\pm$")


def in_math(text: str) -> str:
    """Return a cell of numbers in math mode; where there is none, a dash."""
    if text in (NOTHING, f"{NOTHING} ({NOTHING})"):
        return "--"
    return f"${text.replace(f' ({NOTHING})', '')}$"
