"""compose: data, or a latent seen through a process, to one formula or a refusal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sciren.errors import ShapeError, check_keywords
from symbolic.composition.decision.decide import decide, without_relation
from symbolic.composition.decision.record import Outcome
from symbolic.composition.finding import Finding, find, with_noise_law
from symbolic.composition.fitting.model import Model, describe
from symbolic.composition.fitting.regression import Budget, Regression, Work
from symbolic.composition.fitting.through_process import Process, checked_process
from symbolic.composition.fitting.written_out import (
    covariance,
    errors_of,
    linear_part,
    structure_of,
)
from symbolic.composition.gate import MOST_CANCELLING, ROUNDING
from symbolic.composition.inputs import Inputs, checked, narrowed
from symbolic.composition.offset import plainly_written
from symbolic.composition.process.constants import constants_of
from symbolic.composition.process.search import search_through
from symbolic.composition.process.start import Start
from symbolic.composition.record import Alternative, Constant
from symbolic.composition.result import Composition
from symbolic.composition.search import ScoredModel
from symbolic.composition.settings import SEARCH, Settings
from symbolic.terms.raw_constants import raw_constants
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure

Array = np.ndarray

MOST_ALTERNATIVES = 12  # shown: a screen of them


def compose(
    features: Any,
    target: Any,
    *,
    names: Sequence[str] | None = None,
    weight: Any = None,
    groups: Any = None,
    periodic: Mapping[str, float] | None = None,
    target_name: str = "y",
    process: Any = None,
    forcings: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    bounds: tuple[float, float] | None = None,
    start: Any = None,
    **search: Any,
) -> Composition:
    """Find a formula: an additive part plus nonlinear nodes of sums of functions.

        latent = sum_i f_i(x_i) + sum_h O_h(sum_i g_hi(x_i))

    The target is the latent itself, or what a process makes of it.

    Args:
        features: DataFrame, mapping name -> (n,), or array (n, d).
        target: (n,) observed values.
        names: of the columns to use (DataFrame, mapping), or of an array's columns.
        weight: (n,) weights of squared residuals.
        groups: (n,) blocks of rows that stay together when the residual is judged.
        periodic: feature -> period, such as ``{"doy": 365.25}``: its curve is one or two waves.
        target_name: of the left side.
        process: function (latent, forcings, constants) -> target, vectorised, or a
            process model of one latent and one target.
        forcings: name -> (n,), what the process needs beside the latent.
        constants: unknown constants of the process: name -> start, (low, high) or
            (low, start, high); they are fitted with the formula.
        bounds: of the latent.
        start: (n,) latent of a trained encoder, behind a process with its `constants`.
        search: ``families``, ``seed``, ``budget_s`` (20 s) and ``max_rung`` (2), as
            `symbolic.composition.settings.Settings` says.
    Returns:
        The formula with its verdict; a refused one is an approximation, not a finding.
    Raises:
        ConfigError: an unknown family or stage, a period of no feature.
        DataError, ShapeError: rows that cannot be used.
    """
    check_keywords(compose, search, SEARCH)
    blocks = None if groups is None else np.asarray(groups).reshape(-1)
    settings = Settings(blocks=blocks, **search)
    budget = Budget(settings.budget_s, Work())
    inputs = checked(features, target, names, weight, periodic)
    if process is not None:
        ready = checked_process(process, forcings, constants, bounds, len(inputs.raw))
        return _composed_through(
            inputs, ready, settings, budget, weight is not None, target_name, start
        )
    return _composed(inputs, settings, budget, weight is not None, target_name)


def _composed(
    inputs: Inputs, settings: Settings, budget: Budget, weighted: bool, name: str
) -> Composition:
    """Find the formula of the target itself."""
    # The search sees y about zero in units of its deviation: floors and penalties then mean the
    # same for any target.
    shift, scale = float(inputs.target.mean()), float(inputs.target.std())
    values = (inputs.target - shift) / scale
    regression = _regression(inputs, values, inputs.weight, budget.work)
    # Asked first: a search over noise finds something in the end, and costs the most.
    finding = without_relation(regression, settings)
    if finding is None:
        inputs, regression = _narrowed(inputs, regression)
        finding = find(regression, settings, budget)
        # weights of the user are the noise law
        if not weighted:
            finding = with_noise_law(finding, shift, scale, settings, budget)
        finding = decide(finding, settings, budget, inputs.names)
    return assembled(finding, inputs, shift, scale, name, budget, {})


def _narrowed(inputs: Inputs, regression: Regression) -> tuple[Inputs, Regression]:
    """Return both with the features that a search can hold."""
    narrow = narrowed(inputs)
    if narrow is inputs:
        return inputs, regression
    return narrow, _regression(narrow, regression.y, regression.weight, regression.work)


def _regression(
    inputs: Inputs, y: Array, weight: Array | None, work: Work
) -> Regression:
    """Return the regression of y (n,) on the scaled features."""
    return Regression.of(
        inputs.scaled,
        y,
        weight,
        origin=inputs.origin,
        scale=inputs.scale,
        work=work,
        periods=inputs.periods / inputs.scale,
    )


def _composed_through(
    inputs: Inputs,
    process: Process,
    settings: Settings,
    budget: Budget,
    weighted: bool,
    name: str,
    latent: Any,
) -> Composition:
    """Find the latent's formula behind a process."""
    inputs = narrowed(inputs)
    regression = _regression(inputs, inputs.target, None, budget.work)
    weight = inputs.weight if weighted else None
    start = _start(latent, process, len(regression))
    through_process = search_through(
        regression,
        process,
        inputs.target,
        weight,
        settings,
        budget,
        start,
        inputs.names,
    )
    state, finding = through_process.state, through_process.finding
    accepted = _outcome(finding) == "found"
    constants = constants_of(finding, state, accepted, settings.seed, settings.blocks)
    return assembled(
        finding,
        inputs,
        state.shift,
        state.scale,
        process.latent if name == "y" else name,
        budget,
        constants,
        state.process,
        state.weight,
    )


