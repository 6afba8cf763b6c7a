"""Light inside a canopy, uptake as a function of light, and the net flux of a tower."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, log, maximum, sqrt
from sciren.parameters import Forcing, Parameter
from sciren.processes.respiration import FLUX, lloyd_taylor_factor

ALPHA = Parameter(
    "alpha", 1e-3, 0.22, "umol J-1", "uptake per unit of weak light", start=0.05
)
RADIATION = Forcing("rg", 0, 1400, "W m-2", "global radiation, 0 at night")
DRYNESS = Forcing("vpd", 0, 100, "hPa", "vapour pressure deficit")
LIGHT = Forcing("light", 0, 1400, "W m-2", "radiation; with PAR alpha is in mol mol-1")


@process_model(
    parameters=[
        ALPHA,
        Parameter("beta", 1, 100, FLUX, "uptake in strong light", start=25),
    ],
    forcings=[LIGHT],
    targets=["gpp"],
    target_units={"gpp": FLUX},
)
def rectangular_hyperbola(p: Any, f: Any) -> Any:
    """Uptake that saturates with light.

        gpp = alpha beta light / (alpha light + beta)

    Limits: 0 in the dark, slope alpha in weak light, beta in strong light.
    Identifiability: beta has no upper bound where light never saturates; alpha is known
    from weak light only.
    Reference: Michaelis & Menten 1913; Lasslop et al. 2010, Global Change Biology 16.
    """
    return p.alpha * p.beta * f.light / (p.alpha * f.light + p.beta)


def nonrectangular(weak: Any, strong: Any, curvature: Any) -> Any:
    """Return the smaller root A of curvature A^2 - (weak + strong) A + weak strong = 0.

    The root is rationalised: the textbook form is 0/0 at curvature 0.
    """
    total = weak + strong
    # The discriminant is never negative for curvature <= 1; rounding may make it so.
    root = sqrt(maximum(total**2 - 4 * curvature * weak * strong, 0))
    return 2 * weak * strong / (total + root)


@process_model(
    parameters=[
        ALPHA,
        Parameter("pmax", 1, 100, FLUX, "uptake in strong light", start=25),
        Parameter("theta", 0, 0.99, "1", "curvature", "constant", 0.7),
    ],
    forcings=[LIGHT],
    targets=["gpp"],
    target_units={"gpp": FLUX},
)
def nonrectangular_hyperbola(p: Any, f: Any) -> Any:
    """Uptake that saturates with light, with a curvature of its own.

        theta gpp^2 - (alpha light + pmax) gpp + alpha light pmax = 0, the smaller root

    Limits: theta = 0 is the rectangular hyperbola, theta = 1 is min(alpha light, pmax).
    Identifiability: theta, pmax and alpha form a ridge; theta is 0.7 to 0.9 in leaves.
    Reference: Gilmanov et al. 2003, Global Biogeochemical Cycles 17, 1071.
    """
    return nonrectangular(p.alpha * f.light, p.pmax, p.theta)


@process_model(
    parameters=[
        Parameter("beta0", 1, 250, FLUX, "uptake in strong light, moist air", start=25),
        ALPHA,
        Parameter("k", 1e-4, 1, "hPa-1", "response to dry air", "constant", 0.05),
        Parameter("vpd0", unit="hPa", meaning="threshold", kind="fixed", start=10),
    ],
    forcings=[RADIATION, DRYNESS],
    targets=["gpp"],
    target_units={"gpp": FLUX},
)
def light_response_vpd(p: Any, f: Any) -> Any:
    """Uptake that saturates with light, the less so the drier the air.

        gpp = alpha beta rg/(alpha rg + beta),  beta = beta0 exp(-k max(vpd - vpd0, 0))

    Limits: rectangular_hyperbola in moist air; 0 in the dark.
    Identifiability: k and beta0 trade off in dry seasons; k is 0 at many sites.
    Reference: Lasslop et al. 2010, Global Change Biology 16, 187-208: `nee_lasslop`
    without its respiration.
    """
    return _limited(p, f)


def _limited(p: Any, f: Any) -> Any:
    beta = p.beta0 * exp(-p.k * maximum(f.vpd - p.vpd0, 0))
    return p.alpha * beta * f.rg / (p.alpha * f.rg + beta)


@process_model(
    parameters=[
        Parameter("beta0", 1, 250, FLUX, "uptake in strong light, moist air", start=25),
        ALPHA,
        Parameter("rb", 0.01, 20, FLUX, "respiration at 15 degC", start=2),
        Parameter("k", 1e-4, 1, "hPa-1", "response to dry air", "constant", 0.05),
        Parameter("e0", 50, 400, "K", "temperature sensitivity", "constant", 150),
        Parameter("vpd0", unit="hPa", meaning="threshold", kind="fixed", start=10),
        Parameter("tref", unit="degC", meaning="reference", kind="fixed", start=15),
        Parameter("t0", unit="degC", meaning="zero point", kind="fixed", start=-46.02),
    ],
    forcings=[
        RADIATION,
        Forcing("ta", -40, 50, "degC", "air temperature"),
        DRYNESS,
    ],
    targets=["nee", "gpp", "reco"],
    target_units={"nee": FLUX, "gpp": FLUX, "reco": FLUX},
)
def nee_lasslop(p: Any, f: Any) -> dict[str, Any]:
    """Net exchange of a tower: respiration less uptake, which dry air limits.

        nee = reco - gpp,  reco = rb exp(e0 (1/(tref - t0) - 1/(ta - t0)))
        gpp = alpha beta rg/(alpha rg + beta),  beta = beta0 exp(-k max(vpd - vpd0, 0))

    Limits: nee = reco at night (rg = 0); nee < 0 is uptake.
    Identifiability: gpp and reco separate only with rows of the night or weak light; rb
    and alpha trade off, k and beta0 in dry seasons; k is 0 at many sites.
    Reference: Lasslop et al. 2010, Global Change Biology 16, 187-208.
    """
    gpp = _limited(p, f)
    reco = p.rb * lloyd_taylor_factor(p, f.ta)
    return {"nee": reco - gpp, "gpp": gpp, "reco": reco}


@process_model(
    parameters=[
        Parameter("k", 0.3, 0.9, "1", "extinction", start=0.5),
        Parameter("pmax", 1, 100, FLUX, "uptake of a leaf in strong light", start=25),
        Parameter(
            "alpha", 1e-3, 0.22, "1", "uptake per unit of weak light", start=0.05
        ),
        Parameter("clumping", 0.4, 1, "1", "clumping of leaves", "fixed", 1),
    ],
    forcings=[
        Forcing("lai", 0, 10, "1", "leaf area index, m2 m-2"),
        Forcing("par", 0, 2500, FLUX, "photon flux density above the canopy"),
    ],
    targets=["fapar", "apar", "gpp"],
    target_units={"fapar": "1", "apar": FLUX, "gpp": FLUX},
)
def beer_lambert(p: Any, f: Any) -> dict[str, Any]:
    """Light absorbed by a canopy, and what its leaves take up from it.

        fapar = 1 - exp(-K lai),  K = k clumping,  apar = fapar par
        gpp = pmax/K ln((alpha K par + pmax)/(alpha K par exp(-K lai) + pmax))

    gpp is the integral of the rectangular hyperbola over the leaf area.
    Limits: 0 without leaves, fapar -> 1 in dense canopies.
    Identifiability: k, clumping and lai as a product only, so clumping is fixed.
    Reference: Monsi & Saeki 1953, Japanese Journal of Botany 14, 22-52.
    """
    extinction = p.k * p.clumping
    passed = exp(-extinction * f.lai)
    # Light that a leaf at the top gets: K par; deeper it has passed exp(-K lai).
    top = p.alpha * extinction * f.par
    gpp = p.pmax / extinction * log((top + p.pmax) / (top * passed + p.pmax))
    return {"fapar": 1 - passed, "apar": (1 - passed) * f.par, "gpp": gpp}
