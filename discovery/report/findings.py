"""Three to six sentences at the top of a report, chosen by importance from the facts."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from discovery.report.constant_sentences import constant_sentence, group_sentences
from discovery.report.effects import Response, joint_sentence, response
from discovery.uncertainty.families import families_beside
from sciren.inference.identifiability.quantities import listed
from visualize.labels import percent

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from symbolic.model.symbolic_model import SymbolicModel

MOST = 6  # sentences: what is read before a reader begins to skim
DRIVERS = 2  # features of one latent that have a sentence
CONSTANTS = 2  # process constants that have a sentence
FORMS = 3  # other forms of a driver that are named
IMPORTANT = 0.15  # share of a latent below which a feature waits for the table


def findings(discovery: "Discovery", views: Mapping[str, Any]) -> list[str]:
    """Return what was found in plain words, the most important first, full stops too."""
    # Fit and constants always have their sentences; drivers and groups share what room
    # is left.
    fit = _fit(discovery)
    constants = [
        constant_sentence(row) for row in discovery.process_constants[:CONSTANTS]
    ]
    room = MOST - len(fit) - len(constants)
    drivers = _drivers(discovery, views, room)
    groups = group_sentences(discovery, room - len(drivers))
    sentences = [*drivers, *groups, *constants, *fit]
    return [f"{sentence.rstrip('.')}." for sentence in sentences]


def _drivers(discovery: "Discovery", views: Mapping[str, Any], most: int) -> list[str]:
    """Say what moves each latent: first its main feature, then the next ones."""
    model = discovery.equations
    if model is None:
        return ["There is no equation: the encoder is a black box"]
    columns = (views.get("rows") or {}).get("columns", {})
    ranked = feature_shares(discovery)
    candidates = [
        # Sorted by rank first: every latent's main feature comes before any latent's
        # second one.
        (rank, -share, latent, feature, share)
        for latent, shares in ranked.items()
        for rank, (feature, share) in enumerate(shares[:DRIVERS])
        if share >= IMPORTANT or rank == 0
    ]
    still = [name for name in model.equations if not ranked.get(name)]
    sentences: list[str] = []
    told: set[tuple[str, str]] = set()
    for _, _, latent, feature, share in sorted(candidates)[
        : max(most - bool(still), 1)
    ]:
        # A partner was named together with the feature that it acts with.
        if (latent, feature) in told:
            continue
        partner = _partner(model, ranked[latent], latent, feature)
        text = (
            joint_sentence(model, columns, latent, feature, partner) if partner else ""
        )
        if text:
            told.add((latent, partner))
        else:
            curve = response(model, columns, latent, feature)
            text = _alone(curve, latent, feature, share, bool(partner))
        sentences.append(text + _open_form(discovery, latent, feature))
    if still:
        depend, are = (
            ("depends", "it is") if len(still) == 1 else ("depend", "they are")
        )
        sentences.append(f"{listed(still)} {depend} on no feature: {are} constant")
    return sentences


def _alone(
    curve: Response | None, latent: str, feature: str, share: float, joint: bool
) -> str:
    """Say what a feature does with the others at their medians."""
    if curve is None:
        return f"{latent} depends most on {feature} ({percent(share)})"
    # What acts together has no share of the variation that is its own.
    return curve.sentence() + ("" if joint else f"; {percent(share)} of its variation")


def _partner(
    model: "SymbolicModel",
    ranked: Sequence[tuple[str, float]],
    latent: str,
    feature: str,
) -> str:
    """The most important of the features that act with one inside a node, or ''."""
    # Of several partners the most important one moves the effect most.
    names = list(model.units.names)
    structure = model.structures[list(model.latent_names).index(latent)]
    together = {names[source] for source in structure.together(names.index(feature))}
    return next((name for name, _ in ranked if name in together), "")


def _open_form(discovery: "Discovery", latent: str, feature: str) -> str:
    """Say behind a driver that its form, or the driver itself, is not settled."""
    rows: Any = discovery.edges.to_dict("records")
    own = [
        row
        for row in rows
        if (row["source"], row["latent"]) == (feature, latent)
        and row["status"] == "closed"
    ]
    # a feature of several terms has no form of its own
    others = families_beside(own[0]) if len(own) == 1 else []
    if others:
        more = ["others"] if len(others) > FORMS else []
        names = ", ".join([own[0]["family"], *others[:FORMS]])
        return f"; the data cannot tell its form ({' or '.join([names, *more])})"
    subject = f"{feature} -> {latent}"
    doubted = any(doubt.subject == subject for doubt in discovery.verdict.doubts())
    return "; the verdict doubts it" if doubted and own else ""


def feature_shares(discovery: "Discovery") -> dict[str, list[tuple[str, float]]]:
    """Return latent -> (feature, share of its variation), largest first."""
    model = discovery.equations
    if model is None:
        return {}
    edges: Any = model.edges
    # Edges from hidden nodes have no feature of their own.
    edges = edges[edges["source"].isin(list(model.features))]
    ranked = {}
    for latent, rows in edges.groupby("latent", sort=False):
        shares = rows.groupby("source", sort=False)["importance"].sum()
        kept = [(str(name), float(s)) for name, s in shares.items() if s > 0]
        ranked[str(latent)] = sorted(kept, key=lambda pair: -pair[1])
    return ranked


def _fit(discovery: "Discovery") -> list[str]:
    """Explained variance on the rows that chose nothing, beside constant latents."""
    part = "test" if "test" in discovery.scores else "train"
    models = discovery.scores.get(part, {})
    model = "equation" if "equation" in models else "network"
    sentences = []
    # One sentence; other targets stand in the table of scores.
    for target, score in list(models.get(model, {}).items())[:1]:
        if score["r2"] is None or math.isnan(score["r2"]):
            continue
        where = "rows that chose nothing" if part == "test" else "the training rows"
        text = f"On {where} the {model} explains {_share(score['r2'])} of the variance of {target}"
        constant = models.get("constant latents", {}).get(target, {}).get("r2")
        # without a process model they are the mean, which explains nothing
        if constant is not None and math.isfinite(constant) and not discovery.plain:
            text += f"; with constant latents it would be {_share(constant)}"
        sentences.append(text)
    return sentences


def _share(r2: float) -> str:
    """Explained variance as a percentage; below zero a mean predicts better."""
    if r2 < 0:
        return "nothing (less than the mean does)"
    return "more than 99.9 %" if 0.9995 <= r2 < 1 else f"{100 * r2:.3g} %"
