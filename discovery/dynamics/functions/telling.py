"""What a run keeps and says of closed forms of latents that change in time."""

from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.dynamics.verdict.own_numbers import NUMBERS
from discovery.results.views.curves import BINS, POINTS
from discovery.results.views.plain import brief
from discovery.verdict.record import Reason, Verdict
from sciren.dynamics.functions.terms import OFFSET
from sciren.dynamics.functions.trades import WIDER

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.result import Discovery
    from discovery.tables.study import SeriesStudy
    from symbolic.dynamics.closed.forms import FunctionForms


def add_forms(
    discovery: "Discovery", study: "SeriesStudy", forms: "FunctionForms"
) -> None:
    """Add candidates, notes, curves and reasons about the forms to a result, in place.

    Args:
        discovery: of the study with closed forms.
        study: with the latents as they are declared.
        forms: of these latents.
    """
    import pandas as pd

    discovery.candidates = pd.concat(
        [candidates_of(forms), discovery.candidates], ignore_index=True
    )
    discovery.notes = (*discovery.notes, *notes_on(forms))
    discovery.state_curves = tuple(_curves(study, forms))
    reasons = [*discovery.verdict.reasons, *reasons_of(forms)]
    # Numbers that the data hold beside formulas as they stand are not held beside latents
    # that can take their place.
    if _traded(forms):
        reasons = [r for r in reasons if not (r.subject == NUMBERS and r.holds)]
    discovery.verdict = Verdict.of(reasons)


def candidates_of(forms: "FunctionForms") -> "pd.DataFrame":
    """Return one row a family that was tried and one a feature that was dropped."""
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {
            "stage": "families", "latent": candidate.latent, "source": candidate.source,
            "family": candidate.relation.form.family, "label": candidate.relation.label,
            "criterion": candidate.criterion, "squares": candidate.squares,
            "equal": candidate.relation.label in forms.equals(candidate.latent, candidate.source),
        }
        for candidate in forms.candidates
    ]  # fmt: skip
    rows += [
        {"stage": "features", "latent": e["latent"], "source": e["feature"],
         "family": e["status"], "criterion": -e["gain"]}
        for e in forms.curves.edges
    ]  # fmt: skip
    return pd.DataFrame(rows)


def notes_on(forms: "FunctionForms") -> list[str]:
    """Say which features were dropped, which forms do as well, and why none is the curve."""
    notes = []
    for name in forms.curves.problem.row_latents:
        dropped = [
            e["feature"]
            for e in forms.curves.edges
            if e["latent"] == name and e["status"] == "dropped"
        ]
        if dropped:
            notes.append(f"{name} does without {', '.join(dropped)}.")
    for latent, source in _terms(forms):
        equals = forms.equals(latent, source)
        if len(equals) > 1:
            notes.append(
                f"The data cannot tell these forms of {latent} in {source} apart: "
                f"{'; '.join(equals)}."
            )
    return [*notes, f"{forms.reason}."] if forms.refused else notes


def reasons_of(forms: "FunctionForms") -> list[Reason]:
    """Return what a verdict says of the forms: whether they are the curves, and unique."""
    latents = ", ".join(dict.fromkeys(t.latent.name for t in forms.fit.problem.terms))
    if forms.refused:
        step = "Allow more families (discovery.families), or read the curves"
        reasons = [Reason("faithful", latents, False, forms.reason, next_step=step,
                          fatal=True, rank=0)]  # fmt: skip
    else:
        sentence = f"Closed forms of {latents} fit as well as free curves"
        reasons = [Reason("faithful", latents, True, sentence, rank=1)]
    for latent, source in _terms(forms):
        labels = forms.equals(latent, source)
        # Several shapes of one family are no doubt about the family.
        families = dict.fromkeys(
            c.relation.form.family for c in forms.candidates
            if (c.latent, c.source) == (latent, source) and c.relation.label in labels
        )  # fmt: skip
        shown, alone = ", ".join(families), len(families) == 1
        sentence = (
            f"The data say that {latent} in {source} is of the family {shown}"
            if alone
            else f"The data cannot tell families of {latent} in {source} apart: {shown}"
        )
        step = "" if alone else f"Observe series in which {source} goes further"
        reasons.append(
            Reason(
                "identified",
                f"{latent} in {source}",
                alone,
                sentence,
                next_step=step,
                rank=2,
            )
        )
    reasons += _traded(forms)
    flat = [
        n
        for n in forms.fit.problem.row_latents
        if n not in {t for t, _ in _terms(forms)}
    ]
    for latent in flat:
        sentence = f"No feature that changes in time says anything of {latent}"
        step = "Offer other features, or declare it kind='constant'"
        reasons.append(
            Reason("skilful", latent, False, sentence, next_step=step, rank=2)
        )
    return reasons


def _traded(forms: "FunctionForms") -> list[Reason]:
    """Return a doubt for every pair of unknowns that stand in for each other."""
    return [
        Reason("identified", f"{trade.first} and {trade.second}", False,
               trade.sentence(), trade.wider, WIDER, trade.remedy(), rank=1)
        for trade in forms.curves.trades
    ]  # fmt: skip


def _terms(forms: "FunctionForms") -> list[tuple[str, str]]:
    terms = forms.fit.problem.terms
    return [(t.latent.name, t.source) for t in terms if t.source != OFFSET]


def _curves(study: "SeriesStudy", forms: "FunctionForms") -> list[dict[str, Any]]:
    """Return curve and closed form of every term, each about its mean over the rows."""
    before, after = forms.curves, forms.fit
    units = {state.name: state.unit for state in study.decoder.states} | dict(
        study.table.units
    )
    views = []
    for k, (term, relation) in enumerate(
        zip(after.problem.terms, forms.relations, strict=True)
    ):
        if relation is None:
            continue
        spline = before.problem.terms[k].build(
            before.theta[0, before.problem.places[k]].numpy()
        )
        form = term.build(after.theta[0, after.problem.places[k]].numpy())
        visited = after.problem.visited(after.theta, term)
        x = np.linspace(visited.min(), visited.max(), POINTS)
        shift = 0.0 if term.latent.inputs else np.mean(spline.value(visited))
        moved = 0.0 if term.latent.inputs else np.mean(form.value(visited))
        counts, edges = np.histogram(visited, bins=BINS)
        views.append(
            {
                "layer": 0, "source": term.source, "target": term.latent.name,
                "unit": units.get(term.source, ""), "x": brief(x),
                "spline": brief(spline.value(x) - shift),
                "formula": None if forms.refused else brief(form.value(x) - moved),
                "edges": brief(edges), "density": brief(counts / counts.sum()),
                "family": "none" if forms.refused else relation.form.family,
                "label": relation.label, "importance": 1.0, "refused": forms.refused,
                "labels": [],
            }
        )  # fmt: skip
    return views
