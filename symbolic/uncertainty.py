"""Errors of the printed constants: covariance of the joint refit, by the delta method."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from symbolic.rebuild import RawConstant, Units, raw_constants
from symbolic.refit import Refit, SymbolicProblem


def constant_table(
    found: Refit, problem: SymbolicProblem, units: Units, unit_of: Mapping[str, str]
) -> pd.DataFrame:
    """Return every printed constant with standard error, by the delta method.

    Args:
        unit_of: latent -> unit of its raw value, where that has one.

    Columns: name, latent, source, role, value, error, low, high, unit, kind.
    """
    listed = raw_constants(found.structures, units)
    jacobian = _raw_jacobian(found, problem, units)
    spread = found.covariance.cpu().numpy()
    variances = np.einsum("ip,pq,iq->i", jacobian, spread, jacobian)
    rows = [
        _constant_row(one, float(np.sqrt(max(variance, 0.0))), unit_of)
        for one, variance in zip(listed, variances, strict=True)
    ]
    return pd.DataFrame(rows)


def _constant_row(
    one: RawConstant, error: float, unit_of: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "name": one.name,
        "latent": one.latent,
        "source": one.source,
        "role": one.role,
        "value": one.value,
        "error": error,
        "low": one.value - 1.96 * error,
        "high": one.value + 1.96 * error,
        "unit": unit_of.get(one.latent, "") if one.role == "offset" else "",
        "kind": "encoder",
    }


def _raw_jacobian(found: Refit, problem: SymbolicProblem, units: Units) -> np.ndarray:
    """Derivative of the raw constants by theta, central differences."""
    base = found.theta
    columns = []
    for place in range(len(base)):
        if not bool(found.free[place]):
            columns.append(np.zeros(len(raw_constants(found.structures, units))))
            continue
        step = 1e-6 * max(1.0, abs(float(base[place])))
        sides = []
        for direction in (1.0, -1.0):
            moved = base.clone()
            moved[place] += direction * step
            structures = problem.structures_at(moved)
            values = [one.value for one in raw_constants(structures, units)]
            sides.append(np.array(values))
        columns.append((sides[0] - sides[1]) / (2 * step))
    return np.stack(columns, axis=1)


def physical_errors(found: Refit, problem: SymbolicProblem) -> dict[str, float]:
    """Standard errors of the process constants, physical units."""
    scale = problem.term.model.constant_scale
    names = problem.term.model.decoder.constant_names
    cut = problem.cuts[-1]
    variance = torch.diagonal(found.covariance)[cut:].clamp_min(0)
    errors = variance.sqrt() * scale.slope(found.constants)
    return dict(zip(names, errors.tolist(), strict=True))