def _start(latent: Any, process: Process, rows: int) -> Start | None:
    """Check the latent of a trained encoder.

    Raises:
        ShapeError: it has another number of rows.
    """
    if latent is None:
        return None
    values = np.asarray(latent, dtype=float).reshape(-1)
    if len(values) != rows:
        raise ShapeError(f"start has {len(values)} rows, the target has {rows}")
    return Start(
        values, {name: parameter.start for name, parameter in process.ranges.items()}
    )


def units_of(inputs: Inputs) -> Units:
    """Scaling and ranges of the features."""
    return Units(
        inputs.names,
        inputs.shift,
        inputs.scale,
        inputs.raw.min(0),
        inputs.raw.max(0),
    )


def assembled(
    finding: Finding,
    inputs: Inputs,
    shift: float,
    scale: float,
    name: str,
    budget: Budget,
    of_process: Mapping[str, Constant],
    process: Process | None = None,
    weight: Array | None = None,
) -> Composition:
    """Write a finding in raw units.

    Args:
        weight: (n,) factors on residuals of the observations at the end; None: those of
            the regression.
    """
    # 1. The form in raw units, with its constants.
    best, units = finding.best, units_of(inputs)

    def form_of(offset: float, model: Model) -> LatentStructure:
        columns = finding.regression.columns
        return structure_of(model, columns, offset, shift, scale, name, units)

    form, constants = _written(finding, inputs, form_of, process is None)
    # 2. What else was found, and why this one is said, or not.
    others = finding.candidates[1 : MOST_ALTERNATIVES + 1]
    outcome = _outcome(finding)
    return Composition(
        accepted=outcome == "found",
        outcome=outcome,
        reason=reason(finding, inputs.names),
        next_step=finding.decision.next_step,
        explained=finding.decision.explained,
        equals=_alternatives(finding, finding.decision.equals, inputs, form_of),
        rivals=tuple(
            (" and ".join(inputs.names[i] for i in rival.features), rival.family)
            for rival in finding.decision.rivals
        ),
        interactions=tuple(
            ((inputs.names[i], inputs.names[j]), share)
            for (i, j), share in finding.interactions
        ),
        structure=describe(best.model, inputs.names),
        form=form,
        units=units,
        constants=constants,
        constants_of_process=dict(of_process),
        residual=finding.verdict.residual,
        noise="proportional" if finding.proportional else "constant",
        gate=finding.verdict,
        criterion=best.criterion,
        alternatives=_alternatives(finding, others, inputs, form_of),
        rung=finding.stage,
        seconds=budget.elapsed,
        process=process,
        rows=replace(
            inputs, weight=finding.regression.weight if weight is None else weight
        ),
    )


