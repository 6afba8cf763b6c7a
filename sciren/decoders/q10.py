"""Ecosystem respiration with a Q10 temperature response."""

from typing import Any

from sciren.decoders.base import Decoder
from sciren.errors import DecoderError
from sciren.parameters import Forcing, Parameter

COLDEST, HOTTEST = -100.0, 100.0  # degrees C; no ecosystem respires beyond


class Q10Respiration(Decoder):
    """Ecosystem respiration, a factor q10 more for each 10 degrees of warming.

        reco = rb * q10 ** ((ta - t_ref) / 10)

    Latent rb >= 0 (umol m-2 s-1), the respiration at t_ref; constant q10 > 0, learned
    in logs from 1.5; forcing ta, air temperature in degrees C; target reco.

    Args:
        t_ref: reference temperature, degrees C.
    Raises:
        DecoderError: t_ref is no temperature.
    Identifiability: a latent rb that follows the temperature of the season absorbs q10
    and draws it towards 1; with q10 = 1 t_ref has no meaning.
    Reference: Reichstein et al. 2022, hybrid modelling chapter, equation of R_eco.
    """

    def __init__(self, t_ref: float = 15.0) -> None:
        self.t_ref = float(t_ref)
        # True is a number to Python, and would read as 1 degree.
        if isinstance(t_ref, bool) or not COLDEST <= self.t_ref <= HOTTEST:
            raise DecoderError(
                f"t_ref={self.t_ref:g} is no temperature in degrees C; use {COLDEST:g} to "
                f"{HOTTEST:g}"
            )
        unit = "umol m-2 s-1"
        meaning = f"respiration at {self.t_ref:g} degC"
        super().__init__(
            "q10",
            [
                Parameter("rb", low=0.0, unit=unit, meaning=meaning),
                Parameter(
                    "q10",
                    low=0.0,
                    start=1.5,
                    kind="constant",
                    meaning="factor per 10 degrees of warming",
                ),
            ],
            forcings=[Forcing("ta", -60, 60, "degC", "air or soil temperature")],
            targets=("reco",),
            target_units={"reco": unit},
        )

    def __call__(self, p: Any, f: Any) -> Any:
        """Return reco, umol m-2 s-1."""
        return p.rb * p.q10 ** ((f.ta - self.t_ref) / 10)

    def slopes(self, p: Any, f: Any) -> tuple[Any, dict[str, Any]]:
        """Return reco and its derivatives by rb and q10."""
        power = (f.ta - self.t_ref) / 10
        growth = p.q10**power
        reco = p.rb * growth
        return reco, {"rb": growth, "q10": reco * power / p.q10}

    def settings(self) -> dict[str, Any]:
        """Arguments that rebuild this decoder."""
        return {"t_ref": self.t_ref}
