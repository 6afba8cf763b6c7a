"""Starts for one node of spline inner functions: indices and the outer's constants."""

from collections.abc import Iterator, Sequence

import numpy as np

from symbolic.composition.fitting.levenberg import solve
from symbolic.composition.fitting.model import Model, Node, Term, outer
from symbolic.composition.fitting.regression import Regression, polynomials

Array = np.ndarray

EXP_DISTANCES = (0.02, 0.1, 0.3, 1.0, 3.0)  # of the asymptote from the data, in ranges
LOG_SCALES = (0.06, 0.13, 0.3, 0.65, 1.0)  # amplitude of a log, in ranges
SCALES = (0.3, 0.7, 1.2)  # deviation of the index of an exp


def least_squares(columns: Array, target: Array, ridge: float = 1e-8) -> Array:
    """Coefficients of a well-scaled least-squares problem."""
    gram = columns.T @ columns
    gram.flat[:: len(gram) + 1] += ridge * len(columns)
    solution = solve(gram, columns.T @ target)
    return np.zeros(columns.shape[1]) if solution is None else solution


def spline_terms(
    regression: Regression, features: Sequence[int], beta: Array
) -> tuple[Term, ...]:
    """Cut coefficients of side-by-side splines into terms."""
    terms, at = [], 0
    for i in features:
        end = at + regression.columns[i].basis.shape[1]
        terms.append(Term(i, "spline", tuple(beta[at:end].tolist())))
        at = end
    return tuple(terms)


def additive_index(regression: Regression, splines: Array) -> Array:
    """Coefficients of the additive fit beside what is projected out."""
    # what is projected out of the target has to leave the columns as well
    columns = regression.without(splines * regression.weight[:, None])
    return least_squares(columns, regression.target)


def interaction_indices(
    regression: Regression, features: Sequence[int], degree: int = 2
) -> list[Array]:
    """Indices s whose square has the products that the target shows, both signs.

    Products of polynomials of all pairs are regressed beside the additive splines; their
    coefficients form a matrix without diagonal blocks, which is completed to rank one.

    Returns:
        Coefficients of the side-by-side splines, for s^2 and for -s^2.
    """
    if len(features) < 2:
        return []
    result = product_matrix(regression, features, degree)
    # coefficients of the polynomials -> those of the splines, which have unit mean square
    poly = [polynomials(regression.columns[i].z, degree) for i in features]
    indices = []
    for sign in (1.0, -1.0):
        # (sum v_i' p_i)^2 has the mixed terms 2 p_i' v_i v_j' p_j, so that half their
        # coefficients are v v' off its diagonal blocks
        vector = rank_one(sign * result, degree)
        if vector is not None:
            parts = vector.reshape(len(features), degree)
            indices.append(
                np.concatenate(
                    [
                        regression.columns[i].basis.T @ (p @ v) / len(regression)
                        for i, p, v in zip(features, poly, parts, strict=True)
                    ]
                )
            )
    return indices


def product_matrix(
    regression: Regression, features: Sequence[int], degree: int
) -> Array:
    """Return half the coefficients of all products of two features, diagonal blocks empty.

    Args:
        degree: polynomials of each feature.
    Returns:
        Symmetric (degree * d, degree * d).
    """
    poly = [polynomials(regression.columns[i].z, degree) for i in features]
    pairs = [(i, j) for i in range(len(features)) for j in range(i)]
    products = [
        (poly[i][:, :, None] * poly[j][:, None, :]).reshape(len(regression), -1)
        for i, j in pairs
    ]
    # additive splines beside: squares of single features are theirs
    columns = np.hstack([regression.splines(features), *products])
    columns = regression.without(columns * regression.weight[:, None])
    beta = least_squares(columns, regression.target, 1e-6)
    block = degree * degree
    coefficients = beta[len(beta) - block * len(pairs) :]
    matrix = np.zeros((degree * len(features),) * 2)
    for k, (i, j) in enumerate(pairs):
        # half: the matrix has each product twice
        part = coefficients[k * block : (k + 1) * block].reshape(degree, degree) / 2
        rows = slice(i * degree, (i + 1) * degree)
        others = slice(j * degree, (j + 1) * degree)
        matrix[rows, others], matrix[others, rows] = part, part.T
    return matrix


def rank_one(matrix: Array, block: int, iterations: int = 30) -> Array | None:
    """Return v (m,) with v v' equal to a symmetric matrix outside its diagonal blocks, or None.

    Args:
        block: size of a diagonal block.
    """
    filled, vector = matrix.copy(), None
    for _ in range(iterations):
        # Fill the unknown diagonal blocks with those of the present estimate, take the leading
        # eigenvector, and again: a fixed point has the given off-diagonal blocks.
        values, vectors = np.linalg.eigh(filled)
        if values[-1] <= 0:
            return None
        vector = vectors[:, -1] * np.sqrt(values[-1])
        for k in range(0, len(matrix), block):
            part = vector[k : k + block]
            filled[k : k + block, k : k + block] = np.outer(part, part)
    return vector


