"""Encoder: scaled features in, raw latents out; all encoders share one signature."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sciren.data.kinds import NUMERIC, FeatureKind
from sciren.errors import ConfigError, ShapeError


class Encoder(nn.Module, ABC):
    """Maps scaled features (n, d) to raw latents (n, L).

    Args:
        n_inputs: number d of features.
        n_outputs: number L of latents.
    Raises:
        ShapeError: fewer than one input or output.
    """

    kind: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]]  # attributes that rebuild an encoder like it

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        if n_inputs < 1 or n_outputs < 1:
            raise ShapeError(
                f"an encoder needs at least one input and one output, got {n_inputs} "
                f"and {n_outputs}"
            )
        self.n_inputs = n_inputs
        self.n_outputs = n_outputs

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return raw latents (n, L) for scaled features (n, d)."""

    def settings(self) -> dict[str, Any]:
        """Arguments that rebuild an encoder of the same shape, as JSON can hold them."""
        values = {name: getattr(self, name) for name in self.arguments}
        # JSON knows lists, but no tuples.
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def set_kinds(self, kinds: Sequence[FeatureKind]) -> None:
        """Adapt to the kinds of the features, before any training.

        Raises:
            ConfigError: features that are not numeric, which this encoder cannot have.
        """
        # By default an encoder reads numbers as amounts, which codes of classes are
        # not.
        for number, kind in enumerate(kinds):
            if kind != NUMERIC:
                raise ConfigError(
                    f"feature number {number + 1} is {type(kind).__name__.lower()}, and "
                    f"encoder {self.kind!r} takes numbers only; use encoder 'kan' or 'mlp'"
                )

    def inputs(self, x: Tensor) -> Tensor:
        """Return scaled features (n, d) as the first layer takes them, by their kinds."""
        return x

    def prepare(self, features: Tensor) -> None:
        """Adapt to the scaled training features before training starts."""

    def _checked(self, x: Tensor) -> Tensor:
        if x.dim() != 2 or x.shape[1] != self.n_inputs:
            raise ShapeError(
                f"{type(self).__name__} expects features of shape (n, {self.n_inputs}), "
                f"got {tuple(x.shape)}"
            )
        return x


class LayeredEncoder(Encoder):
    """An encoder whose layers, one after the other, are all it does."""

    layers: nn.ModuleList

    def forward(self, x: Tensor) -> Tensor:
        """Return raw latents (n, L)."""
        x = self._checked(x)
        for layer in self.layers:
            x = layer(x)
        return x

    def layer_inputs(self, x: Tensor) -> list[Tensor]:
        """Return the inputs of every layer, then the raw latents."""
        values = [self._checked(x)]
        for layer in self.layers:
            values.append(layer(values[-1]))
        return values


def seeded(seed: int) -> torch.Generator:
    """Return a generator of its own, so that no global random state is touched."""
    return torch.Generator().manual_seed(seed)


def uniform(generator: torch.Generator, shape: tuple[int, ...], bound: float) -> Tensor:
    """Draw uniform numbers in -bound..bound, float64."""
    return (torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1) * bound


def dense_layer(generator: torch.Generator, n_inputs: int, n_outputs: int) -> nn.Linear:
    """Return a linear layer in float64 with torch's usual spread, seeded locally."""
    # Made on "meta" and filled here, so that torch's global generator is not drawn from.
    empty = nn.Linear(n_inputs, n_outputs, device="meta", dtype=torch.float64)
    layer = empty.to_empty(device="cpu")
    bound = n_inputs**-0.5
    with torch.no_grad():
        layer.weight.copy_(uniform(generator, (n_outputs, n_inputs), bound))
        layer.bias.copy_(uniform(generator, (n_outputs,), bound))
    return layer
