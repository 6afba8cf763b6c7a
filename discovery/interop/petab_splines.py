"""A spline encoder as the layers of PEtab-SciML, which knows products but no splines.

With t the place on the knots of a feature, clamped to [0, G], a uniform cubic spline is

    s(t) = a0 + a1 t + a2 t^2 + a3 t^3 + sum_j b_j max(t - j, 0)^3,  j = 1 .. G - 1

and goes on as a straight line outside. Layers with relu give t and t - j, a bilinear layer
their squares, another one the cubes and the sum over features: the same numbers as the
encoder up to rounding. Squares and cubes stand in the places of the weights, so the network
is to be evaluated and not to be trained on.

Reference: de Boor 2001, A Practical Guide to Splines, chapter 8 (truncated powers).
"""

from typing import TYPE_CHECKING

import numpy as np

from discovery.interop.petab_network import Layer
from sciren.errors import ConfigError

if TYPE_CHECKING:
    from sciren.encoders.kan import KANEncoder
    from sciren.model import ScIReN

MOST_WEIGHTS = 4_000_000
"""Of the layer of squares: 32 MB, which twelve features with ten intervals need."""


def spline_layers(model: "ScIReN", encoder: "KANEncoder") -> list[Layer]:
    """Return the layers of a trained encoder, raw columns in, raw latents out.

    Raises:
        ConfigError: it has hidden nodes, classes or circles, a base, curves that end at
            zero, or too many features.
    """
    problems = {
        "hidden nodes": bool(encoder.hidden),
        "classes or periodic features": bool(encoder.spline_layers[0].spaces),
        f"base {encoder.base!r}": encoder.base != "zero",
        "curves that end at zero": encoder.outside != "linear",
    }
    problem = next((text for text, holds in problems.items() if holds), None)
    if problem is not None:
        raise ConfigError(
            f"PEtab-SciML has no layers for this KANEncoder with {problem}; it takes "
            "splines of one layer. The equations are source code in code/"
        )
    curves = _TruncatedPowers(model, encoder)
    if not len(curves.kept):
        return [curves.level()]
    # The bilinear layer of squares has a matrix for each of its outputs, so it grows with
    # the cube of features times intervals; all but a few entries are zero.
    count = len(curves.kept) * (curves.intervals + 3)
    size = count * (len(curves.kept) * (curves.intervals + 2) + 1) ** 2
    if size > MOST_WEIGHTS:
        raise ConfigError(
            f"{len(curves.kept)} features with {curves.intervals} intervals take "
            f"{size:,} weights in PEtab-SciML, more than {MOST_WEIGHTS:,}; keep fewer "
            "features or choose a coarser encoder.grid"
        )
    return [curves.places(), curves.steps(), curves.squares(), curves.sums()]


