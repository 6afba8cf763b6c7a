"""Perceptrons, linear and additive encoders, and any other, of many members as one."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sciren.edges import edge_layers
from sciren.encoders.base import Encoder
from sciren.encoders.baselines import (
    ACTIVATIONS,
    AdditiveEncoder,
    LinearEncoder,
    MLPEncoder,
)
from sciren.encoders.kan import KANEncoder
from sciren.kernels.functions import refuse_second_derivatives
from sciren.kernels.row_share import RowShare, row_mean, row_total, row_variance
from sciren.losses import ScorePenalty, score_penalty
from sciren.training.first_order.grouped.spline import SplineStack
from sciren.training.first_order.grouped.stack import (
    Result,
    Stack,
    paper_form,
    parameters_of,
    rows_of,
    slopes_of,
    with_constants,
)
from sciren.training.first_order.objective import Loss
from sciren.training.member import Member


class _Scored(torch.autograd.Function):
    """Score penalties as a node: deviations (M, n, J) of every layer -> sum of terms."""

    @staticmethod
    def forward(ctx: Any, asked: ScorePenalty, *edges: Tensor) -> Tensor:
        # The slopes are in closed form, so that no graph of the entropies is built.
        ctx.slopes = asked.slopes
        named = (asked.entropy, asked.l1)
        terms = [term.sum() for term in named if term is not None]
        return torch.stack(terms).sum()

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives()
        return None, *(slope * above[0] for slope in ctx.slopes)


class _SharedDeviation(torch.autograd.Function):
    """Mean absolute deviation (...) of values (..., B) over the rows of all processes."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, share: RowShare) -> Tensor:
        centred = values - row_mean(values, share)
        ctx.sign, ctx.share = centred.sign(), share
        return row_total(centred.abs().sum(-1), share) / share.rows

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives()
        # d/dv_i mean |v - mean v| = (sign_i - mean sign) / n, since the mean moves with
        # v_i.
        level = row_mean(ctx.sign, ctx.share)
        return above[0].unsqueeze(-1) * (ctx.sign - level) / ctx.share.rows, None


