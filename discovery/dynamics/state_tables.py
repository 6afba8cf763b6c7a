"""What a run keeps of an unknown function of a state: constants, candidates, notes, curve."""

from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.dynamics.own import doubt
from discovery.dynamics.refitting import CURVATURE
from discovery.results.views.curves import BINS, POINTS
from discovery.results.views.plain import brief
from sciren.inference.intervals.quantiles import NORMAL_95

if TYPE_CHECKING:
    import pandas as pd

    from discovery.tables.study import SeriesStudy
    from symbolic.dynamics.state_closed_forms import StateForms


def constants_table(study: "SeriesStudy", forms: "StateForms") -> "pd.DataFrame":
    """Return one row a constant of the process and of the closed form.

    Those of the closed form are identified where their interval does not hold zero.
    """
    import pandas as pd

    best, parameters = forms.best, {p.name: p for p in study.decoder.parameters}
    rows = []
    for name, value in best.process_constants.items():
        error, parameter = best.process_errors[name], parameters[name]
        # Curvature knows no bounds, a reader does.
        ends = (
            max(value - NORMAL_95 * error, parameter.low),
            min(value + NORMAL_95 * error, parameter.high),
        )
        held = value in (parameter.low, parameter.high)
        why = doubt(parameter, error, held)
        rows.append(_row(name, "", "", value, error, ends, parameter.unit, why))
    for name, value in best.constants.items():
        error = best.errors[name]
        ends = value - NORMAL_95 * error, value + NORMAL_95 * error
        # A constant of a closed form has no bounds to compare with: zero would leave it
        # out of the form.
        why = "its interval holds zero" if ends[0] <= 0 <= ends[1] else ""
        source = f"state.{forms.state}"
        rows.append(_row(name, forms.latent, source, value, error, ends, "", why))
    return pd.DataFrame(rows)


def _row(
    name: str, latent: str, source: str, value: float, error: float,
    ends: tuple[float, float], unit: str, why: str,
) -> dict[str, Any]:  # fmt: skip
    return {
        "constant": name, "latent": latent, "source": source, "estimate": value,
        "error": error, "low": ends[0], "high": ends[1], "unit": unit,
        "method": CURVATURE, "identified": not why, "reason": why,
    }  # fmt: skip


def candidates_of(forms: "StateForms") -> "pd.DataFrame":
    """Return one row a refitted closed form, the best first."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "stage": "families", "latent": forms.latent, "source": f"state.{forms.state}",
                "family": form.family, "label": form.relation.label,
                "criterion": form.criterion, "squares": form.squares,
                "equal": form.relation.label in forms.equals,
            }
            for form in forms.forms
        ]
    )  # fmt: skip


def notes_on(forms: "StateForms") -> list[str]:
    """Say where the curve is known, which forms do as well, and why none is the curve."""
    low, high = forms.fit.visited.min(), forms.fit.visited.max()
    notes = [
        f"{forms.latent} is known where {forms.state} has been: {low:.3g} to {high:.3g}."
    ]
    best = forms.best
    # Powers of a state in its own unit have constants of absurd size; the form counts
    # it in units near its median.
    if not forms.refused and best.relation.reference != 1:
        notes.append(
            f"Constants of {forms.latent} belong to {forms.state} in units of "
            f"{best.relation.reference:g}, near its median."
        )
    if len(forms.equals) > 1:
        notes.append(
            f"The data cannot tell these forms of {forms.latent} apart: "
            f"{'; '.join(forms.equals)}."
        )
    return [*notes, f"{forms.reason}."] if forms.refused else notes


def curve_view(study: "SeriesStudy", forms: "StateForms") -> dict[str, Any]:
    """Return curve and closed form over the visited states, as `curve_views` does."""
    best, visited = forms.best, forms.fit.visited
    x = np.linspace(visited.min(), visited.max(), POINTS)
    counts, edges = np.histogram(visited, bins=BINS)
    units = {state.name: state.unit for state in study.decoder.states}
    return {
        "layer": 0, "source": forms.state, "target": forms.latent,
        "unit": units[forms.state], "x": brief(x),
        "spline": brief(forms.fit.function.value(x)),
        "formula": None if forms.refused else brief(best.function.value(x)),
        "edges": brief(edges), "density": brief(counts / counts.sum()),
        "family": "none" if forms.refused else best.family,
        "label": best.relation.label, "importance": 1.0, "refused": forms.refused,
        "labels": [],
    }  # fmt: skip
