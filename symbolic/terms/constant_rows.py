"""One row a printed constant: the table of constants of every model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sciren.inference.intervals.quantiles import NORMAL_95, t_quantile
from symbolic.terms.raw_constants import RawConstant


def quantile_95(cosines: int, groups: int = 0) -> float:
    """Return how many standard errors a 95 % interval reaches to either side.

    Args:
        cosines: degrees of freedom of errors in time order; 0: as good as infinite.
        groups: number of groups where they are few, one more than degrees of freedom.

    Reference: Bester, Conley and Hansen 2011, J. Econometrics 165, for few groups.
    """
    freedom = cosines or groups - 1
    return t_quantile(0.95, freedom) if freedom > 0 else NORMAL_95


def constant_rows(
    listed: Sequence[RawConstant],
    errors: Iterable[float],
    unit_of: Mapping[str, str],
    quantile: float = NORMAL_95,
) -> list[dict[str, Any]]:
    """Return rows with name, latent, source, role, value, error, low, high, unit, kind.

    Args:
        errors: standard error of every constant, nan where it is not known.
        unit_of: latent -> unit of its raw value, where that has one.
        quantile: standard errors on either side of a 95 % interval.
    """
    return [
        {
            "name": estimate.name,
            "latent": estimate.latent,
            "source": estimate.source,
            "role": estimate.role,
            "value": estimate.value,
            "error": float(error),
            "low": estimate.value - quantile * float(error),
            "high": estimate.value + quantile * float(error),
            # an offset has the latent's unit; those of other constants follow in
            # `symbolic.units`
            "unit": unit_of.get(estimate.latent, "")
            if estimate.role == "offset"
            else "",
            "kind": "encoder",
        }
        for estimate, error in zip(listed, errors, strict=True)
    ]
