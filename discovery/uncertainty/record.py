"""What is known about the uncertainty of a result, as it lies in ``uncertainty.json``."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sciren.agreement import LOG_FLOOR
from sciren.inference.conformal import ObservationLaw
from sciren.inference.intervals.means import MeanLaw
from sciren.inference.intervals.reach import Reach

if TYPE_CHECKING:
    import pandas as pd

    from symbolic.model.record import EquationRecord

Array = np.ndarray

BAND_COLUMNS = ("latent", "source", "x", "estimate", "low", "high")
CONSTANT_COLUMNS = (
    "constant", "method", "estimate", "error", "low", "high", "unit", "recommended",
    "depends", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """How a target is compared with its prediction, in numpy.

    Args:
        kind: "identity": value / sd; "log": log(value + offset) / sd; "asinh":
            asinh(value / offset) / sd.
        sd: deviation of the training rows;  offset: inside the log, or floor of errors.
    """

    kind: str
    sd: float
    offset: float

    def transform(self, values: Array) -> Array:
        """Put physical values (n,) on the scale of the comparison."""
        if self.kind == "log":
            # Values at or below -offset have no logarithm; they are held just above it,
            # as in the training loss.
            inside = np.maximum(values + self.offset, LOG_FLOOR * self.offset)
            return np.log(inside) / self.sd
        if self.kind == "asinh":
            return np.arcsinh(values / self.offset) / self.sd
        return values / self.sd

    def inverse(self, values: Array) -> Array:
        """Bring values (n,) back."""
        if self.kind == "log":
            return np.exp(values * self.sd) - self.offset
        if self.kind == "asinh":
            return np.sinh(values * self.sd) * self.offset
        return values * self.sd


def bands_table(
    bands: Iterable[Mapping[str, Any]], equations: "EquationRecord | None"
) -> "pd.DataFrame":
    """Return bands as a table, one row a point, with the columns `BAND_COLUMNS`.

    Args:
        bands: of raw latents;  equations: in whose units they are returned.
    """
    import pandas as pd

    rows = []
    for band in bands:
        ends = {name: band[name] for name in ("latent", "source")}
        factor = equations.printed_unit(band["latent"])[0] if equations else 1.0
        for k, x in enumerate(band["x"]):
            curve = {name: factor * band[name][k] for name in BAND_COLUMNS[3:]}
            rows.append(ends | {"x": x} | curve)
    return pd.DataFrame(rows, columns=list(BAND_COLUMNS))


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Everything that intervals of constants, curves, means and observations need.

    Attributes:
        constants: one mapping a constant and method, the recommended first.
        bands: one mapping an edge: latent, source, factor, level, x, estimate, low, high,
            families (those inside), inside (whether the equation's own closed form is),
            widths and share (how far it is from the middle, in half widths and of the
            range of the curve).
        means: law of latents and means.
        observations: "network", "equations" -> target -> law of new observations.
        comparisons: target -> the scale of these laws.
        reach: where the training rows lie.
        latents, names: latents in the law's order; process constants in its order.
        in_logs: which of the constants are fitted as logarithms.
        lack_of_fit: target -> standard deviation of what the verdict finds missing, in
            units of the noise's scale; it widens the intervals of the mean.
        coefficients: one mapping a constant of the closed forms: latent, constant, error,
            low, high under the law of the noise.
    """

    constants: tuple[Mapping[str, Any], ...]
    bands: tuple[Mapping[str, Any], ...]
    means: MeanLaw
    observations: Mapping[str, Mapping[str, ObservationLaw]]
    comparisons: Mapping[str, Comparison]
    reach: Reach
    latents: tuple[str, ...]
    names: tuple[str, ...]
    in_logs: tuple[bool, ...]
    lack_of_fit: Mapping[str, float] = field(default_factory=dict)
    coefficients: tuple[Mapping[str, Any], ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets."""
        return tuple(self.comparisons)

    def physical(self, raw: Array) -> Array:
        """Return constants (K,) of the training scale as physical values."""
        # exp only of what is a logarithm: np.where evaluates both branches, and exp of
        # a plain value of 1000 would overflow with a warning.
        logs = np.array(self.in_logs, dtype=bool)
        return np.where(logs, np.exp(np.where(logs, raw, 0.0)), raw)

    def recommended(self, constant: str) -> Mapping[str, Any] | None:
        """Return the recommended row of a process constant."""
        rows = (row for row in self.constants if row["constant"] == constant)
        return next((row for row in rows if row["recommended"]), None)

    def coefficient(self, latent: str, constant: str) -> Mapping[str, Any] | None:
        """Return what is known of a constant of a latent's closed forms."""
        rows = (row for row in self.coefficients if row["latent"] == latent)
        return next((row for row in rows if row["constant"] == constant), None)

    def constants_table(self) -> "pd.DataFrame":
        """Return one row a constant and method, with the reason why they differ."""
        import pandas as pd

        return pd.DataFrame(list(self.constants), columns=list(CONSTANT_COLUMNS))

    def bands_table(self, equations: "EquationRecord | None") -> "pd.DataFrame":
        """Return one row a point of every curve: latent, source, x, estimate, low, high."""
        return bands_table(self.bands, equations)

    def band(self, source: str, latent: str) -> Mapping[str, Any] | None:
        """Return the band of an edge."""
        for band in self.bands:
            if (band["source"], band["latent"]) == (source, latent):
                return band
        return None

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and texts."""
        return {
            "constants": [dict(constant) for constant in self.constants],
            "bands": [dict(band) for band in self.bands],
            "means": self.means.to_json(),
            "observations": {
                using: {name: law.to_json() for name, law in laws.items()}
                for using, laws in self.observations.items()
            },
            "comparisons": {k: asdict(v) for k, v in self.comparisons.items()},
            "reach": self.reach.to_json(),
            "latents": list(self.latents),
            "names": list(self.names),
            "in_logs": list(self.in_logs),
            "lack_of_fit": dict(self.lack_of_fit),
            "coefficients": [dict(row) for row in self.coefficients],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Uncertainty":
        """Read what `to_json` wrote."""
        comparisons = stored["comparisons"].items()
        return cls(
            tuple(stored["constants"]),
            tuple(stored["bands"]),
            MeanLaw.from_json(stored["means"]),
            {
                using: {
                    name: ObservationLaw.from_json(law) for name, law in laws.items()
                }
                for using, laws in stored["observations"].items()
            },
            {name: Comparison(**comparison) for name, comparison in comparisons},
            Reach.from_json(stored["reach"]),
            tuple(stored["latents"]),
            tuple(stored["names"]),
            tuple(bool(flag) for flag in stored["in_logs"]),
            {k: float(v) for k, v in stored.get("lack_of_fit", {}).items()},
            tuple(stored.get("coefficients", ())),
        )
