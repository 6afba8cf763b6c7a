"""Rates of enzymes and microbes as functions of their substrate."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, log, maximum
from sciren.parameters import Forcing, Parameter

SUBSTRATE = Forcing("s", 0, 1000, "g L-1", "substrate; noise below 0 counts as 0")
MUMAX = Parameter("mumax", 0.01, 2, "h-1", "highest growth rate", start=0.5)


ANY_SUBSTRATE = Forcing("s", 0, meaning="substrate, in the unit of its half saturation")
"""Rates of enzymes and leaves are known by mol, gram and partial pressure: no unit is said."""


def _half(
    name: str, low: float, high: float, start: float, unit: str = "g L-1"
) -> Parameter:
    return Parameter(name, low, high, unit, "half saturation", "constant", start)


@process_model(
    parameters=[
        Parameter("vmax", low=0, meaning="highest rate"),
        _half("km", 1e-6, 1e4, 5, unit=""),
    ],
    forcings=[ANY_SUBSTRATE],
    targets=["v"],
)
def michaelis_menten(p: Any, f: Any) -> Any:
    """Rate of an enzyme, in the unit of vmax.

        v = vmax s/(km + s)

    Limits: 0 without substrate, vmax/2 at s = km, vmax with plenty.
    Identifiability: vmax/km only, where s << km.
    Reference: Michaelis & Menten 1913, Biochemische Zeitschrift 49, 333-369.
    """
    # Noise below zero would give a negative rate, and a pole at s = -km.
    s = maximum(f.s, 0)
    return p.vmax * s / (p.km + s)


@process_model(
    parameters=[
        MUMAX,
        _half("ks", 1e-4, 10, 0.2),
        Parameter("kd", 1e-5, 0.1, "h-1", "death rate", "constant", 0.02),
    ],
    forcings=[SUBSTRATE],
    targets=["mu"],
    target_units={"mu": "h-1"},
)
def monod(p: Any, f: Any) -> Any:
    """Growth of microbes less their death.

        mu = mumax s/(ks + s) - kd

    Limits: -kd without substrate, mumax - kd with plenty.
    Identifiability: ks from little substrate only; kd and mumax trade off.
    Reference: Monod 1949, Annual Review of Microbiology 3, 371-394.
    """
    s = maximum(f.s, 0)
    return p.mumax * s / (p.ks + s) - p.kd


@process_model(
    parameters=[
        MUMAX,
        _half("ks", 1e-4, 10, 2),
        Parameter("ki", 0.1, 1000, "g L-1", "inhibition", "constant", 40),
    ],
    forcings=[SUBSTRATE],
    targets=["mu"],
    target_units={"mu": "h-1"},
)
def haldane(p: Any, f: Any) -> Any:
    """Growth of microbes that their own substrate inhibits.

        mu = mumax s/(ks + s + s^2/ki)

    Limits: largest at s = sqrt(ks ki), where mu = mumax/(1 + 2 sqrt(ks/ki)); monod
    without death for ki -> infinity.
    Identifiability: mumax, ks and ki form a ridge unless both sides of the optimum are
    seen.
    Reference: Haldane 1930; Andrews 1968, Biotechnology and Bioengineering 10, 707-723.
    """
    s = maximum(f.s, 0)
    return p.mumax * s / (p.ks + s + s**2 / p.ki)


@process_model(
    parameters=[
        Parameter("vmax", low=0, meaning="highest rate"),
        _half("k", 1e-6, 1e4, 5, unit=""),
        Parameter("n", 0.5, 6, "1", "cooperation", "constant", 2.5),
    ],
    forcings=[ANY_SUBSTRATE],
    targets=["v"],
)
def hill(p: Any, f: Any) -> Any:
    """Rate of an enzyme whose sites cooperate, in the unit of vmax.

        v = vmax s^n/(k^n + s^n)

    computed as vmax/(1 + exp(-n log(s/k))) with s at least 1e-12, because s = 0 has
    no logarithm.
    Limits: michaelis_menten at n = 1; vmax/2 at s = k.
    Identifiability: n and k trade off where all data lie on one side of k.
    Reference: Hill 1910, Journal of Physiology 40, iv-vii.
    """
    return p.vmax / (1 + exp(-p.n * log(maximum(f.s, 1e-12) / p.k)))
