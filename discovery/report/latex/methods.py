"""What was done, as one paragraph with the numbers of the run."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from symbolic.printing.numbers import format_with_error
from symbolic.printing.symbols import escape
from symbolic.units.words import latex_unit
from visualize.labels import number

if TYPE_CHECKING:
    from discovery.config.settings import RunConfig
    from discovery.results.result import Discovery

CITE = re.compile(r"\\cite\{([^}]+)\}")


def methods_paragraph(
    discovery: "Discovery", config: "RunConfig", record: Mapping[str, Any]
) -> str:
    r"""Return the paragraph as LaTeX, with ``\cite`` of what it rests on.

    Args:
        discovery: with its equations.
        config: settings of the run.
        record: content of ``data.json``.
    """
    # Each sentence is read off the run: what did not happen is not claimed.
    sentences = [
        _data(record),
        _model(discovery, config, record),
        _training(config),
        _selection(discovery, config),
        _intervals(discovery, config),
        _judged(discovery),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def cited(text: str) -> list[str]:
    """Return the keys that a piece of LaTeX cites."""
    # One \cite may hold several keys.
    groups = (match[1].split(",") for match in CITE.finditer(text))
    return [key.strip() for group in groups for key in group]


def _named(names: Sequence[str]) -> str:
    shown = [f"\\texttt{{{escape(name)}}}" for name in names]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _data(record: Mapping[str, Any]) -> str:
    parts = record["split"]
    words = {"train": "for training", "valid": "for validation", "test": "for the test"}
    told = ", ".join(
        f"{parts[name]['rows']:,} rows in {parts[name]['blocks']:,} blocks {words[name]}"
        for name in words
        if name in parts
    )
    return f"Of {record['read']:,} rows {record['rows']:,} could be used: {told}."


def _model(
    discovery: "Discovery", config: "RunConfig", record: Mapping[str, Any]
) -> str:
    latents = list(discovery.equations.equations) if discovery.equations else []
    targets = _named(list(record["targets"].values()))
    kind = (
        "Kolmogorov--Arnold network"
        if config.encoder.kind == "kan"
        else (f"encoder of the kind {escape(config.encoder.kind)}")
    )
    through = (
        " through the process model "
        f"\\texttt{{{escape(config.decoder.name.rpartition(':')[2])}}}"
        if config.decoder
        else ""
    )
    hidden = "quantity" if len(latents) == 1 else "quantities"
    verb = "was" if len(latents) == 1 else "were"
    return (
        f"With ScIReN~\\cite{{sciren}} the hidden {hidden} {_named(latents)} {verb} inferred "
        f"from {len(record['features'])} features ({_named(record['features'])}) by a {kind} "
        f"of penalised cubic splines~\\cite{{liu2024kan,eilers1996}}, which was fitted"
        f"{through} to the observations of {targets} alone; no hidden quantity was observed."
    )


def _training(config: "RunConfig") -> str:
    # Settings of the training may be a mapping or a record.
    engine = getattr(config.train, "engine", None) or dict(config.train or {}).get(
        "engine"
    )
    if engine == "first-order":
        return "It was trained by first-order optimisation~\\cite{kingma2015}."
    return (
        "Coefficients were solved for by variable projection~\\cite{golub1973}, constants "
        "of the process on the profile of the loss."
    )


def _selection(discovery: "Discovery", config: "RunConfig") -> str:
    model = discovery.equations
    if model is None:
        return ""
    status: Any = model.edges["status"]
    kept = int((status != "dropped").sum())
    families = escape(", ".join(map(str, config.discovery.families)))
    checks = model.verification.checks if model.verification else ()
    passed = sum(check.passed for check in checks)
    text = (
        f"{kept} of {len(status)} edges were kept. Closed forms of the families {families} "
        "competed in joint refits on the observations by their Bayesian information "
        "criterion~\\cite{schwarz1978}, and all constants were refitted together."
    )
    if checks:
        text += (
            f" The equations reproduce the network in {passed} of {len(checks)} checks of "
            "consistency."
        )
    return text


def _intervals(discovery: "Discovery", config: "RunConfig") -> str:
    told = []
    for row in discovery.process_constants:
        estimate = format_with_error(row["estimate"], row["error"])
        unit = latex_unit(row["unit"]) if row["unit"] else ""
        told.append(
            f"\\texttt{{{escape(row['constant'])}}} is ${estimate}$ {unit}".strip()
            + _in_equations(row)
        )
    text = f"{'; '.join(told)}." if told else ""
    methods = set(discovery.constants["method"])
    resamples = config.discovery.bootstrap
    # Asked for is not enough: in time order intervals come from elsewhere.
    if resamples and any("bootstrap" in str(method) for method in methods):
        text += (
            f" Intervals hold 95\\,\\% and come from {resamples} resamples of "
            "blocks~\\cite{kunsch1989}"
        )
        included = any("selection included" in str(method) for method in methods)
        text += "; those of the process count the selection of features." * included
        text += "." * (not included)
    return text.strip()


def _in_equations(row: Mapping[str, Any]) -> str:
    """Say that the equations hold another answer than the recommended one."""
    other = row["in_equations"]
    if other is None:
        return ""
    value = format_with_error(other["estimate"], other["error"])
    return f" (recommended; a second answer, ${value}$, is that of the equations)"


def _judged(discovery: "Discovery") -> str:
    """Scores on rows that chose nothing, and the verdict."""
    test = discovery.scores.get("test", {}).get("equation", {})
    told = [
        f"$R^2 = {number(score['r2'], 3).replace('−', '-')}$ for \\texttt{{{escape(target)}}}"
        for target, score in test.items()
    ]
    text = f"On the test rows, which chose nothing, {', '.join(told)}. " if told else ""
    return f"{text}The result was judged to be {discovery.verdict.headline}."
