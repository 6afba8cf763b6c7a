"""Sentences for the reader: what the user decided, and what became of compositions."""

from typing import TYPE_CHECKING

from symbolic.options import USUAL_FAMILIES, SymbolicOptions

if TYPE_CHECKING:
    from symbolic.model.symbolic_model import SymbolicModel


def decision_notes(options: SymbolicOptions) -> list[str]:
    """Say what the user decided otherwise than by default.

    What changes no equation (resamples, rows, what to do about units) is not told.
    """
    given, notes = options.given(), []
    # The order in which families are named changes nothing.
    if set(options.families) != set(USUAL_FAMILIES):
        notes.append(f"The user allowed the families {', '.join(options.families)}.")
    for edge, family in options.pins.items():
        notes.append(f"The user chose {family} for {edge}.")
    for edge, names in options.forbid.items():
        notes.append(f"The user forbade {', '.join(names)} for {edge}.")
    for edge, shape in options.shapes.items():
        notes.append(f"The user required {edge} to be {shape}.")
    if "model_selection" in given:
        rule = options.model_selection
        notes.append(f"The user chose among the candidates by {rule!r}.")
    for name, weight in options.complexity.items():
        notes.append(f"The user weighed {name} with {weight:g} nodes.")
    for name, what in _NUMBERS.items():
        if name in given:
            notes.append(f"The user set {what} to {given[name]:g}.")
    if options.unit_mode != "free":
        notes.append("The user required constants without units.")
    if options.compose == 0:
        notes.append("The user wanted no formulas of whole latents.")
    return notes


_NUMBERS = {
    "refuse_above": "the share above which a curve is refused",
    "domain_margin": "the margin of poles",
}


def composition_notes(equations: "SymbolicModel") -> list[str]:
    """Say which latents were sought as one formula, and what came of it."""
    said = {
        "taken": "is a better formula by {delta:.3g} units of the criterion and was taken",
        "agrees": "is what was found edge by edge as well",
        "beaten": "is worse by {delta:.3g} units of the criterion and was not taken",
        "refused": "was refused: {reason}",
        "not sought": "{reason}",
    }
    notes = []
    for tried in equations.record.compositions:
        what = said[tried.verdict].format(
            delta=abs(tried.delta or 0.0), reason=tried.reason
        )
        start = f", started from {tried.start}" if tried.start else ""
        structure = f" {tried.structure}" if tried.structure else ""
        notes.append(f"{tried.latent} as one formula{start}:{structure} {what}.")
    return notes
