"""The observed loss of rows whose noise grows, remembers or is shared by groups.

    loss = sum over observations of (W r)^2 / sum of their weights + violation

W divides by the size of the noise and takes out what earlier rows and the other rows of a
group say about it (`sciren.inference.noise.Whitening`), r residuals. W mixes rows, so the
Gauss-Newton matrix is that of whole columns, J'W'W J; row by row (`local`, `part`) only
the size of the noise counts.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.inference.noise import NoiseLaw, Whitening
from sciren.inference.observed import ObservedProcess, stretch_rows
from sciren.solvers.levenberg import Normal
from sciren.solvers.process_term import LocalModel, ProcessTerm

Array = np.ndarray


class WhitenedTerm(ProcessTerm):
    """Observed loss under an estimated law of the noise.

    Attributes:
        plain: the same loss, row by row: sizes of the noise without memory.
        process: observations in time order;  law: of their noise.
        mean: (m,) that carries the size of the noise.
    """

    plain: ProcessTerm
    process: ObservedProcess
    law: NoiseLaw
    mean: Array
    _whitening: Whitening
    _size: float
    _rows: Tensor

    @classmethod
    def of(
        cls, term: ProcessTerm, process: ObservedProcess, law: NoiseLaw, mean: Array
    ) -> "WhitenedTerm":
        """Lay a law on a loss.

        Args:
            term: weighs the observations as the user does.
            process: the same rows.
            law, mean: see above.
        """
        # Every target counts as much as before: sizes are compared within a target.
        equal = replace(law, spread=(1.0,) * len(law.power))
        whitening = equal.whitening(process, mean)
        size = float(np.sqrt(np.mean(whitening.scale**-2.0)))
        # Weights 1 / sigma^2 of mean one, so that the size of the loss stays what it was.
        weights = np.zeros(term.observations.weights.shape)
        weights[process.rows, process.targets] = (whitening.scale * size) ** -2.0
        observations = replace(
            term.observations, weights=torch.from_numpy(weights).to(term.total)
        )
        plain = term._changed(observations=observations)
        plain.total = plain._total()
        made = object.__new__(cls)
        made.__dict__.update(plain.__dict__)
        made.plain, made.process, made.law, made.mean = plain, process, law, mean
        made._whitening, made._size = whitening, size
        made._rows = torch.from_numpy(process.rows)
        return made

    @classmethod
    def of_model(
        cls, term: ProcessTerm, table: Table, raw: Tensor, law: NoiseLaw
    ) -> ProcessTerm:
        """Lay a law on the loss of a model whose own mean carries the size of the noise.

        Args:
            term: of a table;  raw: (n, L) raw latents on its rows.
        Returns:
            The term as it is where nothing is observed or a mean is not finite.
        """
        if not term.observations.weights.any():
            return term
        model = term.model
        process = ObservedProcess.of(model, table, term.observations.scale)
        constants = model.constant_raw.detach().cpu().numpy()
        mean = process.evaluate(raw.detach().cpu().numpy(), constants).mean
        if not np.isfinite(mean).all():
            return term
        return cls.of(term, process, law, mean)

    # -- other rows -------------------------------------------------------------------
    def take(self, rows: Tensor) -> ProcessTerm:
        """Return the same law on some of the rows (positions): a loss of its own."""
        chosen = np.sort(rows.cpu().numpy())
        if len(chosen) == self.n_rows:
            return self
        # Rows in another order have no memory that could be read.
        if not np.array_equal(chosen, rows.cpu().numpy()):
            return self.plain.take(rows)
        process = self.process.take(chosen)
        place = np.full((self.n_rows, len(self.law.power)), -1)
        place[self.process.rows, self.process.targets] = np.arange(len(self.process))
        kept = place[chosen[process.rows], process.targets]
        return WhitenedTerm.of(
            self.plain.take(rows), process, self.law, self.mean[kept]
        )

    def part(self, rows: slice | Tensor) -> ProcessTerm:
        """Return the share of some rows, row by row."""
        return self.plain.part(rows)

    def within(self, rows: int, total: Tensor) -> ProcessTerm:
        """Return the share of these rows in a loss of more rows, row by row."""
        return self.plain.within(rows, total)

    def with_row_weights(self, row_weights: Tensor | None) -> "WhitenedTerm":
        """Return the same term with other row weights (S, n)."""
        other = self.__dict__ | {"row_weights": row_weights, "_parts": {}}
        made = object.__new__(WhitenedTerm)
        made.__dict__.update(other)
        made.plain = self.plain.with_row_weights(row_weights)
        made.total = made.plain.total
        return made

    def rows_in_stretches(self, most: int) -> Tensor:
        """Return at most so many rows, neighbours beside neighbours."""
        return torch.from_numpy(stretch_rows(self.process.clock, most))

    # -- whitened ---------------------------------------------------------------------
    def _factors(self, members: Tensor) -> Tensor:
        """Weight of every whitened square as a share of all (S or 1, m)."""
        if self.row_weights is None:
            count = len(self._rows)
            return self.total.new_full((1, count), 1.0 / count)
        weights = self.row_weights[members][:, self._rows]
        return weights / weights.sum(1, keepdim=True)

    def _white(self, values: Tensor) -> Tensor:
        """Whiten columns (n, t, c) of the rows: (m, c), in units of the plain loss."""
        stacked = values.cpu().numpy()[self.process.rows, self.process.targets]
        white = self._whitening.whiten(stacked) / self._size
        return torch.from_numpy(white).to(values)

    @torch.no_grad()
    def loss(self, raw: Tensor, constants: Tensor, members: Tensor) -> Tensor:
        """Loss (S,); infinite where the decoder returns something that is not finite."""
        residual = self.residual(raw, constants)
        squares = self._white(residual.permute(1, 2, 0)).T ** 2
        loss = (self._factors(members) * squares).sum(1)
        loss = loss + self._outside(self._violation(raw))
        return torch.where(torch.isfinite(loss), loss, torch.inf)

    @torch.no_grad()
    def data_by_row(self, raw: Tensor, constants: Tensor) -> tuple[Tensor, Tensor]:
        """Whitened squares (S, n) of the rows, and their number (n,)."""
        residual = self.residual(raw, constants)
        squares = self._white(residual.permute(1, 2, 0)).T ** 2
        rows = self._rows.to(squares.device)
        by_row = squares.new_zeros(len(squares), self.n_rows).index_add(
            1, rows, squares
        )
        count = squares.new_zeros(self.n_rows)
        return by_row, count.index_add(0, rows, squares.new_ones(len(rows)))

    def columns(
        self, raw: Tensor, constants: Tensor, designs: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return whitened columns (m, P) and residuals (m,) of one member.

        Args:
            raw: (1, n, L);  constants: (1, K).
            designs: for each latent d(raw latent)/d(its parameters) (n, P_l).
        """
        slopes, residual = self.jacobian(raw, constants)
        parts = [
            slopes[0, :, :, k, None] * design[:, None]
            for k, design in enumerate(designs)
        ]
        whole = torch.cat(
            [*parts, slopes[0, :, :, len(designs) :], residual[0, :, :, None]], dim=-1
        )
        # In one pass: the factors of the noise are the same for slopes and residuals.
        white = self._white(whole)
        return white[:, :-1], white[:, -1]

    def normal(
        self,
        raw: Tensor,
        constants: Tensor,
        members: Tensor,
        designs: Sequence[Tensor],
    ) -> Normal:
        """Return loss, half gradient and matrix of the parameters.

        Args:
            designs: for each latent (S, n, P_l).
        """
        factors = self._factors(members)
        normals = []
        for k in range(len(raw)):
            here = slice(k, k + 1)
            own = [design[k] for design in designs]
            columns, left = self.columns(raw[here], constants[here], own)
            share = factors[k if len(factors) > 1 else 0]
            normals.append(_normal(columns, left, share))
        loss, gradient, matrix = (
            torch.stack(part) for part in zip(*normals, strict=True)
        )
        return self._with_violation(Normal(loss, gradient, matrix), raw, designs)

    def normals_of_parts(
        self,
        raw: Tensor,
        constants: Tensor,
        designs: Sequence[Tensor],
        parts: Sequence[Tensor],
    ) -> list[Normal]:
        """Return the shares of sets of rows (positions), of one member."""
        columns, left = self.columns(raw, constants, designs)
        share = self._factors(torch.zeros(1, dtype=torch.long))[0]
        number = torch.full((self.n_rows,), -1)
        for k, rows in enumerate(parts):
            number[rows.cpu()] = k
        owner = number[self._rows]
        normals = []
        for k in range(len(parts)):
            mine = owner == k
            loss, gradient, matrix = _normal(columns[mine], left[mine], share[mine])
            normals.append(Normal(loss[None], gradient[None], matrix[None]))
        return normals

    def _with_violation(
        self, normal: Normal, raw: Tensor, designs: Sequence[Tensor]
    ) -> Normal:
        """Add the penalty of latents outside, which no noise law concerns."""
        from sciren.solvers.normal_equations import assemble

        size = raw.shape[-1] + self.n_constants
        empty = LocalModel(
            raw.new_zeros(len(raw)),
            raw.new_zeros(len(raw), raw.shape[1], size),
            raw.new_zeros(len(raw), raw.shape[1], size, size),
        )
        outside = self._add_violation(empty, raw)
        if outside is empty:
            return normal
        more = assemble(outside, designs)
        return Normal(*(a + b for a, b in zip(normal, more, strict=True)))


def _normal(columns: Tensor, left: Tensor, share: Tensor) -> tuple[Tensor, ...]:
    weighted = columns * share[:, None]
    return (share * left) @ left, weighted.T @ left, weighted.T @ columns
