"""KANEncoder: a spline network of any depth in front of a process model."""

import itertools
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from sciren.data.kinds import FeatureKind
from sciren.encoders.base import LayeredEncoder, seeded
from sciren.encoders.curve_spaces import CurveSpaces
from sciren.encoders.layer import Base, SplineLayer
from sciren.errors import ConfigError
from sciren.splines import Outside

# First layer and deeper ones (measured on the respiration study): 30 intervals fail by
# extrapolation without smoothing, and a kink such as |s| needs 40.
DEFAULT_GRID = (10, 40)


class KANEncoder(LayeredEncoder):
    """Spline network: ``hidden=()`` is the additive model, one curve per edge.

    With several latents the hidden nodes belong to one latent each (``hidden=(2,)``
    means two nodes for every latent), so that every latent's equation stands alone;
    ``shared=True`` lets all latents use all hidden nodes.

    Args:
        n_inputs, n_outputs: features and latents.
        hidden: nodes (per latent) in each hidden layer.
        grid: intervals, one number for all layers or one for each layer;
            default 10 in the first and 40 in deeper layers.
        base: function beside the splines: "zero", "identity" (paper, one layer), "silu".
        outside: "linear" continuation beyond the training range, or "zero".
        margin: share of the data range added to the knots on each side (paper: 2).
        start: "straight" random lines or "noise" (the published start).
        shared: whether hidden nodes are shared by the latents.
        seed: for the starting values; no global random state is touched.
    Raises:
        ConfigError: a size that makes no sense.
    Reference: paper section 3; the defaults are measured on the respiration study.
    """

    kind: ClassVar[str] = "kan"
    arguments = (
        "n_inputs", "n_outputs", "hidden", "grid", "base", "outside", "margin", "start",
        "shared", "seed",
    )  # fmt: skip

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        hidden: Sequence[int] = (),
        grid: int | Sequence[int] | None = None,
        base: Base = "zero",
        outside: Outside = "linear",
        margin: float = 0.0,
        start: Literal["straight", "noise"] = "straight",
        shared: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(n_inputs, n_outputs)
        self.hidden = tuple(int(width) for width in hidden)
        if any(width < 1 for width in self.hidden):
            raise ConfigError(f"hidden={self.hidden}: every layer needs a node")
        if margin < 0:
            raise ConfigError(f"margin={margin}; use zero or a positive share")
        self.grid = _grid(grid, len(self.hidden) + 1)
        self.base: Base = base
        self.outside: Outside = outside
        self.margin = float(margin)
        self.start, self.shared, self.seed = start, bool(shared), int(seed)
        # Hidden layers are as wide as all latents' nodes together; masks separate them.
        groups = 1 if shared else n_outputs
        widths = [n_inputs, *(width * groups for width in self.hidden), n_outputs]
        self.layers = nn.ModuleList(
            SplineLayer(a, b, intervals, base, outside)
            for (a, b), intervals in zip(
                itertools.pairwise(widths), self.grid, strict=True
            )
        )
        self._separate_latents(groups)
        self._start()

    @property
    def spline_layers(self) -> list[SplineLayer]:
        """The layers, from the features to the latents."""
        return [layer for layer in self.layers if isinstance(layer, SplineLayer)]

    @property
    def n_coefficients(self) -> int:
        """Number of spline coefficients in all layers."""
        return sum(layer.coefficients.numel() for layer in self.spline_layers)

    def _separate_latents(self, groups: int) -> None:
        """Cut the edges between hidden nodes of one latent and those of another."""
        for layer in self.spline_layers[1:]:
            rows, columns = layer.mask.shape
            # Nodes stand latent by latent: node k of n belongs to group k groups / n,
            # rounded down.
            row_group = torch.arange(rows) * groups // rows
            column_group = torch.arange(columns) * groups // columns
            layer.mask.copy_(row_group.unsqueeze(1) == column_group.unsqueeze(0))

    def _start(self) -> None:
        generator = seeded(self.seed)
        for layer in self.spline_layers:
            if self.start == "noise":
                layer.start_noise(generator, 0.3)
            else:
                layer.start_straight(generator, float(layer.mask.shape[0]) ** -0.5)

    def set_kinds(self, kinds: Sequence[FeatureKind]) -> None:
        """Lay the curves of the first layer by the kinds of the features.

        Classes need a knot each: with more of them than intervals the grid is refined.
        """
        spaces = CurveSpaces.of(kinds)
        first, *others = self.spline_layers
        if spaces.least_intervals > first.intervals:
            inputs, outputs = first.mask.shape
            # A layer of another grid has no numbers in common: a new one starts afresh.
            wider = SplineLayer(
                inputs, outputs, spaces.least_intervals, self.base, self.outside
            ).to(first.mask.device)
            wider.mask.copy_(first.mask)
            self.layers = nn.ModuleList([wider, *others])
            self.grid = (wider.intervals, *self.grid[1:])
            self._start()
        self.spline_layers[0].spaces = spaces

    def inputs(self, x: Tensor) -> Tensor:
        """Return scaled features (n, d) as places on the knots."""
        return self.spline_layers[0].spaces.on_knots(x)

    @torch.no_grad()
    def prepare(self, features: Tensor) -> None:
        """Lay the knots of every layer on the range of its inputs, plus the margin."""
        generator = seeded(self.seed)
        x = self._checked(features)
        for layer in self.spline_layers:
            places = layer.spaces.on_knots(x)
            # Inputs of deeper layers are the outputs of the start, so the layers follow
            # in turn.
            low, high = places.amin(0), places.amax(0)
            pad = self.margin * (high - low)
            layer.set_range(low - pad, high + pad)
            # Lines again, because a straight line has other coefficients on other
            # knots.
            if self.start == "straight":
                layer.start_straight(generator, float(layer.mask.shape[0]) ** -0.5)
            x = layer(x)

    @torch.no_grad()
    def update_grids(self, features: Tensor) -> None:
        """Update every layer's knots to these rows, refitting the splines (paper).

        Knots stay where a diverged training has left numbers that are not finite.
        """
        x = self._checked(features)
        for layer in self.spline_layers:
            if not bool(torch.isfinite(layer(x)).all() & torch.isfinite(x).all()):
                return
            layer.update_grid(layer.spaces.on_knots(x), self.margin)
            x = layer(x)

    @torch.no_grad()
    def center(self, features: Tensor) -> None:
        """Center every edge on these rows; the means go into the biases."""
        x = self._checked(features)
        *inner, last = self.spline_layers
        for layer in inner:
            layer.center(x)
            x = layer(x)
        last.center(x)


def _grid(grid: int | Sequence[int] | None, layers: int) -> tuple[int, ...]:
    if grid is None:
        return (DEFAULT_GRID[0], *[DEFAULT_GRID[1]] * (layers - 1))
    if isinstance(grid, int):
        return (grid,) * layers
    if len(grid) != layers:
        raise ConfigError(
            f"grid={list(grid)} names {len(grid)} layers, the encoder has {layers}"
        )
    return tuple(int(intervals) for intervals in grid)