class _TruncatedPowers:
    """The four layers; k kept features, G intervals, L latents."""

    def __init__(self, model: "ScIReN", encoder: "KANEncoder") -> None:
        layer = encoder.spline_layers[0]
        mask = layer.mask.detach().numpy() != 0
        self.kept = np.flatnonzero(mask.any(1))
        self.n_features, self.intervals = len(mask), layer.intervals
        low, high = layer.low.numpy()[self.kept], layer.high.numpy()[self.kept]
        spacing = (high - low) / self.intervals
        # Raw x to the knots: t = ((x - shift) / scale - low) / spacing.
        self.slope = 1 / (model.feature_scale.numpy()[self.kept] * spacing)
        shift = model.feature_shift.numpy()[self.kept]
        self.origin = -shift * self.slope - low / spacing
        coefficients = layer.table().detach().numpy()[self.kept]  # (k, L, G + 3)
        self.size = model.output_scale.numpy()
        bias = layer.bias.detach().numpy() * self.size + model.output_shift.numpy()
        c = coefficients * self.size[:, None]
        # Values of the uniform cubic B-splines at a knot are 1/6, 4/6, 1/6; their first and
        # second derivatives there are differences of neighbouring coefficients. The third
        # derivative is constant between knots; b_j is a sixth of its jump at knot j.
        third = np.diff(c, n=3)
        self.a1 = (c[..., 2] - c[..., 0]) / 2
        self.a2 = (c[..., 0] - 2 * c[..., 1] + c[..., 2]) / 2
        # b_0 is a3: the cube of t itself.
        self.b = np.diff(third, prepend=0.0) / 6  # (k, L, G)
        self.bias = bias + ((c[..., 0] + 4 * c[..., 1] + c[..., 2]) / 6).sum(0)
        away = self.intervals - np.arange(self.intervals)
        # Slope at the upper end, s'(G), with which the curve goes on.
        self.last = self.a1 + 2 * self.a2 * self.intervals
        self.last = self.last + (3 * self.b * away**2).sum(-1)

    def level(self) -> Layer:
        """Constant latents, where every feature was dropped."""
        return Layer(np.zeros((len(self.bias), self.n_features)), self.bias)

    def places(self) -> Layer:
        """max(t, 0), max(t - G, 0) and max(-t, 0) of every kept feature."""
        k = len(self.kept)
        # Dropped features keep their column of zeros: the table still has them.
        weight, bias = np.zeros((3, k, self.n_features)), np.zeros((3, k))
        rows = np.arange(k)
        for part, sign in enumerate((1, 1, -1)):
            weight[part, rows, self.kept] = sign * self.slope
            bias[part] = sign * self.origin
        bias[1] -= self.intervals
        return Layer(weight.reshape(3 * k, -1), bias.reshape(-1), "relu")

    def steps(self) -> Layer:
        """max(t - j, 0) for j = 0 .. G - 1, what lies outside, and a one."""
        k, grid = len(self.kept), self.intervals
        size = k * (grid + 2) + 1
        weight, bias = np.zeros((size, 3 * k)), np.zeros(size)
        for feature in range(k):
            rows = slice(feature * grid, (feature + 1) * grid)
            # t clamped to [0, G] is max(t, 0) - max(t - G, 0).
            weight[rows, feature], weight[rows, k + feature] = 1.0, -1.0
            bias[rows] = -np.arange(grid)
        weight[k * grid : -1, k:] = np.eye(2 * k)
        # A unit that is always one: times it, the products of the next layers are
        # squares and lines as well.
        bias[-1] = 1.0
        return Layer(weight, bias, "relu")

    def squares(self) -> Layer:
        """Squares of the steps, then t and what lies outside as they are."""
        k, grid = len(self.kept), self.intervals
        steps, size = k * grid, k * (grid + 2) + 1
        weight = np.zeros((steps + 3 * k, size, size))
        places = np.arange(steps)
        weight[places, places, places] = 1.0
        # The step of j = 0 is t itself.
        passed = [*(grid * np.arange(k)), *range(steps, steps + 2 * k)]
        weight[steps + np.arange(3 * k), passed, -1] = 1.0
        return Layer(weight, np.zeros(len(weight)), "", partner=2)

    def sums(self) -> Layer:
        """Cubes, squares and lines, summed over the features: the raw latents."""
        k, grid = len(self.kept), self.intervals
        steps, latents = k * grid, self.a1.shape[1]
        weight = np.zeros((latents, steps + 3 * k, k * (grid + 2) + 1))
        places, first = np.arange(steps), grid * np.arange(k)
        # A cube is a square times its own step; what is multiplied by the one stays as
        # it is.
        weight[:, places, places] = self.b.transpose(1, 0, 2).reshape(latents, steps)
        weight[:, first, -1] = self.a2.T
        # Beyond each end the curve goes on with the slope that it has there.
        lines = (self.a1, self.last, -self.a1)
        for part, line in enumerate(lines):
            weight[:, steps + part * k + np.arange(k), -1] = line.T
        return Layer(weight, self.bias, "", partner=2)
