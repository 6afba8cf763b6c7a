"""One row a printed constant: the table of constants of every model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symbolic.terms.rebuild import RawConstant

NORMAL_95 = 1.96  # standard errors on either side of a 95 % interval


def constant_rows(
    listed: Sequence[RawConstant],
    errors: Iterable[float],
    unit_of: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return rows with name, latent, source, role, value, error, low, high, unit, kind.

    Args:
        errors: standard error of every constant, nan where it is not known.
        unit_of: latent -> unit of its raw value, where that has one.
    """
    return [
        {
            "name": estimate.name,
            "latent": estimate.latent,
            "source": estimate.source,
            "role": estimate.role,
            "value": estimate.value,
            "error": float(error),
            "low": estimate.value - NORMAL_95 * float(error),
            "high": estimate.value + NORMAL_95 * float(error),
            "unit": unit_of.get(estimate.latent, "")
            if estimate.role == "offset"
            else "",
            "kind": "encoder",
        }
        for estimate, error in zip(listed, errors, strict=True)
    ]
