"""Tables of the studies as Markdown and LaTeX: what is the same in each of them."""

from collections.abc import Sequence

Lines = Sequence[Sequence[str]]


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
    for one in "&%$#_{}":
        text = text.replace(one, f"\\{one}")
    return text.replace("R2", "$R^2$").replace("±", r"$\pm$")
