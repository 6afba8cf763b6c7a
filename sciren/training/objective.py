"""The loss of a batch of rows, term by term, for training by gradients."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from sciren import losses
from sciren.comparison import Observations, ResidualScale
from sciren.data.table import Table
from sciren.edges import edge_layers
from sciren.encoders.base import Encoder
from sciren.encoders.kan import KANEncoder
from sciren.importance import deviation, edge_scores
from sciren.model import ScIReN
from sciren.training.config import TrainConfig


@dataclass(frozen=True)
class Rows:
    """Rows of a table as the loop needs them: scaled, in one precision, on one device.

    Attributes:
        features: (n, d) scaled.
        forcings: name -> (n, ...).
        values, weights: (n, t), see `Observations`.
    """

    features: Tensor
    forcings: Mapping[str, Tensor]
    values: Tensor
    weights: Tensor

    @classmethod
    def of(
        cls,
        model: ScIReN,
        table: Table,
        scale: ResidualScale,
        like: Tensor,
        factor: Tensor | None = None,
    ) -> "Rows":
        """Take a table, in the precision and on the device of `like`.

        Args:
            model, table, scale: what is compared, and how.
            like: any tensor.
            factor: (n, t) on the weights of the observations.
        """
        seen = Observations.of(table, scale)
        if factor is not None:
            seen = seen.reweighted(factor)
        return cls(
            model.scaled(table.features).to(like),
            {name: part.to(like) for name, part in table.forcings.items()},
            seen.values.to(like),
            seen.weights.to(like),
        )

    def __len__(self) -> int:
        return len(self.features)

    def take(self, rows: Tensor | slice) -> Self:
        """Return some of the rows."""
        return replace(
            self,
            features=self.features[rows],
            forcings={name: part[rows] for name, part in self.forcings.items()},
            values=self.values[rows],
            weights=self.weights[rows],
        )


def with_edges(encoder: Encoder, rows: Rows) -> tuple[Tensor, list[Tensor]]:
    """Return the outputs (n, L) and every layer's edges (n, inputs, outputs)."""
    x, found = rows.features, []
    layers = edge_layers(encoder)
    for layer in layers:
        found.append(layer.edges(x))
        x = found[-1].sum(1) + layer.bias
    return (x if layers else encoder(x)), found


class Objective:
    """total = data + violation + entropy + l1 + smooth, each with its weight.

        data       mean squared standardised residual of the observations
        violation  how far raw latents leave their straight range, per unit of the latent
        entropy    of the edge scores            l1   sum of the edge scores
        smooth     roughness of the curves

    Penalties on edges apply to encoders that are made of edges, roughness to splines;
    a term is there only if its weight is above zero.

    Args:
        model: evaluated in its own precision and on its own device.
        config: weights and forms of the penalties.
        scale: how predictions are compared with targets.
        constants: (K,) leaf, in logs where positive, or physical values.
        in_logs: whether it holds logs where positive.
    """

    def __init__(
        self,
        model: ScIReN,
        config: TrainConfig,
        scale: ResidualScale,
        constants: Tensor,
        in_logs: bool = True,
    ) -> None:
        self.model, self.config, self.constants = model, config, constants
        move = {"dtype": constants.dtype, "device": constants.device}
        self.scale = replace(
            scale, sd=scale.sd.to(**move), offset=scale.offset.to(**move)
        )
        logs = model.constant_scale.in_logs.to(constants.device)
        self._logs = logs if in_logs else torch.zeros_like(logs)
        self._any_logs = bool(self._logs.any())
        self._sparse = max(config.entropy, config.l1) > 0
        self._sparse = self._sparse and bool(edge_layers(model.encoder))

    def physical_constants(self) -> Tensor:
        """Physical values of the constants, (K,)."""
        if not self._any_logs:
            return self.constants
        safe = torch.where(self._logs, self.constants, 0.0)
        return torch.where(self._logs, safe.exp(), self.constants)

    def terms(self, rows: Rows) -> dict[str, Tensor]:
        """Return the weighted terms of the loss; "total" is their sum."""
        config, model = self.config, self.model
        raw, edges = self._raw(rows)
        terms = {"data": self._data(raw, rows)}
        if config.violation > 0:
            outside = model.violation(raw) / model.output_scale
            terms["violation"] = config.violation * losses.violation_penalty(
                outside, config.violation_reduction
            )
        if self._sparse:
            terms |= self._sparsity(edges, raw)
        terms |= self._smoothness()
        return {"total": torch.stack(list(terms.values())).sum()} | terms

    @torch.no_grad()
    def data_loss(self, parts: list[Rows]) -> float:
        """Return the data term over several parts of a table, without gradients."""
        was_training = self.model.training
        self.model.eval()
        pairs = [
            (self._data(self._raw(part)[0], part), part.weights.sum()) for part in parts
        ]
        self.model.train(was_training)
        total = sum(float(weight) for _, weight in pairs)
        return sum(float(mean) * float(weight) for mean, weight in pairs) / total

    def _raw(self, rows: Rows) -> tuple[Tensor, list[Tensor]]:
        output, edges = with_edges(self.model.encoder, rows)
        return self.model.output_shift + self.model.output_scale * output, edges

    def _data(self, raw: Tensor, rows: Rows) -> Tensor:
        latents = self.model.constrain(raw)
        predicted = self.model.decoder.evaluate(
            latents, self.physical_constants(), rows.forcings
        )
        gap = self.scale.transform(predicted) - rows.values
        return losses.squared_error(gap, rows.weights)

    def _sparsity(self, edges: list[Tensor], raw: Tensor) -> dict[str, Tensor]:
        config = self.config
        paper = config.penalty_form == "paper"
        scores = edge_scores(
            [deviation(layer) for layer in edges],
            [deviation(layer.detach().sum(1)) for layer in edges],
            "node" if paper else "layer_mean",
            raw.detach().var(0, correction=0) if paper else None,
        )
        found = {}
        if config.entropy > 0:
            found["entropy"] = config.entropy * losses.entropy(
                scores, config.penalty_form
            )
        if config.l1 > 0:
            found["l1"] = config.l1 * losses.l1(scores)
        return found

    def _smoothness(self) -> dict[str, Tensor]:
        """One weight for one layer; inner and outer weights with hidden layers."""
        encoder, config = self.model.encoder, self.config
        if not isinstance(encoder, KANEncoder):
            return {}
        layers = encoder.spline_layers
        if len(layers) == 1 or config.smooth_kind == "differences":
            weights = [config.smooth] * len(layers)
        else:
            weights = [config.smooth_inner] * (len(layers) - 1) + [config.smooth_outer]
        found = []
        for layer, weight in zip(layers, weights, strict=True):
            if weight > 0 and config.smooth_kind == "differences":
                each = losses.squared_differences(layer.coefficients, layer.mask)
                found.append(weight * each)
            elif weight > 0:
                each = losses.integrated_roughness(
                    layer.coefficients, layer.low, layer.high, layer.mask
                )
                found.append(weight * each)
        return {"smooth": torch.stack(found).sum()} if found else {}