class GraphStack(Stack):
    """Members whose backward pass is torch's."""

    @abstractmethod
    def run(self, x: Tensor, learning: bool) -> tuple[Tensor, list[Tensor]]:
        """Return outputs (M, L, B), and deviations of the edges by layer if scored.

        Args:
            x: (M, d, B), shared rows are expanded.
            learning: whether this is a training step (batch statistics).
        """

    @abstractmethod
    def trained(self, encoder: Encoder) -> list[Tensor]:
        """Return the arrays of one encoder that are trained."""

    def moving(self, encoder: Encoder) -> list[Tensor]:
        """Return the arrays of one encoder that training moves otherwise."""
        return []

    def spread(self, x: Tensor, outputs: Tensor) -> list[Tensor]:
        """Return the deviations (M, J) of the nodes of every layer."""
        return [self.deviation(outputs)]

    def deviation(self, values: Tensor) -> Tensor:
        """Mean absolute deviation (...) of values (..., B) over the rows of the batch."""
        if self.share is not None:
            return _SharedDeviation.apply(values, self.share)
        return (values - values.mean(-1, keepdim=True)).abs().mean(-1)

    def pack(self) -> tuple[tuple[list[Tensor], list[Tensor]], ...]:
        """All trained arrays, all moving ones, with the member that owns each."""
        trained = list(zip(*map(self.trained, self.encoders), strict=True))
        moving = list(zip(*map(self.moving, self.encoders), strict=True))
        return _stacked(trained), _stacked(moving)

    @torch.no_grad()
    def unpack(self, weights: Sequence[Tensor], buffers: Sequence[Tensor]) -> None:
        """Write what `pack` took back into the encoders."""
        for k, encoder in enumerate(self.encoders):
            for array, stacked in zip(self.trained(encoder), weights, strict=True):
                array.copy_(stacked[k])
            for array, stacked in zip(self.moving(encoder), buffers, strict=True):
                array.copy_(stacked[k])

    def adopt(self) -> None:
        """Take leaves that share the memory of the vector."""
        self.leaves = [view.detach().requires_grad_() for view in self.weights.views]

    def _inputs(self, features: Tensor, rows: Tensor) -> Tensor:
        x = rows_of(features, rows)
        # The members of a stream see the same rows: (U, d, B) -> (M, d, B).
        wide = x.unsqueeze(1).expand(self.streams, self.each, *x.shape[1:])
        return wide.reshape(self.members, *x.shape[1:])

    def forward(self, features: Tensor, rows: Tensor) -> Result:
        """Run all members on their batch; the tape is the sum of the penalties."""
        x = self._inputs(features, rows)
        with torch.enable_grad():
            outputs, edges = self.run(x, learning=True)
            if not self.sparse:
                return Result(outputs, {}, None)
            return self._penalised(x, outputs, edges)

    def _penalised(self, x: Tensor, outputs: Tensor, edges: list[Tensor]) -> Result:
        top = None
        if paper_form(self.config):
            scale = self.output_scale.square()
            top = row_variance(outputs.detach(), self.share) * scale
        asked = score_penalty(
            [each.detach() for each in edges], self.spread(x, outputs.detach()),
            self.entropy, self.l1, paper_form(self.config), top,
        )  # fmt: skip
        named = {"entropy": asked.entropy, "l1": asked.l1}
        terms = {key: value for key, value in named.items() if value is not None}
        return Result(outputs, terms, _Scored.apply(asked, *edges))

    def gradients(self, result: Result, loss: Loss, constants: Tensor) -> list[Tensor]:
        """Return the gradients of all weights and constants."""
        leaves = with_constants(self.leaves, constants)
        return slopes_of(_whole(result, loss), leaves)

    @torch.no_grad()
    def evaluate(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return the outputs (M, L, B) of all members on rows of their stream, without learning."""
        return self.run(self._inputs(features, rows), learning=False)[0]


def _whole(result: Result, loss: Loss) -> Tensor:
    """What has the gradient of loss and penalties; in plain regression not their value."""
    data = loss.total()
    if loss.slopes is not None:
        # Linear in the outputs with the known slopes: autograd sees the same gradient,
        # for the price of one product.
        data = (result.outputs * loss.slopes).sum()
    return data if result.tape is None else data + result.tape


class DenseStack(GraphStack):
    """Multilayer perceptrons, and linear encoders as those without a hidden layer."""

    def _linears(self, encoder: Encoder) -> list[nn.Linear]:
        if isinstance(encoder, LinearEncoder):
            return [encoder.linear]
        assert isinstance(encoder, MLPEncoder)
        hidden = [part for part in encoder.blocks.modules() if type(part) is nn.Linear]
        return [*hidden, encoder.head]

    def _norms(self, encoder: Encoder) -> list[nn.BatchNorm1d]:
        return [part for part in encoder.modules() if type(part) is nn.BatchNorm1d]

    def trained(self, encoder: Encoder) -> list[Tensor]:
        """Weights and biases of the linear layers, then of the norms."""
        layers = [*self._linears(encoder), *self._norms(encoder)]
        return [part for layer in layers for part in (layer.weight, layer.bias)]

    def moving(self, encoder: Encoder) -> list[Tensor]:
        """Running means and variances of the batch norms."""
        statistics = ("running_mean", "running_var")
        norms = self._norms(encoder)
        return [getattr(norm, name) for norm in norms for name in statistics]

    def run(self, x: Tensor, learning: bool) -> tuple[Tensor, list[Tensor]]:
        """Pass all members through their layers, (M, width, B) at a time."""
        encoder, leaves = self.encoders[0], self.leaves
        if isinstance(encoder, LinearEncoder):
            weight = leaves[0]
            edges = [self._straight_edges(weight, x)] if self.sparse else []
            return torch.baddbmm(leaves[1].unsqueeze(-1), weight, x), edges
        assert isinstance(encoder, MLPEncoder)
        activation = ACTIVATIONS[encoder.activation]()
        # Leaves in the order of `trained`: weight and bias of every linear layer, then
        # of norms.
        first_norm = 2 * (encoder.depth + 1)
        for number in range(encoder.depth):
            weight, bias = leaves[2 * number], leaves[2 * number + 1]
            y = torch.baddbmm(bias.unsqueeze(-1), weight, x)
            if encoder.batch_norm:
                y = self._normed(y, first_norm + 2 * number, number, learning)
            y = activation(y)
            # The first layer changes the width, so that nothing can go around it.
            x = x + y if encoder.skip and number else y
        weight, bias = leaves[first_norm - 2 : first_norm]
        return torch.baddbmm(bias.unsqueeze(-1), weight, x), []

    def _straight_edges(self, weight: Tensor, x: Tensor) -> Tensor:
        """Deviations (M, d, J) of straight edges."""
        edges = weight.abs().mT * self.deviation(x).unsqueeze(-1)
        if self.share is None:
            return edges
        # The rows do not carry this gradient, so every process has the whole of it.
        return edges.detach() + (edges - edges.detach()) / self.share.processes

    def _normed(self, y: Tensor, place: int, number: int, learning: bool) -> Tensor:
        """Batch norm with every unit of every member as a channel."""
        mean, variance = self.buffers.views[2 * number : 2 * number + 2]
        normed = nn.functional.batch_norm(
            y.flatten(0, 1).unsqueeze(0), mean.view(-1), variance.view(-1),
            self.leaves[place].flatten(), self.leaves[place + 1].flatten(), learning,
        )  # fmt: skip
        return normed.view_as(y)


class AdditiveStack(GraphStack):
    """Additive encoders: a small network on every edge."""

    def trained(self, encoder: Encoder) -> list[Tensor]:
        """Hidden weights and offsets, outer weights, biases of the outputs."""
        assert isinstance(encoder, AdditiveEncoder)
        return [encoder.inner, encoder.offset, encoder.outer, encoder.bias]

    def run(self, x: Tensor, learning: bool) -> tuple[Tensor, list[Tensor]]:
        """Edges (M, i, j, B), then their sums."""
        inner, offset, outer, bias = self.leaves
        # (M, d, J, h, B): h hidden units on each edge from input to output.
        hidden = x[:, :, None, None] * inner.unsqueeze(-1) + offset.unsqueeze(-1)
        edges = (torch.tanh(hidden) * outer.unsqueeze(-1)).sum(3)
        masks = [
            encoder.mask
            for encoder in self.encoders
            if isinstance(encoder, AdditiveEncoder)
        ]
        edges = edges * torch.stack(masks).unsqueeze(-1)
        outputs = edges.sum(1) + bias.unsqueeze(-1)
        return outputs, [self.deviation(edges)] if self.sparse else []


class ModuleStack(GraphStack):
    """Any other encoder, one after the other."""

    def trained(self, encoder: Encoder) -> list[Tensor]:
        """All parameters that are not frozen."""
        return [*parameters_of(encoder)]

    def moving(self, encoder: Encoder) -> list[Tensor]:
        """All buffers of real numbers; counters of whole numbers are not carried."""
        return [buffer for buffer in encoder.buffers() if buffer.is_floating_point()]

    def adopt(self) -> None:
        """Let the modules share the memory of the vectors."""
        for k, encoder in enumerate(self.encoders):
            for state, arrays in (
                (self.weights, self.trained(encoder)),
                (self.buffers, self.moving(encoder)),
            ):
                for array, stacked in zip(arrays, state.views, strict=True):
                    array.data = stacked[
                        k
                    ]  # so that moving the vector moves the module

    def run(self, x: Tensor, learning: bool) -> tuple[Tensor, list[Tensor]]:
        """Every member on its rows."""
        outputs, self._nodes, scored = [], [], []
        for encoder, part in zip(self.encoders, x, strict=True):
            # Dropout and batch statistics of unknown modules follow their own mode.
            encoder.train(learning)
            rows = part.T.contiguous()
            if not self.sparse or not learning:
                outputs.append(encoder(rows).T)
                continue
            edges, nodes = [], []
            for layer in edge_layers(encoder):
                curves = layer.edges(rows)
                # The layers are run by hand, because scores need the curves of every
                # edge.
                rows = curves.sum(1) + layer.bias
                edges.append(self.deviation(curves.movedim(0, -1)))
                nodes.append(self.deviation(curves.detach().sum(1).T))
            outputs.append(rows.T)
            scored.append(edges)
            self._nodes.append(nodes)
        deviations = [torch.stack(list(column)) for column in zip(*scored, strict=True)]
        return torch.stack(outputs), deviations

    def spread(self, x: Tensor, outputs: Tensor) -> list[Tensor]:
        """Deviations of the nodes of every layer."""
        return [torch.stack(list(column)) for column in zip(*self._nodes, strict=True)]

    def gradients(self, result: Result, loss: Loss, constants: Tensor) -> list[Tensor]:
        """Return the gradients, collected over the members."""
        single = [parameters_of(encoder) for encoder in self.encoders]
        leaves: list[Tensor] = [leaf for tensors in single for leaf in tensors]
        slopes = slopes_of(_whole(result, loss), with_constants(leaves, constants))
        size, of_constants = len(single[0]), slopes[len(leaves) :]
        # Gradients come member by member; column k is the k-th array of every member.
        columns = [slopes[k : len(leaves) : size] for k in range(size)]
        return [torch.stack(column) for column in columns] + of_constants


def _stacked(parts: Sequence[Sequence[Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    """Arrays of all members with the members in front, and who owns them."""
    stacks = [torch.stack([tensor.detach() for tensor in column]) for column in parts]
    owners = [torch.arange(len(w)).view(-1, *[1] * (w.dim() - 1)) for w in stacks]
    return stacks, owners


def stack_of(members: Sequence[Member], streams: int, like: Tensor) -> Stack:
    """Return the stack for the encoders of the members."""
    kinds: dict[type, type[Stack]] = {
        KANEncoder: SplineStack,
        LinearEncoder: DenseStack,
        MLPEncoder: DenseStack,
        AdditiveEncoder: AdditiveStack,
    }
    encoder = members[0].model.encoder
    kind = kinds.get(type(encoder), ModuleStack)
    # The stacks for known encoders train all arrays; a frozen one needs the general
    # way.
    frozen = any(not leaf.requires_grad for leaf in encoder.parameters())
    return (ModuleStack if frozen else kind)(members, streams, like)
