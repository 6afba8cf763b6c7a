"""Latents without features as a least-squares problem of a few numbers: the null model."""

import torch
from torch import Tensor

from sciren.start_values import short_of_bounds
from sciren.training.gauss_newton.additive import AdditiveProblem


class ConstantLatents(AdditiveProblem):
    """Latents without features, which stay where they have a slope."""

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Hold constants inside their bounds, and latents short of theirs."""
        trial = super().retract(trial, theta, members).clone()
        (after, _), (before, _) = self.split(trial), self.split(theta)
        now, then = (self.shift + self.scale * x[..., 0] for x in (before, after))
        kept = short_of_bounds(self.term.model, then, now)
        trial[:, : self.n_latents] = (kept - self.shift) / self.scale
        return trial

    def on_rows(self, rows: Tensor) -> "ConstantLatents":
        """Return the problem on some of its rows (positions)."""
        return ConstantLatents(self.term.take(rows), self.spline.take(rows), 0.0)

    def physical(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return latents (S, L) and constants (S, K) in their units."""
        model, (levels, constants) = self.term.model, self.split(theta)
        latents = model.constrain(self.shift + self.scale * levels[..., 0])
        return latents, model.constant_scale.to_physical(constants)

    def theta_of(self, latents: Tensor, constants: Tensor) -> Tensor:
        """Return theta (S, P) of latents (S, L) and constants (S, K) in their units."""
        model = self.term.model
        raw = [
            constraint.inverse(latents[:, k], model.low[k], model.high[k])
            for k, constraint in enumerate(model.constraints)
        ]
        levels = (torch.stack(raw, 1) - self.shift) / self.scale
        return torch.cat((levels, model.constant_scale.to_raw(constants)), 1)
