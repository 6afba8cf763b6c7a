"""Steady state of one chunk of sites, and its adjoint for all 21 parameters."""

from functools import cached_property

import torch
from torch import Tensor

from sciren.decoders.clm5.blocks import Blocks
from sciren.decoders.clm5.eigen import Modes, modes
from sciren.decoders.clm5.exchange import Exchange, mix
from sciren.decoders.clm5.geometry import DAYS, NODES, column
from sciren.decoders.clm5.inputs import depth_shares
from sciren.decoders.clm5.parameters import NAMES
from sciren.decoders.clm5.sites import Sites
from sciren.decoders.clm5.transport import combine
from sciren.decoders.clm5.tridiagonal import Tridiagonal

LITTER, SOIL = slice(0, 3), slice(3, 6)
TINY = 1e-300  # keeps 0 / 0 out of slopes where a layer has no decay at all
TURNOVER = ("taul1", "taul2", "taul2", "tau4s1", "tau4s2", "tau4s3")
RELEASED = (
    "fade", "x", "litter_rate", "litter_flux", "shares", "mixing", "systems", "blocks",
    "debris",
)  # fmt: skip
SOIL_FRACTIONS = ("fs1s2", "fs1s3", "fs2s1", "fs2s3", "fs3s1")


class SteadyState:
    """Carbon pools where inputs, decay and mixing balance.

    Litter decays without feedback from the soil: three tridiagonal systems. The soil
    pools are three more in the eigenvectors of their exchange matrix; where those are
    not safe, or a pool comes out negative by rounding, 3x3 blocks are eliminated.

    Args:
        parameters: (21, n) physical values.
        sites: constants of the n sites.
        slopes: whether `gradient` will be asked for.
        method: "auto", or "eigen" or "blocks" to force one way.
    Attributes:
        pools: (20, 6, n) three litter and three soil pools, gC m-3.
    """

    def __init__(
        self,
        parameters: Tensor,
        sites: Sites,
        slopes: bool = True,
        method: str = "auto",
    ) -> None:
        self.p = p = dict(zip(NAMES, parameters.unbind(0), strict=True))
        self.sites = sites
        self.climate = sites.climate(p["q10"], p["w_scaling"], slopes)
        self.reference = 1 / (DAYS * torch.stack([p[name] for name in TURNOVER]))
        a, b, c = self.reference[SOIL].unbind(0)
        fractions = (p[name] for name in SOIL_FRACTIONS)
        self.exchange = Exchange(a, b, c, *fractions)
        debris, first, second, third = sites.totals.unbind(0)
        # In balance a layer loses as much debris as falls into it, and debris does not
        # move: litter sees the input itself, whatever the turnover of debris.
        second = second + p["fcwdl2"] * debris
        self.arriving = torch.stack([first, second, third + (1 - p["fcwdl2"]) * debris])
        self._solve(method)

    # -- what follows from the above; released between forward and backward ---------------
    @cached_property
    def fade(self) -> Tensor:
        """Fall of decomposition with depth, (20, n)."""
        return torch.exp(-column(NODES, self.reference) / self.p["efolding"])

    @cached_property
    def x(self) -> Tensor:
        """Climate and depth factor of all decay, (20, n)."""
        return self.climate.x * self.fade

    @cached_property
    def litter_rate(self) -> Tensor:
        """Decay rates of the three litter pools, (20, 3, n), day-1."""
        limited = self.climate.xn * self.fade
        return limited.unsqueeze(1) * self.reference[LITTER]

    @cached_property
    def litter_flux(self) -> Tensor:
        """Decay of the three litter pools, (20, 3, n), gC m-3 day-1."""
        return self.litter_rate * self.pools[:, LITTER]

    @cached_property
    def shares(self) -> tuple[Tensor, Tensor]:
        """Depth distribution of inputs and its slope to beta, (20, n), m-1."""
        return depth_shares(self.p["beta"], self.sites.frozen)

    @cached_property
    def mixing(self) -> tuple[Tensor, Tensor]:
        """Exchange with the layers above and below, (20, n) each, day-1."""
        diffus, cryo = self.p["diffus"], self.p["cryo"]
        lower, upper = self.sites.lower, self.sites.upper
        return combine(lower, diffus, cryo), combine(upper, diffus, cryo)

    @cached_property
    def systems(self) -> Tridiagonal:
        """Three litter systems and three soil modes, eliminated."""
        return Tridiagonal(self._rate(), *self.mixing)

    def release(self) -> None:
        """Drop what a backward pass can make again from pools and climate."""
        for name in RELEASED:
            self.__dict__.pop(name, None)

    # -- forward --------------------------------------------------------------------------
    def _rate(self) -> Tensor:
        """Decay rates of the three litter systems and the three soil modes."""
        if self.modes is None:
            return self.litter_rate
        rate = torch.empty_like(self.pools)
        rate[:, LITTER] = self.litter_rate
        torch.mul(self.x.unsqueeze(1), self.modes.values, out=rate[:, SOIL])
        return rate

    def _solve(self, method: str) -> None:
        decomposed = modes(self.exchange) if method != "blocks" else None
        usable = decomposed is not None and (decomposed.safe or method == "eigen")
        self.modes: Modes | None = decomposed if usable else None
        # Filled in place: the right sides of litter stand where its pools will.
        self.pools = self.x.new_empty((len(self.x), 6, self.x.shape[1]))
        entering = self.pools[:, LITTER]
        torch.mul(self.shares[0].unsqueeze(1), self.arriving, out=entering)
        self.systems.solve(entering, LITTER)
        self._solve_soil()
        # The exact pools are positive; a sum of modes may cancel below zero in deep layers
        # that hold next to nothing. Blocks never subtract.
        if self.modes is not None and method == "auto":
            if not bool((self.pools[:, SOIL] < 0).any()):
                return
            self.modes = None
            self._solve_soil()

    def _soil_input(self) -> Tensor:
        """What litter hands to the fast and the slow pool, (20, 2, n)."""
        flux, p = self.litter_flux, self.p
        fast = torch.addcmul(flux[:, 0] * p["fl1s1"], flux[:, 1], p["fl2s1"])
        return torch.stack([fast, flux[:, 2] * p["fl3s2"]], dim=1)

    @cached_property
    def blocks(self) -> Blocks:
        """The soil system eliminated in 3x3 blocks."""
        return Blocks(self.x, self.exchange.matrix(), *self.mixing)

    def _solve_soil(self) -> None:
        right = self._soil_input()
        if self.modes is None:
            # The passive pool gets nothing from litter.
            none = torch.zeros_like(right[:, :1])
            self.pools[:, SOIL] = self.blocks.solve(torch.cat([right, none], dim=1))
            return
        amplitudes = self.systems.solve(mix(self.modes.left[:, :2], right), SOIL)
        mix(self.modes.right, amplitudes, out=self.pools[:, SOIL])

    def _adjoint_soil(self, right: Tensor, out: Tensor) -> None:
        """Adjoint for right sides (20, 3, n), or (20, 1, n) the same for the three."""
        if self.modes is None:
            out.copy_(self.blocks.adjoint(right.expand(-1, 3, -1)))
            return
        if right.shape[1] == 1:
            # right' (1, 1, 1)' times the slope: the sum of the soil pools is the usual
            # target.
            turned = self.modes.right.sum(0) * right
        else:
            turned = mix(self.modes.right.transpose(0, 1), right)
        amplitudes = self.systems.adjoint(turned, SOIL)
        mix(self.modes.left.transpose(0, 1), amplitudes, out=out)

    def steps(self) -> Tensor:
        """Pool less the pool of the layer above, summed over the six pools, (19, n)."""
        right = self.shares[0].unsqueeze(1) * self.arriving
        rate, pools = self._rate(), self.pools
        litter = self.systems.steps(
            rate[:, LITTER], pools[:, LITTER], right, LITTER
        ).sum(1)
        soil = pools[:, SOIL]
        if self.modes is None:
            return litter + (soil[1:] - soil[:-1]).sum(1)
        right = mix(self.modes.left[:, :2], self._soil_input())
        # A copy: `solve` overwrites its right sides, and the differences need them once
        # more.
        amplitudes = self.systems.solve(right.clone(), SOIL)
        steps = self.systems.steps(rate[:, SOIL], amplitudes, right, SOIL)
        return litter + mix(self.modes.right, steps).sum(1)

    @cached_property
    def debris(self) -> Tensor:
        """Coarse woody debris (20, n): it neither moves nor receives anything."""
        return self.sites.totals[0] * self.shares[0] * DAYS * self.p["taucwd"] / self.x

    @property
    def soc(self) -> Tensor:
        """Soil organic carbon (20, n), the three soil pools, gC m-3."""
        return self.pools[:, SOIL].sum(1)

    def stuck(self, with_debris: bool) -> tuple[int, int] | None:
        """Return (site, layer) without any way out for carbon, or None."""
        # A pivot of zero: no decay in this layer and in all that it mixes with.
        closed = (self.systems.pivot == 0).any(1)
        if self.modes is None:
            closed |= (self.x == 0) & (self.mixing[0] + self.mixing[1] == 0)
        if with_debris:
            closed |= self.x == 0
        if not bool(closed.any()):
            return None
        layer, site = closed.nonzero()[0].tolist()
        return site, layer

    # -- adjoint --------------------------------------------------------------------
    def gradient(
        self, soil: Tensor, litter: Tensor | None = None, debris: Tensor | None = None
    ) -> Tensor:
        """Derivative of a scalar with respect to the 21 physical parameters.

        Args:
            soil: (20, 3, n) its derivative to the soil pools, or (20, 1, n) if equal.
            litter: (20, 3, n) to the litter pools, or None for zero.
            debris: (20, n) to the debris pool, or None for zero.
        Returns:
            (21, n); nothing for q10 where it was fixed at preparation.
        """
        p = self.p
        adjoint = torch.empty_like(self.pools)
        litter_adjoint, soil_adjoint = adjoint[:, LITTER], adjoint[:, SOIL]
        # 1. Solve the transposed systems from the soil back to litter.
        self._adjoint_soil(soil, soil_adjoint)
        # Adjoint of litter decay: a unit of flux is worth what its receiving soil pool
        # is.
        handed = torch.empty_like(self.litter_rate)
        to_fast = torch.stack([p["fl1s1"], p["fl2s1"]])
        torch.mul(soil_adjoint[:, :1], to_fast, out=handed[:, :2])
        torch.mul(soil_adjoint[:, 1], p["fl3s2"], out=handed[:, 2])
        torch.mul(self.litter_rate, handed, out=litter_adjoint)
        if litter is not None:
            litter_adjoint += litter
        self.systems.adjoint(litter_adjoint, LITTER)
        soil_flux = (self.x.unsqueeze(1) * self.reference[SOIL]).mul_(
            self.pools[:, SOIL]
        )
        # worth of a unit of decay: what leaves the pool less what reaches the others
        litter_worth = torch.sub(litter_adjoint, handed, out=handed)
        litter_worth = litter_worth.mul_(self.litter_flux)
        received = self._received(soil_adjoint)
        soil_worth = torch.sub(soil_adjoint, received, out=received).mul_(soil_flux)
        # 2. Contract with the derivative of the system by each parameter: -adjoint'
        # (dL/dp) Y + adjoint' (dI/dp).
        slopes: dict[str, Tensor] = {}
        self._fractions(slopes, soil_flux, soil_adjoint)
        self._turnover(slopes, litter_worth, soil_worth)
        self._inputs(slopes, litter_adjoint)
        slow = soil_worth.sum(1)
        if debris is not None:
            slow = slow + self._debris(slopes, debris)
        self._environment(slopes, litter_worth.sum(1), slow)
        self._mixing(slopes, adjoint)
        zero = torch.zeros_like(p["q10"])
        return torch.stack([slopes.get(name, zero) for name in NAMES])

    def _received(self, adjoint: Tensor) -> Tensor:
        """Adjoint of what one unit of decay of each soil pool hands on, (20, 3, n)."""
        p, (fast, slow, passive) = self.p, adjoint.unbind(1)
        received = torch.empty(
            adjoint.shape, dtype=adjoint.dtype, device=adjoint.device
        )
        torch.mul(slow, p["fs1s2"], out=received[:, 0]).addcmul_(passive, p["fs1s3"])
        torch.mul(fast, p["fs2s1"], out=received[:, 1]).addcmul_(passive, p["fs2s3"])
        torch.mul(fast, p["fs3s1"], out=received[:, 2])
        return received

    def _fractions(
        self, slopes: dict[str, Tensor], flux: Tensor, adjoint: Tensor
    ) -> None:
        # A fraction moves flux from the air to a pool: its slope is the flux that it
        # shares out times the adjoint of the pool that receives, summed over the
        # layers.
        fast, slow, passive = adjoint[:, :1], adjoint[:, 1:2], adjoint[:, 2:]
        litter = self.litter_flux
        slopes["fl1s1"], slopes["fl2s1"] = (litter[:, :2] * fast).sum(0)
        slopes["fs2s1"], slopes["fs3s1"] = (flux[:, 1:] * fast).sum(0)
        slopes["fl3s2"] = (litter[:, 2:] * slow).sum(0)[0]
        slopes["fs1s2"] = (flux[:, :1] * slow).sum(0)[0]
        slopes["fs1s3"], slopes["fs2s3"] = (flux[:, :2] * passive).sum(0)

    def _turnover(
        self, slopes: dict[str, Tensor], litter: Tensor, soil: Tensor
    ) -> None:
        first, second, third = litter.sum(0)
        # Rates go as 1 / tau: dK/dtau = -K / tau, and decay takes carbon away, so signs
        # cancel.
        slopes["taul1"] = first / self.p["taul1"]
        slopes["taul2"] = (second + third) / self.p["taul2"]
        for name, worth in zip(TURNOVER[3:], soil.sum(0), strict=True):
            slopes[name] = worth / self.p[name]

    def _inputs(self, slopes: dict[str, Tensor], adjoint: Tensor) -> None:
        # Debris falls to cellulose litter with share fcwdl2, to lignin litter with the
        # rest.
        difference = (self.shares[0] * (adjoint[:, 1] - adjoint[:, 2])).sum(0)
        slopes["fcwdl2"] = self.sites.totals[0] * difference
        worth = (adjoint * self.arriving).sum(1)
        slopes["beta"] = (self.shares[1] * worth).sum(0)

    def _debris(self, slopes: dict[str, Tensor], right: Tensor) -> Tensor:
        # Debris is input tau / decay in every layer. More decay takes it away as it
        # does the other pools, so the caller adds its worth to theirs.
        worth = right * self.debris
        slopes["taucwd"] = worth.sum(0) / self.p["taucwd"]
        adjoint = right * DAYS * self.p["taucwd"] / self.x
        slopes["beta"] += self.sites.totals[0] * (self.shares[1] * adjoint).sum(0)
        return worth

    def _environment(
        self, slopes: dict[str, Tensor], litter: Tensor, soil: Tensor
    ) -> None:
        p, climate = self.p, self.climate
        depth = column(NODES, litter)
        # d exp(-z/e) / de = exp(-z/e) z / e^2, against the worth of decay.
        slopes["efolding"] = -(depth * (litter + soil)).sum(0) / p["efolding"] ** 2
        # Worth per unit of climate, times the slope of the climate.
        litter = litter / climate.xn.clamp(min=TINY)
        soil = soil / climate.x.clamp(min=TINY)
        if climate.x_water is not None and climate.xn_water is not None:
            worth = torch.addcmul(litter * climate.xn_water, soil, climate.x_water)
            slopes["w_scaling"] = -worth.sum(0)
        if climate.x_q10 is not None and climate.xn_q10 is not None:
            worth = torch.addcmul(litter * climate.xn_q10, soil, climate.x_q10)
            slopes["q10"] = -worth.sum(0)

    def _mixing(self, slopes: dict[str, Tensor], adjoint: Tensor) -> None:
        # Both fluxes through an interface go by the difference of its two layers.
        step = self.pools[1:] - self.pools[:-1]
        up = -(adjoint[1:] * step).sum(1)
        down = (adjoint[:-1] * step).sum(1)
        lower, upper = self.sites.lower, self.sites.upper
        for k, name in enumerate(("diffus", "cryo")):
            worth = torch.addcmul(up * lower[k, 1:], down, upper[k, :-1])
            slopes[name] = worth.sum(0)
