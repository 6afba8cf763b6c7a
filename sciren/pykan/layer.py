"""KANLayer: pykan's layer with its tensors, names and shapes, without its habits."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sciren.errors import ConfigError
from sciren.pykan.knots import basis, curve_coefficients, extended

Outputs = tuple[Tensor, Tensor, Tensor, Tensor]


class KANLayer(nn.Module):
    """Drop-in for ``kan.KANLayer`` (pykan 0.2.8): loads its state_dict strictly.

        y_j = sum_i mask_ij (scale_base_ij b(x_i) + scale_sp_ij sum_g coef_ijg B_g(x_i))

    What differs: it draws from a generator of its own, and curves are refitted by
    singular values in double precision, so that equal calls give equal results.

    Args:
        in_dim, out_dim: n nodes before and s after.
        num, k: grid intervals G and spline order.
        noise_scale: size of the noise in the starting curves.
        scale_base_mu, scale_base_sigma, scale_sp: starting scales, times n^(-1/2).
        base_fun: b(x).
        grid_eps: 1 even knots, 0 quantiles of the samples.
        grid_range: first and last knot at the start.
        sp_trainable, sb_trainable: whether the scales are trained.
        device: of the tensors.
        sparse_init: keep only nearest neighbours.
        seed: of the starting values.
    Attributes:
        grid: (n, G + 1 + 2k);  coef: (n, s, G + k).
        mask, scale_base, scale_sp: (n, s).
    Raises:
        ConfigError: no interval, or an order below one.
    """

    def __init__(
        self,
        in_dim: int = 3,
        out_dim: int = 2,
        num: int = 5,
        k: int = 3,
        noise_scale: float = 0.5,
        scale_base_mu: float = 0.0,
        scale_base_sigma: float = 1.0,
        scale_sp: float = 1.0,
        base_fun: Callable[[Tensor], Tensor] | None = None,
        grid_eps: float = 0.02,
        grid_range: Sequence[float] = (-1.0, 1.0),
        sp_trainable: bool = True,
        sb_trainable: bool = True,
        device: str | torch.device = "cpu",
        sparse_init: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if num < 1 or k < 1:
            raise ConfigError(
                f"num={num}, k={k}: a layer needs an interval and order 1"
            )
        self.in_dim, self.out_dim, self.num, self.k = in_dim, out_dim, num, k
        self.base_fun = nn.SiLU() if base_fun is None else base_fun
        self.grid_eps = float(grid_eps)
        shape, share = (in_dim, out_dim), in_dim**-0.5
        generator = torch.Generator().manual_seed(seed)
        inner = torch.linspace(grid_range[0], grid_range[1], num + 1).repeat(in_dim, 1)
        self.grid = _frozen(extended(inner, k))
        # Noise at the G + 1 inner knots, then the curve through it, as pykan starts.
        noise = torch.rand(num + 1, *shape, generator=generator) - 0.5
        self.coef = nn.Parameter(
            curve_coefficients(inner.T, noise * noise_scale / num, self.grid, k)
        )
        self.mask = _frozen(_nearest(*shape) if sparse_init else torch.ones(shape))
        spread = scale_base_sigma * (torch.rand(shape, generator=generator) * 2 - 1)
        base = (scale_base_mu + spread) * share
        self.scale_base = nn.Parameter(base, requires_grad=sb_trainable)
        spline = scale_sp * share * self.mask.detach().clone()
        self.scale_sp = nn.Parameter(spline, requires_grad=sp_trainable)
        self.to(device)

    def curves(self, x: Tensor) -> Tensor:
        """Return the splines alone: (n, in) -> (n, in, out)."""
        return torch.einsum("nig,ijg->nij", basis(x, self.grid, self.k), self.coef)

    def forward(self, x: Tensor) -> Outputs:
        """Return sums (n, out), then inputs, edges and splines, each (n, out, in)."""
        splines = self.curves(x)
        base = self.base_fun(x).unsqueeze(-1)
        edges = self.mask * (self.scale_base * base + self.scale_sp * splines)
        # In pykan's order, (n, out, in).
        inputs = x.unsqueeze(1).expand(-1, self.out_dim, -1).clone()
        return edges.sum(1), inputs, edges.transpose(1, 2), splines.transpose(1, 2)

    @torch.no_grad()
    def update_grid_from_samples(self, x: Tensor, mode: str = "sample") -> None:
        """Move the knots to samples (n, in) and refit the curves there.

        Args:
            mode: "sample" refits at the samples, "grid" at twice as many knots.
        Raises:
            ConfigError: another mode.
        """
        ordered = x.sort(dim=0).values
        inner = self._spread(ordered, self.num)
        points = self._points(mode, ordered, self._spread(ordered, 2 * self.num))
        self._refit(points, self.curves(points), inner)

    @torch.no_grad()
    def initialize_grid_from_parent(
        self, parent: "KANLayer", x: Tensor, mode: str = "sample"
    ) -> None:
        """Take over the curves of a coarser layer, its knots interpolated.

        Args, Raises: see `update_grid_from_samples`.
        """
        # Knots inside the range, without the k beyond it on each side.
        old = parent.grid[:, parent.k : -parent.k]
        inner = _interpolated(old, self.num)
        fine = _interpolated(old, 2 * self.num)
        points = self._points(mode, x.sort(dim=0).values, fine)
        self._refit(points, parent.curves(points), inner)

    def _spread(self, ordered: Tensor, count: int) -> Tensor:
        """Knots (in, count + 1) between even spacing and quantiles."""
        # The samples at even ranks, the last one included: pykan's adaptive knots.
        rows = [int(len(ordered) / count * g) for g in range(count)] + [-1]
        quantiles = ordered[rows].T
        first, last = quantiles[:, :1], quantiles[:, -1:]
        steps = torch.arange(count + 1, dtype=ordered.dtype, device=ordered.device)
        even = first + (last - first) / count * steps
        return self.grid_eps * even + (1 - self.grid_eps) * quantiles

    def _points(self, mode: str, samples: Tensor, knots: Tensor) -> Tensor:
        if mode not in ("sample", "grid"):
            raise ConfigError(f"mode {mode!r} does not exist; use 'sample' or 'grid'")
        return samples if mode == "sample" else knots.T

    def _refit(self, points: Tensor, curves: Tensor, inner: Tensor) -> None:
        grid = extended(inner, self.k).to(self.grid)
        self.grid.data = grid
        self.coef.data = curve_coefficients(points, curves, grid, self.k)

    @torch.no_grad()
    def get_subset(self, in_id: Sequence[int], out_id: Sequence[int]) -> "KANLayer":
        """Return a layer of some inputs and outputs (used in pruning)."""
        rows, columns = list(in_id), list(out_id)
        part = KANLayer(
            len(rows), len(columns), self.num, self.k, base_fun=self.base_fun
        )
        # Knots belong to inputs alone; the others are (input, output).
        part.grid.data = self.grid[rows].clone()
        for name in ("coef", "scale_base", "scale_sp", "mask"):
            getattr(part, name).data = getattr(self, name)[rows][:, columns].clone()
        return part

    @torch.no_grad()
    def swap(self, i1: int, i2: int, mode: str = "in") -> None:
        """Exchange two inputs ("in") or outputs ("out").

        Raises:
            ConfigError: another mode.
        """
        if mode not in ("in", "out"):
            raise ConfigError(f"mode {mode!r} does not exist; use 'in' or 'out'")
        names = ["coef", "scale_base", "scale_sp", "mask"]
        for name in [*names, "grid"] if mode == "in" else names:
            values = getattr(self, name)
            values = values if mode == "in" else values.transpose(0, 1)
            # A transposed view: the assignment writes into the parameter itself.
            values[[i1, i2]] = values[[i2, i1]]


def _frozen(values: Tensor) -> nn.Parameter:
    """Return a parameter that is stored but not trained, as pykan keeps these."""
    return nn.Parameter(values, requires_grad=False)


def _interpolated(knots: Tensor, count: int) -> Tensor:
    """Spread knots (i, m) linearly over count + 1 places."""
    position = torch.linspace(0, knots.shape[1] - 1, count + 1).to(knots)
    left = position.floor().long().clamp_max(knots.shape[1] - 2)
    return torch.lerp(knots[:, left], knots[:, left + 1], position - left)


def _nearest(n_inputs: int, n_outputs: int) -> Tensor:
    """Switch on the nearest output of each input and the reverse, (in, out)."""
    first = (torch.arange(n_inputs) + 0.5) / n_inputs
    second = (torch.arange(n_outputs) + 0.5) / n_outputs
    distance = (first.unsqueeze(1) - second.unsqueeze(0)).abs()
    mask = torch.zeros(n_inputs, n_outputs)
    # Both ways, so that no node stays without an edge.
    mask[torch.arange(n_inputs), distance.argmin(1)] = 1.0
    mask[distance.argmin(0), torch.arange(n_outputs)] = 1.0
    return mask
