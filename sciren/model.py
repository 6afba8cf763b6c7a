"""ScIReN: encoder, constraint and decoder as one differentiable model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sciren.comparison import ResidualScale
from sciren.constants import ConstantScale
from sciren.constraints import ConstraintChoice, Identity, bounds, resolve
from sciren.data.kinds import FeatureKind, Kinds, kinds_in_order
from sciren.data.scaling import FeatureScaling, ScalingKind
from sciren.data.table import Table
from sciren.decoders.base import Decoder
from sciren.decoders.process import IdentityDecoder
from sciren.encoders.base import Encoder
from sciren.errors import ColumnError, ConfigError, ShapeError, closest_names

CHUNK = 65_536  # rows evaluated at once when predicting


class Prediction(NamedTuple):
    """Raw latents (n, L), physical latents (n, L), targets (n, t)."""

    raw: Tensor
    latents: Tensor
    targets: Tensor


class ScIReN(nn.Module):
    """features -> encoder -> raw latents -> constraint -> latents -> decoder -> targets.

    Args:
        encoder: (n, features) -> (n, latents), on scaled features.
        constraint: one for all latents, "auto", or latent name -> constraint.
        decoder: the process model; None is plain regression y = encoder(x).
    Attributes:
        feature_names: columns of the features, known after training.
        scaling: scaling of the features, learned on the training rows.
        kinds: feature -> kind, of those that are classes or periodic.
        output_shift, output_scale: (L,) raw = shift + scale * encoder output.
        residual_scale, violation_weight, noise: how training compared with the targets.
        noise_law: numbers of the `sciren.inference.noise.NoiseLaw` that the selection
            of features estimated; None where none was made.
        spread: (L,) of the deviations of groups, zero until learned; None where no latent
            has any.
    Raises:
        ShapeError: the encoder's outputs are not as many as the latents.
    """

    feature_shift: Tensor
    feature_scale: Tensor
    output_shift: Tensor
    output_scale: Tensor
    low: Tensor
    high: Tensor
    spread: Tensor | None

    def __init__(
        self,
        encoder: Encoder,
        constraint: ConstraintChoice | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        super().__init__()
        self.plain = decoder is None
        if decoder is None:
            names = [f"y{k + 1}" for k in range(encoder.n_outputs)]
            decoder = IdentityDecoder(names if len(names) > 1 else ["y"])
        latents = decoder.parameters.latents
        if encoder.n_outputs != len(latents):
            raise ShapeError(
                f"the encoder has {encoder.n_outputs} outputs, decoder "
                f"{decoder.name!r} has {len(latents)} latents "
                f"({', '.join(decoder.latent_names)}); make them equal"
            )
        self.encoder, self.decoder = encoder, decoder
        choice = Identity() if constraint is None else constraint
        self.constraints = resolve(choice, latents)
        self.constant_scale = ConstantScale(decoder.parameters.constants)
        self.constant_raw = nn.Parameter(self.constant_scale.start)
        self.feature_names: tuple[str, ...] = ()
        self.kinds: dict[str, FeatureKind] = {}
        self.residual_scale: ResidualScale | None = None
        self.violation_weight, self.noise = 1.0, "constant"
        self.noise_law: Mapping[str, Any] | None = None
        self.scaling_kind: ScalingKind = "none"
        self._buffers_for(encoder.n_inputs, latents)

    def _buffers_for(self, n_inputs: int, latents: Sequence[object]) -> None:
        double = torch.float64
        low, high = bounds(self.decoder.parameters.latents)
        self.register_buffer("feature_shift", torch.zeros(n_inputs, dtype=double))
        self.register_buffer("feature_scale", torch.ones(n_inputs, dtype=double))
        self.register_buffer("output_shift", torch.zeros(len(latents), dtype=double))
        self.register_buffer("output_scale", torch.ones(len(latents), dtype=double))
        deviates = any(p.deviation for p in self.decoder.parameters.latents)
        zeros = torch.zeros(len(latents), dtype=double)
        # without deviations nothing is stored, as in the files of older versions
        self.register_buffer("spread", zeros if deviates else None)
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    # -- names and settings ---------------------------------------------------------
    @property
    def latent_names(self) -> tuple[str, ...]:
        """Names of the latents."""
        return self.decoder.latent_names

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the targets."""
        return self.decoder.targets

    @property
    def scaling(self) -> FeatureScaling:
        """Scaling of the features."""
        return FeatureScaling(self.scaling_kind, self.feature_shift, self.feature_scale)

    @torch.no_grad()
    def set_scaling(
        self, scaling: FeatureScaling, names: Sequence[str], kinds: Kinds | None = None
    ) -> None:
        """Store scaling, names and kinds of the features (done by `fit`)."""
        self.set_kinds(kinds or {}, names)
        self.feature_shift.copy_(scaling.shift)
        self.feature_scale.copy_(scaling.scale)
        self.scaling_kind = scaling.kind
        self.feature_names = tuple(names)

    def set_kinds(self, kinds: Kinds, names: Sequence[str]) -> None:
        """Store the kinds of the features and let the encoder adapt to them.

        Raises:
            ConfigError: the encoder takes numbers only.
        """
        # Only where kinds change: an encoder that adapts starts anew.
        if self.kinds != dict(kinds):
            self.encoder.set_kinds(kinds_in_order(kinds, names))
        self.kinds = dict(kinds)

    def constants(self) -> dict[str, float]:
        """Physical values of the constants by name."""
        values = self.constant_scale.to_physical(self.constant_raw.detach()).tolist()
        return dict(zip(self.decoder.constant_names, values, strict=True))

    @torch.no_grad()
    def set_constants(self, values: Mapping[str, float]) -> None:
        """Set constants by name, physical values.

        Raises:
            ColumnError: no constant has this name.
            ConfigError: a value is outside the bounds of its constant, or not a number.
        """
        constants = self.constants()
        bounds = {
            parameter.name: parameter for parameter in self.constant_scale.parameters
        }
        for name, value in values.items():
            if name not in constants:
                raise ColumnError(
                    f"no constant is called {name!r}. {closest_names(name, constants)}"
                )
            low, high = bounds[name].low, bounds[name].high
            vanishing = bounds[name].positive and value <= 0
            if vanishing or not low <= value <= high:
                raise ConfigError(
                    f"constant {name!r} cannot be {value:g}: it lies between {low:g} and "
                    f"{high:g}{', without zero' if vanishing else ''}; change the value, "
                    "or the bounds of its Parameter"
                )
        # All of them in the decoder's order; those that are not named stay.
        physical = torch.tensor(list((constants | dict(values)).values()))
        self.constant_raw.copy_(self.constant_scale.to_raw(physical.double()))

    # -- evaluation -----------------------------------------------------------------
    def scaled(self, features: Tensor) -> Tensor:
        """Scale raw features (n, d)."""
        if features.shape[-1] != len(self.feature_shift):
            raise ShapeError(
                f"the model has {len(self.feature_shift)} features, "
                f"got {features.shape[-1]}"
            )
        return (features - self.feature_shift) / self.feature_scale

    def encoder_inputs(self, features: Tensor) -> Tensor:
        """Return raw features (n, d) as the columns that the first layer computes with."""
        return self.encoder.inputs(self.scaled(features))

    def raw_latents(self, scaled: Tensor) -> Tensor:
        """Raw latents (n, L) for scaled features."""
        return self.output_shift + self.output_scale * self.encoder(scaled)

    def constrain(self, raw: Tensor) -> Tensor:
        """Physical latents (..., L) for raw ones."""
        return self._by_constraint("forward", raw)

    def constrain_slope(self, raw: Tensor) -> Tensor:
        """Derivative of each physical latent by its raw one, (..., L)."""
        return self._by_constraint("slope", raw)

    def violation(self, raw: Tensor) -> Tensor:
        """How far each raw latent is outside its straight range, (..., L)."""
        return self._by_constraint("violation", raw)

    def _by_constraint(self, method: str, raw: Tensor) -> Tensor:
        columns = [
            getattr(constraint, method)(raw[..., k], self.low[k], self.high[k])
            for k, constraint in enumerate(self.constraints)
        ]
        if len(columns) == 1:
            return columns[0].unsqueeze(-1)
        return torch.stack(columns, dim=-1)

    def forward(self, features: Tensor, forcings: Mapping[str, Tensor]) -> Prediction:
        """Evaluate with gradients: features (n, d) raw units, forcings (n, ...)."""
        raw = self.raw_latents(self.scaled(features))
        latents = self.constrain(raw)
        constants = self.constant_scale.to_physical(self.constant_raw)
        return Prediction(
            raw, latents, self.decoder.evaluate(latents, constants, forcings)
        )

    @torch.no_grad()
    def latents(self, table: Table) -> Tensor:
        """Physical latents (n, L); needs no forcings."""
        self.check_features(table)
        parts = table.features.split(CHUNK)
        with self._evaluating():
            return torch.cat(
                [self.constrain(self.raw_latents(self.scaled(part))) for part in parts]
            )

    @torch.no_grad()
    def predict(self, table: Table) -> Prediction:
        """Evaluate all rows without gradients, at once if the decoder mixes rows."""
        self.check_features(table)
        # A decoder that mixes rows gives other values on part of them.
        size = CHUNK if self.decoder.rowwise else max(1, len(table))
        parts = []
        with self._evaluating():
            # At least once, so that a table without rows gives arrays without rows.
            for start in range(0, max(1, len(table)), size):
                rows = slice(start, start + size)
                forcings = {name: part[rows] for name, part in table.forcings.items()}
                parts.append(self(table.features[rows], forcings))
        return Prediction(*(torch.cat(column) for column in zip(*parts, strict=True)))

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Batch statistics are used, not learned, inside."""
        was_training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(was_training)

    def check_features(self, table: Table) -> None:
        """Raise ColumnError unless the table has the features of the training."""
        if self.feature_names and table.feature_names != self.feature_names:
            raise ColumnError(
                f"the model was trained on features {list(self.feature_names)}, the "
                f"table has {list(table.feature_names)}; build the table with the same "
                "features in the same order"
            )
