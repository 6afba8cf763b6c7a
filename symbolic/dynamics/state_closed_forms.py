"""Closed forms of a latent that is a function of a state, refitted through the simulation.

1. candidates        families with and without offset and shift, fitted to the learned
                     curve in units of its errors; far ones are left out
2. joint refit       all constants of a candidate and of the process, by Gauss and Newton
                     through the free run, residuals whitened
3. choice            criterion = n log(squares / n) + k log(n), the lowest of the forms whose
                     free runs are about as near as the curve's; forms that come close to
                     it are named as equals
4. refusal           where the curve fits better by more than chance allows, or its free
                     runs are nearer

Curves only propose: a curve is smoothed, the refit is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtri

from symbolic.curves.criterion import EQUAL_WITHIN
from symbolic.curves.curve_errors import CHANCE
from symbolic.dynamics.recurrence import Recurrence
from symbolic.dynamics.state_relation import (
    STATE_FAMILIES,
    KnownCurve,
    Relation,
    RelationAt,
    fit_relation,
    relations,
)

if TYPE_CHECKING:
    from torch import Tensor

    from sciren.dynamics import StateFit
    from sciren.dynamics.functions.problem import FunctionProblem
    from sciren.dynamics.functions.terms import Term

POINTS = 60  # of the curve: four for each of its fifteen coefficients
ENDS = (0.001, 0.999)  # quantiles of the visited states between which the curve counts
FAR = 40.0
"""Criterion on the curve above the best at which a candidate is not refitted: the curve
is smoothed, so that the true family may miss it by several of its errors."""
FREE_RUN = 0.25
"""Share by which the squares of free runs may exceed those of the curve. Whitened residuals
see changes from row to row: where a process lacks what lasts, a form may follow those and
be far off for years. True forms of simulated stores stay below 0.05
(`tests/discovery/dynamics/test_state_function_run.py`)."""
MOST_REFITS = 6  # each costs as much as a weight of roughness of the curve
ITERATIONS, TOLERANCE = 20, 1e-7


@dataclass(frozen=True)
class StateForm:
    """A closed form with its constants, refitted through the simulation.

    Attributes:
        relation: the family, and which of its constants are free.
        constants, errors: its constants by name and their standard errors.
        process_constants, process_errors: those of the process, learned starts among them.
        function: the latent as a function of its state.
        expression: sympy formula of the state.
        squares: whitened sum of squares;  criterion: see above.
        free: sum of squares of the free run, not whitened.
    """

    relation: Relation
    constants: dict[str, float]
    errors: dict[str, float]
    process_constants: dict[str, float]
    process_errors: dict[str, float]
    function: RelationAt
    expression: Any
    squares: float
    criterion: float
    free: float

    @property
    def family(self) -> str:
        """Name of the family."""
        return self.relation.form.family


@dataclass(frozen=True)
class StateForms:
    """Closed forms of one function of a state, the best first.

    Attributes:
        latent, state: what is a function of what.
        forms: refitted candidates by their criterion.
        reason: why none of them is the curve, or "".
        fit: the curve.
    """

    latent: str
    state: str
    forms: tuple[StateForm, ...]
    fit: "StateFit" = field(repr=False)
    reason: str = ""

    @property
    def best(self) -> StateForm:
        """The form with the lowest criterion, also where the curve is better."""
        return self.forms[0]

    @property
    def refused(self) -> bool:
        """Whether the curve is better than every form by more than chance."""
        return bool(self.reason)

    @property
    def equals(self) -> tuple[str, ...]:
        """Labels of the forms that do as well, the best first."""
        limit = self.best.criterion + EQUAL_WITHIN
        strays = _strays(self.fit, self.best)
        return tuple(
            f.relation.label
            for f in self.forms
            if f.criterion <= limit and _strays(self.fit, f) == strays
        )

    def recurrence(self, columns: dict[str, str] | None = None) -> Recurrence:
        """Return one step of the process with the formula in place of the latent.

        Args:
            columns: forcing's name -> column.
        Raises:
            ExpressionError: the step cannot be written with symbols.
        """
        process = self.fit.problem.process
        law = Recurrence.of(process.model, columns, process.substeps)
        return with_relation(law, self.latent, self.best.expression)


def with_relation(law: Recurrence, latent: str, formula: Any) -> Recurrence:
    """Return a recurrence of which a latent is a formula of its states."""
    # the latent is no parameter any more: its formula holds its constants as numbers
    parameters = tuple(name for name in law.parameters if name != latent)
    functions = {**law.functions, latent: formula}
    return replace(law, parameters=parameters, functions=functions)


def state_forms(
    fit: "StateFit", families: Sequence[str] = STATE_FAMILIES
) -> StateForms:
    """Replace the learned curve of a state by a closed form.

    Args:
        fit: of `sciren.dynamics.fit_state_function`.
        families: names of `symbolic.families.library.FAMILIES`.
    """
    latent = fit.latent
    assert latent.state_input is not None  # `fit_state_function` asks for it
    # one digit of the typical state: constants in units of it have a size that can be read
    middle = float(np.median(fit.visited))
    reference = float(f"{middle:.1g}") if middle > 0 else 1.0
    curve = _known(fit)
    begun = _screened(relations(tuple(families), reference, latent.low), curve, fit)
    forms = sorted(
        (_refitted(fit, *start) for start in begun),
        key=lambda form: (_strays(fit, form), form.criterion),
    )
    # The curve's residuals hold its own errors; those of the form say what the noise is.
    best = _refitted(_with_noise(fit, forms[0]), forms[0].relation,
                     forms[0].function.constants)  # fmt: skip
    best = replace(
        best, squares=forms[0].squares, criterion=forms[0].criterion, free=forms[0].free
    )
    return StateForms(
        latent.name, latent.state_input, (best, *forms[1:]), fit,
        _refusal(fit, forms[0]),
    )  # fmt: skip


def constant_form(fit: "StateFit") -> StateForm:
    """Return the latent as one number, refitted with the process constants."""
    (flat,) = relations(("constant",), 1.0, fit.latent.low)
    return _refitted(fit, flat, np.array([fit.function.value(fit.visited).mean()]))


def _strays(fit: "StateFit", form: StateForm) -> bool:
    """Whether free runs with a form are far from those with the curve."""
    return form.free > (1 + FREE_RUN) * _free_squares(fit.problem, fit.theta)


def _free_squares(problem: "FunctionProblem", theta: "Tensor") -> float:
    """Return the sum of squares of the free run, every target in units of its scale."""
    outputs = problem.trajectory(theta).outputs
    return float((problem.comparison.residual(outputs) ** 2).sum())


def _known(fit: "StateFit") -> KnownCurve:
    """Return the curve with what the data know of it beside the other constants."""
    _, _, matrix = fit.problem.data_normal(fit.theta)
    place = fit.problem.places[0]
    return known_curve(
        matrix / (fit.squares / fit.count), place, fit.function, fit.visited
    )


def known_curve(
    matrix: np.ndarray, place: slice, function: Any, visited: np.ndarray
) -> KnownCurve:
    """Return a curve with what the data know of it beside all other numbers.

    Args:
        matrix: half second derivative of the squares by all numbers, in units of the noise.
        place: of the coefficients of the curve.
        function: the curve, a `sciren.dynamics.solving.simulation.StateFunction`.
        visited: values at which it was asked.
    """
    low, high = np.quantile(visited, ENDS)
    x = np.linspace(low, high, POINTS)
    # What the data say of the curve alone is the Schur complement A - B C^-1 B'.
    own = np.zeros(len(matrix), dtype=bool)
    own[place] = True
    mixed, outer = matrix[np.ix_(own, ~own)], matrix[np.ix_(~own, ~own)]
    alone = matrix[np.ix_(own, own)]
    alone = alone - mixed @ np.linalg.pinv(outer, hermitian=True) @ mixed.T
    # root' root is that information in units of the residual variance
    values, vectors = np.linalg.eigh(alone)
    # 1e-9: coefficients beyond the visited states have no information at all
    seen = values > 1e-9 * values[-1]
    root = np.sqrt(values[seen])[:, None] * vectors[:, seen].T
    # values at x -> coefficients -> units of their errors
    basis = function.by_constants(x)
    return KnownCurve(x, function.value(x), root @ np.linalg.pinv(basis, rcond=1e-6))


def _screened(
    members: Sequence[Relation], curve: KnownCurve, fit: "StateFit"
) -> list[tuple[Relation, np.ndarray]]:
    return screened(members, curve, fit.count, MOST_REFITS)


def screened(
    members: Sequence[Relation], curve: KnownCurve, count: int, most: int
) -> list[tuple[Relation, np.ndarray]]:
    """Return the members near a curve with their constants, the nearest first.

    Args:
        members: relations to fit to the curve.
        count: observations behind it;  most: members to return.
    """
    ranked = []
    for member in members:
        fitted = fit_relation(member, curve)
        if fitted is not None:
            # chi-square and BIC's log n for each free constant
            score = fitted[1] + len(member.free) * np.log(count)
            ranked.append((score, member, fitted[0]))
    ranked.sort(key=lambda entry: entry[0])
    near = [entry for entry in ranked if entry[0] <= ranked[0][0] + FAR][:most]
    return [(member, constants) for _, member, constants in near]


def _with_noise(fit: "StateFit", form: StateForm) -> "StateFit":
    """Return the fit under the noise that a closed form leaves."""
    problem = fit.problem
    values = replace(
        problem.values(fit.theta), functions={fit.latent.name: form.function}
    )
    constants = form.process_constants
    groups = len(problem.process.table)
    parameters = {n: np.full(groups, constants[n]) for n in values.parameters}
    # learned starts are constants of the process, the others stay as they were
    starts = {
        s.name: np.full(groups, constants[s.start_name])
        if s.learn_start
        else values.starts[s.name]
        for s in problem.process.model.states
    }
    run = problem.process.simulate(
        replace(values, parameters=parameters, starts=starts)
    )
    noise = problem.comparison.with_noise_of(run.outputs)
    return replace(fit, problem=replace(problem, comparison=noise))


def _refitted(fit: "StateFit", relation: Relation, constants: np.ndarray) -> StateForm:
    """Fit all constants of a form and of the process through the free run."""
    import torch

    from sciren.solvers.levenberg import minimise

    # the same problem with another function of the
    # state: closed forms carry no penalty of roughness
    (curve,) = fit.problem.terms
    problem = replace(
        fit.problem, terms=(closed_term(curve, relation, constants),), weights=(1.0,)
    )
    # process constants begin where the curve left them
    others = fit.theta[:, len(curve) :]
    theta = torch.cat([torch.from_numpy(constants)[None], others], 1)
    with torch.no_grad():
        theta = minimise(problem, theta, ITERATIONS, TOLERANCE, damping=1e-3).theta
    return _described(fit, relation, problem, theta)


def closed_term(term: "Term", relation: Relation, constants: np.ndarray) -> "Term":
    """Return a term with a closed form in place of its curve, without a penalty.

    Args:
        constants: (K,) by whose sizes long steps are told.
    """
    size = len(constants)
    # 1e-3: a constant at zero must be free to leave it
    sizes = np.maximum(np.abs(constants), 1e-3)
    return replace(term, build=relation.at, sizes=sizes, penalty=np.zeros((size, size)))


def _described(
    fit: "StateFit", relation: Relation, problem: Any, theta: Any
) -> StateForm:
    squares, _, matrix = problem.data_normal(theta)
    # pinv: constants that the data do not tell apart get no endless errors
    inverse = np.linalg.pinv(matrix, rcond=1e-14, hermitian=True)
    errors = np.sqrt(np.maximum(np.diag(inverse), 0.0) * squares / fit.count)
    size = len(relation.free)
    constants = theta[0, :size].numpy()
    names = problem.scale.names
    # constants of the process run on a training scale; errors follow by its slope
    _, raw = problem.parts(theta)
    physical = problem.scale.physical(raw)[0]
    slopes = problem.scale.slope(raw)[0].numpy()
    function = relation.at(constants)
    state = fit.latent.state_input
    assert state is not None
    # the bound is printed only where the visited states reach it
    held = bool((function.value(fit.visited) <= relation.low).any())
    free = size + len(names)
    return StateForm(
        relation,
        dict(zip(relation.names, constants.tolist(), strict=True)),
        dict(zip(relation.names, errors[:size].tolist(), strict=True)),
        dict(zip(names, physical.tolist(), strict=True)),
        dict(zip(names, (errors[size:] * slopes).tolist(), strict=True)),
        function,
        relation.expression(constants, state, held),
        squares,
        # n log(squares / n) + k log n, with k the constants of form and process
        fit.count * np.log(squares / fit.count) + free * np.log(fit.count),
        _free_squares(problem, theta),
    )


def _refusal(fit: "StateFit", form: StateForm) -> str:
    """Tell why a form is not the curve: the curve is better by more than chance."""
    if _strays(fit, form):
        times = form.free / _free_squares(fit.problem, fit.theta)
        return (
            f"{form.relation.label}, the best form, leaves {times:.3g} times the squares of "
            f"free runs with the curve; {1 + FREE_RUN:g} times are allowed. The process "
            "lacks something that lasts: keep the curve"
        )
    excess = form.squares - fit.squares
    # the curve's effective number of coefficients, less what the form spends itself
    freedom = max(
        fit.effective - len(form.constants) - len(form.process_constants), 1.0
    )
    # in the units of `squares`: chi-square times the variance of the residual
    allowed = float(chdtri(freedom, CHANCE)) * fit.squares / fit.count
    if excess <= allowed:
        return ""
    return (
        f"{form.relation.label}, the best form, leaves {excess:.3g} more than the curve in "
        f"units of the noise; {allowed:.3g} is allowed. Keep the curve, or name further "
        "families"
    )
