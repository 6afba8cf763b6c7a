"""Errors of the printed constants: covariance of the joint refit, by the delta method."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from symbolic.model.fit_record import ConstantsRecord, Correlation, SlopeAndCurvature
from symbolic.search.observations import constraints_of
from symbolic.search.problem import SymbolicProblem
from symbolic.search.refit import Refit
from symbolic.terms.bounded import printed_constants, printed_structure
from symbolic.terms.constant_rows import constant_rows, quantile_95
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.raw_constants import RawConstant
from symbolic.terms.rebuild import Units
from symbolic.terms.structure import LatentStructure

Structures = Sequence[LatentStructure]

CORRELATED = 0.95
"""Correlation above which two constants are not identified one by one."""


@dataclass(frozen=True)
class Spread:
    """Covariance of all printed constants.

    Attributes:
        keys: (latent, constant); process constants come last, with latent "".
        covariance: (m, m), raw and physical units.
    """

    keys: tuple[tuple[str, str], ...]
    covariance: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Standard errors (m,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def correlated(self, above: float = CORRELATED) -> list[Correlation]:
        """Return pairs of constants whose correlation is above a limit, closest first."""
        size = self.errors
        # a constant that is held or exact has no error and correlates with nothing
        safe = np.where(size > 0, size, np.inf)
        matrix = self.covariance / np.outer(safe, safe)
        places = np.argwhere(np.triu(np.abs(matrix) > above, 1))
        pairs = [
            Correlation(
                *(self.keys[i] + self.keys[j]),
                correlation=float(np.clip(matrix[i, j], -1.0, 1.0)),
            )
            for i, j in places
        ]
        return sorted(pairs, key=lambda pair: -abs(pair.correlation))


def spread_of(refit: Refit, problem: SymbolicProblem, units: Units) -> Spread:
    """Return the covariance J C J' of every printed constant, by the delta method.

    J is the Jacobian of printed constants by all constants of the refit, C their covariance.
    """
    listed = _printed(refit.structures, problem, units)
    names = problem.term.model.decoder.constant_names
    # d(physical) / d(training scale) of the process constants
    slope = problem.term.model.constant_scale.slope(refit.constants).cpu().numpy()
    front = _jacobian(
        refit,
        problem,
        lambda all_: [constant.value for constant in _printed(all_, problem, units)],
    )
    # Rows of the Jacobian for process constants: they move with themselves only.
    back = np.zeros((len(names), front.shape[1]))
    back[:, problem.cuts[-1] :] = np.diag(slope)
    jacobian = np.concatenate([front, back])
    keys = [
        *((constant.latent, constant.name) for constant in listed),
        *(("", n) for n in names),
    ]
    # delta method: the covariance of g(theta) is J C J'
    return Spread(tuple(keys), jacobian @ refit.covariance.cpu().numpy() @ jacobian.T)


def _printed(
    structures: Structures, problem: SymbolicProblem, units: Units
) -> list[RawConstant]:
    return printed_constants(structures, constraints_of(problem.term.model), units)


def constant_table(
    refit: Refit, problem: SymbolicProblem, units: Units, unit_of: Mapping[str, str]
) -> pd.DataFrame:
    """Return every printed constant with standard error, by the delta method.

    Args:
        unit_of: latent -> unit of its raw value, where that has one.

    Columns: name, latent, source, role, value, error, low, high, unit, kind.
    """
    listed = _printed(refit.structures, problem, units)
    errors = spread_of(refit, problem, units).errors
    quantile = quantile_95(refit.cosines, refit.groups)
    return pd.DataFrame(constant_rows(listed, errors[: len(listed)], unit_of, quantile))


def reparametrised(
    refit: Refit, problem: SymbolicProblem, units: Units, spread: Spread
) -> list[SlopeAndCurvature]:
    """Return slope and curvature at the mean of edges whose constants are correlated."""
    pairs = spread.correlated()
    close = {(pair.latent, pair.constant) for pair in pairs}
    close |= {(pair.other_latent, pair.other) for pair in pairs}
    # the edges behind the correlated constants; a constant without a feature is an offset
    latents = {
        (raw_constant.latent, raw_constant.source)
        for raw_constant in _printed(refit.structures, problem, units)
        if (raw_constant.latent, raw_constant.name) in close and raw_constant.source
    }
    places = [
        (k, number)
        for k, structure in enumerate(refit.structures)
        for number, edge in enumerate(structure.all_edges)
        if (structure.name, units.names[edge.source]) in latents and _bends(edge)
    ]
    if not places:
        return []
    # slope and curvature where the data are dense are nearly independent, unlike a and b of a
    # gentle exponential
    middle = problem.z.mean(0)

    bounds = constraints_of(problem.term.model)

    def shapes(structures: Structures) -> list[float]:
        structures = [
            printed_structure(structure, bounds[structure.name])
            for structure in structures
        ]
        values = []
        for k, number in places:
            edge = structures[k].all_edges[number]
            values += _slope_and_curvature(edge, middle[edge.source], units)
        return values

    values = shapes(refit.structures)
    jacobian = _jacobian(refit, problem, shapes)
    covariance = jacobian @ refit.covariance.cpu().numpy() @ jacobian.T
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0)).tolist()
    rows = []
    for place, (k, number) in enumerate(places):
        edge = refit.structures[k].all_edges[number]
        source = edge.source
        rows.append(
            SlopeAndCurvature(
                latent=refit.structures[k].name,
                source=units.names[source],
                family=edge.form.family if edge.form else "none",
                at=float(units.shift[source] + units.scale[source] * middle[source]),
                slope=values[2 * place],
                slope_error=errors[2 * place],
                curvature=values[2 * place + 1],
                curvature_error=errors[2 * place + 1],
            )
        )
    return rows


def _bends(edge: EdgeTerm) -> bool:
    return edge.form is not None and edge.form.bends


def _slope_and_curvature(edge: EdgeTerm, z: float, units: Units) -> list[float]:
    """Derivatives by the raw feature at scaled z."""
    assert edge.form is not None
    # analytic slopes, so 1e-4 leaves 1e-8 of truncation and 1e-12 of rounding
    step, scale = 1e-4, float(units.scale[edge.source])
    left, here, right = edge.form.by_x(np.array([z - step, z, z + step]), edge.full)
    # d/dx = (1 / scale) d/dz
    return [float(here / scale), float((right - left) / (2 * step * scale**2))]


def _jacobian(
    refit: Refit,
    problem: SymbolicProblem,
    evaluate: Callable[[Structures], Sequence[float]],
) -> np.ndarray:
    """Derivative of what structures give by theta, central differences."""
    base, size = refit.theta, len(evaluate(refit.structures))
    columns = []
    for place in range(len(base)):
        # held constants have neither a step nor an error
        if not bool(refit.free[place]):
            columns.append(np.zeros(size))
            continue
        # about the cube root of the rounding of a double, at which truncation and rounding of
        # central differences are alike
        step = 1e-6 * max(1.0, abs(float(base[place])))
        sides = []
        for direction in (1.0, -1.0):
            moved = base.clone()
            moved[place] += direction * step
            sides.append(np.array(evaluate(problem.structures_at(moved))))
        columns.append((sides[0] - sides[1]) / (2 * step))
    return np.stack(columns, axis=1)


def physical_errors(refit: Refit, problem: SymbolicProblem) -> dict[str, float]:
    """Standard errors of the process constants, physical units."""
    scale = problem.term.model.constant_scale
    names = problem.term.model.decoder.constant_names
    # process constants come last
    cut = problem.cuts[-1]
    variance = refit.covariance.diagonal()[cut:].clamp_min(0)
    errors = variance.sqrt() * scale.slope(refit.constants)
    return dict(zip(names, errors.tolist(), strict=True))


def _how(refit: Refit, problem: SymbolicProblem) -> str:
    if refit.cosines:
        return (
            f"residuals in time order, {refit.cosines} cosines, whatever their memory"
        )
    if refit.blocks:
        return f"residuals of {refit.blocks} blocks of rows, whatever their noise"
    rows = problem.term.n_rows
    return f"residuals of {rows} rows one by one (HC3), whatever their noise"


def identification(
    refit: Refit, problem: SymbolicProblem, units: Units
) -> ConstantsRecord:
    """Return how the errors were found and which constants depend on each other."""
    spread = spread_of(refit, problem, units)
    return ConstantsRecord(
        f"joint refit (Jacobian; {_how(refit, problem)})",
        tuple(spread.correlated()),
        tuple(reparametrised(refit, problem, units, spread)),
        refit.cosines,
        refit.groups,
    )
