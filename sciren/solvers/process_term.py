"""The observed loss and its local quadratic model, row by row.

Everything behind the raw latents (constraint, decoder, residual) is seen by the solvers
only through this: for each row the gradient and Gauss-Newton curvature of the loss with
respect to that row's raw latents and to the constants. Encoders and closed forms bring
their own design and need to know nothing about decoders.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sciren.comparison import Observations, ResidualScale
from sciren.data.table import Table
from sciren.model import ScIReN


@dataclass(frozen=True)
class LocalModel:
    """Loss and its row-wise quadratic model for S members.

    Attributes:
        loss: (S,) data term plus violation.
        gradient: (S, n, L + K) half the derivative of the loss, row by row.
        curvature: (S, n, L + K, L + K) Gauss-Newton, row by row.
    """

    loss: Tensor
    gradient: Tensor
    curvature: Tensor

    def scaled(self, scale: Tensor) -> "LocalModel":
        """Return it for raw latents in units of scale (L,)."""
        # Constants keep their own scale.
        ones = scale.new_ones(self.gradient.shape[-1] - len(scale))
        knobs = torch.cat((scale, ones))
        curvature = self.curvature * (knobs.unsqueeze(1) * knobs)
        return LocalModel(self.loss, self.gradient * knobs, curvature)


class ProcessTerm:
    """Observed loss of one table as a function of raw latents and raw constants.

        loss = sum w r^2 / sum w + violation weight * mean (violation / latent scale)^2

    Args:
        model: brings constraint, decoder and the scale of its raw latents.
        table: the rows.
        scale: how predictions are compared with targets.
        violation: weight of leaving the straight range of the constraint.
        row_weights: (S, n) factor on the rows for each member (bootstrap), or None.
        noise_weights: (n, t) factor on the observations, or None.
    """

    def __init__(
        self,
        model: ScIReN,
        table: Table,
        scale: ResidualScale,
        violation: float = 1.0,
        row_weights: Tensor | None = None,
        noise_weights: Tensor | None = None,
    ) -> None:
        self.model = model
        self.forcings = {k: v.detach() for k, v in table.forcings.items()}
        observed = Observations.of(table, scale)
        if noise_weights is not None:
            observed = observed.reweighted(noise_weights)
        self.observations = observed
        self.violation_weight = violation
        self.row_weights = row_weights
        self.n_rows = len(table)
        self.n_latents = len(model.latent_names)
        self.n_constants = len(model.constant_raw)
        # Solvers ask for the same slices at every step; each is cut once.
        self._parts: dict[tuple[int | None, int | None], ProcessTerm] = {}
        # What the sums over rows are divided by; slices keep that of the whole.
        self.whole_rows, self.total = self.n_rows, self._total()

    def _changed(self, **changes: object) -> "ProcessTerm":
        other = object.__new__(ProcessTerm)
        # Without the constructor, which would transform the observations again. Cut
        # parts belong to the old rows and are dropped.
        other.__dict__.update(self.__dict__ | {"_parts": {}} | changes)
        return other

    def _cut(self, rows: Tensor | slice, **changes: object) -> "ProcessTerm":
        """Keep some of the rows."""
        weights = self.row_weights
        part = self._changed(
            forcings={name: value[rows] for name, value in self.forcings.items()},
            observations=self.observations.take(rows),
            row_weights=None if weights is None else weights[:, rows],
            **changes,
        )
        part.n_rows = len(part.observations.values)
        return part

    def take(self, rows: Tensor) -> "ProcessTerm":
        """Return the same term on some of the rows (positions): a loss of its own."""
        part = self._cut(rows)
        # Unlike `part`: the sums are divided by these rows, as for a table of its own.
        part.whole_rows, part.total = part.n_rows, part._total()
        return part

    def within(self, rows: int, total: Tensor) -> "ProcessTerm":
        """Return the share of these rows in a loss of more rows.

        Args:
            rows: of the whole;  total: (1,) sum of the weights of its observations.
        """
        return self._changed(whole_rows=rows, total=total)

    def part(self, rows: slice | Tensor) -> "ProcessTerm":
        """Return the share of some of the rows: shares of all rows sum to the loss."""
        if isinstance(rows, Tensor):
            return self._cut(rows)
        key = (rows.start, rows.stop)
        if key not in self._parts:
            self._parts[key] = self._cut(rows)
        return self._parts[key]

    def with_row_weights(self, row_weights: Tensor | None) -> "ProcessTerm":
        """Return the same term with other row weights (S, n)."""
        other = self._changed(row_weights=row_weights)
        other.total = other._total()
        return other

    # -- pieces ---------------------------------------------------------------------
    def _total(self) -> Tensor:
        """Sum of all weights (S or 1,)."""
        weights = self.observations.weights
        if self.row_weights is None:
            return weights.sum().unsqueeze(0)
        return self.row_weights @ weights.sum(1)

    def _share(self, members: Tensor) -> Tensor:
        """Weight of every observation as a share of all (S or 1, n, t)."""
        weights = self.observations.weights.unsqueeze(0)
        if self.row_weights is None:
            return weights / self.total
        total = self.total[members].view(-1, 1, 1)
        return weights * self.row_weights[members].unsqueeze(-1) / total

    def _targets(self, raw: Tensor, physical: Tensor) -> Tensor:
        """Targets (S, n, t) for raw latents (S, n, L), physical constants (S, n, K)."""
        members, rows, _ = raw.shape
        # Members below each other: decoders know rows only, not members.
        latents = self.model.constrain(raw).reshape(members * rows, -1)
        flat = physical.reshape(members * rows, -1)
        forcings = self._repeated(members)
        targets = self.model.decoder.evaluate(latents, flat, forcings)
        return targets.reshape(members, rows, -1)

    def _repeated(self, members: int) -> Mapping[str, Tensor]:
        if members == 1:
            return self.forcings
        return {
            name: value.repeat(members, *[1] * (value.dim() - 1))
            for name, value in self.forcings.items()
        }

    def residual(self, raw: Tensor, constants: Tensor) -> Tensor:
        """Residuals (S, n, t) for raw latents (S, n, L) and raw constants (S, K)."""
        physical = self.model.constant_scale.to_physical(constants)
        rows = physical.unsqueeze(1).expand(-1, raw.shape[1], -1)
        return self.observations.residual(self._targets(raw, rows))

    def _violation(self, raw: Tensor) -> Tensor:
        return self.model.violation(raw) / self.model.output_scale

    # -- for the solvers ------------------------------------------------------------
    @torch.no_grad()
    def loss(self, raw: Tensor, constants: Tensor, members: Tensor) -> Tensor:
        """Loss (S,); infinite where the decoder returns something that is not finite."""
        squares = self._share(members) * self.residual(raw, constants) ** 2
        loss = squares.sum((1, 2)) + self._outside(self._violation(raw))
        return torch.where(torch.isfinite(loss), loss, torch.inf)

    def _outside(self, violation: Tensor) -> Tensor:
        """Violation term (S,)."""
        return self.violation_weight * violation.pow(2).sum((1, 2)) / self.whole_rows

    @torch.no_grad()
    def terms(self, raw: Tensor, constants: Tensor) -> dict[str, float]:
        """Data and violation term of one member, raw (1, n, L), constants (1, K)."""
        member = torch.zeros(1, dtype=torch.long, device=raw.device)
        total = float(self.loss(raw, constants, member))
        violation = float(self._outside(self._violation(raw)))
        return {"data": total - violation, "violation": violation}

    @torch.no_grad()
    def data_by_row(self, raw: Tensor, constants: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted squares (S, n) and weights (n,), both summed over the targets."""
        weights = self.observations.weights
        squares = weights * self.residual(raw, constants) ** 2
        return squares.sum(-1), weights.sum(-1)

    def local(self, raw: Tensor, constants: Tensor, members: Tensor) -> LocalModel:
        """Loss and row-wise quadratic model at raw (S, n, L), constants (S, K)."""
        share = self._share(members)
        jacobian, residual = self.jacobian(raw, constants)  # (S, n, t, L+K), (S, n, t)
        pull = share * residual
        # One target is the usual case: plain products do there.
        if jacobian.shape[2] == 1:
            slope = jacobian[:, :, 0]
            gradient = pull * slope
            curvature = (share * slope).unsqueeze(-1) * slope.unsqueeze(-2)
        else:
            gradient = torch.einsum("snt,sntp->snp", pull, jacobian)
            weighted = share.unsqueeze(-1) * jacobian
            curvature = torch.einsum("sntp,sntq->snpq", weighted, jacobian)
        loss = (pull * residual).sum((1, 2))
        return self._add_violation(LocalModel(loss, gradient, curvature), raw)

    def jacobian(self, raw: Tensor, constants: Tensor) -> tuple[Tensor, Tensor]:
        """Return d residual / d (raw latents, constants) (S, n, t, L + K), and residuals.

        Both are on the scale of the comparison; residuals (S, n, t) are zero, and their
        slopes too, where nothing was observed.
        """
        known = self._known_jacobian(raw.detach(), constants.detach())
        jacobian, residual = known or self._derived_jacobian(raw, constants)
        if self.observations.complete:
            return jacobian, residual
        # What was not observed may lack a value, and zero times nan is nan.
        observed = (self.observations.weights > 0).unsqueeze(-1)
        return torch.where(observed, jacobian, 0.0), residual

    def _known_jacobian(
        self, raw: Tensor, constants: Tensor
    ) -> tuple[Tensor, Tensor] | None:
        """Chain the slopes that the process model gives; None where it gives none."""
        model, scale = self.model, self.model.constant_scale
        members, rows, _ = raw.shape
        physical = scale.to_physical(constants).unsqueeze(1).expand(-1, rows, -1)
        known = model.decoder.evaluate_slopes(
            model.constrain(raw).reshape(members * rows, -1),
            physical.reshape(members * rows, -1),
            self._repeated(members),
        )
        if known is None:
            return None
        target, slopes = (part.reshape(members, rows, -1) for part in known)
        by_constant = scale.slope(constants).unsqueeze(1).expand(-1, rows, -1)
        inner = torch.cat((model.constrain_slope(raw), by_constant), dim=-1)
        outer = self.observations.scale.slope(target)
        residual = self.observations.residual(target)
        return (slopes * inner * outer).unsqueeze(2), residual

    def _derived_jacobian(
        self, raw: Tensor, constants: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Differentiate through the process model."""
        scale = self.model.constant_scale
        with torch.enable_grad():
            leaf = raw.detach().requires_grad_()
            physical = scale.to_physical(constants.detach()).unsqueeze(1)
            # A copy of the constants for every row: one backward pass then gives
            # derivatives row by row, because rows do not meet in a row-wise decoder.
            knobs = physical.expand(-1, raw.shape[1], -1).clone().requires_grad_()
            residual = self.observations.residual(self._targets(leaf, knobs))
        # back to the scale on which constants train, once for all rows
        slope = scale.slope(constants.detach()).unsqueeze(1)
        columns = []
        for target in range(residual.shape[-1]):
            by_latent, by_constant = self._slopes(residual, target, [leaf, knobs])
            columns.append(torch.cat((by_latent, by_constant * slope), dim=-1))
        jacobian = columns[0].unsqueeze(2)
        if len(columns) > 1:
            jacobian = torch.stack(columns, dim=2)
        return jacobian, residual.detach()

    @staticmethod
    def _slopes(
        residual: Tensor, target: int, inputs: list[Tensor]
    ) -> tuple[Tensor, ...]:
        """Slopes of the residuals (S, n, t) of one target by inputs (S, n, ...)."""
        count = residual.shape[-1]
        # A sum, for rows do not meet: asked for a vector of slopes, torch would first load
        # its symbolic shapes and sympy, a second in every process.
        with torch.enable_grad():
            total = residual[..., target].sum()
        return torch.autograd.grad(
            total, inputs, retain_graph=target + 1 < count,
            allow_unused=True, materialize_grads=True,
        )  # fmt: skip

    def _add_violation(self, local: LocalModel, raw: Tensor) -> LocalModel:
        if self.violation_weight == 0:
            return local
        with torch.enable_grad():
            leaf = raw.detach().requires_grad_()
            outside = self._violation(leaf)
            # Most steps leave no latent outside: no second pass then.
            if not outside.requires_grad or not bool((outside > 0).any()):
                return local
            (slope,) = torch.autograd.grad(outside.sum(), leaf)
        outside = outside.detach()
        share = self.violation_weight / self.whole_rows
        latents = slice(0, self.n_latents)
        local.gradient[..., latents] += share * outside * slope
        # Squares of each latent's violation: Gauss-Newton curvature without cross
        # terms.
        diagonal = torch.diag_embed(share * slope**2)
        local.curvature[..., latents, latents] += diagonal
        loss = local.loss + share * outside.pow(2).sum((1, 2))
        return LocalModel(loss, local.gradient, local.curvature)
