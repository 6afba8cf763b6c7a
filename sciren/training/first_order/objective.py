"""The part of the loss that goes through constraint and process model, by member."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from sciren.comparison import ResidualScale
from sciren.constraints import Identity, Sigmoid, Softplus
from sciren.decoders.process import IdentityDecoder
from sciren.losses import TINY, residual_costs, violation_penalty
from sciren.training.first_order.grouped.decoder import GroupedDecoder
from sciren.training.first_order.grouped.rows import Batch
from sciren.training.member import Member


class Loss(NamedTuple):
    """Terms of every member, (M,), weighted; violation None without a weight.

    In plain regression ``slopes`` (M, L, B) is the gradient of the sum by the outputs.
    """

    data: Tensor
    violation: Tensor | None = None
    slopes: Tensor | None = None

    def total(self) -> Tensor:
        """Sum over members and terms."""
        data = self.data.sum()
        return data if self.violation is None else data + self.violation.sum()


class GroupObjective:
    """Data and violation terms of M members on U streams.

        data       mean squared standardised residual of the observations, or smooth L1
        violation  how far raw latents leave their straight range, per unit of the latent

    Args:
        members: with one kind of model, residual and violation.
        streams: number U.
        like: gives precision and device.
    """

    def __init__(self, members: Sequence[Member], streams: int, like: Tensor) -> None:
        first, count = members[0].model, len(members)
        self.members = count
        self.model, self.config = first, members[0].config
        self.shape = (streams, count // streams)
        self.decoder = GroupedDecoder(first.decoder, count)

        def by_latent(name: str) -> Tensor:
            parts = [getattr(member.model, name) for member in members]
            return torch.stack(parts, dim=1).to(like).view(-1, *self.shape, 1)

        self.shift, self.scale = by_latent("output_shift"), by_latent("output_scale")
        self.plain = bool((self.shift == 0).all() and (self.scale == 1).all())
        self.low, self.high = first.low.to(like), first.high.to(like)
        self.scales = _target_scales(members, self.shape, like)
        self.spread = torch.stack([scale.sd for scale in self.scales])  # (L, U, m, 1)
        # Plain regression has a gradient in closed form: no graph.
        self.regression = (
            isinstance(first.decoder, IdentityDecoder)
            and all(type(constraint) is Identity for constraint in first.constraints)
            and self.scales[0].kind == "identity"
            and self.config.loss == "squares"
        )
        weights = [member.config.violation for member in members]
        self.violation: Tensor | float = weights[0]
        if len(set(weights)) > 1:
            self.violation = torch.tensor(weights).to(like)
        straight = (Identity, Sigmoid, Softplus)
        # These have no range to leave; asking them would cost a pass at every step.
        self.never_outside = all(
            type(constraint) in straight for constraint in first.constraints
        )
        logs = first.constant_scale.in_logs.to(like.device)
        self.logs = logs & self.config.constants_in_logs
        flags = self.logs.tolist()
        self.in_logs = "some" if any(flags) else "none"
        if flags and all(flags):
            self.in_logs = "all"

    def terms(self, outputs: Tensor, constants: Tensor, batch: Batch) -> Loss:
        """Return the terms of every member.

        Args:
            outputs: (M, L, B) of the encoders;  constants: (M, K) as trained.
        """
        if self.regression:
            return self._regression(outputs, batch)
        raw = self._raw(outputs)
        data = self.data(self._physical(raw), self.physical(constants), batch)
        if isinstance(self.violation, float) and self.violation <= 0:
            return Loss(data, None)
        if self.never_outside:
            return Loss(data, torch.zeros_like(data))
        outside = self._columns("violation", raw)
        if not self.plain:
            outside = outside / self.scale
        each = violation_penalty(outside, self.config.violation_reduction)
        return Loss(data, each.view(-1) * self.violation)

    def _regression(self, outputs: Tensor, batch: Batch) -> Loss:
        """Targets that are the outputs: mean of (scale y - z)^2 and its gradient."""
        with torch.no_grad():
            raw = self._raw(outputs.detach())
            # Both in units of the target's deviation: (L, U, m, B).
            residual = raw / self.spread - batch.values.movedim(-1, 0)
            if batch.weights is None:
                # Half the gradient by the raw latent; its 2 and the mean come with
                # `share`.
                steep = residual * self.spread.reciprocal()
                share = 1 / (residual.shape[0] * residual.shape[-1])
                total = residual.square().sum((0, -1)) * share
            else:
                weights = batch.weights.movedim(-1, 0)
                share = weights.sum((0, -1), keepdim=True).clamp_min(TINY).reciprocal()
                steep = residual * weights / self.spread
                total = (residual.square() * weights * share).sum((0, -1))
            if not self.plain:
                steep = steep * self.scale
            slopes = (steep * (2 * share)).flatten(1, 2).transpose(0, 1)
            data = total.reshape(-1)
            penalised = not isinstance(self.violation, float) or self.violation > 0
            return Loss(data, torch.zeros_like(data) if penalised else None, slopes)

    def losses(
        self, outputs: Tensor, constants: Tensor, batch: Batch
    ) -> tuple[Tensor, Tensor]:
        """Return the data term (M,) and its weight (M,), for validation."""
        latents = self._physical(self._raw(outputs))
        data = self.data(latents, self.physical(constants), batch)
        if batch.weights is None:
            count = batch.values[0, 0].numel()
            return data, torch.full_like(data, count)
        weight = batch.weights.sum((-1, -2)).expand(self.shape)
        return data, weight.reshape(-1)

    def data(self, latents: Tensor, constants: Tensor, batch: Batch) -> Tensor:
        """Mean squared (or smooth absolute) residual of every member, (M,).

        Args:
            latents: (L, U, m, B) physical;  constants: (K, U, m) physical.
        """
        predicted = self.decoder.evaluate(latents, constants, batch.forcings)
        total, count = None, len(predicted)
        for k, (values, scale) in enumerate(zip(predicted, self.scales, strict=True)):
            squared = self.config.loss == "squares"
            if squared and self.shape == (1, 1) and batch.weights is None:
                # One member without gaps: one fused call does what else takes three.
                share = mse_loss(scale.transform(values), batch.values[..., k]) / count
                total = share if total is None else total + share
                continue
            costs = residual_costs(
                scale.transform(values), batch.values[..., k],
                self.config.loss, self.config.loss_width,
            )  # fmt: skip
            if batch.weights is None:
                share = costs.mean(-1) / count if count > 1 else costs.mean(-1)
            else:
                share = (batch.weights[..., k] * costs).sum(-1)
            total = share if total is None else total + share
        assert total is not None
        if batch.weights is not None:
            # One sum over all targets: an observation counts alike whichever target it
            # is of.
            total = total / batch.weights.sum((-1, -2)).clamp_min(TINY)
        return total.reshape(-1)

    def physical(self, constants: Tensor) -> Tensor:
        """Physical values (K, U, m) of the constants (M, K) as trained."""
        turned = constants.T.reshape(constants.shape[1], *self.shape)
        if self.in_logs == "none":
            return turned
        if self.in_logs == "all":
            return turned.exp()
        logs = self.logs.view(-1, 1, 1)
        # Twice, because exp of a large raw constant is inf and inf * 0 is nan going back.
        return torch.where(logs, torch.where(logs, turned, 0.0).exp(), turned)

    def probe(self, outputs: Tensor, constants: Tensor, batch: Batch) -> None:
        """Let the decoder find out how it can be evaluated."""
        latents = self._physical(self._raw(outputs))
        self.decoder.probe(latents, self.physical(constants), batch.forcings)

    def _raw(self, outputs: Tensor) -> Tensor:
        """Raw latents (L, U, m, B)."""
        members, latents, rows = outputs.shape
        # Where one of both is single a view is enough; a transposed copy costs a pass.
        turned = outputs.transpose(0, 1) if min(members, latents) > 1 else outputs
        raw = turned.reshape(latents, *self.shape, rows)
        return raw if self.plain else torch.addcmul(self.shift, self.scale, raw)

    def _physical(self, raw: Tensor) -> Tensor:
        return self._columns("forward", raw)

    def _columns(self, method: str, raw: Tensor) -> Tensor:
        columns = [
            getattr(constraint, method)(raw[k], self.low[k], self.high[k])
            for k, constraint in enumerate(self.model.constraints)
        ]
        return columns[0].unsqueeze(0) if len(columns) == 1 else torch.stack(columns)


def _target_scales(
    members: Sequence[Member], shape: tuple[int, int], like: Tensor
) -> list[ResidualScale]:
    """For each target the comparison of all members, sd and offset (U, m, 1)."""
    scales = [member.scale for member in members]
    sd = torch.stack([scale.sd for scale in scales]).to(like).view(*shape, -1)
    offset = torch.stack([scale.offset for scale in scales]).to(like).view(*shape, -1)
    return [
        ResidualScale(scales[0].kind, sd[..., k : k + 1], offset[..., k : k + 1])
        for k in range(sd.shape[-1])
    ]
