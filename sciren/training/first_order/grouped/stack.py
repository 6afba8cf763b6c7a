"""Encoders of many members as one: what every kind of them can do."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sciren.edges import edge_layers
from sciren.encoders.base import Encoder
from sciren.kernels.row_share import RowShare
from sciren.losses import Weight
from sciren.training.config import TrainConfig
from sciren.training.first_order.grouped.state import FlatState
from sciren.training.first_order.objective import Loss
from sciren.training.member import Member


class Result(NamedTuple):
    """What a stack gives for a batch.

    Attributes:
        outputs: (M, L, B), a leaf or with a graph behind it.
        terms: "entropy", "l1", "smooth" -> (M,) weighted penalties.
        tape: what the stack's backward pass needs.
    """

    outputs: Tensor
    terms: dict[str, Tensor]
    tape: Any


class Stack(ABC):
    """The encoders of M members on U streams, their numbers in one vector each.

    Args:
        members: with encoders of one shape, M / U for each stream, stream by stream.
        streams: number U.
        like: gives precision and device.
    Attributes:
        encoders: working copies in that precision; the members' own stay as they are.
        weights: what is trained.  buffers: what training moves otherwise.
        leaves: the weights as the forward pass reads them.
        share: of the batch of the next step, where processes share its rows.
    """

    weights: FlatState
    buffers: FlatState
    leaves: list[Tensor]
    share: RowShare | None = None

    def __init__(self, members: Sequence[Member], streams: int, like: Tensor) -> None:
        self.members, self.streams, self.like = len(members), streams, like
        self.each = self.members // streams
        self.encoders = [
            copy.deepcopy(member.model.encoder).to(like) for member in members
        ]
        self.configs = [member.config for member in members]
        self.config = self.configs[0]
        self.entropy = spread([member.config.entropy for member in members], like)
        self.l1 = spread([member.config.l1 for member in members], like)
        scales = [member.model.output_scale for member in members]
        self.output_scale = torch.stack(scales).to(like)
        self._collect()

    def _collect(self) -> None:
        """Lay the numbers of the encoders into the vectors."""
        # One vector for all layers, so that a step of an optimiser is a few operations.
        weights, buffers = self.pack()
        self.weights = FlatState(*weights, self.like)
        self.buffers = FlatState(*buffers, self.like)

    @property
    def sparse(self) -> bool:
        """Whether edges are scored."""
        wanted = any(isinstance(w, Tensor) or w > 0 for w in (self.entropy, self.l1))
        return wanted and bool(edge_layers(self.encoders[0]))

    @abstractmethod
    def pack(self) -> tuple[tuple[list[Tensor], list[Tensor]], ...]:
        """Return the encoders' weights with owners, and buffers with owners."""

    @abstractmethod
    def unpack(self, weights: Sequence[Tensor], buffers: Sequence[Tensor]) -> None:
        """Write weights and buffers in the layout of `pack` into the encoders."""

    @abstractmethod
    def forward(self, features: Tensor, rows: Tensor) -> Result:
        """Run all members on their batch, with penalties.

        Args:
            features: (T, d) rows of all tables;  rows: (U, B) those of each stream.
        """

    @abstractmethod
    def gradients(self, result: Result, loss: Loss, constants: Tensor) -> list[Tensor]:
        """Return the gradients of the weights, then of the constants if there are any.

        Args:
            result: what `forward` returned.
            loss: what the outputs and constants led to, without the penalties.
            constants: (M, K) leaf.
        """

    @abstractmethod
    def evaluate(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return outputs (M, L, B) without penalties or gradients, not learning."""

    def adopt(self) -> None:
        """Take note that the vector of the weights has moved to another place."""
        self.leaves = list(self.weights.views)

    def reload(self) -> bool:
        """Take note that the numbers in the vectors are others; return whether it matters."""
        return False

    def forget(self) -> bool:
        """Drop what was kept of the last batch; return whether there was anything."""
        return False

    def keep(self, features: Tensor) -> bool:
        """Compute once what all steps on these rows need; return whether that pays."""
        return False

    def gather(self, features: Tensor, parts: Sequence[Tensor]) -> bool:
        """Fetch what the next batches, rows (U, B) each, need; return whether that pays."""
        return False

    def update_grids(self, features: Tensor, rows: Tensor) -> bool:
        """Move knots to the range of a batch; return whether there are any."""
        return False


def with_constants(leaves: list[Tensor], constants: Tensor) -> list[Tensor]:
    """Return the leaves, and the constants if there are any."""
    return [*leaves, constants] if constants.numel() else leaves


def slopes_of(loss: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    """Return the gradients, zero for what the loss does not depend on."""
    return list(
        torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    )


def spread(values: Sequence[float], like: Tensor) -> Weight:
    """Return the weights of all members (M,), or the number zero if none has any."""
    if not any(values):
        return 0.0
    return torch.tensor(list(values)).to(like)


def rows_of(features: Tensor, rows: Tensor) -> Tensor:
    """Return (U, d, B) for rows (U, B)."""
    picked = features.index_select(0, rows.reshape(-1))
    # Rows last, along which the kernels run.
    return picked.view(*rows.shape, -1).transpose(1, 2)


def paper_form(config: TrainConfig) -> bool:
    """Whether penalties take the form of the paper."""
    return config.penalty_form == "paper"


def parameters_of(encoder: Encoder) -> list[nn.Parameter]:
    """Return what is trained of one encoder."""
    return [leaf for leaf in encoder.parameters() if leaf.requires_grad]
