"""Closed forms of features that are no amounts: effects of classes, harmonics of a circle.

    classes    e_k for class k, the mean over the training rows zero
    harmonic   a*cos(2*pi*(x - s)/P) + d
    harmonics  a*cos(2*pi*(x - s)/P) + a_2*cos(4*pi*(x - s_2)/P) + d

All are linear in their coefficients, so their constants follow in one step and need no
search. Amplitudes are positive; s is the place of the maximum, in the unit of x.
"""

from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np

from sciren.bounded import damage_told
from sciren.data.kinds import Categorical, FeatureKind, Periodic
from sciren.errors import FormatError
from symbolic.families.class_effects import ClassEffects, class_effects
from symbolic.families.forms import Form
from symbolic.families.harmonics import harmonics

KIND_FAMILIES = ("classes", "harmonic", "harmonics")
"""Families that belong to a kind of feature."""


@singledispatch
def forms_of_kind(kind: FeatureKind, points: Any) -> list[Form] | None:
    """Return the closed forms of a feature, or None for those of the library.

    Args:
        kind: of the feature;  points: of its curve (`symbolic.curves.points.Points`).
    """
    return None


@forms_of_kind.register
def _(kind: Periodic, points: Any) -> list[Form] | None:
    return [harmonics(kind.period, count) for count in (1, 2)]


@forms_of_kind.register
def _(kind: Categorical, points: Any) -> list[Form] | None:
    counts = kind.one_hot(points.x).T @ points.weight
    # one class alone has no effect to compare
    if np.count_nonzero(counts) < 2:
        return []
    form = class_effects(kind, counts)
    return [replace(form, weight=_chosen_weight(form, points))]


UNSEEN = 1e-6  # share by which a prior moves an effect that it does not move visibly
ROUNDS = 50  # of the fixed point, ended earlier where it settles to 2 %


def _chosen_weight(form: ClassEffects, points: Any) -> float:
    """Return how strongly classes are drawn to the mean: noise / deviation^2.

    The deviation of the classes is that of the highest marginal likelihood, as in
    `sciren.training.gauss_newton.class_ridge`. It has the unit of the latent, whatever that
    is, and so have both bounds. Without errors of the curve (exact data) nothing is drawn
    that could be seen.
    """
    if points.errors is None:
        apart = points.y - np.average(points.y, weights=points.weight)
        square = float(np.average(apart**2, weights=points.weight))
        return UNSEEN / square if square > 0 else 0.0
    root = points.centred(form.columns(points.x).T).T
    spread, target = form.spread, points.target()
    # MacKay's fixed point (MacKay 1992): strength = effective number of effects / their sum of
    # squares, with the effective number rank - strength tr((G + strength F)^-1 F).
    form_matrix, gram, right = spread.T @ spread, root.T @ root, root.T @ target
    # effects that the data know 10^6 times as well as the prior, and as badly
    own = max(float(gram.trace() / form_matrix.trace()), 1e-300)
    weakest, strongest = UNSEEN * own, own / UNSEEN
    strength, rank = own, len(form_matrix)
    for _ in range(ROUNDS):
        inverse = np.linalg.inv(gram + strength * form_matrix)
        effects = inverse @ right
        spent = max(rank - strength * float(np.sum(inverse * form_matrix)), 1e-6)
        moved = spent / max(float(effects @ form_matrix @ effects), 1e-300)
        moved = float(np.clip(moved, weakest, strongest))
        done = abs(np.log(moved / strength)) < 0.02
        strength = moved
        if done:
            break
    return float(strength * points.errors.noise)


def form_from_details(family: str, details: Any) -> Form:
    """Read what `Form.details` wrote.

    Raises:
        FormatError: not the details of such a family.
    """
    from sciren.data.kinds import kind_from_json

    with damage_told(FormatError, f"family {family!r} cannot be read"):
        if family == "classes":
            kind = kind_from_json(details["kind"])
            shares = [float(share) for share in details["shares"]]
            if isinstance(kind, Categorical) and len(shares) == kind.size:
                return class_effects(kind, shares, float(details["weight"]))
        elif family in KIND_FAMILIES and details["count"] in (1, 2):
            return harmonics(float(details["period"]), int(details["count"]))
    raise FormatError(f"{details!r:.80} does not describe family {family!r}")
