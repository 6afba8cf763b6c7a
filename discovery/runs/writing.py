"""Write a discovery into its run folder."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.config.file import versions, write_resolved_config
from discovery.report.figures import draw_all, draw_series, run_graph, save_figures
from discovery.report.latex.pieces import write_pieces
from discovery.results.identification import first_reason
from discovery.results.record import failed_note
from discovery.results.views.collect import VIEWS, views_of
from discovery.results.views.predictions import predictions_of
from discovery.results.views.truth import truth_views
from discovery.runs.files import write_csv, write_json, write_text
from discovery.runs.stored import BANDS, UNCERTAINTY
from discovery.tables.records import PARTS, study_record
from discovery.tables.study import SeriesStudy
from discovery.uncertainty.constants import in_equations

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from discovery.results.result import Discovery
    from discovery.tables.study import Study
    from sciren.data import Table
    from sciren.model import ScIReN
    from symbolic.printing.printable import PrintableModel, PrintedConstant

CODE = "code"
GROUP_SCORES = "groups.csv"
FAILED_FILE = "VERIFICATION_FAILED.txt"
SECOND = "one of two answers, that of these equations"


def write_run(
    discovery: "Discovery", study: "Study | SeriesStudy", folder: Path
) -> None:
    """Write every file of a run except the report.

    Args:
        discovery: with its network.
        study: settings and data that it is about.
        folder: exists; files of a failed verification are marked.
    """
    from sciren.checkpoint import save_model

    write_resolved_config(study.config, folder / "config.yaml")
    # 1. Settings and network. 2. Numbers. 3. Equations and code. 4. Views and pictures,
    # which may take long. 5. The verdict, and a file that nobody overlooks where the
    # equations are not the network.
    model = discovery.network() if discovery.has_network else None
    if model is not None:
        save_model(model, folder)
    record = _record(study, model)
    write_json(folder / "data.json", record)
    write_json(folder / "metrics.json", metrics_record(discovery))
    if discovery.group_scores is not None:
        write_csv(folder / GROUP_SCORES, discovery.group_scores)
    if discovery.uncertainty is not None:
        write_json(folder / UNCERTAINTY, discovery.uncertainty.to_json())
    if not discovery.bands.empty or discovery.uncertainty is not None:
        write_csv(folder / BANDS, discovery.bands)
    for name in ("history", "importance", "candidates", "profiles"):
        write_csv(folder / f"{name}.csv", getattr(discovery, name))
    _write_equations(discovery, study, record, folder)
    if isinstance(study, SeriesStudy):
        _write_series_views(discovery, study, folder)
    else:
        _write_row_views(discovery, study, folder)
    write_json(folder / "verdict.json", discovery.verdict.to_json())
    note = failed_note(discovery)
    if note:
        write_text(folder / FAILED_FILE, f"{note}\nSee verification.json.\n")


def _record(study: "Study | SeriesStudy", model: "ScIReN | None") -> dict[str, Any]:
    """Return the content of ``data.json``."""
    if isinstance(study, SeriesStudy):
        from discovery.dynamics.records import series_record

        return series_record(study, model and model.scaling)
    assert model is not None  # rows have a network
    return study_record(study, model.scaling)


def _write_row_views(discovery: "Discovery", study: "Study", folder: Path) -> None:
    parts: Mapping[str, Table] = dict(zip(PARTS, study.split, strict=True))
    views = views_of(discovery, predictions_of(discovery, study, parts), parts["train"])
    last = "test" if "test" in parts else "train"  # as the pictures show it
    views["truth"] = truth_views(discovery, parts[last], study.truth)
    write_json(folder / VIEWS, views, indent=None)
    _write_pictures(discovery, parts, study.truth, folder)


def _write_pictures(
    discovery: "Discovery",
    parts: "Mapping[str, Table]",
    truth: "Mapping[str, np.ndarray]",
    folder: Path,
) -> None:
    _write_graph(discovery, parts["train"], folder)
    figures = draw_all(discovery, parts, truth)
    save_figures(figures, folder / "figures", failed_note(discovery))


def _write_series_views(
    discovery: "Discovery", study: SeriesStudy, folder: Path
) -> None:
    from discovery.dynamics.views import dynamic_views, series_predictions, static_table

    assert discovery.series is not None  # a study on series gives them
    table = static_table(study.split.train)
    predictions = series_predictions(discovery, study)
    views = views_of(discovery, predictions, table)
    views |= dynamic_views(predictions, discovery.series, study)
    write_json(folder / VIEWS, views, indent=None)
    if discovery.has_network:
        _write_graph(discovery, table, folder)
    figures = draw_series(discovery, predictions, table)
    save_figures(figures, folder / "figures", failed_note(discovery))


def metrics_record(discovery: "Discovery") -> dict[str, Any]:
    """Return the content of ``metrics.json``.

    part -> model -> target -> r2, rmse, bias, n; the same of known latents under
    ``latents``; constants, what their profiles say, notes and the verdict.
    """
    return {
        **discovery.scores,
        "latents": discovery.latent_scores,
        "groups": None
        if discovery.group_scores is None
        else discovery.group_scores.to_dict("records"),
        "noise": discovery.noise,
        "constants": discovery.constants.to_dict("records"),
        "identification": [profile.to_json() for profile in discovery.identification],
        "notes": list(discovery.notes),
        "training_notes": list(discovery.training_notes),
        "verification": discovery.consistency,
    }


def _write_equations(
    discovery: "Discovery",
    study: "Study | SeriesStudy",
    record: Mapping[str, Any],
    folder: Path,
) -> None:
    from symbolic import to_document
    from symbolic.code import SUFFIXES
    from symbolic.printing.markdown import to_markdown

    equations = discovery.equations
    if equations is None:
        return
    edges = with_members(discovery.edges, discovery)
    if failed_note(discovery):
        edges = edges.assign(verification="FAIL")
    write_csv(folder / "edges.csv", edges)
    # A recurrence holds its equations; stored once, with what surrounds them.
    stored = discovery.series or equations
    stored.save(folder / "equations.json")
    printed = printable_of(discovery, study)
    write_text(folder / "equations.tex", to_document(printed))
    write_text(folder / "equations.md", to_markdown(printed))
    write_pieces(discovery, printed, study.config, record, folder)
    (folder / CODE).mkdir(exist_ok=True)
    suffixes = SUFFIXES
    if discovery.series is not None:
        from symbolic.dynamics.code.writing import has_code

        suffixes = SUFFIXES if has_code(discovery.series.law) else {}
    for language, suffix in suffixes.items():
        code = stored.to_code(language, printed.provenance)
        write_text(folder / CODE / f"equations{suffix}", code)
    if discovery.verification is not None:
        checks = discovery.verification.to_json()
        write_json(
            folder / "verification.json", {"verdict": discovery.consistency} | checks
        )


def printable_of(
    discovery: "Discovery", study: "Study | SeriesStudy"
) -> "PrintableModel":
    """Return what the documents print: equations, constants with intervals, checks."""
    from discovery.results.members import member_shares
    from discovery.results.record import equations_of
    from symbolic.printing.contents import printable

    decoder = study.decoder
    meanings = {p.name: p.meaning for p in decoder.parameters if p.meaning}
    provenance = {
        "made by": f"sciren {versions()['sciren']}",
        "data": f"{study.source}, SHA-256 {study.fingerprint}",
        "seed": str(study.config.seed),
    } | _second_answers(discovery)
    # Each method once, in the order of the constants that it served.
    methods = dict.fromkeys(discovery.constants["method"])
    printed = printable(
        equations_of(discovery),
        meanings=meanings,
        provenance=provenance,
        error_source="; ".join(map(str, methods)),
        title=title_of(study),
    )
    shares = member_shares(discovery.candidates)
    constants = [
        _constant(discovery, constant, shares) for constant in printed.constants
    ]
    edges = with_members(equations_of(discovery).edges, discovery).to_dict("records")
    return replace(printed, constants=constants, edges=edges)


def with_members(edges: "pd.DataFrame", discovery: "Discovery") -> "pd.DataFrame":
    """Add what the members chose for every edge, where there are members."""
    from discovery.results.members import member_shares

    shares = member_shares(discovery.candidates)
    if not shares:
        return edges
    keys = edges["source"] + " -> " + edges["latent"]
    # An edge that no other member kept: 0 of them.
    return edges.assign(members=[shares.get(key, "0") for key in keys])


def title_of(study: "Study | SeriesStudy") -> str:
    """Return the heading of report and documents."""
    return f"{', '.join(study.decoder.targets)}: {study.config.out.name}"


def _constant(
    discovery: "Discovery", constant: "PrintedConstant", shares: Mapping[str, str]
) -> "PrintedConstant":
    """Take error, interval and verdict of a constant from the table.

    Args:
        shares: "feature -> latent" -> what the members chose.
    """
    share = (
        shares.get(f"{constant.source} -> {constant.latent}", "")
        if constant.source
        else ""
    )
    constant = replace(constant, share=share)
    table = discovery.constants
    rows = table[
        (table["constant"] == constant.name) & (table["latent"] == constant.latent)
    ]
    if rows.empty:
        return constant
    row = rows.iloc[0]
    # None: constants of closed forms have no verdict, which is no doubt.
    identified = row["identified"] in (None, True)
    doubt = "" if identified else f"not identified: {first_reason(str(row['reason']))}"
    # an interval never stands beside a number that it leaves out
    own = None if constant.latent else _second_answer(discovery, constant.name)
    numbers = row if own is None else own
    if own is not None:
        doubt = "" if identified else "not identified"
        other = f"{SECOND}; recommended is {_range(row)}, {row['method']}"
    else:
        other = _recommended(constant, float(row["estimate"]), float(row["error"]))
    note = "; ".join(part for part in (constant.note, doubt, other) if part)
    shown = {name: float(numbers[name]) for name in ("error", "low", "high")}
    return replace(constant, note=note, **shown)


def _second_answer(discovery: "Discovery", name: str) -> Mapping[str, Any] | None:
    """What the equations hold where the recommended interval leaves it out."""
    known = () if discovery.uncertainty is None else discovery.uncertainty.constants
    return in_equations(known, name)


def _second_answers(discovery: "Discovery") -> dict[str, str]:
    """Comments of documents and code on constants that have a second answer."""
    return {
        row["constant"]: f"{row['in_equations']['estimate']:.4g} is {SECOND}; "
        f"recommended is {_range(row)}"
        for row in discovery.process_constants
        if row["in_equations"] is not None
    }


def _range(row: Any) -> str:
    """Estimate and interval, in letters that every compiler reads."""
    return f"{row['estimate']:.4g} (95 % {row['low']:.4g} to {row['high']:.4g})"


def _recommended(constant: "PrintedConstant", estimate: float, error: float) -> str:
    """Say which number to take where it is not that of the printed equation."""
    from symbolic.printing.numbers import format_with_error

    texts = [
        format_with_error(value, error, "text").split(" ")[0]
        for value in (constant.value, estimate)
    ]
    # terms of closed forms have no estimate beside that of the equation
    if constant.latent or texts[0] == texts[1]:
        return ""
    return (
        f"recommended {texts[1]}, with smooth curves; {texts[0]} goes with the equation"
    )


def _write_graph(discovery: "Discovery", table: "Table", folder: Path) -> None:
    from visualize import write_graphml

    graph = run_graph(discovery, table)
    if graph is not None:
        write_graphml(graph, folder / "graph.graphml")
