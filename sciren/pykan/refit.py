"""A carried pykan network as a KANEncoder, fitted to it on given rows."""

from typing import NamedTuple

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.encoders.layer import SplineLayer
from sciren.errors import ConfigError, DataError
from sciren.pykan.encoder import KnotLayer, PykanEncoder
from sciren.splines import fit_coefficients

SAMPLES = 4  # points of a curve for each coefficient


class Refit(NamedTuple):
    """A fitted encoder and its largest output difference on the rows, relative.

    Relative to the largest output, or to one where that is smaller.
    """

    encoder: KANEncoder
    difference: float


@torch.no_grad()
def refitted(
    encoder: PykanEncoder, rows: Tensor, intervals: int = 200, tolerance: float = 1e-5
) -> Refit:
    """Fit evenly spaced cubic splines to every edge on the range of some rows.

    Beyond that range the result goes on straight, where pykan falls to its base function.

    Args:
        encoder: from `from_pykan`.
        rows: (n, d) features as the encoder takes them.
        intervals: of every curve; knots closer together follow uneven ones better.
        tolerance: largest difference of the outputs on the rows that is accepted,
            relative (see `Refit`).
    Raises:
        DataError: the network is not finite on the rows.
        ConfigError: the difference is larger than the tolerance.
    """
    result = KANEncoder(
        encoder.n_inputs,
        encoder.n_outputs,
        hidden=encoder.hidden,
        grid=intervals,
        shared=True,
    ).to(rows.device)
    values = encoder.layer_inputs(rows.double())
    wrong = (~torch.isfinite(values[-1])).any(1)
    if bool(wrong.any()):
        raise DataError(
            f"the network is not finite on {int(wrong.sum())} rows, the first is row "
            f"{int(wrong.nonzero()[0])}; leave them out"
        )
    for new, old, x in zip(
        result.spline_layers, encoder.spline_layers, values, strict=False
    ):
        # Each layer is fitted on the inputs that the exact network gives it, not on
        # those of fitted layers.
        _fit(new, old, x)
    size = values[-1].abs().max().clamp_min(1.0)
    difference = float((result(rows.double()) - values[-1]).abs().max() / size)
    # Negated, so that a difference of nan is refused.
    if not difference <= tolerance:
        raise ConfigError(
            f"evenly spaced splines with {intervals} intervals differ by {difference:.2g} "
            f"from the network, more than tolerance={tolerance:.2g}; use more intervals, "
            "or accept the difference (kinks such as abs are never met exactly)"
        )
    return Refit(result, difference)


def _fit(new: SplineLayer, old: KnotLayer, x: Tensor) -> None:
    new.set_range(x.amin(0), x.amax(0))
    share = torch.linspace(
        0, 1, SAMPLES * (new.intervals + 3), dtype=x.dtype, device=x.device
    )
    # Even points on the whole range, not the rows: every coefficient is met.
    points = new.low + share.unsqueeze(1) * (new.high - new.low)
    curves = old.edges(points)
    new.coefficients.copy_(
        fit_coefficients(points, curves, new.low, new.high, new.intervals, ridge=0.0)
    )
    new.bias.copy_(old.bias)
    new.mask.copy_(old.mask)
