"""What prediction needs to know about the uncertainty of latents and means, stored.

A row's raw latents and the constants have the covariance G V G', where G holds the basis
of the row; limits of a latent are those of its raw value, limits of a mean follow by the
delta method from the sensitivities that the caller brings.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sciren.inference.basis import CurveBasis
from sciren.inference.design import Design, Edge
from sciren.inference.intervals.constants import Intervals
from sciren.inference.intervals.quantiles import t_quantile

Array = np.ndarray

STEP = 1e-4
"""Share of a standard deviation (one for constants) of central differences: their error
is of its square."""


def _size(raw: np.ndarray) -> float:
    """Size of a raw latent, by which differences are taken: its spread, else its level."""
    return max(float(raw.std()), 1e-3 * float(np.abs(raw).mean())) or 1e-3


@dataclass(frozen=True, eq=False)
class MeanLaw:
    """Recommended curves and their covariance, free of data and of torch.

    Attributes:
        features: names of the columns that the curves use.
        design: edges (place in features, latent) and bases without data.
        theta: (P,);  covariance: (P, P);  freedom: of Student's t.
        left_out: edges of the design, by number, that are undecided and that what
            predicts leaves out: limits hold with them and without.
    """

    features: tuple[str, ...]
    design: Design
    theta: Array
    covariance: Array
    freedom: float
    left_out: tuple[int, ...] = ()

    @classmethod
    def of(cls, intervals: Intervals, held: Sequence[Edge] | None = None) -> "MeanLaw":
        """Take over the recommended fit, soft edges included.

        Args:
            intervals: of the data.
            held: edges of what predicts; default the kept ones.
        """
        selection = intervals.selection
        held = selection.kept if held is None else held
        undecided = {*selection.edges("undecided")} - {*held}
        smooth = intervals.recommended
        process, design = smooth.fit.process, smooth.design
        # Columns without an edge are left out: predicting then asks for used features
        # only.
        used = sorted({feature for feature, _ in design.edges})
        edges = tuple((used.index(feature), k) for feature, k in design.edges)
        bases = tuple(
            replace(basis, columns=np.zeros((0, basis.size))) for basis in design.bases
        )
        return cls(
            tuple(process.feature_names[feature] for feature in used),
            Design(edges, bases, design.n_latents, design.n_constants),
            smooth.theta,
            intervals.covariance.matrix,
            intervals.covariance.freedom,
            tuple(k for k, edge in enumerate(design.edges) if edge in undecided),
        )

    @property
    def constants(self) -> Array:
        """Constants (K,) on their training scale."""
        return self.theta[self.design.constants]

    def without_left_out(self) -> "MeanLaw":
        """Return the law of the same fit with the left out edges at their mean."""
        gone = np.zeros(self.design.size, dtype=bool)
        for number in self.left_out:
            gone[self.design.blocks[number]] = True
        theta = np.where(gone, 0.0, self.theta)
        covariance = np.where(gone[:, None] | gone, 0.0, self.covariance)
        return replace(self, theta=theta, covariance=covariance, left_out=())

    def rows(
        self, columns: Mapping[str, Array], count: int, level: float = 0.95
    ) -> "RowLaw":
        """Return raw latents and their covariance at given rows.

        A feature that is missing adds nothing, as at its mean: features that were not
        selected are often not measured any more.

        Args:
            columns: feature -> (count,).
            count: number of rows.
            level: probability of the limits that are to be asked for.
        """
        design, width = self.design, self.design.size
        # G (L + K, count, P): what theta adds to each raw latent and constant of every
        # row.
        both = np.zeros((design.n_latents + design.n_constants, count, width))
        for latent in range(design.n_latents):
            both[latent, :, latent] = 1.0
        for (feature, latent), basis, block in zip(
            design.edges, design.bases, design.blocks, strict=True
        ):
            name = self.features[feature]
            if name in columns:
                x = np.asarray(columns[name], dtype=float)
                finite = np.isfinite(x)
                both[latent, finite, block] = basis.at(x[finite])
        for k, place in enumerate(range(design.constants.start, width)):
            both[design.n_latents + k, :, place] = 1.0
        raw = both[: design.n_latents] @ self.theta
        # G V G' row by row: (n, L + K, L + K).
        moved = both @ self.covariance
        spread = np.einsum("anp,bnp->nab", moved, both, optimize=True)
        apart = self._apart(columns, count, level)
        latents = np.arange(design.n_latents)
        spread[:, latents, latents] += apart
        return RowLaw(raw.T, self.constants, spread, self.freedom, apart)

    def _apart(self, columns: Mapping[str, Array], count: int, level: float) -> Array:
        """Return variances (count, L) of raw latents for classes that no row had.

        Such a row has the mean of the classes, and lies as far from it as classes do. Few
        classes do not know how far that is: Student's t of their number.
        """
        apart = np.zeros((count, self.design.n_latents))
        for number, (feature, latent) in enumerate(self.design.edges):
            name, basis = self.features[feature], self.design.bases[number]
            if basis.kind == "classes" and name in columns:
                x = np.asarray(columns[name], dtype=float)
                unseen = np.isfinite(x) & ~np.isin(x, basis.knots)
                own = t_quantile(level, max(len(basis.knots) - 1, 1))
                few = own / t_quantile(level, self.freedom)
                apart[unseen, latent] += self.class_variance(number) * few**2
        return apart

    def class_variance(self, number: int) -> float:
        """Return the variance of a raw latent over the classes of an edge, 0 without classes.

        The variance of their effects, which shrinking has taken from, plus that of their
        errors.
        Reference: Searle, Casella & McCulloch 1992, section 7.4 (prediction of a new group).

        Args:
            number: of the edge in the design.
        """
        basis, block = self.design.bases[number], self.design.blocks[number]
        classes = len(basis.knots)
        if basis.kind != "classes" or classes < 2:
            return 0.0
        at = basis.at(basis.knots)
        errors = np.einsum("cp,pq,cq->c", at, self.covariance[block, block], at)
        between = np.var(at @ self.theta[block], ddof=1) + errors.mean()
        return float(between)

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and names."""
        return {
            "features": list(self.features),
            "edges": [list(edge) for edge in self.design.edges],
            "bases": [basis.to_json() for basis in self.design.bases],
            "latents": self.design.n_latents,
            "constants": self.design.n_constants,
            "theta": self.theta.tolist(),
            "covariance": self.covariance.tolist(),
            "freedom": self.freedom,
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "MeanLaw":
        """Read what `to_json` wrote."""
        design = Design(
            tuple((int(a), int(b)) for a, b in stored["edges"]),
            tuple(CurveBasis.from_json(basis) for basis in stored["bases"]),
            int(stored["latents"]),
            int(stored["constants"]),
        )
        return cls(
            tuple(stored["features"]), design, np.array(stored["theta"], dtype=float),
            np.array(stored["covariance"], dtype=float).reshape(design.size, design.size),
            float(stored["freedom"]), tuple(map(int, stored.get("left_out", ()))),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RowLaw:
    """Raw latents and constants of some rows with their joint covariance.

    Attributes:
        raw: (k, L);  constants: (K,) training scale.
        spread: (k, L + K, L + K), that of new classes included.
        freedom: of Student's t.
        apart: (k, L) variances of raw latents by which classes lie apart that no row had.
    """

    raw: Array
    constants: Array
    spread: Array
    freedom: float
    apart: Array

    def latent_limits(self, level: float) -> tuple[Array, Array]:
        """Return lower and upper limits (k, L) of the raw latents."""
        latents = self.raw.shape[1]
        # A variance of zero may come out below zero by rounding.
        variance = np.diagonal(self.spread, axis1=1, axis2=2)[:, :latents]
        half_width = t_quantile(level, self.freedom) * np.sqrt(
            np.maximum(variance, 0.0)
        )
        return self.raw - half_width, self.raw + half_width

    def mean_limits(
        self, means: Callable[[Array, Array], Array], level: float
    ) -> tuple[Array, Array]:
        """Return lower and upper limits (k, t) of the means, by the delta method.

        Args:
            means: raw latents (k, L), constants (K,) on the training scale -> (k, t).
            level: probability that a mean is inside.
        """
        middle = means(self.raw, self.constants)
        slopes = np.stack([*self._slopes(means)], axis=-1)  # (k, t, L + K)
        variance = np.einsum(
            "nta,nab,ntb->nt", slopes, self.spread, slopes, optimize=True
        )
        half_width = t_quantile(level, self.freedom) * np.sqrt(
            np.maximum(variance, 0.0)
        )
        return middle - half_width, middle + half_width

    def class_half_width(
        self, means: Callable[[Array, Array], Array], level: float
    ) -> Array:
        """Return half widths (k, t) that classes which no row had add to the means."""
        latents = self.raw.shape[1]
        slopes = np.stack(self._slopes(means)[:latents], axis=-1)  # (k, t, L)
        variance = np.einsum("ntl,nl->nt", slopes**2, self.apart)
        return t_quantile(level, self.freedom) * np.sqrt(variance)

    def _slopes(self, means: Callable[[Array, Array], Array]) -> list[Array]:
        """Central differences (k, t) by every raw latent and constant."""
        slopes = []
        for latent in range(self.raw.shape[1]):
            # One step moves the latent in all rows at once, because rows do not meet in
            # the process.
            step = STEP * _size(self.raw[:, latent])
            moved = np.zeros_like(self.raw)
            moved[:, latent] = step
            up = means(self.raw + moved, self.constants)
            down = means(self.raw - moved, self.constants)
            slopes.append((up - down) / (2 * step))
        for place in range(len(self.constants)):
            step = np.zeros_like(self.constants)
            # On the training scale a positive constant is a logarithm, so that one is
            # its natural unit.
            step[place] = STEP * max(abs(float(self.constants[place])), 1.0)
            up = means(self.raw, self.constants + step)
            down = means(self.raw, self.constants - step)
            slopes.append((up - down) / (2 * step[place]))
        return slopes
