"""The report of a run, written from the files of its folder alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.config.yaml_file import parse_yaml, read_yaml_mapping
from discovery.report.browser_data import browser_data
from discovery.report.edge_cards import edge_cards
from discovery.report.failures import failures
from discovery.report.figures import frame_or_none, stored_figures
from discovery.report.findings import feature_shares, findings
from discovery.report.network_svg import NARROW, network_svg
from discovery.report.page import ReportData, ReportEquation, render_report
from discovery.report.summary import constant_lines, score_lines, truth_lines
from discovery.report.words import MODELS, model_names
from discovery.results.edge_tests import with_tests
from discovery.results.scoring import long_scores
from discovery.results.views.collect import VIEWS
from discovery.runs.files import read_json, read_record
from discovery.runs.folder import open_run
from discovery.runs.manifest import edited_note, write_owned

if TYPE_CHECKING:
    import pandas as pd
    from networkx import DiGraph

    from discovery.report.edge_cards import EdgeCard
    from discovery.results.result import Discovery
    from symbolic.model.symbolic_model import SymbolicModel

REPORT = "report.html"

DATA_KEYS = ("features", "targets", "split", "sha256")
_DATA = {  # key of data.json -> label
    "source": "source",
    "read": "rows read",
    "kept": "rows kept by the filter",
    "dropped": "left out",
    "rows": "rows without gaps",
    "features": "features",
    "forcings": "forcings",
    "targets": "targets",
}


def write_report(run: Path) -> Path:
    """Write ``report.html`` of a run again and return its path.

    Raises:
        DataError: no such run, or one of its files cannot be read.
    """
    folder = open_run(run)
    write_owned(folder, REPORT, render_report(report_data(folder)))
    return folder / REPORT


def report_data(folder: Path) -> ReportData:
    """Collect everything that a report shows from the files of a run."""
    from discovery.results.result import Discovery

    # Everything comes from the files, nothing from memory: the report of a stored run
    # is the same as that written right after the work.
    discovery = Discovery.load(folder)
    record = read_record(folder / "data.json", *DATA_KEYS)
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    equations, decoder = _equations(discovery)
    views = read_json(folder / VIEWS) if (folder / VIEWS).is_file() else {}
    return ReportData(
        title=_title(record, config),
        verdict=discovery.verdict,
        controls=_controls(folder),
        findings=findings(discovery, views),
        failures=failures(views),
        summary=_summary(discovery, record),
        equations=equations,
        decoder=decoder,
        constants=_constants(discovery),
        estimates=_estimates(discovery),
        metrics=_metrics(discovery),
        edges=_edges(discovery),
        verification=_verification(discovery),
        profiles=_identification(discovery),
        candidates=_candidates(discovery),
        data={label: record[key] for key, label in _DATA.items()} | _parts(record),
        warnings=[note for note in [edited_note(folder)] if note],
        figures=stored_figures(folder / "figures"),
        provenance=_provenance(record, config),
        config=config,
        network=_network(discovery, folder),
        cards=_cards(discovery),
        codes=_codes(folder),
        browser=browser_data(discovery, views) | _left_out(record),
    )


def _network(discovery: "Discovery", folder: Path) -> tuple[str, str] | None:
    """The graph for a desktop and for a phone; a black box has none."""
    graph = stored_graph(discovery, folder)
    return None if graph is None else (network_svg(graph), network_svg(graph, NARROW))


def stored_graph(discovery: "Discovery", folder: Path) -> "DiGraph | None":
    """Return the encoder and its process from a run alone; a black box has none."""
    from visualize import Process, encoder_graph

    model = discovery.equations
    if model is None or model.edges.empty:
        return None
    # The settings name the process model; its code is not needed to draw it.
    decoder = read_yaml_mapping(folder / "config.yaml").get("decoder")
    process = decoder and Process(
        decoder["name"].rpartition(":")[2],
        tuple(model.target_columns),
        tuple(model.forcing_columns),
        tuple(model.constants),
        tuple(state.name for state in discovery.series.law.states)
        if discovery.series
        else (),
    )
    return encoder_graph(model.edges, process=process or None, plain=not process)


def _cards(discovery: "Discovery") -> "list[EdgeCard]":
    if discovery.equations is None:
        return []
    return edge_cards(discovery.edges, discovery.constants, discovery.equations.unit_of)


def _codes(folder: Path) -> dict[str, str]:
    """Return language -> source code, as it lies in the run."""
    from symbolic.code import SUFFIXES

    files = {
        language: folder / "code" / f"equations{suffix}"
        for language, suffix in SUFFIXES.items()
    }
    return {
        language: file.read_text(encoding="utf-8")
        for language, file in files.items()
        if file.is_file()
    }


def _left_out(record: dict[str, Any]) -> dict[str, Any]:
    """Rows by what became of them: used, filtered, dropped for each reason."""
    used = sum(part["rows"] for part in record["split"].values())
    rows = {
        "used": used,
        "in no part of the split": record["rows"] - used,
        "not wanted by the filter": record["read"] - record["kept"],
    }
    rows |= dict(record["dropped"])
    return {"left_out": [[name, count] for name, count in rows.items() if count]}


def _controls(folder: Path) -> list[str]:
    """What placebos and wrong processes say, where they were run."""
    from discovery.verdict.placebos.controls import CONTROLS, Controls

    if not (folder / CONTROLS).is_file():
        return []
    controls = Controls.from_json(read_json(folder / CONTROLS))
    return [f"{text[0].upper()}{text[1:]}." for text in controls.sentences()]


def _candidates(discovery: "Discovery") -> "pd.DataFrame | None":
    """Models of the path, simplest first."""
    import pandas as pd

    rows = discovery.equations.candidate_rows if discovery.equations else ()
    if not rows:
        return None
    keys = ("selected", "complexity", "loss", "score", "r2", "label")
    return pd.DataFrame([{key: row[key] for key in keys} for row in rows])


def _title(record: dict[str, Any], config: str) -> str:
    out = Path(str(parse_yaml(config, "config.yaml")["out"])).name
    return f"{', '.join(record['targets'])}: {out}"


def _summary(discovery: "Discovery", record: dict[str, Any]) -> list[str]:
    lines = [
        *constant_lines(discovery),
        *_who_explains(discovery),
        *score_lines(discovery),
        *truth_lines(discovery, record.get("truth") or {}),
        *discovery.notes,
    ]
    return [line.rstrip(".") + "." for line in lines]


def _who_explains(discovery: "Discovery") -> list[str]:
    """Which features stay, with their shares, and which were dropped."""
    from visualize.labels import percent

    if discovery.equations is None:
        return []
    lines = []
    for latent, shares in feature_shares(discovery).items():
        kept = [f"{name} ({percent(share)})" for name, share in shares]
        used = {name for name, _ in shares}
        dropped = [name for name in discovery.equations.features if name not in used]
        text = f"{latent} depends on {', '.join(kept) or 'no feature'}"
        lines.append(text + (f"; dropped: {', '.join(dropped)}" if dropped else ""))
    return lines


def _equations(
    discovery: "Discovery",
) -> tuple[list[ReportEquation], ReportEquation | None]:
    from symbolic import to_text
    from symbolic.printing.beside import latex_beside, text_beside
    from symbolic.printing.mathml import to_mathml

    model = discovery.equations
    if model is None:
        return [], None
    order = [str(source) for source in model.edges["source"]]
    equations = []
    for name in model.equations:
        printed, beside = model.printed(name), model.beside(name).rising(name)
        left = model.left_side(name)
        text = f"{left} = {to_text(printed, model.digits, order=order)}"
        text += text_beside(beside)
        unit = model.unit_of.get(name, "")
        latex = _latex(left, printed, model, order)
        latex += latex_beside(beside, model.record.options.symbols)
        mathml = to_mathml(printed, model.digits, name=left, order=order, beside=beside)
        equations.append(ReportEquation(left, latex, text, unit, mathml=mathml))
    return equations, _process(model)


def _latex(name: str, expression: Any, model: "SymbolicModel", order: list[str]) -> str:
    from symbolic import to_latex
    from symbolic.printing.symbols import latex_symbol

    symbols = model.record.options.symbols
    right = to_latex(expression, model.digits, symbols, order=order)
    return f"{latex_symbol(name, symbols)} = {right}"


def _process(model: "SymbolicModel") -> ReportEquation | None:
    from symbolic import to_text
    from symbolic.expression.removable import with_quotient
    from symbolic.printing.mathml import to_mathml

    # Not traceable to symbols; the process may bring LaTeX of its own.
    if model.process is None:
        latex = model.process_latex
        return ReportEquation("process", latex, "") if latex else None
    written = model.printed_process
    if not written:
        return None
    latex = [
        _latex(name, expression, model, []) for name, expression in written.items()
    ]
    text = [
        f"{name} = {to_text(expression, model.digits)}"
        for name, expression in written.items()
    ]
    mathml = "".join(
        to_mathml(expression, model.digits, name=name)
        for name, expression in written.items()
    )
    limits = any(with_quotient(e) != e for e in model.process.values())
    meaning = "where a quotient is 0/0, its limit" if limits else ""
    if len(latex) == 1:
        return ReportEquation(
            next(iter(written)), latex[0], text[0], meaning=meaning, mathml=mathml
        )
    # Only the first equals sign of a line is aligned.
    lines = r" \\ ".join(line.replace(" = ", " &= ", 1) for line in latex)
    joined = rf"\begin{{aligned}} {lines} \end{{aligned}}"
    return ReportEquation(
        ", ".join(name for name in written if name in model.process),
        joined,
        "; ".join(text),
        meaning=meaning,
        mathml=mathml,
    )


def _constants(discovery: "Discovery") -> "pd.DataFrame | None":
    frame = discovery.constants.rename(columns={"low": "95 % from", "high": "95 % to"})
    if len(set(frame["method"])) == 1:
        frame = frame.drop(columns="method")  # the summary says it
    return frame_or_none(frame)


def _estimates(discovery: "Discovery") -> "pd.DataFrame | None":
    """Estimates of the constants, the recommended first, with why they differ."""
    frame = discovery.constant_estimates
    names = {"low": "95 % from", "high": "95 % to", "depends": "depends on features"}
    return frame_or_none(frame.rename(columns=names))


def _metrics(discovery: "Discovery") -> "pd.DataFrame | None":
    import pandas as pd

    targets = long_scores(discovery.scores)
    latents = long_scores(discovery.latent_scores)
    latents["target"] = [f"{name} (true latent)" for name in latents["target"]]
    both = [frame.drop(columns="bias") for frame in (targets, latents) if len(frame)]
    if not both:
        return None
    order = list(MODELS)
    ranked = [
        frame.assign(
            # Models in the order of the glossary, unknown ones behind; a stable sort
            # keeps the rest.
            rank=[order.index(name) if name in order else 9 for name in frame["model"]]
        )
        .sort_values("rank", kind="stable")
        .drop(columns="rank")
        for frame in both
    ]
    return pd.concat(ranked, ignore_index=True).replace(
        {"model": model_names(plain=discovery.plain)}
    )


def _edges(discovery: "Discovery") -> "pd.DataFrame | None":
    """The table of edges; families that cannot be told apart without the chosen one."""
    if discovery.equations is None:
        return None
    frame = with_tests(discovery.equations.edges, discovery.candidates)
    others = [
        ", ".join(
            family_name
            for family_name in str(equals).split(", ")
            if family_name != family
        )
        for equals, family in zip(frame["equals"], frame["family"], strict=True)
    ]
    return frame.assign(equals=others)


def _verification(discovery: "Discovery") -> "pd.DataFrame | None":
    import pandas as pd

    if discovery.verification is None:
        return None
    return pd.DataFrame(
        [
            {
                "check": check.name,
                "meaning": check.meaning,
                "number": check.number,
                "tolerance": check.tolerance,
                "detail": check.detail,
                "passed": check.passed,
            }
            for check in discovery.verification.checks
        ]
    )


def _identification(discovery: "Discovery") -> "pd.DataFrame | None":
    import pandas as pd

    rows = [
        {
            "constant": profile.constant,
            "profile of": profile.model,
            "estimate": profile.estimate,
            "error": profile.error,
            "95 % from": profile.low,
            "95 % to": profile.high,
            "minima": ", ".join(
                # The best minimum has nothing above it; less than 0.05 of chi-square is
                # no difference.
                f"{value:.4g}" + (f" (+{chi:.3g})" if chi > 0.05 else "")
                for value, chi in profile.minima
            ),
            "identified": profile.identified,
            "reason": profile.reason,
        }
        for profile in discovery.identification
    ]
    return frame_or_none(pd.DataFrame(rows))


def _parts(record: dict[str, Any]) -> dict[str, Any]:
    """Return label -> rows, blocks and period of each part."""
    parts = {}
    for name, part in record["split"].items():
        text = f"{part['rows']:,} rows in {part['blocks']:,} blocks"
        if "first" in part:
            text += f", {str(part['first'])[:10]} to {str(part['last'])[:10]}"
        parts[f"{name} part"] = text
    return parts


def _provenance(record: dict[str, Any], config: str) -> dict[str, Any]:
    """Return versions (the comments on top of the settings) and the hash of the data."""
    # The stored configuration begins with the versions as comments.
    lines = [line[2:] for line in config.splitlines() if line.startswith("# ")]
    versions = dict(line.split(" ", 1) for line in lines if " " in line)
    return {"data, SHA-256": record["sha256"]} | versions