def _alternatives(
    finding: Finding,
    candidates: Sequence[ScoredModel],
    inputs: Inputs,
    form_of: Callable[[float, Model], LatentStructure],
) -> tuple[Alternative, ...]:
    """Write other models of a finding as they are reported."""
    regression, best = finding.regression, finding.best
    return tuple(
        Alternative(
            describe(candidate.model, inputs.names),
            candidate.criterion,
            candidate.criterion - best.criterion,
            float(np.sqrt(candidate.rss / len(regression))),
            form_of(
                float(linear_part(regression, candidate.model)[0]), candidate.model
            ),
        )
        for candidate in candidates
    )


def _written(
    finding: Finding,
    inputs: Inputs,
    form_of: Callable[[float, Model], LatentStructure],
    plain: bool,
) -> tuple[LatentStructure, tuple[Constant, ...]]:
    """Return the structure of a finding and its constants with errors.

    Args:
        form_of: (offset, model) -> structure.
        plain: whether the target is the latent, so that its offset may be left out.
    """
    regression, best, units = finding.regression, finding.best, units_of(inputs)
    offset = float(linear_part(regression, best.model)[0])
    form = form_of(offset, best.model)
    # behind a process the offset is a level of the latent and stays
    bare = plainly_written(form, units, inputs, regression) if plain else None
    if bare is not None:
        form, errors = bare
    else:
        errors = errors_of(
            lambda level, model: raw_constants([form_of(level, model)], units),
            offset,
            best.model,
            covariance(regression, best.model),
            regression.nuisance.shape[1],
        )
    numbers = raw_constants([form], units)
    return form, tuple(
        Constant(number.name, number.described, number.value, float(error))
        for number, error in zip(numbers, errors, strict=True)
    )


def _outcome(finding: Finding) -> Outcome:
    """Outcome of the decision, or refused where the gate does not accept the form."""
    outcome = finding.decision.outcome
    # the gate has the last word: a residual that features predict is not the form's noise
    if outcome in ("found", "not distinguishable") and not finding.verdict.accepted:
        return "refused"
    return outcome


def reason(finding: Finding, names: Sequence[str]) -> str:
    """Say why a finding is accepted or refused."""
    verdict, decision = finding.verdict, finding.decision
    # in the order in which a reader should hear it: no
    # relation, parts that cancel, rounding, references
    said = verdict.accepted and decision.outcome in ("refused", "not distinguishable")
    if said or decision.outcome == "nothing to find":
        return decision.reason
    if not verdict.accepted and verdict.cancelling > MOST_CANCELLING:
        return f"parts {verdict.cancelling:.2g} times as large as the target cancel"
    if verdict.residual <= ROUNDING:
        return "the residual is at rounding"
    share = f"{100 * verdict.value:.2g} % of the residual's variance"
    if verdict.accepted:
        return f"references outside the class predict {share} at most"
    if verdict.missing is not None and verdict.missing.significant:
        missing = " and ".join(names[i] for i in verdict.missing.features)
        return f"the residual still depends on {missing}"
    return f"a reference outside the class predicts {share}"
