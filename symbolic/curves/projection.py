"""Least squares of one form: outer constants exactly, inner ones by a short search.

For fixed inner constants u the amplitude and the offset follow from linear least
squares; what is left is a search over u alone (variable projection). A fixed grid is
followed by a zoom around its best minima and by Gauss-Newton steps on the projected
residual; nothing is random.

Reference: Golub and Pereyra 1973; Kaufman 1975 for the shortened Jacobian.
"""

from dataclasses import dataclass

import numpy as np

from symbolic.curves.points import SEARCH_BINS, WORK_BINS, Points
from symbolic.families.forms import Array, Bounds, Form, Shape

ZOOM_LEVELS, ZOOM_POINTS = 4, 9
"""Each level narrows an interval of the grid by four: to 1/256 of it, from where
Gauss-Newton converges."""

STARTS = 3
"""Minima that are followed, best first: a parabola and a kink can each fit from either side."""


@dataclass(frozen=True)
class Projected:
    """Best outer constants for given inner ones, and the mean squared residual."""

    inner: Array
    amplitude: float
    offset: float
    loss: float

    @property
    def constants(self) -> Array:
        """Amplitude, inner constants and offset in the order of the form."""
        return np.array([self.amplitude, *self.inner, self.offset])


def fit_form(form: Form, points: Points, margin: float = 0.0) -> Array | None:
    """Return the least squares constants of a form, None when it has no member here.

    Args:
        points: in the units in which the constants are wanted; scaled to [-1, 1] for
            forms with a grid.
        margin: share of the range by which the domain has to reach beyond the points.
    """
    shape = form.shape
    if shape is None:
        return np.array([float(points.mean(points.y))])
    if not form.inner:
        return project(shape, points, np.empty(0)).constants
    low, high = float(points.x[0]), float(points.x[-1])
    stretch = margin * (high - low)
    domain = (low - stretch, high + stretch)
    work = points.binned(WORK_BINS)
    starts = search(shape, points.binned(SEARCH_BINS), domain)
    fits = [polish(shape, work, u, domain) for u in starts]
    fits = [fit for fit in fits if np.isfinite(fit.loss)]
    return min(fits, key=lambda fit: fit.loss).constants if fits else None


def project(shape: Shape, points: Points, u: Array) -> Projected:
    """Solve amplitude and offset for inner constants u (k,)."""
    g = shape.value(points.x, tuple(u))
    g_mean, y_mean = points.mean(g), points.mean(points.y)
    g0, y0 = points.centred(g), points.target()
    size = points.product(g0, g0)
    # a shape that is constant on the points, or overflows there
    if not (np.isfinite(size) and size > 0):
        return Projected(u, 0.0, float(y_mean), np.inf)
    a = points.product(g0, y0) / size
    loss = points.product(y0 - a * g0, y0 - a * g0)
    # the offset makes the means equal, whatever the misfit is measured by
    return Projected(u, float(a), float(y_mean - a * g_mean), float(loss))


def losses(shape: Shape, points: Points, grid: Array, domain: Bounds) -> Array:
    """Mean squared residual for each row u of a grid (m, k); infinite off the domain."""
    x, columns = points.x[None, :], tuple(grid.T[:, :, None])
    g0, y0 = points.centred(shape.value(x, columns)), points.target()
    size = points.product(g0, g0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # with the best amplitude a = <g, y> / <g, g> the residual is <y, y> - <g, y>^2 / <g, g>
        gain = points.product(g0, y0) ** 2 / size
    loss = np.maximum(points.product(y0, y0) - gain, 0.0)
    inside = [shape.clearance(tuple(u), *domain) > 0 for u in grid]
    return np.where(np.isfinite(loss) & inside, loss, np.inf)


def search(shape: Shape, points: Points, domain: Bounds) -> list[Array]:
    """Return the best few minima (k,) of the loss over the shape's grid, zoomed in.

    Args:
        domain: ends of the range on which a member has to be defined.
    """
    grid = shape.grid()
    loss = losses(shape, points, grid, domain)
    if grid.shape[1] > 1:  # neighbours of a grid of several constants are not in line
        return [grid[i] for i in np.argsort(loss, kind="stable")[:STARTS]]
    # minima at either end of the grid count as well
    padded = np.concatenate([[np.inf], loss, [np.inf]])
    minima = np.flatnonzero((loss <= padded[:-2]) & (loss <= padded[2:]))
    best = minima[np.argsort(loss[minima], kind="stable")][:STARTS]
    best = best[np.isfinite(loss[best])]
    return [_zoom(shape, points, grid, int(i), domain) for i in best]


def _zoom(shape: Shape, points: Points, grid: Array, i: int, domain: Bounds) -> Array:
    # between the neighbours of the best place, then between those of the next
    low, high = grid[max(i - 1, 0), 0], grid[min(i + 1, len(grid) - 1), 0]
    best = grid[i]
    for _ in range(ZOOM_LEVELS):
        fine = np.linspace(low, high, ZOOM_POINTS)
        j = int(np.argmin(losses(shape, points, fine[:, None], domain)))
        best = fine[j : j + 1]
        low, high = fine[max(j - 1, 0)], fine[min(j + 1, ZOOM_POINTS - 1)]
    return best


def polish(
    shape: Shape, points: Points, u: Array, domain: Bounds, steps: int = 40
) -> Projected:
    """Take Gauss-Newton steps of inner constants (k,) until nothing is gained.

    Args:
        domain: ends of the range that no step may leave;  steps: at most.
    """
    best = project(shape, points, _clipped(u, shape.bounds))
    for _ in range(steps):
        if not 0 < best.loss < np.inf:
            break
        better = _line_search(shape, points, best, domain)
        if better is None:
            break
        # gains below one part in 1e10 no longer change a digit of the constants that is told
        settled = better.loss > best.loss * (1 - 1e-10)
        best = better
        if settled:
            break
    return best


def _line_search(
    shape: Shape, points: Points, start: Projected, domain: Bounds
) -> Projected | None:
    move = _gauss_newton(shape, points, start)
    for halving in range(12):  # to 1/4096 of the step, below which nothing is gained
        u = _clipped(start.inner + move * 0.5**halving, shape.bounds)
        if shape.clearance(tuple(u), *domain) > 0:
            trial = project(shape, points, u)
            if trial.loss < start.loss:
                return trial
    return None


def _clipped(u: Array, bounds: tuple[Bounds, ...]) -> Array:
    limits = np.array(bounds)
    return np.clip(u, limits[:, 0], limits[:, 1])


def _gauss_newton(shape: Shape, points: Points, at: Projected) -> Array:
    u = tuple(at.inner)
    g0 = points.centred(shape.value(points.x, u))
    slopes = points.centred(at.amplitude * np.stack(shape.by_inner(points.x, u)))
    size = points.product(g0, g0)
    # amplitude and offset follow the inner constants (Golub and Pereyra 1973): only
    # what is orthogonal to the shape itself moves the residual
    slopes = slopes - np.outer(points.product(slopes, g0) / size, g0)
    residual = points.target() - at.amplitude * g0
    normal = points.product(slopes[:, None], slopes[None])
    right = points.product(slopes, residual)
    return np.linalg.lstsq(normal, right, rcond=1e-12)[0]
