"""COMPAS as a decoder: carbon at observed depths from the forcing of a site."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from torch import Tensor

from sciren.decoders.base import Decoder
from sciren.decoders.clm5.forcing import DECLARED, NEEDED, CLM5Forcing
from sciren.decoders.clm5.observe import check_depths, depth_weights, interpolate
from sciren.decoders.clm5.sites import sites_of
from sciren.decoders.compas.equation import matrix_equation
from sciren.decoders.compas.parameters import COMMON, ONLY_A, ONLY_B, Row, declared
from sciren.decoders.compas.pools import (
    POOLS,
    SteadyPools,
    Transfers,
    transfers_a,
    transfers_b,
)


class Compas(Decoder):
    """What the two variants share: layers, climate, inputs and mixing of CLM5.

        (V - A diag(K)) Y = I,   20 layers of 7 pools, K = xi / (365 tau)

    One row is one observation at forcing ``depth`` (m), with the forcing of its site as
    `CLM5Forcing` describes it. Mixing conserves carbon: no flux leaves at either end.
    """

    expensive = True  # solves 140 pools a row
    variant: ClassVar[str]
    rows: ClassVar[tuple[Row, ...]]
    outputs: ClassVar[Mapping[str, Sequence[str]]]  # target -> pools that it sums
    limited: ClassVar[Sequence[str]]  # pools whose decay nitrogen limits
    transfers: ClassVar[Callable[[Any], Transfers]]

    def __init__(self) -> None:
        super().__init__(
            self.variant,
            declared(self.rows),
            forcings=DECLARED,
            targets=tuple(self.outputs),
            target_units=dict.fromkeys(self.outputs, "gC m-3"),
        )

    def equation_latex(self) -> str:
        """Matrix equation with the fractions of this variant."""
        return matrix_equation(
            type(self).transfers, [row[0] for row in self.rows], self.limited
        )

    def __call__(self, p: Any, f: Any) -> dict[str, Tensor]:
        """Return the targets (n,), gC m-3.

        Args:
            p: parameters (n,), physical values.
            f: depth (n,), m, and the site's forcing, as in `CLM5Forcing`.
        Raises:
            DataError: impossible forcing or depth; names row and variable.
            DecoderError: a layer that carbon cannot leave.
        """
        check_depths(f.depth)
        forcing = CLM5Forcing(**{name: getattr(f, name) for name in NEEDED})
        carbon = self.steady_state(p, forcing).carbon
        index, weight = (part.unsqueeze(1) for part in depth_weights(f.depth))
        targets = {}
        for target, pools in self.outputs.items():
            layers = sum(carbon[..., POOLS.index(pool)] for pool in pools)
            assert isinstance(layers, Tensor)  # every target sums at least one pool
            targets[target] = interpolate(layers.T, index, weight)[:, 0]
        return targets

    def steady_state(self, p: Any, forcing: CLM5Forcing) -> SteadyPools:
        """Return pools, rates and respiration of n sites.

        Args:
            p: parameters by attribute, numbers or (n,), physical values; those that are
                left out are fixed as declared.
            forcing: the n sites.
        """
        sites = sites_of(forcing, "conservative")
        values = vars(self.with_fixed(p))
        like = forcing.input_cwd
        # Doubles whatever the encoder works in: rates span thirty decades.
        columns = {
            name: torch.as_tensor(value, device=like.device).double().expand(len(like))
            for name, value in values.items()
        }
        return SteadyPools(
            SimpleNamespace(**columns), sites, type(self).transfers, self.limited
        )


class CompasA(Compas):
    """Soil carbon with microbes and minerals (COMPAS, variant A): 23 parameters.

        (V - A diag(K)) Y = I,   soc = POC + MAOM at the observed depth

    Litter and dead microbes become particulate (POC) or mineral-associated carbon (MAOM),
    which microbes reach as dissolved carbon. Targets: soc, pom, maom.

    Limits: the shares of metabolic litter and of microbes may add up to more than one
    (to 1.4 and 1.2), where what is left over for a pool is negative; choose bounds below.
    Identifiability: carbon alone does not tell the turnover times of POC and MAOM from
    the transfers between them; give pom and maom as targets. Those of dissolved carbon
    and microbes are hardly seen.
    Reference: Xu et al. 2025, biogeochemistry-informed neural networks (BINN).
    """

    variant = "compas_a"
    rows = (*COMMON, *ONLY_A)
    outputs: ClassVar = {"soc": ("poc", "maom"), "pom": ("poc",), "maom": ("maom",)}
    limited = ("l1", "l2", "doc")
    transfers = staticmethod(transfers_a)


class CompasB(Compas):
    """Soil carbon with microbes and minerals (COMPAS, variant B): 21 parameters.

        (V - A diag(K)) Y = I,   soc = DOC + MIC + POC + MAOM at the observed depth

    Structural litter becomes particulate carbon (POC); minerals (MAOM) take dissolved
    carbon and dead microbes. Targets: soc, pom, maom, doc, mic.

    Limits: lists of its parameters with fl2_mic and fmic_doc are of an older variant and
    mean others here.
    Identifiability: carbon alone does not tell the turnover times of POC and MAOM from
    the transfers between them; give pom and maom as targets. Those of dissolved carbon
    and microbes are hardly seen in soc.
    Reference: Xu et al. 2025, biogeochemistry-informed neural networks (BINN).
    """

    variant = "compas_b"
    rows = (*COMMON, *ONLY_B)
    outputs: ClassVar = {
        "soc": ("doc", "mic", "poc", "maom"),
        "pom": ("poc",),
        "maom": ("maom",),
        "doc": ("doc",),
        "mic": ("mic",),
    }
    limited = ("l1", "l2")
    transfers = staticmethod(transfers_b)
