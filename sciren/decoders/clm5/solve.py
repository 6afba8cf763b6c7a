"""The steady state as one differentiable function of the 21 parameters, in chunks."""

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from sciren.decoders.clm5.parameters import NAMES
from sciren.decoders.clm5.sites import Sites
from sciren.decoders.clm5.steady import LITTER, SOIL, SteadyState
from sciren.errors import DecoderError

CHUNK = 1024  # sites at once: enough to hide call overhead, small enough for caches
# What waits for the backward pass: up to 4,096 rows everything, up to 65,536 only pools and
# climate (2 kB a row, 130 MB in all), beyond that nothing and it is solved again.
WHOLE_ROWS, KEEP_ROWS = 4096, 65_536


class Readout(Protocol):
    """What is taken from a steady state."""

    debris: bool  # whether the debris pool is needed
    scalar: bool  # one number a site: its gradient is made along with the value

    def value(self, state: SteadyState) -> Tensor:
        """Return (..., n)."""
        ...

    def gradient(self, state: SteadyState, slope: Tensor) -> Tensor:
        """Return (21, n) for the derivative (..., n) of a scalar to the value."""
        ...

    def part(self, rows: slice) -> "Readout":
        """Return the same for some of the rows."""
        ...


class Pools:
    """All seven pools, (20, 7, n)."""

    debris, scalar = True, False

    def value(self, state: SteadyState) -> Tensor:
        """Return debris, litter and soil pools."""
        return torch.cat([state.debris.unsqueeze(1), state.pools], dim=1)

    def gradient(self, state: SteadyState, slope: Tensor) -> Tensor:
        """Return the gradient of all 21 parameters."""
        moving = slope[:, 1:]
        return state.gradient(moving[:, SOIL], moving[:, LITTER], slope[:, 0])

    def part(self, rows: slice) -> "Pools":
        """Return itself."""
        return self


class Carbon:
    """Soil organic carbon by layer, (20, n)."""

    debris, scalar = False, False

    def value(self, state: SteadyState) -> Tensor:
        """Return the sum of the soil pools."""
        return state.soc

    def gradient(self, state: SteadyState, slope: Tensor) -> Tensor:
        """Return the gradient of all 21 parameters."""
        return state.gradient(slope.unsqueeze(1))

    def part(self, rows: slice) -> "Carbon":
        """Return itself."""
        return self


class CarbonAt:
    """Soil organic carbon at one depth a row, (n,).

    Args:
        index, weight: (n,) from `depth_weights`.
    """

    debris, scalar = False, True

    def __init__(self, index: Tensor, weight: Tensor) -> None:
        self.index, self.weight = index.unsqueeze(0), weight.unsqueeze(0)

    def value(self, state: SteadyState) -> Tensor:
        """Return the interpolated carbon."""
        soc = state.soc
        above, below = soc.gather(0, self.index), soc.gather(0, self.index + 1)
        return ((1 - self.weight) * above + self.weight * below)[0]

    def gradient(self, state: SteadyState, slope: Tensor) -> Tensor:
        """Return the gradient of all 21 parameters, zero where the depth is nan."""
        weight = torch.nan_to_num(self.weight)
        share = torch.where(torch.isnan(self.weight), 0.0, slope)
        layers = torch.zeros_like(state.x)
        # Transpose of the interpolation: the slope goes to the two layers by their
        # weights.
        layers.scatter_(0, self.index, (1 - weight) * share)
        layers.scatter_add_(0, self.index + 1, weight * share)
        return state.gradient(layers.unsqueeze(1))

    def part(self, rows: slice) -> "CarbonAt":
        """Return the same for some of the rows."""
        return CarbonAt(self.index[0, rows], self.weight[0, rows])


