"""Tables 1, 2 and 9 beside the published ones, as CSV, Markdown and LaTeX."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from case_studies.respiration import cells, published
from case_studies.respiration.metrics import METRICS
from case_studies.respiration.published import Row

SPENT = ("cpu_seconds", "wall_seconds")
SHOWN = {"r2_obs": "R2 observed", "r2_latent": "R2 latent", "kl": "KL"}
MORE = {
    "kl_48": "KL, 48 rows",
    "r2_clean": "R2 noise-free",
    "r2_obs_hot": "R2 observed, hot",
    "r2_clean_hot": "R2 noise-free, hot",
    "q10": "Q10",
    "cpu_seconds": "CPU s",
}
TITLES = {
    1: "Linear base respiration",
    2: "Base respiration as an absolute value",
    9: "What each penalty of the two-layer encoder is good for",
}
MODES = {
    "ours": "our settings",
    "paper": "settings of the published code",
    "nominal": "nominal learning rates, which the published code did not use",
}


def write_table(
    table: int, seeds: Sequence[int], record: cells.Record, workers: int = 1
) -> str:
    """Compute what is missing, write the files of a table, return it as Markdown.

    Writes ``table<N>.csv`` (means, deviations, published), ``.md``, ``.tex`` and
    ``table<N>_seeds.csv`` with every single run; the names end in ``_paper`` or
    ``_nominal`` where our settings were not used.
    """
    rows = published.rows(table)
    wanted = [cells.Cell(row, seed, record) for seed in seeds for row in rows]
    results = cells.run(wanted, workers)
    runs = frame_of(wanted, results)
    summary = summarise(rows, runs)
    stem = f"table{table}{record.tag}"
    notes = notes_of(record, seeds, runs)
    record.out.mkdir(parents=True, exist_ok=True)
    runs.to_csv(record.out / f"{stem}_seeds.csv", index=False)
    summary.to_csv(record.out / f"{stem}.csv", index=False)
    caption = f"Table {table}: {TITLES[table]}, {MODES[record.mode]}"
    text = markdown(summary, caption, notes)
    (record.out / f"{stem}.md").write_text(text, encoding="utf-8")
    tex = latex(summary, caption, stem, notes)
    (record.out / f"{stem}.tex").write_text(tex, encoding="utf-8")
    return text


def frame_of(
    wanted: Sequence[cells.Cell], results: Sequence[dict[str, Any]]
) -> pd.DataFrame:
    """Return one row a run; figures of failed runs are missing."""
    lines = []
    for cell, result in zip(wanted, results, strict=True):
        hidden = result.get("hidden", [])
        lines.append(
            {
                "table": cell.row.table,
                "method": cell.row.method,
                "seed": cell.seed,
                "engine": result.get("engine", ""),
                "hidden_nodes": ", ".join(str(width) for width in hidden),
                "dropped": ", ".join(result.get("dropped", [])),
                "failed": result.get("failed", ""),
            }
            | result.get("metrics", dict.fromkeys(METRICS, math.nan))
            | {name: result[name] for name in SPENT}
        )
    return pd.DataFrame(lines)


def summarise(rows: Sequence[Row], runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation (ddof 0) over the seeds beside the published.

    A failed run makes no figure: ``failed`` counts them.
    """
    lines = []
    for row in rows:
        mine = pd.DataFrame(runs[runs["method"] == row.method])
        line: dict[str, Any] = {"table": row.table, "method": row.method}
        for name in (*METRICS, *SPENT):
            line[name] = mine[name].mean()
            line[f"{name}_sd"] = mine[name].std(ddof=0)
        line |= {f"published_{name}": value for name, value in row.values.items()}
        line["published_minutes_v100"] = row.minutes_v100
        line["hidden_nodes"] = " / ".join(sorted({*mine["hidden_nodes"]} - {""}))
        line["runs"], line["failed"] = len(mine), sum(mine["failed"] != "")
        lines.append(line)
    return pd.DataFrame(lines)


