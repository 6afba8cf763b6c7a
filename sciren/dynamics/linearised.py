"""The process seen from the second level: one linear row a group and direction.

Near the numbers q_g of a group its loss is (q - q_g)' H_g (q - q_g) up to a constant. With
H_g = R'R that is the sum of squares of the rows of R q - R q_g, so every group is a few
rows of a row-wise process, linear in latents and constants, with independent noise of one
size. All that serves row-wise models (selection, curves, closed forms, intervals) then
serves latents per group, without a simulation. At the optimum of the simulation the rows
say the same as the simulation: Gauss and Newton's step there is zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sciren.data.series import SeriesTable
from sciren.data.table import Table
from sciren.decoders.base import Decoder
from sciren.decoders.dynamic import DynamicModel
from sciren.dynamics.groups.deviations import SMALLEST, Quadratic
from sciren.functions import log, maximum

EFFECT, OFFSET, RESPONSE = "effect", "offset", "response"
# Of the largest eigenvalue: directions that the data of a group do not hold
UNSEEN = 1e-9


class LinearisedModel(Decoder):
    """response = sum_k effect_k t_k(p_k) - offset, with the parameters of a dynamic model.

    t is the logarithm where groups deviate by factors (`sciren.dynamics.groups.deviations`), and
    the identity elsewhere.

    Args:
        model: whose latents per group and constants are seen.
    """

    def __init__(self, model: DynamicModel) -> None:
        self.model = model
        super().__init__(
            model.name, list(model.parameters), (EFFECT, OFFSET), (RESPONSE,)
        )

    def __call__(self, p: Any, f: Any) -> Any:
        """Return the response of every row."""
        effect = getattr(f, EFFECT)
        total = -getattr(f, OFFSET)
        names = (*self.latent_names, *self.constant_names)
        for column, name in enumerate(names):
            value = getattr(p, name)
            if self.parameters[name].deviation == "lognormal":
                # Rows are linear in t, so factors enter by their logs.
                value = log(maximum(value, SMALLEST))
            total = total + effect[..., column] * value
        return total


@dataclass(frozen=True)
class Linearisation:
    """Quadratic losses of groups: numbers q_g (G, Q) and H_g (G, Q, Q), by t.

    Attributes:
        centre: (Q,) numbers about which responses are written, so that they stay small.
    """

    numbers: np.ndarray
    precision: np.ndarray
    centre: np.ndarray

    @classmethod
    def at(cls, losses: Quadratic, centre: np.ndarray) -> "Linearisation":
        """Linearise where the losses are known, at no optimum: q_g = t - H_g^-1 g_g."""
        precision = losses.curvature
        # To a unit diagonal first, or the threshold of unseen directions would depend
        # on units.
        size = np.sqrt(np.maximum(np.einsum("gkk->gk", precision), 1e-300))
        scaled = precision / (size[:, :, None] * size[:, None])
        step = (
            np.linalg.pinv(scaled, rcond=UNSEEN, hermitian=True)
            @ ((losses.gradient / size)[..., None])
        )
        return cls(losses.t - step[..., 0] / size, precision, centre)

    def table(self, series: SeriesTable) -> Table:
        """Return Q rows a group: its static features, effects, offset and response."""
        # (G, Q, Q): R of every group; row j of a group is one observation of effect_j .
        # t.
        effects = _roots(self.precision)
        groups, size = self.numbers.shape
        # Written about the centre: R q itself is large where a number is known sharply,
        # and the scale of targets would hide differences between groups.
        offset = effects @ self.centre
        response = np.einsum("gjk,gk->gj", effects, self.numbers) - offset
        group = np.repeat(np.arange(groups), size)
        forcings: Mapping[str, torch.Tensor] = {
            EFFECT: torch.from_numpy(effects.reshape(-1, size)),
            OFFSET: torch.from_numpy(offset.reshape(-1)),
        }
        return Table(
            features=torch.from_numpy(series.static[group]),
            forcings=forcings,
            targets=torch.from_numpy(response.reshape(-1, 1)),
            feature_names=series.static_names,
            target_names=(RESPONSE,),
            units={n: u for n, u in series.units.items() if n in series.static_names},
            blocks=torch.from_numpy(group),
        )


def _roots(precision: np.ndarray) -> np.ndarray:
    """Return R with H = R'R, its rows in order of size; unseen directions are zero."""
    size = np.sqrt(np.maximum(np.einsum("gkk->gk", precision), 1e-300))
    scaled = precision / (size[:, :, None] * size[:, None])
    # With H = D S D, S = V diag(v) V': R = sqrt(v) V' D.
    values, vectors = np.linalg.eigh(scaled)
    determined = np.where(values > UNSEEN * values[:, -1:], values, 0.0)
    return np.sqrt(determined)[..., None] * vectors.transpose(0, 2, 1) * size[:, None]
