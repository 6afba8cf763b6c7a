"""What features do not explain of a group: t(p_g) = t(f(x_g)) + u_g, u_g ~ N(0, sd^2).

t is the logarithm for ``deviation="lognormal"``, so that p_g = f(x_g) exp(u_g), and the
identity for "normal". All that is needed of a group is its loss near its mode, half
gradient g and curvature H by t in units of the noise. With L = diag(sd) and
K = L (1 + L H L)^-1 L, and g taken at t(f):

    mode of u        -K g                    its variance   K
    u left out       W = H - H K H           g_W = g - H K g

The last line is the same quadratic with u integrated out; no inverse of H is needed, so
that groups which say nothing of a number do no harm.

Reference: Lindstrom and Bates 1990; Dempster, Laird and Rubin 1977 (EM).
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sciren.dynamics.local_values import LocalScale

FIRST_SD = 0.5
"""Spread to start from, of logs or in units of the declared start: wide enough that a first
fit follows its groups, and EM shrinks it within a few rounds."""

HELD = 0.1
"""Information of a series about a direction, in units of its spread, below which it is left
out: its quadratic would be believed more than three spreads from the mode, where losses are
none. With all directions a volume and a clearance that only rise together kept features that
were dealt out at random (`benchmarks/dynamics/README.md`, remifentanil); what is lost is a
tenth of what one group of known numbers says."""

LEAST_SD = 1e-3  # of FIRST_SD's units: a spread of zero would stay zero for ever
SMALLEST = 1e-12  # logs of numbers on a bound of zero stay numbers


@dataclass(frozen=True)
class Deviations:
    """Laws of the deviations of all local numbers of a group.

    Args:
        names: of the local numbers, Q.
        logs: (Q,) bool, where t is the logarithm.
        sd: (Q,) spread of u, zero where there is none.
    """

    names: tuple[str, ...]
    logs: np.ndarray
    sd: np.ndarray

    @classmethod
    def declared(cls, scale: LocalScale) -> "Deviations":
        """Return the laws that parameters declare, with spreads to start from."""
        parameters = {p.name: p for p in scale.model.parameters}
        laws = [parameters[name].deviation for name in scale.names]
        sizes = [
            0.0
            if law is None
            else FIRST_SD
            * (1.0 if law == "lognormal" else _size(parameters[name].initial))
            for name, law in zip(scale.names, laws, strict=True)
        ]
        return cls(
            scale.names, np.array([law == "lognormal" for law in laws]), np.array(sizes)
        )

    def __bool__(self) -> bool:
        """Whether any number deviates."""
        return bool((self.sd > 0).any())

    def forward(self, physical: np.ndarray) -> np.ndarray:
        """Return t of physical values (..., Q)."""
        return np.where(self.logs, np.log(np.maximum(physical, SMALLEST)), physical)

    def backward(self, t: np.ndarray) -> np.ndarray:
        """Return physical values of t (..., Q)."""
        # exp(700) is near the largest double, 1.8e308.
        return np.where(self.logs, np.exp(np.minimum(t, 700.0)), t)

    def slope(self, physical: np.ndarray) -> np.ndarray:
        """Return the derivative of physical values by t."""
        return np.where(self.logs, physical, 1.0)

    def with_sd(self, sd: np.ndarray) -> "Deviations":
        """Return the laws with other spreads; numbers without a deviation keep none."""
        least = LEAST_SD * np.where(self.logs, 1.0, FIRST_SD)
        return replace(self, sd=np.where(self.sd > 0, np.maximum(sd, least), 0.0))


def _size(start: float) -> float:
    return abs(start) or 1.0


class Quadratic(NamedTuple):
    """Losses of groups near t: loss(t + d) = loss + 2 g'd + d'H d.

    Attributes:
        t: (G, Q);  gradient: (G, Q) g;  curvature: (G, Q, Q) H.
    """

    t: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray

    def gradient_at(self, t: np.ndarray) -> np.ndarray:
        """Return g at other t (G, Q)."""
        return self.gradient + np.einsum("gjk,gk->gj", self.curvature, t - self.t)

    def without(self, law: Deviations) -> "Quadratic":
        """Return the losses with the deviations integrated out.

        Directions that the series of a group hardly hold are left out (`HELD`).
        """
        losses = self._held(law)
        inner = conditional(losses, law)
        # half = H K; g_W and W follow as in the head of the file.
        half = np.einsum("gij,gjk->gik", losses.curvature, inner)
        return Quadratic(
            self.t,
            losses.gradient - np.einsum("gij,gj->gi", half, losses.gradient),
            losses.curvature - half @ losses.curvature,
        )

    def _held(self, law: Deviations) -> "Quadratic":
        """Return the losses without deviations of which the series say next to nothing."""
        own = np.flatnonzero(law.sd > 0)
        block = np.ix_(np.arange(len(self.t)), own, own)
        sd = law.sd[own]
        values, vectors = np.linalg.eigh(sd[:, None] * self.curvature[block] * sd)
        held = vectors * (values >= HELD)[:, None]
        # A projection in units of the spreads, so that no unit decides what is held.
        onto = np.tile(np.eye(len(law.sd)), (len(self.t), 1, 1))
        onto[block] = sd[:, None] * (held @ held.transpose(0, 2, 1)) / sd
        back = onto.transpose(0, 2, 1)
        gradient = (back @ self.gradient[..., None])[..., 0]
        return Quadratic(self.t, gradient, back @ self.curvature @ onto)


def conditional(losses: Quadratic, law: Deviations) -> np.ndarray:
    """Return K (G, Q, Q), the variance of u given the series of a group."""
    sd = law.sd
    # 1 + L H L has eigenvalues of at least one: its inverse exists however singular H
    # is.
    scaled = sd[:, None] * losses.curvature * sd
    return sd[:, None] * np.linalg.inv(np.eye(len(sd)) + scaled) * sd


def modes(
    losses: Quadratic, law: Deviations, predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the most probable u (G, Q) about predicted t (G, Q), and its variance."""
    inner = conditional(losses, law)
    return -np.einsum("gij,gj->gi", inner, losses.gradient_at(predicted)), inner


def updated(
    losses: Quadratic, law: Deviations, predicted: np.ndarray, used: np.ndarray
) -> Deviations:
    """Return the laws after a step of EM: sd^2 = sum (u^2 + K) / (G - used).

    Args:
        losses: of all groups.
        law: before the step.
        predicted: (G, Q) t of what features say.
        used: (Q,) coefficients behind the predictions, which take up as many groups.
    """
    u, inner = modes(losses, law, predicted)
    # E(u_g^2 | series) = mode^2 + variance; u^2 alone would shrink to zero round by
    # round.
    squares = (u**2 + np.einsum("gkk->gk", inner)).sum(0)
    # As in a regression: the coefficients of the predictions took up this many
    # deviations.
    freedom = np.maximum(len(u) - used, 1.0)
    return law.with_sd(np.sqrt(squares / freedom))


def shared(losses: Quadratic) -> np.ndarray:
    """Return the t (Q,) that fits all groups best, deviations integrated out before.

    Numbers that no group knows stay where they are.
    """
    centre = losses.t.mean(0)
    everywhere = np.tile(centre, (len(losses.t), 1))
    total = losses.curvature.sum(0)
    # Scaled to a unit diagonal first: rcond then cuts directions, not units.
    size = np.sqrt(np.maximum(np.diag(total), 1e-300))
    scaled = np.linalg.pinv(total / size[:, None] / size, rcond=1e-9, hermitian=True)
    return centre - (scaled @ (losses.gradient_at(everywhere).sum(0) / size)) / size