def notes_of(
    record: cells.Record, seeds: Sequence[int], runs: pd.DataFrame
) -> list[str]:
    """Return what has to be known to read the figures."""
    air = f"measured ({record.temperature.name})" if record.temperature else "surrogate"
    count = "one seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
    notes = [
        f"Mean ± standard deviation (ddof 0) over {count}; published values in "
        f"brackets. Test year 2008, {air} air temperature. The noise-free truth itself "
        f"has R2 observed {runs['ceiling'].mean():.4f}.",
        "KL of feature importances by partial dependence over the whole test year; "
        "'48 rows' is the published variant, on 48 random rows, in which a perfect "
        "model has about 0.02. 'Hot': warmer than all training rows.",
        "CPU seconds of one thread for training with edge selection and, by the "
        "Gauss-Newton engine, the profile of Q10.",
    ]
    failed = pd.DataFrame(runs[runs["failed"] != ""])
    notes += [
        f"{line['method']}, seed {line['seed']}: {line['failed']}"
        for line in failed.to_dict("records")
    ]
    if record.thin > 1:
        notes.append(f"TRIAL: only every {record.thin}th row was used.")
    return notes


# -- text -------------------------------------------------------------------------------
def markdown(summary: pd.DataFrame, caption: str, notes: Sequence[str]) -> str:
    """Return a table that is readable as plain text, too."""
    heads = ["method", *SHOWN.values(), *MORE.values(), "hidden nodes"]
    lines = [
        [
            line["method"],
            *(_beside(line, name, "±") for name in SHOWN),
            *(_mean(line, name, "±") for name in MORE),
            line["hidden_nodes"],
        ]
        for line in summary.to_dict("records")
    ]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    table = [heads, ["-" * width for width in widths], *lines]
    text = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in table
    ]
    below = "\n".join(f"- {note}" for note in notes)
    return f"## {caption}\n\n" + "\n".join(text) + f"\n\n{below}\n"


def latex(summary: pd.DataFrame, caption: str, label: str, notes: Sequence[str]) -> str:
    """Return a booktabs table in a ``threeparttable``."""
    shown = {**SHOWN, "r2_clean_hot": "R2 hot", "cpu_seconds": "CPU s"}
    heads = " & ".join(_tex(name) for name in ("method", *shown.values()))
    body = [
        " & ".join(
            [
                _tex(line["method"]),
                *(
                    _math((_beside if name in SHOWN else _mean)(line, name, r"\pm"))
                    for name in shown
                ),
            ]
        )
        for line in summary.to_dict("records")
    ]
    return "\n".join(
        [
            "% packages: booktabs, threeparttable",
            r"\begin{table}[htbp]",
            r"\centering",
            r"\begin{threeparttable}",
            rf"\caption{{{_tex(caption.split(': ', 1)[1])}.}}",
            rf"\label{{tab:respiration-{label}}}",
            rf"\begin{{tabular}}{{@{{}}l{'l' * len(shown)}@{{}}}}",
            r"\toprule",
            rf"{heads} \\",
            r"\midrule",
            *(rf"{line} \\" for line in body),
            r"\bottomrule",
            r"\end{tabular}",
            r"\begin{tablenotes}\footnotesize",
            *(rf"\item {_tex(note)}" for note in notes),
            r"\end{tablenotes}",
            r"\end{threeparttable}",
            r"\end{table}",
            "",
        ]
    )


def _mean(line: dict[Any, Any], name: str, sign: str, prefix: str = "") -> str:
    """Mean and deviation; a single published run has no deviation."""
    mean, sd = line[prefix + name], line.get(f"{prefix}{name}_sd", math.nan)
    if pd.isna(mean):
        return "-"
    digits = 1 if name in SPENT else 3 if abs(mean) < 100 else 0
    digits = 4 if line["table"] == 9 and name in SHOWN else digits
    spread = "" if pd.isna(sd) else f" {sign} {sd:.{digits}f}"
    return f"{mean:.{digits}f}{spread}"


def _beside(line: dict[Any, Any], name: str, sign: str) -> str:
    known = _mean(line, name, sign, "published_")
    return f"{_mean(line, name, sign)} ({known})"


def _math(text: str) -> str:
    if text == "- (-)":
        return "--"
    return "--" if text == "-" else f"${text.replace('(-)', '')}$"


def _tex(text: str) -> str:
    """Escape what occurs in our own notes and in error messages."""
    text = text.replace("\\", r"\textbackslash ")
    for one in "&%$#_{}":
        text = text.replace(one, f"\\{one}")
    return text.replace("R2", "$R^2$").replace("±", r"$\pm$")
