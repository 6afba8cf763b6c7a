"""Spline networks of many members as one, with passes written by hand."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sciren.encoders.kan import KANEncoder
from sciren.encoders.layer import SplineLayer
from sciren.kernels.layer import base_value
from sciren.kernels.network import Forward, LayerPlan, NetworkPlan, backward, forward
from sciren.kernels.window import Knots, dense_rows, window
from sciren.losses import smoothness_form
from sciren.training.first_order.grouped.stack import (
    Result,
    Stack,
    paper_form,
    rows_of,
    slopes_of,
    with_constants,
)
from sciren.training.first_order.objective import Loss

# Bytes of basis values that are kept for a table. Inputs of the first layer never change,
# so its basis is formed once; beyond this the batches' rows are cheaper than the memory.
KEPT = 256 * 2**20


class SplineStack(Stack):
    """M spline networks: first layer by stream, deeper layers by member."""

    plan: NetworkPlan
    _kept: dict[int, tuple[Tensor, Tensor]]  # by the features' id: they and their basis
    _last: tuple[Tensor, Tensor] | None = None  # rows of a batch and their basis
    _ahead: dict[int, tuple[Tensor, Tensor]]  # by the id of the rows: they, their basis

    def _collect(self) -> None:
        super()._collect()
        self._plan()

    @property
    def layers(self) -> list[list[SplineLayer]]:
        """For each depth the layer of every member."""
        layers = []
        for encoder in self.encoders:
            assert isinstance(encoder, KANEncoder)
            layers.append(encoder.spline_layers)
        return [list(column) for column in zip(*layers, strict=True)]

    # -- layout -----------------------------------------------------------------------
    def _side_by_side(self, parts: Sequence[Tensor], depth: int, axis: int) -> Tensor:
        """Stack the arrays of all members: by stream in the first layer, columns joined."""
        if depth:
            return torch.stack(list(parts))
        groups = [
            torch.cat(list(parts[u * self.each : (u + 1) * self.each]), axis)
            for u in range(self.streams)
        ]
        return torch.stack(groups)

    def _apart(self, stacked: Tensor, depth: int, axis: int) -> list[Tensor]:
        """Return the arrays of single members, the inverse of `_side_by_side`."""
        if depth:
            return list(stacked.unbind(0))
        return [
            part
            for stream in stacked.unbind(0)
            for part in stream.chunk(self.each, axis)
        ]

    def _owner(self, depth: int, outputs: int, dims: int) -> Tensor:
        """The member of every number: (U, 1, J, 1) first, (M, 1, 1, 1) deeper."""
        members = torch.arange(self.members)
        if depth:
            return members.view(-1, *[1] * (dims - 1))
        # Columns of a stream's members stand side by side in the first layer: (U, m J).
        wide = members.view(self.streams, -1).repeat_interleave(outputs, dim=1)
        return wide.view(self.streams, 1, -1, 1) if dims == 4 else wide

    def pack(self) -> tuple[tuple[list[Tensor], list[Tensor]], ...]:
        """Coefficients (base last) and biases of every layer; ranges of the knots."""
        coefficients, biases, owners, bias_owners = [], [], [], []
        ranges: list[Tensor] = []
        for depth, layers in enumerate(self.layers):
            outputs = layers[0].mask.shape[1]
            tables = [layer.table().detach() for layer in layers]
            coefficients.append(self._side_by_side(tables, depth, 1))
            owners.append(self._owner(depth, outputs, 4))
            plain = [layer.bias.detach() for layer in layers]
            biases.append(self._side_by_side(plain, depth, 0))
            bias_owners.append(self._owner(depth, outputs, 2))
            for name in ("low", "high"):
                ranges.append(torch.stack([getattr(layer, name) for layer in layers]))
        members = torch.arange(self.members).unsqueeze(1)
        return (
            (coefficients + biases, owners + bias_owners),
            (ranges, [members] * len(ranges)),
        )

    @torch.no_grad()
    def unpack(self, weights: Sequence[Tensor], buffers: Sequence[Tensor]) -> None:
        """Write them back; coefficients of edges that are gone stay as they were."""
        deep = len(self.layers)
        for depth, layers in enumerate(self.layers):
            tables = self._apart(weights[depth], depth, 1)
            biases = self._apart(weights[deep + depth], depth, 0)
            low, high = buffers[2 * depth], buffers[2 * depth + 1]
            for k, layer in enumerate(layers):
                # A masked edge got no gradient, but weight decay has moved its numbers.
                kept = (layer.mask != 0).unsqueeze(-1)
                size = layer.coefficients.shape[-1]
                splines, slopes = tables[k][..., :size], tables[k][..., size:]
                layer.coefficients.copy_(torch.where(kept, splines, layer.coefficients))
                if layer.slope is not None:
                    straight = slopes[..., 0]
                    layer.slope.copy_(torch.where(kept[..., 0], straight, layer.slope))
                layer.bias.copy_(biases[k])
                layer.low.copy_(low[k])
                layer.high.copy_(high[k])

    def reload(self) -> bool:
        """Move the knots to where the buffers say they are."""
        self.unpack(self.weights.views, self.buffers.views)
        self._plan()
        return True

    def _plan(self) -> None:
        """Gather what is fixed until the knots move."""
        self._kept, self._last, self._ahead = {}, None, {}
        self.plan = NetworkPlan(
            tuple(self._layer_plan(depth) for depth in range(len(self.layers))),
            self.members, self.streams, self.entropy, self.l1,
            paper_form(self.config), self.output_scale,
        )  # fmt: skip

    def _layer_plan(self, depth: int) -> LayerPlan:
        layers = self.layers[depth]
        layer = layers[0]
        # The first layer has the knots of a stream, which its members share.
        owners = layers if depth else layers[:: self.each]
        knots = Knots.of(
            torch.cat([layer.low for layer in owners]),
            torch.cat([layer.high for layer in owners]),
            layer.intervals,
            layer.outside,
        )
        mask = self._side_by_side([layer.mask for layer in layers], depth, 1)
        mask = mask.unsqueeze(-1)
        weights = [
            self._smooth_weight(layer, depth, k) for k, layer in enumerate(layers)
        ]
        smooth = self._side_by_side(weights, depth, 1).unsqueeze(-1) * mask
        form = self._quadratic(layer) if bool((smooth != 0).any()) else None
        return LayerPlan(
            knots, layer.base, None if bool((mask == 1).all()) else mask, form, smooth
        )

    def _smooth_weight(self, layer: SplineLayer, depth: int, member: int) -> Tensor:
        """(n, J) weight of the quadratic form of every edge."""
        config, deep = self.configs[member], len(self.layers)
        if deep == 1 or config.smooth_kind == "differences":
            weight = config.smooth
        else:
            last = depth == deep - 1
            weight = config.smooth_outer if last else config.smooth_inner
        whole = weight * layer.spaces.bent(layer.mask)
        if config.smooth_kind == "differences":
            return whole
        # The integral of the squared second derivative, from differences of
        # coefficients: (1/h^2)^2 times h.
        spacing = (layer.high - layer.low) / layer.intervals
        return whole / (spacing**3).unsqueeze(-1)

    def _quadratic(self, layer: SplineLayer) -> Tensor:
        """(R, R) form of the smoothness, zero for the function beside the spline."""
        form = smoothness_form(self.config.smooth_kind, layer.intervals)
        extra = 0 if layer.slope is None else 1
        return torch.nn.functional.pad(form, (0, extra, 0, extra)).to(self.like)

    # -- passes -----------------------------------------------------------------------
    def keep(self, features: Tensor) -> bool:
        """Keep whole rows of the first basis, if all streams share the knots."""
        layer, inputs = self.plan.layers[0], features.shape[1]
        size = self.weights.shapes[0][-1]
        memory = features.numel() * size * features.element_size()
        if not self._shared_knots() or memory > KEPT:
            return False
        # (rows, d, R), rows first: a batch is then a gather of contiguous blocks.
        rows = self._basis(features.T.contiguous(), self._knots_of(inputs), layer.base)
        self._kept[id(features)] = features, rows.permute(2, 0, 1).contiguous()
        return True

    def forget(self) -> bool:
        """Drop the basis of the last batch."""
        kept, self._last, self._ahead = self._last, None, {}
        return kept is not None

    def gather(self, features: Tensor, parts: Sequence[Tensor]) -> bool:
        """Pick the kept rows of several batches at once."""
        if id(features) not in self._kept:
            self._ahead = {}
            return False
        rows = torch.cat(list(parts), dim=1)
        basis = self._picked_rows(self._kept[id(features)][1], rows)
        slices = basis.split([part.shape[1] for part in parts], dim=-1)
        self._ahead = {id(p): (p, s) for p, s in zip(parts, slices, strict=True)}
        return True

    def _shared_knots(self) -> bool:
        knots = self.plan.layers[0].knots
        parts = [part.view(self.streams, -1) for part in (knots.low, knots.inverse)]
        return all(bool((part == part[0]).all()) for part in parts)

    def _knots_of(self, curves: int) -> Knots:
        """Knots of the first curves only."""
        knots = self.plan.layers[0].knots
        low, inverse = knots.low[:curves], knots.inverse[:curves]
        return knots._replace(low=low, inverse=inverse)

    @staticmethod
    def _basis(x: Tensor, knots: Knots, base: str) -> Tensor:
        return dense_rows(window(x, knots), knots, base_value(base, x))

    def first_rows(self, features: Tensor, rows: Tensor) -> Tensor:
        """Whole rows (U, n, R, B) of the first basis; U = 1 where all streams share."""
        # The same tensor asks twice in a step: once for the metric, once for the pass.
        if self._last is not None and self._last[0] is rows:
            return self._last[1]
        if id(rows) in self._ahead:
            basis = self._ahead[id(rows)][1]
        elif id(features) in self._kept:
            basis = self._picked_rows(self._kept[id(features)][1], rows)
            if rows.shape == (1, len(features)):
                # A batch of all rows is used at every step: worth putting in order once.
                basis = basis.contiguous()
        else:
            basis = self._fresh_rows(rows_of(features, rows))
        self._last = rows, basis
        return basis

    @staticmethod
    def _picked_rows(table: Tensor, rows: Tensor) -> Tensor:
        streams, count = rows.shape
        inputs, size = table.shape[1:]
        if streams == 1:
            return table.index_select(0, rows.view(-1)).permute(1, 2, 0).unsqueeze(0)
        # Row r of input i stands at r d + i in the flat table.
        steps = torch.arange(inputs, device=rows.device).view(1, -1, 1)
        places = (rows.unsqueeze(1) * inputs + steps).view(-1)
        picked = table.view(-1, size).index_select(0, places)
        return picked.view(streams, inputs, count, size).transpose(2, 3)

    def _fresh_rows(self, x: Tensor) -> Tensor:
        """Whole rows for features (U, n, B)."""
        if len(x) < self.streams and not self._shared_knots():
            x = x.expand(self.streams, -1, -1)
        turned = x.reshape(-1, x.shape[-1])
        base = self.plan.layers[0].base
        rows = self._basis(turned, self._knots_of(len(turned)), base)
        return rows.reshape(len(x), -1, *rows.shape[1:])

    def forward(self, features: Tensor, rows: Tensor) -> Result:
        """Run all members on their batch; the outputs are a leaf."""
        deep, views = len(self.plan.layers), self.weights.views
        first = self.first_rows(features, rows)
        if len(first) < self.streams:
            first = first.expand(self.streams, -1, -1, -1)
        parts = views[:deep], views[deep:]
        # The passes are written by hand; outputs become a leaf where torch takes over
        # for constraint and process model.
        done = forward(self.plan, *parts, first, share=self.share)
        return Result(done.outputs.requires_grad_(), done.terms, done)

    def gradients(self, result: Result, loss: Loss, constants: Tensor) -> list[Tensor]:
        """Return the gradients of coefficients, biases and constants."""
        assert isinstance(result.tape, Forward)
        if loss.slopes is not None:
            above, of_constants = loss.slopes, []
        else:
            leaves = with_constants([result.outputs], constants)
            # 1. By torch: from the loss back to the outputs and constants. 2. By hand:
            # from the outputs back to coefficients and biases.
            above, *of_constants = slopes_of(loss.total(), leaves)
        coefficients, biases = backward(self.plan, result.tape, above)
        return [*coefficients, *biases, *of_constants]

    def evaluate(self, features: Tensor, rows: Tensor) -> Tensor:
        """Return outputs (M, L, B)."""
        deep, views = len(self.plan.layers), self.weights.views
        coefficients, biases = views[:deep], views[deep:]
        first = self.first_rows(features, rows)
        if len(first) < self.streams:  # all columns on the rows that they share
            wide = coefficients[0].transpose(0, 1).flatten(1, 2).unsqueeze(0)
            coefficients = [wide, *coefficients[1:]]
            biases = [biases[0].reshape(1, -1), *biases[1:]]
        done = forward(self.plan, coefficients, biases, first, penalties=False)
        return done.outputs

    @torch.no_grad()
    def update_grids(self, features: Tensor, rows: Tensor) -> bool:
        """Update every member's knots to its batch, refitting the splines (paper)."""
        self.unpack(self.weights.views, self.buffers.views)
        batches = rows_of(features, rows).transpose(1, 2)
        for k, encoder in enumerate(self.encoders):
            assert isinstance(encoder, KANEncoder)
            # Through the encoders: a refit per member is rare and need not be fast.
            encoder.update_grids(batches[k // self.each])
        (weights, _), (buffers, _) = self.pack()
        self.weights.load(weights)
        self.buffers.load(buffers)
        self._plan()
        return True
