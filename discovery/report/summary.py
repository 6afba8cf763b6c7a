"""What was found, in a few lines of text: the end of a command, the top of a report."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.report.words import MODELS, model_names
from discovery.runs.files import read_record
from discovery.runs.folder import open_run

if TYPE_CHECKING:
    from discovery.results.identification import Identification
    from discovery.results.record import DiscoveryRecord

MOST_NUMBERS = 8  # lines of numbers of groups; the table holds the others
_HUGE = 1e4  # a score of as many digits before the point has none of use behind it


def summary(folder: Path) -> str:
    """Return verdict, equations, constants, scores and where the report is."""
    from discovery.runs.stored import load_discovery

    run = open_run(folder)
    discovery = load_discovery(run)
    record = read_record(run / "data.json")
    lines = [
        *verdict_lines(discovery),
        *equation_lines(discovery),
        *constant_lines(discovery),
        *truth_lines(discovery, record.get("truth") or {}),
        *score_lines(discovery),
        consistency_line(discovery),
        f"report: {run / 'report.html'}",
    ]
    return "\n".join(lines)


def short_summary(discovery: "DiscoveryRecord", lines: int = 10) -> str:
    """Return what was found in at most so many lines, the verdict first.

    Args:
        discovery: of a run, or from memory.
        lines: at most; the last then says how many are left out.
    """
    sentences = [
        f"verdict: {discovery.verdict.line()}",
        *equation_lines(discovery),
        *constant_lines(discovery),
        *score_lines(discovery),
        consistency_line(discovery),
    ]
    if len(sentences) > lines:
        # The last line is needed to say how many more there are.
        left = len(sentences) - lines + 1
        sentences = [*sentences[: lines - 1], f"... and {left} lines more"]
    return "\n".join(sentences)


def verdict_lines(discovery: "DiscoveryRecord") -> list[str]:
    """Return the headline, the three answers, and what a reader needs first."""
    verdict = discovery.verdict
    return [f"verdict: {verdict.line()}", *verdict.marked()]


def equation_lines(discovery: "DiscoveryRecord") -> list[str]:
    """Return one line for each latent and each target of the process model."""
    from visualize.labels import unit_behind

    if discovery.equations is None:
        return ["equations: none, the encoder is a black box"]
    return [
        f"{name} = {text}" + (f"   [{unit}]" if unit_behind(unit) else "")
        for name, text, unit in equation_texts(discovery)
    ]


def equation_texts(discovery: "DiscoveryRecord") -> list[tuple[str, str, str]]:
    """Return name, right side and unit of each latent and each computed target."""
    from symbolic import to_text
    from symbolic.printing.beside import text_beside

    model = discovery.equations
    if model is None:
        return []
    # Terms in the order of the table of edges, as everywhere else a reader meets them.
    order = [str(source) for source in model.edges["source"]]
    latents = [
        (
            model.left_side(name),
            to_text(model.printed(name), model.digits, order=order)
            + text_beside(model.beside(name).rising(name)),
            model.unit_of.get(name, ""),
        )
        for name in model.equations
    ]
    targets = [
        (name, to_text(expression, model.digits), "")
        for name, expression in model.printed_process.items()
    ]
    return [*latents, *targets]


def constant_lines(discovery: "DiscoveryRecord") -> list[str]:
    """Return one line for each process constant, and for numbers that groups have alone."""
    from discovery.report.constant_sentences import group_sentences
    from discovery.results.identification import OFFERED

    lines = []
    for row in discovery.process_constants:
        lines.append(constant_line(row))
        lines += [
            offered_line(profile)
            for profile in discovery.identification
            if profile.constant == row["constant"]
            and profile.model == OFFERED
            and discovery.uncertainty is None  # else the table of estimates holds it
        ]
    return [*lines, *group_sentences(discovery, MOST_NUMBERS)]


def offered_line(profile: "Identification") -> str:
    """Return what a profile over all offered features says."""
    from visualize.labels import interval

    minima = " and ".join(_short(value) for value in profile.near_minima)
    how = "block bootstrap" if profile.replicates else "independent rows"
    return (
        f"{profile.constant} with all offered features in the encoder: "
        f"{_short(profile.estimate)} (95 % {interval(profile.low, profile.high)}, {how}), "
        f"profile lowest at {minima}"
    )


def constant_line(row: dict[Any, Any]) -> str:
    """Return estimate, error, interval and whether the data determine a constant."""
    from discovery.report.constant_sentences import two_answers, why_not
    from visualize.labels import interval, unit_behind, with_error

    text = f"{row['constant']} = {with_error(row['estimate'], row['error'])}"
    text += f" {row['unit']}" if unit_behind(row["unit"]) else ""
    if math.isfinite(row["low"]):
        text += f" (95 % {interval(row['low'], row['high'])}, {row['method']})"
    text += two_answers(row)
    if row["identified"]:
        return f"{text}, identified"
    return f"{text}, NOT IDENTIFIED: {why_not(row)}"


def _short(value: float) -> str:
    return f"{value:.4g}"


def truth_lines(discovery: "DiscoveryRecord", truth: dict[str, str]) -> list[str]:
    """Return the truth where it is known, and how well the latents agree with it."""
    lines = [f"truth: {name} = {text}" for name, text in truth.items()]
    for name, score in (
        discovery.latent_scores.get("test", {}).get("equation", {}).items()
    ):
        network = discovery.latent_scores["test"]["network"][name]
        lines.append(
            f"R2 of {name} against its truth, test rows: equation "
            f"{score_text(score['r2'])}, network {score_text(network['r2'])}"
        )
    return lines


def score_part(discovery: "DiscoveryRecord") -> tuple[str, dict[str, Any]]:
    """Return the part of the rows to report on, and model -> target -> scores there."""
    part = "test" if "test" in discovery.scores else "train"
    return part, dict(discovery.scores.get(part, {}))


def score_lines(discovery: "DiscoveryRecord") -> list[str]:
    """Return one line for each target: R2 on the test rows, side by side."""
    part, models = score_part(discovery)
    # Known models in the order of the glossary, then the others.
    names = [
        *(name for name in MODELS if name in models),
        *(name for name in models if name not in MODELS),
    ]
    lines, told = [], model_names(plain=discovery.plain)
    for target in next(iter(models.values()), {}):
        shown = [
            f"{told.get(name, name)} {score_text(models[name][target]['r2'])}"
            for name in names
        ]
        lines.append(f"R2 of {target}, {part} rows: {', '.join(shown)}")
    return lines


def score_text(value: float | None) -> str:
    """Return a score with four decimals, more near 1; huge ones as a power of ten."""
    from visualize.labels import score

    if value is None or math.isnan(value):
        return "-"
    # A terminal may not know the minus sign of print.
    if 0.9999 < value < 1:
        return score(value).replace("−", "-")
    return f"{value:.4f}" if abs(value) < _HUGE else f"{value:.4g}"


def consistency_line(discovery: "DiscoveryRecord") -> str:
    """Return PASS or FAIL and which checks failed."""
    checks = discovery.verification.checks if discovery.verification else ()
    failed = [check.name for check in checks if not check.passed]
    if not checks:
        return f"consistency: {discovery.consistency}"
    if failed:
        return f"consistency: FAIL ({', '.join(failed)})"
    return f"consistency: PASS ({len(checks)} of {len(checks)} checks)"