class Problem:
    """Rows to solve: sites, which site each row is, what is read out, how.

    Args:
        sites: prepared sites.
        readout: what to return.
        rows: (r,) site of each row, or None for every site once.
        method: see `SteadyState`.
    """

    def __init__(
        self,
        sites: Sites,
        readout: Readout,
        rows: Tensor | None = None,
        method: str = "auto",
    ) -> None:
        self.sites, self.readout, self.rows, self.method = sites, readout, rows, method

    def chunks(self, count: int) -> Iterator[slice]:
        """Yield slices over the rows."""
        return (slice(k, min(k + CHUNK, count)) for k in range(0, count, CHUNK))

    def state(self, parameters: Tensor, rows: slice, slopes: bool) -> SteadyState:
        """Solve some of the rows.

        Raises:
            DecoderError: carbon cannot leave some layer; names site and layer.
        """
        numbers = rows if self.rows is None else self.rows[rows]
        part = parameters[:, rows]
        state = SteadyState(part, self.sites.part(numbers), slopes, self.method)
        stuck = state.stuck(self.readout.debris)
        if stuck is not None:
            row = rows.start + stuck[0]
            site = row if self.rows is None else int(self.rows[row])
            raise DecoderError(
                f"carbon cannot leave layer {stuck[1]} of site {site}: its decomposition "
                "rate and its exchange with other layers are both zero all year; check "
                "w_scalar, o_scalar and n_scalar there, or leave the site out"
            )
        return state


class _SteadySolve(torch.autograd.Function):
    """Readout of the steady state; backward is the adjoint solution."""

    @staticmethod
    def forward(ctx: Any, parameters: Tensor, problem: Problem) -> Tensor:
        count = parameters.shape[1]
        wanted = ctx.needs_input_grad[0]
        keep = wanted and count <= KEEP_ROWS and not problem.readout.scalar
        ctx.problem, ctx.states, values, slopes = problem, [], [], []
        for rows in problem.chunks(count):
            state = problem.state(parameters, rows, wanted)
            readout = problem.readout.part(rows)
            values.append(readout.value(state))
            # One number a row needs one adjoint, whatever the loss: made while the factors
            # are at hand, so that nothing has to be kept.
            if wanted and readout.scalar:
                slopes.append(readout.gradient(state, torch.ones_like(values[-1])))
            if keep:
                if count > WHOLE_ROWS:
                    state.release()
                ctx.states.append(state)
        saved = [torch.cat(slopes, dim=1)] if slopes else [parameters]
        ctx.save_for_backward(*saved)
        return torch.cat(values, dim=-1)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        # Backward is written by hand and has no graph: a second derivative would come
        # out zero.
        if torch.is_grad_enabled():
            raise DecoderError(
                "the soil carbon model has first derivatives only; differentiate without "
                "create_graph=True"
            )
        (slope,) = grad_outputs
        (saved,) = ctx.saved_tensors
        problem = ctx.problem
        if problem.readout.scalar:
            return saved * slope, None
        parts = []
        for k, rows in enumerate(problem.chunks(saved.shape[1])):
            # Kept, or solved again from the saved parameters where there were too many
            # rows.
            state = ctx.states[k] if ctx.states else problem.state(saved, rows, True)
            readout = problem.readout.part(rows)
            parts.append(readout.gradient(state, slope[..., rows]))
            # What this chunk made anew is dropped before the next one.
            if slope.shape[-1] > WHOLE_ROWS:
                state.release()
        return torch.cat(parts, dim=1), None


def solve(parameters: Tensor, problem: Problem) -> Tensor:
    """Read out the steady state.

    Args:
        parameters: (21, r) physical values, one column a row; nan gives nan.
        problem: sites, rows and readout.
    Returns:
        (20, 7, r), (20, r) or (r,), by readout; gC m-3.
    Raises:
        DecoderError: a layer that carbon cannot leave.
    """
    if parameters.shape[0] != len(NAMES):
        raise DecoderError(f"expected {len(NAMES)} parameters, got {len(parameters)}")
    return _SteadySolve.apply(parameters, problem)
