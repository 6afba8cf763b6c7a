"""Closed forms of all latents that change in time, refitted together through the simulation.

1. candidates     every curve against families, as for a function of one state
2. joint refit    constants of all forms, numbers of groups and process constants together
3. choice         term by term: another family is taken where n log(squares / n) +
                  k log(n) of the joint refit falls
4. refusal        where the curves fit better by more than chance allows

The level of a latent per row is its offset: forms of features stand without theirs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy
import torch
from scipy.special import chdtri

from sciren.dynamics.functions.fit import FunctionFit, described, with_noise_of
from sciren.dynamics.functions.problem import FunctionProblem
from sciren.dynamics.functions.terms import OFFSET, Additive, Term, offset
from sciren.solvers.levenberg import minimise
from symbolic.curves.criterion import EQUAL_WITHIN
from symbolic.curves.curve_errors import CHANCE
from symbolic.dynamics.closed.model import ClosedModel
from symbolic.dynamics.state_closed_forms import (
    ITERATIONS,
    MOST_REFITS,
    TOLERANCE,
    closed_term,
    known_curve,
    screened,
)
from symbolic.dynamics.state_relation import STATE_FAMILIES, Relation, relations

SEVERAL = 3
"""Candidates of a term where there are several: joint refits grow with their product."""

Candidates = Sequence[tuple[Relation, np.ndarray]]


@dataclass(frozen=True)
class Candidate:
    """A family that was tried for a term, all others at their best.

    Attributes:
        latent, source: of the term.
        relation: the family, and which of its constants are free.
        squares: whitened sum;  criterion: see above.
    """

    latent: str
    source: str
    relation: Relation
    squares: float
    criterion: float


@dataclass(frozen=True)
class FunctionForms:
    """Closed forms of all latents that change in time.

    Attributes:
        curves: the fit that they replace.
        fit: with the forms, under the noise that they leave.
        relations: of every term of the fit; None for an offset.
        candidates: families that were tried.
        reason: why the forms are not the curves, or "".
    """

    curves: FunctionFit = field(repr=False)
    fit: FunctionFit = field(repr=False)
    relations: tuple[Relation | None, ...]
    candidates: tuple[Candidate, ...]
    reason: str = ""

    @property
    def refused(self) -> bool:
        """Whether the curves are better than the forms by more than chance."""
        return bool(self.reason)

    @property
    def constants(self) -> dict[str, float]:
        """Constants of the formulas by name."""
        values = self.fit.theta[0, : self.fit.problem.size].tolist()
        return dict(zip(self._names, values, strict=True))

    def all_errors(self) -> dict[str, float]:
        """Return standard errors of all shared constants, physical, all else free."""
        problem = self.fit.problem
        _, _, matrix = problem.data_normal(self.fit.theta)
        # pinv: constants that the data do not tell apart get no endless errors
        inverse = np.linalg.pinv(matrix, rcond=1e-14, hermitian=True)
        variance = np.maximum(np.diag(inverse), 0.0) * self.fit.squares / self.fit.count
        errors = np.sqrt(variance)
        shared = len(problem.scale.constants)
        _, raw = problem.parts(self.fit.theta)
        # constants of the process run on a training scale; errors follow by its slope
        slopes = problem.scale.slope(raw)[0, -shared:].numpy() if shared else np.ones(0)
        own = errors[len(errors) - shared :] * slopes
        names = [p.name for p in problem.scale.constants]
        return {
            **dict(zip(self._names, errors[: problem.size].tolist(), strict=True)),
            **dict(zip(names, own.tolist(), strict=True)),
        }

    def owners(self) -> dict[str, tuple[str, str]]:
        """Return constant of a formula -> latent and source of its term."""
        return {
            name: (term.latent.name, term.source)
            for term, relation in zip(
                self.fit.problem.terms, self.relations, strict=True
            )
            for name in constant_names(term, relation)
        }

    def process(self) -> ClosedModel:
        """Return the process with the formulas in place of the latents."""
        base = self.fit.problem.process
        columns = base.table.forcing_columns
        return ClosedModel(base.model, self.formulas(), self.constants, columns)

    def flat(self) -> "FunctionForms":
        """Return every latent as one number, its mean, not refitted."""
        problem = self.fit.problem
        latents = {t.latent.name: t.latent for t in problem.terms}
        run, seen = (
            problem.trajectory(self.fit.theta),
            problem.comparison.compared.any(0),
        )
        parameters = dict(zip(problem.process.parameter_names,
                              problem.process.parameters_at(run), strict=True))  # fmt: skip
        means = np.array([float(parameters[n][seen].mean()) for n in latents])
        terms = tuple(offset(latent) for latent in latents.values())
        flat = replace(problem, terms=terms, weights=(1.0,) * len(terms))
        _, raw = problem.parts(self.fit.theta)
        theta = flat.joined(torch.from_numpy(means), raw)
        fit = replace(self.fit, problem=flat, theta=theta)
        return replace(self, fit=fit, relations=(None,) * len(terms), candidates=())

    @property
    def _names(self) -> list[str]:
        return [
            name
            for term, relation in zip(
                self.fit.problem.terms, self.relations, strict=True
            )
            for name in constant_names(term, relation)
        ]

    def formulas(self) -> dict[str, sympy.Expr]:
        """Return latent -> formula of features, states and the names of constants."""
        problem, known = self.fit.problem, {}
        for term, relation in zip(problem.terms, self.relations, strict=True):
            names = constant_names(term, relation)
            known.setdefault(term.latent.name, []).append(
                _formula(term, relation, names)
            )
        reached = _reached(self.fit)
        return {
            name: _inside(sympy.Add(*parts), problem.process.model.parameters[name],
                          reached[name])
            for name, parts in known.items()
        }  # fmt: skip

    def equals(self, latent: str, source: str) -> tuple[str, ...]:
        """Return labels of the forms of a term that do as well, the best first."""
        own = sorted(
            (c for c in self.candidates if (c.latent, c.source) == (latent, source)),
            key=lambda candidate: candidate.criterion,
        )
        if not own:
            return ()
        limit = own[0].criterion + EQUAL_WITHIN
        return tuple(
            dict.fromkeys(c.relation.label for c in own if c.criterion <= limit)
        )


def constant_names(term: Term, relation: Relation | None) -> tuple[str, ...]:
    """Return names of the constants of a term, unique in a process: latent_source_a."""
    latent = term.latent.name
    if relation is None:
        return (f"{latent}_0",)
    # columns may be called anything, constants are identifiers
    source = re.sub(r"\W", "_", term.source)
    return tuple(f"{latent}_{source}_{name}" for name in relation.names)


def function_forms(
    fit: FunctionFit, families: Sequence[str] = STATE_FAMILIES
) -> FunctionForms:
    """Replace the learned curves of latents by closed forms.

    Args:
        fit: of `sciren.dynamics.fit_functions`.
        families: names of `symbolic.families.library.FAMILIES`.
    """
    offered = [
        _candidates(fit, k, tuple(families)) for k in range(len(fit.problem.terms))
    ]
    tried: list[Candidate] = []
    chosen = [None if members is None else members[0] for members in offered]
    best = _refitted(fit, chosen)
    _note(tried, fit, chosen, best, range(len(chosen)))
    for k, options in enumerate(offered):
        for option in (options or ())[1:]:
            other = [*chosen[:k], option, *chosen[k + 1 :]]
            refitted = _refitted(best if np.isfinite(best.squares) else fit, other)
            _note(tried, fit, other, refitted, [k])
            if refitted.bayes < best.bayes:
                chosen, best = other, refitted
    relations_ = tuple(None if pair is None else pair[0] for pair in chosen)
    reason = _refusal(fit, best, relations_)
    # The curves' residuals hold their own errors; those of the forms say what the noise
    # is.
    with torch.no_grad():
        problem = with_noise_of(best.problem, best.theta)
        theta = minimise(problem, best.theta, ITERATIONS, TOLERANCE, damping=1e-3).theta
    final = _described(problem, theta)
    return FunctionForms(fit, final, relations_, tuple(tried), reason)


def _described(problem: FunctionProblem, theta: torch.Tensor) -> FunctionFit:
    with torch.no_grad(), np.errstate(all="ignore"):
        squares = float(problem.loss(theta, torch.zeros(1, dtype=torch.long)))
        if not np.isfinite(squares):  # a form that left its domain
            return FunctionFit(problem, theta, np.inf, 1, np.inf, 0.0)
        fit = described(problem, theta)
    # Closed forms carry no penalty: every number counts.
    count, size = fit.count, theta.shape[1]
    score = count * np.log(fit.squares / count) + 2 * size
    return replace(fit, effective=float(size), score=score)


def _candidates(
    fit: FunctionFit, k: int, families: tuple[str, ...]
) -> list[tuple[Relation, np.ndarray]] | None:
    """Return the relations near the curve of a term, the nearest first; None: an offset."""
    problem, term = fit.problem, fit.problem.terms[k]
    if term.source == OFFSET:
        return None
    visited = problem.visited(fit.theta, term)
    middle = float(np.median(visited))
    # Constants in units of a typical value have a size that can be read: one digit of a
    # state; of a feature a power of ten, which moves the point of its numbers only.
    reference = float(f"{middle:.1g}") if middle > 0 else 1.0
    if not term.latent.inputs:
        reference = 10.0 ** round(np.log10(middle)) if middle > 0 else 1.0
    members = relations(families, reference, -np.inf)
    if not term.latent.inputs:
        members = [relation for relation in members if "d" not in relation.names]
    _, _, matrix = problem.data_normal(fit.theta)
    place = problem.places[k]
    function = term.build(fit.theta[0, place].numpy())
    curve = known_curve(matrix / (fit.squares / fit.count), place, function, visited)
    curves = sum(other.source != OFFSET for other in problem.terms)
    return screened(members, curve, fit.count, MOST_REFITS if curves == 1 else SEVERAL)


def _refitted(
    fit: FunctionFit, chosen: Sequence[tuple[Relation, np.ndarray] | None]
) -> FunctionFit:
    """Fit the constants of all forms with all other numbers through the free run."""
    problem = fit.problem
    before, raw = problem.parts(fit.theta)
    terms, constants = [], []
    for term, place, option in zip(problem.terms, problem.places, chosen, strict=True):
        if option is None or _is(term, option[0]):
            terms.append(term)
            constants.append(before[place])
        else:
            terms.append(closed_term(term, *option))
            constants.append(option[1])
    closed = replace(problem, terms=tuple(terms), weights=(1.0,) * len(terms))
    theta = closed.joined(torch.from_numpy(np.concatenate(constants)), raw)
    theta = _levelled(fit, closed, theta)
    with torch.no_grad(), np.errstate(all="ignore"):
        theta = minimise(closed, theta, ITERATIONS, TOLERANCE, damping=1e-3).theta
    return _described(closed, theta)


def _is(term: Term, relation: Relation) -> bool:
    """Whether a term has this form already, so that its constants are fitted ones."""
    return getattr(term.build, "__self__", None) == relation


def _levelled(
    fit: FunctionFit, closed: FunctionProblem, theta: torch.Tensor
) -> torch.Tensor:
    """Give the offsets the mean that the curves had beyond their forms."""
    moved, seen = theta.clone(), closed.comparison.compared.any(0)
    before, after = (
        model.functions(at) for model, at in ((fit.problem, fit.theta), (closed, theta))
    )
    for term, place in zip(closed.terms, closed.places, strict=True):
        if term.source == OFFSET:
            name = term.latent.name
            old, new = (f[name].free(closed.columns)[seen] for f in (before, after))  # pyright: ignore[reportAttributeAccessIssue]
            shift = float(np.mean(old) - np.mean(new))
            moved[0, place] += shift if np.isfinite(shift) else 0.0
    return moved


def _note(
    tried: list[Candidate],
    fit: FunctionFit,
    chosen: Sequence[tuple[Relation, np.ndarray] | None],
    refit: FunctionFit,
    places: Sequence[int],
) -> None:
    for k in places:
        option, term = chosen[k], fit.problem.terms[k]
        if option is not None:
            tried.append(
                Candidate(
                    term.latent.name, term.source, option[0], refit.squares, refit.bayes
                )
            )


def _refusal(
    fit: FunctionFit, best: FunctionFit, chosen: Sequence[Relation | None]
) -> str:
    """Tell why the forms are not the curves: curves are better by more than chance."""
    excess = best.squares - fit.squares
    freedom = max(fit.effective - best.effective, 1.0)
    # in the units of `squares`: chi-square times the variance of the residual
    allowed = float(chdtri(freedom, CHANCE)) * fit.squares / fit.count
    if excess <= allowed:
        return ""
    named = ", ".join(relation.label for relation in chosen if relation is not None)
    return (
        f"{named}, the best forms, leave {excess:.3g} more than the curves in units of the "
        f"noise; {allowed:.3g} is allowed. Keep the curves, or name further families"
    )


def _formula(term: Term, relation: Relation | None, names: Sequence[str]) -> sympy.Expr:
    symbols = [sympy.Symbol(name, real=True) for name in names]
    if relation is None:
        return symbols[0]
    z = sympy.Symbol(term.source, real=True)
    unit = relation.reference
    z = z / (int(unit) if unit == int(unit) else sympy.Float(unit))
    free = dict(zip(relation.free, symbols, strict=True))
    count = len(relation.form.constants)
    return relation.form.expression(
        z, [free.get(k, sympy.Integer(0)) for k in range(count)]
    )


def _reached(fit: FunctionFit) -> dict[str, tuple[bool, bool]]:
    """Return which bounds hold a latent in a compared row, low and high."""
    problem, functions = fit.problem, fit.problem.functions(fit.theta)
    seen = problem.comparison.compared.any(0)
    run = problem.trajectory(fit.theta)
    known = {}
    for name, function in functions.items():
        if isinstance(function, Additive):
            value = function.value(problem.columns)[seen]
        else:
            value = function.value(problem.process.input_of(name, run))[seen]
        latent = problem.process.model.parameters[name]
        known[name] = (
            bool((value <= latent.low).any()),
            bool((value >= latent.high).any()),
        )
    return known


def _inside(formula: Any, latent: Any, reached: tuple[bool, bool]) -> sympy.Expr:
    if reached[0]:
        formula = sympy.Max(_short(latent.low), formula)
    return sympy.Min(_short(latent.high), formula) if reached[1] else formula


def _short(number: float) -> Any:
    return sympy.Integer(int(number)) if number == int(number) else sympy.Float(number)
