"""A composition as a SymbolicModel, and its verification without a network.

Same numbers, rounding and round trip are the checks of every model; stationarity is one
Gauss-Newton step of all constants of the written equation, and of its process, on the
rows that it was found on. There is no network that the formula could be close to.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from symbolic.composition.gate import ROUNDING
from symbolic.expression.tracing import trace
from symbolic.model.fit_record import ComposedLatent, ConstantsRecord, FitRecord
from symbolic.model.self_checks import (
    RESOLVED,
    SAME,
    STEP,
    STRETCH,
    WEAK,
    Columns,
    raw_and_table,
    relative_difference,
    round_trip,
    rounding,
    stretched,
)
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.terms.bounded import bounded_expression, spans_of
from symbolic.terms.constant_rows import constant_rows
from symbolic.terms.edge_table import EdgeTable
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.raw_constants import raw_constants
from symbolic.terms.rebuild import raw_expression
from symbolic.verdict import Check, Verification

if TYPE_CHECKING:
    from symbolic.composition.fitting.through_process import Process
    from symbolic.composition.record import CompositionRecord
    from symbolic.model.record import EquationRecord

Array = np.ndarray

METHOD = "least squares of the composition (Jacobian; residuals of equal variance)"


def model_of(composition: "CompositionRecord") -> SymbolicModel:
    """Return the equation with its process, constants and tables as a model.

    Behind a process the latent is cut at its bounds, as every equation of a model is. A
    process that cannot be run on symbols is left out; the model then gives the latent.
    """
    import pandas as pd

    form, units, process = composition.form, composition.units, composition.process
    name = form.name
    raw = raw_expression(form, units)
    # relu cuts straight at either bound and leaves the latent in its own unit in between
    low, high = (process.low, process.high) if process else (-np.inf, np.inf)
    bounded = np.isfinite([low, high]).any()
    constraint = ("relu" if bounded else "identity", low, high, 1.0)
    rows = composition.rows
    listed = raw_constants([form], units)
    errors = [constant.error for constant in composition.constants]
    constants = composition.constants_of_process
    targets, traced = _traced(process, name)
    forcings = list(process.forcings) if process else []
    edges = EdgeTable([form], None, units, rows.scaled, {}).frame()
    model = SymbolicModel(
        equations={name: bounded_expression(form, units, constraint)},
        unconstrained={name: raw},
        process=traced,
        process_latex=None,
        constants={n: constant.value for n, constant in constants.items()},
        errors={n: constant.error for n, constant in constants.items()},
        functions={},
        structures=(form,),
        units=units,
        edges=edges,
        table=pd.DataFrame(constant_rows(listed, errors, {})),
        forcing_columns={n: n for n in forcings},
        target_columns={n: n for n in targets},
        unit_of={},
        constraints={name: constraint},
        spans=spans_of([form], rows.scaled),
        record=FitRecord(
            layers=2 if form.nodes else 1,
            constants=ConstantsRecord(METHOD),
            composition=ComposedLatent(
                composition.accepted, composition.reason, composition.noise
            ),
        ),
    )
    columns = dict(zip(units.names, rows.raw.T, strict=True))
    # digits come last: they are counted on the printed equation of the finished model
    return replace(model, digits=model.digits_needed(columns))


def _traced(
    process: "Process | None", name: str
) -> tuple[list[str], dict[str, Any] | None]:
    """Names of the targets and their expressions, None where they cannot be traced."""
    if process is None:  # plain regression: the target is the latent
        return [name], {name: sympy.Symbol(name, real=True)}
    target = process.target
    traced = trace(_Decoder(process, name), {n: n for n in process.forcings})
    return [target], traced


class _Decoder:
    """A process of one latent, seen as tracing sees a process model."""

    def __init__(self, process: "Process", latent: str) -> None:
        self.process = process
        self.latent_names = (latent,)
        self.constant_names = tuple(process.ranges)
        self.forcings = tuple(process.forcings)
        self.targets = (process.target,)

    def __call__(self, p: Any, f: Any) -> Any:
        constants = {name: getattr(p, name) for name in self.constant_names}
        return self.process.function(
            getattr(p, self.latent_names[0]), vars(f), constants
        )


EDGE_OF_DOMAIN = 4e-3
"""Distance of a pole to the data, as a share of their range, below which the search may
have stopped it there: twice the distance that the search keeps
(`symbolic.composition.fitting.edge_families.POLE_DISTANCE`)."""


def verified(composition: "CompositionRecord", model: "EquationRecord") -> Verification:
    """Check the model of a composition against the rows that it was found on."""
    rows = composition.rows
    columns: Columns = dict(zip(rows.names, rows.raw.T, strict=True))
    ((_, low, high, _),) = model.constraints.values()
    absent = "the formula was found on the data; there is no network to compare with"
    return Verification(
        (
            _same_numbers(composition, model, columns),
            Check.not_applicable("close to network", absent),
            rounding(model, columns),
            _stationary(composition),
            round_trip(model, columns, [(low, high)]),
        )
    )


def _same_numbers(
    composition: "CompositionRecord", model: "EquationRecord", columns: Columns
) -> Check:
    """Structure of scaled features against the expression, and both targets."""
    ((name, (_, low, high, _)),) = model.constraints.items()
    differences = raw_and_table(model, columns, composition.units)
    for stretch in (1.0, STRETCH):
        moved = stretched(columns, stretch)
        # the structure knows no bounds, the written equation cuts at them
        value = np.clip(composition.predict(moved), low, high)
        equation = model.latents(moved)[name].to_numpy()
        # beyond the data a pole may make the equation undefined, on the data it may not
        defined = np.isfinite(equation) | (stretch == 1.0)
        difference = relative_difference(value[defined], equation[defined])
        differences.append((difference, f"{name}, rows stretched {stretch:g} times"))
    worst, where = max(differences)
    meaning = "the formula of scaled features against the sympy expression, relative"
    return Check("same numbers", meaning, worst, SAME, worst <= SAME, where)


def _stationary(composition: "CompositionRecord") -> Check:
    """One Gauss-Newton step from the stored constants, in standard errors."""
    residual, slopes = _linearised(composition)
    names, held = _names(composition), _held(composition)
    moving = ~held
    # 1. One Gauss-Newton step of all constants that no bound holds, columns at unit length.
    used = slopes[:, moving]
    size = np.maximum(np.linalg.norm(used, axis=0), 1e-300)
    step = np.linalg.lstsq(used / size, residual, rcond=1e-12)[0] / size
    free = max(len(residual) - used.shape[1], 1)
    # what counts as rounding for the search may not be news about a constant here
    # 2. Their standard errors, from the same columns.
    variance = max(float(residual @ residual) / free, ROUNDING**2)
    normal = (used / size).T @ (used / size)
    spread = np.linalg.pinv(normal, rcond=1e-14, hermitian=True)
    errors = np.sqrt(np.maximum(variance * spread.diagonal(), 0.0)) / size
    # 3. A step counts in standard errors. Where the error is larger than a share of the value
    # or than what the data resolve, that smaller size counts instead: a constant known badly is
    # no excuse for standing off the minimum.
    values = np.abs(_values(composition)[moving])
    small = np.maximum(WEAK * values, RESOLVED * errors)
    moves = np.abs(step) / np.maximum(np.minimum(errors, small / STEP), 1e-300)
    worst = float(moves.max(initial=0.0))
    where = names[np.flatnonzero(moving)[int(moves.argmax())]] if moves.size else "none"
    meaning = (
        "one Gauss-Newton step from the stored constants, in standard errors (of "
        f"constants that are known less well: {WEAK:.1%} of the value counts as {STEP:g})"
    )
    return Check("stationary", meaning, worst, STEP, worst <= STEP, f"constant {where}")


def _linearised(composition: "CompositionRecord") -> tuple[Array, Array]:
    """Weighted residual (n,) in deviations of the target, and its slopes (n, k)."""
    form, rows, process = composition.form, composition.rows, composition.process
    z = rows.scaled
    latent, slopes = form.value(z), form.by_constants(z)[:, np.array(form.free)]
    predicted = latent
    if process is not None:
        values = {
            n: estimate.value
            for n, estimate in composition.constants_of_process.items()
        }
        predicted = process.evaluate(latent, values)
        extra = [process.by_constant(n, latent, values) for n in process.ranges]
        # chain rule through the process: d observed / d c = p'(latent) d latent / d c
        slopes = slopes * process.slope(latent, values)[:, None]
        slopes = np.column_stack([slopes, *extra])
    weight = rows.weight / max(float(np.std(rows.target)), 1e-300)
    return (rows.target - predicted) * weight, slopes * weight[:, None]


def _values(composition: "CompositionRecord") -> Array:
    """Constants on the scale that they are varied on: logarithms have size one."""
    form, process = composition.form, composition.process
    own = form.pack()[np.array(form.free)]
    if process is None:
        return own
    constants = composition.constants_of_process
    return np.array(
        [
            *own,
            # a step of the logarithm is relative already
            *(
                1.0 if r.in_logs else constants[n].value
                for n, r in process.ranges.items()
            ),
        ]
    )


def _names(composition: "CompositionRecord") -> list[str]:
    count = int(np.sum(composition.form.free))
    listed = [f"{k + 1} of {composition.form.name}" for k in range(count)]
    return [*listed, *composition.constants_of_process]


def _held(composition: "CompositionRecord") -> Array:
    """Constants that a bound may have stopped: of the process, and poles at the data."""
    form, process = composition.form, composition.process
    stopped = np.zeros(form.size, dtype=bool)
    z = composition.rows.scaled
    for edge, start in zip(form.all_edges, form.starts, strict=True):
        if _at_the_edge(edge, z[:, edge.source]):
            # all constants of the edge: they move together along the bound
            stopped[start : start + edge.size] = True
    held = stopped[np.array(form.free)].tolist()
    if process is None:
        return np.array(held, dtype=bool)
    constants = composition.constants_of_process
    held += [
        not parameter.low < constants[name].value < parameter.high
        for name, parameter in process.ranges.items()
    ]
    return np.array(held, dtype=bool)


def _at_the_edge(edge: EdgeTerm, z: Array) -> bool:
    if edge.form is None or edge.form.family == "abs":
        return False
    low, high = float(z.min()), float(z.max())
    # an abs has a kink inside the data, which is no end of its domain
    return not edge.form.feasible(edge.full, low, high, EDGE_OF_DOMAIN)
