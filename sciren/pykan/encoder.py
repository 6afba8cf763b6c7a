"""PykanEncoder: a pykan network carried exactly, whatever its knots and functions."""

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sciren.encoders.base import LayeredEncoder
from sciren.encoders.layer import Base
from sciren.errors import ConfigError, closest_names
from sciren.pykan.functions import FUNCTIONS
from sciren.pykan.knots import basis

Place = tuple[int, int, str]  # input, output, function of a symbolic edge


class KnotLayer(nn.Module):
    """Edges phi_ij(x) = m_ij [a_ij b(x) + sum_g c_ijg B_g(x; t_i) + sum c f(a x + b) + d].

    Nodes are sum_i phi_ij + bias_j. Knots t_i belong to the input and never move.

    Args:
        n_inputs, n_outputs: nodes before and after.
        intervals, order: G and k; G + k coefficients an edge.
        base: b(x): nothing, x, or x sigmoid(x).
        functions: (input, output, name) of the edges with a closed form as well.
    Raises:
        ConfigError: a size, place or name that makes no sense.
    """

    knots: Tensor
    mask: Tensor

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        intervals: int,
        order: int = 3,
        base: Base = "zero",
        functions: Sequence[Place] = (),
    ) -> None:
        super().__init__()
        if intervals < 1 or order < 1:
            raise ConfigError(
                f"grid={intervals}, order={order}: a layer needs an interval and order 1"
            )
        self.intervals, self.order = int(intervals), int(order)
        self.base: Base = base
        self.functions = _checked(functions, n_inputs, n_outputs)
        shape, double = (n_inputs, n_outputs), torch.float64
        size = intervals + order
        self.coefficients = nn.Parameter(torch.zeros(*shape, size, dtype=double))
        self.bias = nn.Parameter(torch.zeros(n_outputs, dtype=double))
        self.slope = (
            None if base == "zero" else nn.Parameter(torch.zeros(shape, dtype=double))
        )
        self.affine = nn.Parameter(torch.zeros(len(self.functions), 4, dtype=double))
        steps = torch.arange(-order, intervals + order + 1, dtype=double)
        # pykan's start: even knots on -1..1, k more on each side.
        even = -1 + 2 / intervals * steps
        self.register_buffer("knots", even.repeat(n_inputs, 1))
        self.register_buffer("mask", torch.ones(shape, dtype=double))

    def edges(self, x: Tensor) -> Tensor:
        """Return every edge's output: (n, i) -> (n, i, j)."""
        rows = basis(x, self.knots, self.order)
        # (i, n, G + k) times (i, G + k, j): all edges of an input at once.
        out = torch.bmm(rows.transpose(0, 1), self.coefficients.mT).transpose(0, 1)
        if self.slope is not None:
            b = x if self.base == "identity" else nn.functional.silu(x)
            out = out + b.unsqueeze(-1) * self.slope
        if self.functions:
            out = self._with_functions(x, out)
        return out * self.mask

    def _with_functions(self, x: Tensor, out: Tensor) -> Tensor:
        """Add the closed forms; one that was removed stays out, it could be nan."""
        out = out.clone()
        for (i, j, name), constants in zip(self.functions, self.affine, strict=True):
            if self.mask[i, j] != 0:
                a, b, c, d = constants
                # pykan writes both maps into the edge: c f(a x + b) + d.
                out[:, i, j] += c * FUNCTIONS[name](a * x[:, i] + b) + d
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Return the node values (n, j)."""
        return self.edges(x).sum(1) + self.bias


def _checked(
    functions: Sequence[Place], n_inputs: int, n_outputs: int
) -> tuple[Place, ...]:
    places = tuple((int(i), int(j), str(name)) for i, j, name in functions)
    for i, j, name in places:
        if name not in FUNCTIONS:
            raise ConfigError(
                f"function {name!r} does not exist. {closest_names(name, FUNCTIONS)}"
            )
        if not (0 <= i < n_inputs and 0 <= j < n_outputs):
            raise ConfigError(
                f"function {name!r} is on edge {i} -> {j} of a layer with {n_inputs} "
                f"inputs and {n_outputs} outputs"
            )
    return places


class PykanEncoder(LayeredEncoder):
    """A pykan network as it is: any order, any knots, closed forms on edges.

    It is trained like every encoder (coefficients, slopes, biases and the constants of
    closed forms); its knots stay where they are. Get one from `from_pykan`.

    Args:
        n_inputs, n_outputs: features and latents.
        hidden: nodes in each hidden layer; all latents use all of them.
        grid, order: intervals and spline order, one for each layer.
        base: function beside the splines: "zero", "identity", "silu".
        functions: for each layer (input, output, name) of the closed forms.
    Raises:
        ConfigError: a size, place or name that makes no sense.
    Reference: Liu et al. 2024, KAN 2.0 (pykan 0.2).
    """

    kind: ClassVar[str] = "pykan"
    shared: ClassVar[bool] = True

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        hidden: Sequence[int] = (),
        grid: Sequence[int] = (3,),
        order: Sequence[int] = (3,),
        base: Base = "silu",
        functions: Sequence[Sequence[Place]] | None = None,
    ) -> None:
        super().__init__(n_inputs, n_outputs)
        self.hidden = tuple(int(width) for width in hidden)
        self.base: Base = base
        depth = len(self.hidden) + 1
        # Without any, every layer has splines alone.
        named = [()] * depth if functions is None else functions
        if {len(grid), len(order), len(named)} != {depth}:
            raise ConfigError(
                f"{depth} layers need as many entries of grid ({len(grid)}), order "
                f"({len(order)}) and functions ({len(named)})"
            )
        widths = [n_inputs, *self.hidden, n_outputs]
        self.layers = nn.ModuleList(
            KnotLayer(a, b, grid[k], order[k], base, named[k])
            for k, (a, b) in enumerate(itertools.pairwise(widths))
        )

    @property
    def spline_layers(self) -> list[KnotLayer]:
        """The layers, from the features to the latents."""
        return [layer for layer in self.layers if isinstance(layer, KnotLayer)]

    def settings(self) -> dict[str, Any]:
        """Arguments that rebuild an encoder of the same shape."""
        layers = self.spline_layers
        return {
            "n_inputs": self.n_inputs,
            "n_outputs": self.n_outputs,
            "hidden": list(self.hidden),
            "grid": [layer.intervals for layer in layers],
            "order": [layer.order for layer in layers],
            "base": self.base,
            "functions": [[list(edge) for edge in layer.functions] for layer in layers],
        }
