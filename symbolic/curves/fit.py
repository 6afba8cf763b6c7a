"""Closed form of one curve: arrays in, best family, constants and doubts out.

1. constants of every form   least squares, or generalised ones where errors are known
2. judge                     what counts as noise, by the best of them or by these errors
3. rank                      criterion of the best branch of every family
4. decide                    name, equals, or a refusal with its reason
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from sciren.data.kinds import NUMERIC, FeatureKind
from sciren.errors import check_keywords
from symbolic.curves.criterion import Evidence, weigh_evidence
from symbolic.curves.curve_errors import CurveErrors
from symbolic.curves.curve_fit import CurveFit, departure
from symbolic.curves.points import Points, prepare
from symbolic.curves.projection import fit_form
from symbolic.curves.rules import CurveRules
from symbolic.curves.standard_errors import standard_errors
from symbolic.families.forms import Array, Form
from symbolic.families.kind_families import forms_of_kind
from symbolic.families.library import DEFAULT_FAMILIES, FAMILIES
from symbolic.families.variants import in_raw, of_raw


@dataclass(frozen=True)
class _Candidate:
    form: Form
    constants: Array
    share: float


def fit_curve(
    x: Array,
    y: Array,
    weight: Array | None = None,
    families: Iterable[str] = DEFAULT_FAMILIES,
    *,
    errors: CurveErrors | None = None,
    unit: tuple[float, float] = (0.0, 1.0),
    kind: FeatureKind = NUMERIC,
    **rules: Any,
) -> CurveFit:
    """Choose a family for a curve and fit its constants, or refuse.

    Args:
        x, y: (n,) points of the curve, in any order.
        weight: (n,) density of the data at the points; None for equal weights.
        families: names from ``symbolic.families.library.FAMILIES``.
        errors: of a learned curve's values, for generalised least squares.
        unit: shift and scale of the raw value shift + scale * x.
        kind: of the feature; some kinds have families of their own.
        rules: fields of `symbolic.curves.rules.CurveRules` by their names, such as
            ``pin="exp"``, ``forbid=["abs"]``, ``trend="increasing"``, ``refuse_above=0.01``.
    Raises:
        ConfigError: an unknown family, or none left after ``forbid``.
        ShapeError, DataError: arrays that do not fit together or are not finite.
    """
    check_keywords(fit_curve, rules, [field.name for field in fields(CurveRules)])
    chosen = CurveRules(**rules)
    points = prepare(x, y, weight, errors)
    # Classes and circles have families of their own, and only the constant beside them.
    if (own := forms_of_kind(kind, points)) is not None:
        families = ["constant", *(form.family for form in own)]
    names = chosen.allowed(families)
    low, high = float(points.x[0]), float(points.x[-1])
    # Without a spread of y or of x no family could be told from a constant.
    if _flat(points) or low == high:
        return _constant(points, low, high, chosen.pin)
    candidates = _fit_all(_forms(names, own or (), unit), points, chosen)
    if not candidates:
        return _nothing(low, high, f"no member of {', '.join(names)} is allowed here")
    judge = _judge(candidates, points, chosen)
    return _decide(_ranked(candidates, points, judge, chosen), points, judge, chosen)


def _ranked(
    candidates: list[_Candidate], points: Points, judge: "Judge", rules: CurveRules
) -> list[CurveFit]:
    """Write the best branch of every family as a fit, best first."""
    fits = []
    for candidate in _best_branches(candidates):
        criterion = judge.criterion(candidate.share, len(candidate.constants))
        criterion += rules.surcharge(candidate.form)
        fits.append(_curve_fit(candidate, points, criterion, judge))
    return sorted(fits, key=lambda fit: fit.criterion)


def _forms(
    names: list[str], own: Iterable[Form], unit: tuple[float, float]
) -> list[Form]:
    """Forms of the library by name, and those that a kind of feature has of its own."""
    # a family without a rule for new units is fitted as a function of the raw value
    library = [form for name in names for form in FAMILIES.get(name, ())]
    forms = [_in_unit(form, unit) for form in library]
    return forms + [form for form in own if form.family in names]


Judge = Evidence | CurveErrors
"""Ranks fits and tells what they miss: by the look of a curve, or by its errors."""


def _judge(candidates: list[_Candidate], points: Points, rules: CurveRules) -> Judge:
    if points.errors is not None:
        return points.errors
    best = min(candidates, key=lambda candidate: candidate.share)
    residual = points.y - best.form.value(points.x, best.constants)
    return weigh_evidence(points, residual, rules.effective_points, rules.noise_floor)


def _in_unit(form: Form, unit: tuple[float, float]) -> Form:
    return form if form.rescalable or unit == (0.0, 1.0) else of_raw(form, *unit)


def _flat(points: Points) -> bool:
    # a spread at rounding level
    spread, size = float(np.ptp(points.y)), float(np.abs(points.y).max())
    return spread <= max(1e-12 * size, 1e-150)


def _fit_all(forms: list[Form], points: Points, rules: CurveRules) -> list[_Candidate]:
    # Grids of inner constants are those of [-1, 1]:
    # the curve is moved there and its constants back.
    middle = 0.5 * (points.x[0] + points.x[-1])
    half = 0.5 * (points.x[-1] - points.x[0])
    scaled = points.moved(middle, half)
    target = points.target()
    total = max(float(points.product(target, target)), 1e-300)
    # more constants than different x (or known directions) fit anything
    most = int(np.count_nonzero(np.diff(points.x))) + 1
    if points.errors is not None:
        most = min(most, len(points.errors.root) + 1)
    result = []
    for form in forms:
        if (own := form.fitted(points)) is not None:
            result.append(_Candidate(form, own, _misfit(form, own, points) / total))
            continue
        if len(form.constants) > most:
            continue
        # without a rule for new units a form stays a function of the value it was given
        moves = form.rescalable and form.variant.raw is None
        c = fit_form(form, scaled if moves else points, rules.domain_margin)
        if c is None:
            continue
        raw = in_raw(form, c, middle, half) if moves else (form, c)
        if rules.admit(*raw, points):
            loss = _misfit(*raw, points)
            result.append(_Candidate(*raw, float(loss) / total))
    return result


def _misfit(form: Form, c: Array, points: Points) -> float:
    """Mean squared residual, or chi-square where the errors are known."""
    value = form.value(points.x, c)
    if points.errors is None:
        return float(points.mean((points.y - value) ** 2))
    left = points.target() - points.centred(value)
    return float(points.product(left, left))


def _best_branches(candidates: list[_Candidate]) -> list[_Candidate]:
    best: dict[str, _Candidate] = {}
    for candidate in candidates:
        # Branches (log+ and log-) are one family to a reader, and must not compete as
        # equals.
        family = candidate.form.family
        if family not in best or candidate.share < best[family].share:
            best[family] = candidate
    return list(best.values())


def _curve_fit(
    candidate: _Candidate, points: Points, criterion: float, judge: Judge
) -> CurveFit:
    return CurveFit(
        family=candidate.form.family,
        form=candidate.form,
        constants=candidate.constants,
        errors=standard_errors(
            candidate.form, candidate.constants, points, judge.count
        ),
        r2=1.0 - candidate.share,
        criterion=criterion,
        low=float(points.x[0]),
        high=float(points.x[-1]),
        effective_points=judge.count,
    )


def _decide(
    fits: list[CurveFit],
    points: Points,
    judge: Judge,
    rules: CurveRules,
) -> CurveFit:
    best = fits[0]
    delta_bic = fits[1].criterion - best.criterion if len(fits) > 1 else np.inf
    near = [fit for fit in fits if fit.criterion - best.criterion <= rules.equal_within]
    # what the best family misses beyond the noise decides between a name and a refusal
    lack = judge.missed(1.0 - best.r2, len(best.constants))
    best_fit = replace(
        best,
        gap=float(delta_bic),
        ambiguous=len(near) > 1,
        equals=tuple(fit.family for fit in near),
        differ_at=departure(best, near[1], float(np.std(points.y)))
        if len(near) > 1
        else None,
        alternatives=tuple(fits),
        chosen="auto" if rules.pin is None else "user",
    )
    if lack <= rules.refuse_above:
        return best_fit
    text = (
        f"{best.family}, the best family, misses {lack:.2g} of the variance; "
        f"{rules.refuse_above:g} is allowed"
    )
    # the user's choice stands, with the reason against it
    if rules.pin is not None:
        return replace(best_fit, reason=text)
    nothing = np.empty(0)
    return replace(
        best_fit,
        family="none",
        form=None,
        constants=nothing,
        errors=nothing,
        reason=text,
    )


def _constant(points: Points, low: float, high: float, pin: str | None) -> CurveFit:
    form = FAMILIES["constant"][0]
    value = np.array([float(points.mean(points.y))])
    fit = CurveFit(
        "constant",
        form,
        value,
        np.zeros(1),
        1.0,
        # nothing does better on a flat curve
        -np.inf,
        low,
        high,
        equals=("constant",),
        reason="the curve is flat",
        chosen="user" if pin == "constant" else "auto",
    )
    return replace(fit, alternatives=(fit,))


def _nothing(low: float, high: float, reason: str) -> CurveFit:
    empty = np.empty(0)
    return CurveFit("none", None, empty, empty, 0.0, np.inf, low, high, reason=reason)
