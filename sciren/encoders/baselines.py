"""Encoders to compare with: linear, multilayer perceptron, additive of small networks."""

import itertools
from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import ClassVar

import torch
from torch import Tensor, nn

from sciren.data.kinds import NUMERIC, Categorical, FeatureKind, Periodic
from sciren.encoders.base import Encoder, dense_layer, seeded, uniform
from sciren.errors import ConfigError, closest_names

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


class LinearEncoder(Encoder):
    """raw = W x + b.

    Args:
        n_inputs, n_outputs: features and latents.
        seed: for the starting values.
    """

    kind: ClassVar[str] = "linear"
    arguments = ("n_inputs", "n_outputs", "seed")

    def __init__(self, n_inputs: int, n_outputs: int, seed: int = 0) -> None:
        super().__init__(n_inputs, n_outputs)
        self.seed = int(seed)
        self.linear = dense_layer(seeded(self.seed), n_inputs, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return raw latents (n, L)."""
        return self.linear(self._checked(x))


class MLPEncoder(Encoder):
    """Multilayer perceptron, the black box to compare with.

    Args:
        n_inputs, n_outputs: features and latents.
        width, depth: units in a hidden layer, number of hidden layers.
        activation: "relu", "tanh", "silu" or "gelu".
        batch_norm: normalise hidden layers over the batch.
        skip: add a layer's input to its output from the second hidden layer on.
        seed: for the starting values.
    """

    kind: ClassVar[str] = "mlp"
    arguments = (
        "n_inputs", "n_outputs", "width", "depth", "activation", "batch_norm", "skip", "seed",
    )  # fmt: skip

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        width: int = 16,
        depth: int = 1,
        activation: str = "relu",
        batch_norm: bool = False,
        skip: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(n_inputs, n_outputs)
        if activation not in ACTIVATIONS:
            raise ConfigError(
                f"activation {activation!r} does not exist. "
                f"{closest_names(activation, ACTIVATIONS)}"
            )
        if width < 1 or depth < 1:
            raise ConfigError(f"width={width}, depth={depth}: both must be at least 1")
        self.width, self.depth, self.activation = width, depth, activation
        self.batch_norm, self.skip, self.seed = batch_norm, skip, int(seed)
        generator = seeded(self.seed)
        sizes = [n_inputs, *[width] * depth]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                dense_layer(generator, a, b),
                nn.BatchNorm1d(b, dtype=torch.float64) if batch_norm else nn.Identity(),
                ACTIVATIONS[activation](),
            )
            for a, b in itertools.pairwise(sizes)
        )
        self.head = dense_layer(generator, width, n_outputs)
        self.kinds: tuple[FeatureKind, ...] = ()

    def set_kinds(self, kinds: Sequence[FeatureKind]) -> None:
        """Take classes as one column each, places on a circle as sine and cosine."""
        self.kinds = tuple(kinds) if any(kind != NUMERIC for kind in kinds) else ()
        wide = self.inputs(torch.zeros(1, self.n_inputs, dtype=torch.float64)).shape[1]
        # Only the first layer sees the columns; with the same seed it starts as it
        # would have.
        first = self.blocks[0]
        assert isinstance(first, nn.Sequential)
        first[0] = dense_layer(seeded(self.seed), wide, self.width)

    def inputs(self, x: Tensor) -> Tensor:
        """Return scaled features (n, d) as the columns that the first layer takes."""
        if not self.kinds:
            return x
        pairs = zip(self.kinds, x.unbind(1), strict=True)
        return torch.cat([dense_columns(kind, column) for kind, column in pairs], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return raw latents (n, L)."""
        x = self.inputs(self._checked(x))
        for number, block in enumerate(self.blocks):
            # The first block changes the width, so nothing can be added to it.
            x = x + block(x) if self.skip and number else block(x)
        return self.head(x)


@singledispatch
def dense_columns(kind: FeatureKind, x: Tensor) -> Tensor:
    """Return a feature (n,) as columns for a dense layer, by its kind."""
    return x.unsqueeze(1)


@dense_columns.register
def _(kind: Categorical, x: Tensor) -> Tensor:
    return (x.unsqueeze(1) == x.new_tensor(kind.codes)).to(x)


@dense_columns.register
def _(kind: Periodic, x: Tensor) -> Tensor:
    # One sine and cosine: continuous where the circle closes.
    angle = x * (2 * torch.pi / kind.period)
    return torch.stack((angle.sin(), angle.cos()), dim=1)


class AdditiveEncoder(Encoder):
    """Neural additive model: raw_l = b_l + sum_i of a small network of x_i alone.

    Args:
        n_inputs, n_outputs: features and latents.
        width: hidden units of each edge's network (one hidden layer, tanh).
        seed: for the starting values.
    Reference: Agarwal et al. 2021, neural additive models.
    """

    kind: ClassVar[str] = "additive"
    arguments = ("n_inputs", "n_outputs", "width", "seed")
    mask: Tensor

    def __init__(
        self, n_inputs: int, n_outputs: int, width: int = 16, seed: int = 0
    ) -> None:
        super().__init__(n_inputs, n_outputs)
        if width < 1:
            raise ConfigError(f"width={width}: each edge needs a hidden unit")
        self.width, self.seed = int(width), int(seed)
        generator = seeded(self.seed)
        shape = (n_inputs, n_outputs, width)
        # Slopes and offsets of size two spread the bends of tanh over standardised
        # features.
        self.inner = nn.Parameter(uniform(generator, shape, 2.0))
        self.offset = nn.Parameter(uniform(generator, shape, 2.0))
        self.outer = nn.Parameter(uniform(generator, shape, (n_inputs * width) ** -0.5))
        self.bias = nn.Parameter(torch.zeros(n_outputs, dtype=torch.float64))
        self.register_buffer(
            "mask", torch.ones(n_inputs, n_outputs, dtype=torch.float64)
        )

    def edges(self, x: Tensor) -> Tensor:
        """Return every edge's output: (n, i) -> (n, i, j)."""
        # (n, i, j, width).
        hidden = torch.tanh(x[:, :, None, None] * self.inner + self.offset)
        return (hidden * self.outer).sum(-1) * self.mask

    def forward(self, x: Tensor) -> Tensor:
        """Return raw latents (n, L)."""
        return self.edges(self._checked(x)).sum(1) + self.bias
