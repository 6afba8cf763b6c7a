"""The record of a composition: equation, constants with errors, alternatives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from symbolic.composition.decision.record import A_CURVE, Outcome
from symbolic.composition.gate import Gate
from symbolic.composition.inputs import Inputs, feature_matrix
from symbolic.terms.rebuild import Units, raw_expression
from symbolic.terms.structure import LatentStructure

if TYPE_CHECKING:
    import sympy

    from symbolic.composition.fitting.through_process import Process

Array = np.ndarray


@dataclass(frozen=True)
class Constant:
    """A constant of the equation in raw units.

    Args:
        name: "y_0", "b_ta", "c_y", ...;  role: what it belongs to.
        value: estimate;  error: standard error of the joint refit.
    """

    name: str
    role: str
    value: float
    error: float


@dataclass(frozen=True)
class Alternative:
    """Another structure that was fitted.

    Args:
        structure: families and nodes as text.
        criterion: of the structure, lower is better;  gap: to the best one.
        residual: deviation of its residual in those of the target.
        form: closed form.
    """

    structure: str
    criterion: float
    gap: float
    residual: float
    form: LatentStructure = field(repr=False)


@dataclass(frozen=True)
class CompositionRecord:
    """A formula found on data, or an honest refusal.

    Args:
        accepted: whether the outcome is "found"; the equation of any other composition
            is an approximation or one of several, not a finding.
        outcome: "found": this form and no other; "not distinguishable": the plainest of
            the forms in `equals` and of the curves in `rivals`, which the data cannot
            tell apart; "refused": something is missing or patched together; "nothing to
            find": the features say nothing about the target that these rows could show.
        reason: why, one sentence;  next_step: what would settle it.
        explained: share of the variance of the target that the form explains.
        equals: other forms that fit equally well, the plainest first.
        rivals: (feature, curve) outside the families that fit as well or better.
        interactions: pairs of features that act together, with the share of the variance
            that is theirs alone (`symbolic.composition.interactions.Screen.shares`), seen
            before any formula was sought; strongest first.
        structure: families and nodes as text.
        constants: of the equation, raw units, with standard errors.
        constants_of_process: name -> constant of the process.
        residual: deviation of the residual in those of the target.
        noise: "constant" or "proportional".
        gate: value of each reference.
        criterion: of the chosen structure.
        alternatives: other structures, best first.
        rung: 1 for one node or a sum, 2 beyond.
        seconds: processor time of the search.
        process: between the equation and the observations, None for none.
        rows: on which it was found, with the weights of the last fit.
    """

    accepted: bool
    outcome: Outcome
    reason: str
    next_step: str
    explained: float
    equals: tuple[Alternative, ...]
    rivals: tuple[tuple[str, str], ...]
    structure: str
    form: LatentStructure
    units: Units
    constants: tuple[Constant, ...]
    constants_of_process: Mapping[str, Constant]
    residual: float
    noise: str
    gate: Gate
    criterion: float
    alternatives: tuple[Alternative, ...]
    rung: int
    seconds: float
    process: "Process | None" = field(default=None, repr=False)
    rows: Inputs = field(repr=False, kw_only=True)
    interactions: tuple[tuple[tuple[str, str], float], ...] = ()

    @property
    def expression(self) -> "sympy.Expr":
        """The equation in raw features; check `accepted` before you believe it."""
        return raw_expression(self.form, self.units)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that occur."""
        sources = {edge.source for edge in self.form.all_edges}
        return tuple(self.units.names[i] for i in sorted(sources))

    def predict(self, features: Any) -> Array:
        """Value of the equation (n,) at raw features: DataFrame, mapping or array."""
        names = self.units.names
        named = hasattr(features, "columns") or isinstance(features, Mapping)
        raw, _ = feature_matrix(features, names if named else None)
        # an array has all columns that were handed over, of which the search kept some
        if not named and self.rows.places is not None:
            raw = raw[:, list(self.rows.places)]
        return self.form.value((raw - self.units.shift) / self.units.scale)

    def observe(self, features: Any, forcings: Mapping[str, Any]) -> Array:
        """Predicted observation (n,): the equation through its process.

        Raises:
            ValueError: the composition was found without a process.
        """
        if self.process is None:
            raise ValueError("no process was given; predict() is the observation")
        values = {
            name: estimate.value for name, estimate in self.constants_of_process.items()
        }
        return self.process.evaluate(self.predict(features), values, forcings)

    def __str__(self) -> str:
        if self.outcome == "nothing to find":
            return f"{self.outcome}: {self.reason}"
        forms = " or ".join((self.structure, *self.other_forms()))
        return f"{self.outcome}: {forms} ({self.reason})"

    def other_forms(self) -> tuple[str, ...]:
        """Forms and curves as text that the data cannot tell from the equation."""
        curves = [
            f"a curve in place of the line of {name}"
            if curve == A_CURVE
            else f"a {curve} of {name}"
            for name, curve in self.rivals
        ]
        return (*(equal.structure for equal in self.equals), *curves)