def from_index(
    regression: Regression, features: Sequence[int], beta: Array, kind: str
) -> list[tuple[float, Model]]:
    """Return nodes for a given index with the outer function's constants, best first.

    Args:
        beta: spline coefficients (m,) of the index;  kind: of the outer function.
    Returns:
        (sum of squares, model of the node alone).
    """
    splines = regression.splines(features)
    s = splines @ beta
    size = float(s.std())
    if size < 1e-12:
        return []
    # indices of unit deviation, so that grids of constants suit any of them
    s, beta = (s - s.mean()) / size, beta / size
    starts = []
    for factor, sign, head in _outer_constants(regression, s, kind):
        scored = _scored(regression, kind, sign, head, factor * s)
        if scored is not None:
            rss, scale, fitted = scored
            terms = spline_terms(regression, features, scale * factor * beta)
            starts.append((rss, Model(nodes=(Node(kind, sign, (fitted,), terms),))))
    return sorted(starts, key=lambda start: start[0])


def _outer_constants(
    regression: Regression, s: Array, kind: str
) -> Iterator[tuple[float, float, float]]:
    """Yield (factor on the index, sign, head) to try."""
    match kind:
        case "exp":
            yield from ((sign * size, 1.0, 1.0) for size in SCALES for sign in (1, -1))
        case "log":
            for side in (1.0, -1.0):
                # the argument 1 + s stays positive on the rows, by a gap
                lowest = -float((side * s).min())
                for offset in (0.05, 0.4, 2.0):
                    yield side / (lowest + offset), 1.0, 1.0
        case "quadratic":
            # a s^2 + b s is sign (root s + head)^2 up to a constant, with root = sqrt|a| and
            # head = sign b / (2 root)
            columns = np.stack([s, s * s], axis=1) * regression.weight[:, None]
            b, a = least_squares(regression.without(columns), regression.target)
            sign = 1.0 if a >= 0 else -1.0
            # nearly straight: a small bend is kept as a start
            root = max(np.sqrt(abs(a)), 0.05)
            yield root, sign, float(np.clip(0.5 * sign * b / root, -20, 20))
            yield 0.5, 1.0, 0.0
            yield 0.5, -1.0, 0.0
        case "abs":
            for share in (0.1, 0.3, 0.5, 0.7, 0.9):
                for sign in (1.0, -1.0):
                    yield 1.0, sign, -float(np.quantile(s, share))


def _scored(
    regression: Regression, kind: str, sign: float, head: float, s: Array
) -> tuple[float, float, float] | None:
    """Scale an outer function by least squares: sum of squares, factor, head."""
    value = outer(kind, sign, head, s)[0]
    column = regression.without(value * regression.weight)
    size = float(column @ column)
    if size < 1e-12 * len(s):
        return None
    amplitude = float(column @ regression.target) / size
    # an amplitude, free in sign
    if kind in ("exp", "log"):
        rss = float(np.sum((regression.target - amplitude * column) ** 2))
        return rss, 1.0, amplitude * head
    if amplitude <= 0:  # the sign says which way the fold opens
        return None
    rss = float(np.sum((regression.target - amplitude * column) ** 2))
    # a s^2 = (sqrt(a) s)^2, a |s| = |a s|
    scale = np.sqrt(amplitude) if kind == "quadratic" else amplitude
    return rss, float(scale), float(scale) * head


def inverse_links(
    regression: Regression, features: Sequence[int], kind: str
) -> list[tuple[float, Model]]:
    """Starts of exp and log: y transformed by a grid of the outer's constant.

    Each is one weighted additive fit, the weight being the slope of the outer function.
    """
    y, span = regression.y, float(np.ptp(regression.y))
    splines = regression.splines(features)
    columns = np.column_stack([np.ones(len(y)), splines])
    starts = []
    # for y = O(s) with one constant given, O^-1(y) is a plain sum with errors divided by O'(s)
    for target, slope, head in _transformed(y, span, kind):
        weight = regression.weight * slope
        beta = least_squares(columns * weight[:, None], target * weight)
        level, beta = float(beta[0]), beta[1:]
        # the level of the index goes into the amplitude: E exp(c + s) = E exp(c) exp(s)
        if kind == "exp":
            model = _node(regression, features, "exp", head * np.exp(level), beta)
        # log(c + s) = log c + log(1 + s / c); a level that is not positive has no logarithm
        elif level > 0:
            model = _node(regression, features, "log", head, beta / level)
        else:
            continue
        s = splines @ np.concatenate([t.constants for t in model.nodes[0].terms])
        value = outer(kind, 1.0, model.nodes[0].head[0], s - s.mean())[0]
        residual = regression.target - regression.without(value * regression.weight)
        starts.append((float(residual @ residual), model))
    return sorted(starts, key=lambda start: start[0])


def _transformed(
    y: Array, span: float, kind: str
) -> Iterator[tuple[Array, Array, float]]:
    """Yield (transformed y, slope dy/ds, head) over the grid of constants."""
    if kind == "exp":
        # y - c = exp(s): the constant c lies a share of the span beyond the data, below
        # them for growth away from it and above them for the mirrored curve.
        for distance in EXP_DISTANCES:
            for sign in (1.0, -1.0):
                base = float(y.min() if sign > 0 else y.max())
                away = sign * (y - base) + distance * span
                yield np.log(away), away, sign
    elif kind == "log":
        # y - c = a log(s), so s = exp((y - c) / a): the middle keeps the exponent
        # small.
        middle = float(np.median(y))
        for share in LOG_SCALES:
            for sign in (1.0, -1.0):
                amplitude = sign * share * span
                target = np.exp((y - middle) / amplitude)
                yield target, abs(amplitude) / target, amplitude


def _node(
    regression: Regression,
    features: Sequence[int],
    kind: str,
    head: float,
    beta: Array,
) -> Model:
    terms = spline_terms(regression, features, beta)
    return Model(nodes=(Node(kind, 1.0, (float(head),), terms),))
