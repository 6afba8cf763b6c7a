"""Concentration of a drug in the blood after one dose: one to three compartments."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, matrix_exponential, maximum, minimum, where
from sciren.parameters import Forcing, Parameter
from sciren.processes.exponentials import decaying_mean, exponential_difference

HOURS = Forcing("t", 0, 200, "h", "time since the dose")
DOSE = Forcing("dose", 0, 5000, "mg", "amount given")
INFUSION = Forcing("tinf", 0, 48, "h", "length of the infusion, 0 for a bolus")
CENTRAL = [
    Parameter("cl", 0.1, 100, "L h-1", "clearance", start=5),
    Parameter("v", 1, 500, "L", "volume of the blood compartment", start=20),
]
SECOND = [
    Parameter("q", 0.1, 50, "L h-1", "exchange with tissue", "constant", 4),
    Parameter("v2", 1, 1000, "L", "volume of tissue", "constant", 30),
]
THIRD = [
    Parameter("q3", 0.1, 50, "L h-1", "exchange with deep tissue", "constant", 1.5),
    Parameter("v3", 1, 5000, "L", "volume of deep tissue", "constant", 80),
]
ORAL = [
    Parameter("ka", 0.05, 5, "h-1", "absorption", "constant", 1.2),
    Parameter("bioavailability", 0, 1, "1", "share absorbed", "fixed", 1),
]
CONCENTRATION = {"conc": "mg L-1"}
SHORTEST = 1e-9
"""h; a shorter infusion is a bolus, whose branch does not divide by its length."""


def _infused(rate: Any, f: Any) -> Any:
    """Return the part left of a dose of 1 that is infused and lost at one rate.

    A bolus is an infusion of no length, whose mean over the infusion is 1.
    """
    # Share given so far, times its mean decay while it was given, times the decay
    # since.
    during = minimum(f.t, f.tinf)
    given = where(f.tinf > 0, during / maximum(f.tinf, SHORTEST), 1)
    return given * decaying_mean(rate * during) * exp(-rate * (f.t - during))


def _two_rates(p: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return the rates and weights of two compartments; the weights sum to 1/v."""
    k10, k12, k21 = p.cl / p.v, p.q / p.v, p.q / p.v2
    total = k10 + k12 + k21
    # Never zero: total^2 - 4 k21 k10 = (k10 + k12 - k21)^2 + 4 k12 k21.
    spread = (total**2 - 4 * k21 * k10) ** 0.5
    fast, slow = (total + spread) / 2, (total - spread) / 2
    weight = (fast - k21) / (spread * p.v)
    return (fast, slow), (weight, 1 / p.v - weight)


@process_model(
    parameters=CENTRAL, forcings=[DOSE, HOURS, INFUSION], targets=["conc"],
    target_units=CONCENTRATION,
)  # fmt: skip
def pk_one(p: Any, f: Any) -> Any:
    """One compartment after a bolus or an infusion.

        bolus: conc = dose/v exp(-k t),  k = cl/v
        infusion: conc = dose/(tinf cl) (1 - exp(-k min(t, tinf))) exp(-k max(t - tinf, 0))

    Limits: dose/v at the end of a bolus; area under the curve dose/cl.
    Identifiability: both from one curve.
    Reference: Gibaldi & Perrier 1982, Pharmacokinetics.
    """
    return f.dose / p.v * _infused(p.cl / p.v, f)


@process_model(
    parameters=[*CENTRAL, *ORAL], forcings=[DOSE, HOURS], targets=["conc"],
    target_units=CONCENTRATION,
)  # fmt: skip
def pk_one_oral(p: Any, f: Any) -> Any:
    """One compartment after a dose that is swallowed.

        conc = bioavailability dose ka/v (exp(-k t) - exp(-ka t))/(ka - k),  k = cl/v

    and bioavailability dose ka/v t exp(-k t) where ka = k.
    Limits: 0 at t = 0; area under the curve bioavailability dose/cl.
    Identifiability: cl and v relative to the bioavailability only, which is fixed; ka and
    k can be exchanged (force ka > k).
    Reference: Gibaldi & Perrier 1982, Pharmacokinetics.
    """
    absorbed = p.ka * exponential_difference(p.cl / p.v, p.ka, f.t)
    return p.bioavailability * f.dose / p.v * absorbed


@process_model(
    parameters=[*CENTRAL, *SECOND], forcings=[DOSE, HOURS, INFUSION], targets=["conc"],
    target_units=CONCENTRATION,
)  # fmt: skip
def pk_two(p: Any, f: Any) -> Any:
    """Blood and tissue after a bolus or an infusion: two exponentials.

        conc = dose (c1 g(r1) + c2 g(r2)),  c1 + c2 = 1/v
        r = (s +- sqrt(s^2 - 4 k21 k10))/2,  s = k10 + k12 + k21
        k10 = cl/v,  k12 = q/v,  k21 = q/v2,  c1 = (r1 - k21)/(v (r1 - r2))

    where g is the course of one exponential as in `pk_one`.
    Limits: pk_one for q -> 0; area under the curve dose/cl.
    Identifiability: q and v2 need early samples.
    Reference: Gibaldi & Perrier 1982, Pharmacokinetics.
    """
    rates, weights = _two_rates(p)
    parts = [w * _infused(rate, f) for rate, w in zip(rates, weights, strict=True)]
    return f.dose * (parts[0] + parts[1])


@process_model(
    parameters=[*CENTRAL, *SECOND, *ORAL], forcings=[DOSE, HOURS], targets=["conc"],
    target_units=CONCENTRATION,
)  # fmt: skip
def pk_two_oral(p: Any, f: Any) -> Any:
    """Blood and tissue after a dose that is swallowed: see `pk_two`.

        conc = bioavailability dose ka (sum over i of
            ci (exp(-ri t) - exp(-ka t))/(ka - ri))

    Limits: pk_one_oral for q -> 0; area under the curve bioavailability dose/cl.
    Identifiability: as `pk_one_oral` and `pk_two`.
    Reference: Gibaldi & Perrier 1982, Pharmacokinetics.
    """
    rates, weights = _two_rates(p)
    parts = [
        w * exponential_difference(rate, p.ka, f.t)
        for rate, w in zip(rates, weights, strict=True)
    ]
    return p.bioavailability * f.dose * p.ka * (parts[0] + parts[1])


def _three(p: Any, time: Any) -> list[list[Any]]:
    """Return the matrix of blood, tissue and deep tissue (amounts), times a time."""
    k10, k12, k13 = p.cl / p.v, p.q / p.v, p.q3 / p.v
    k21, k31 = p.q / p.v2, p.q3 / p.v3
    rows = [[-(k10 + k12 + k13), k21, k31], [k12, -k21, 0], [k13, 0, -k31]]
    return [[entry * time for entry in row] for row in rows]


@process_model(
    parameters=[*CENTRAL, *SECOND, *THIRD], forcings=[DOSE, HOURS, INFUSION],
    targets=["conc"], target_units=CONCENTRATION,
    latex=r"v\,\mathrm{conc}(t) = \left(e^{M t} \mathrm{dose}\right)_1",
)  # fmt: skip
def pk_three(p: Any, f: Any) -> Any:
    """Blood, tissue and deep tissue after a bolus or an infusion.

        x1' = dose/tinf - (k10 + k12 + k13) x1 + k21 x2 + k31 x3,  conc = x1/v
        x2' = k12 x1 - k21 x2,  x3' = k13 x1 - k31 x3
        k10 = cl/v,  k12 = q/v,  k13 = q3/v,  k21 = q/v2,  k31 = q3/v3

    by the exponential of a matrix.
    Limits: pk_two for q3 -> 0; area under the curve dose/cl.
    Identifiability: tissues can be exchanged, keep k21 > k31; the third phase needs late
    samples.
    Reference: Gibaldi & Perrier 1982, Pharmacokinetics.
    """
    during = minimum(f.t, f.tinf)
    # the constant speed of the infusion is one more state
    inside = [[*row, 0] for row in _three(p, during)]
    inside[0][3] = during / maximum(f.tinf, SHORTEST)
    filled = matrix_exponential([*inside, [0, 0, 0, 0]])
    amounts = [
        where(f.tinf > 0, filled[k][3], 1.0 if k == 0 else 0.0) for k in range(3)
    ]
    # After the infusion the amounts follow the same matrix without input.
    left = matrix_exponential(_three(p, maximum(f.t - during, 0)))[0]
    blood = left[0] * amounts[0] + left[1] * amounts[1] + left[2] * amounts[2]
    return f.dose / p.v * blood


@process_model(
    parameters=[*CENTRAL, *SECOND, *THIRD, *ORAL], forcings=[DOSE, HOURS],
    targets=["conc"], target_units=CONCENTRATION,
    latex=r"v\,\mathrm{conc}(t) = \left(e^{M t} F\,\mathrm{dose}\right)_{2}",
)  # fmt: skip
def pk_three_oral(p: Any, f: Any) -> Any:
    """Blood, tissue and deep tissue after a dose that is swallowed: see `pk_three`.

        x0' = -ka x0,  x0(0) = bioavailability dose,  and ka x0 enters the blood

    Limits: pk_two_oral for q3 -> 0; area under the curve bioavailability dose/cl.
    Identifiability: as `pk_one_oral` and `pk_three`.
    Reference: Gibaldi & Perrier 1982, Pharmacokinetics.
    """
    absorbed = p.ka * f.t
    # The gut is the first state; what leaves it enters the blood.
    body = [[0, *row] for row in _three(p, f.t)]
    body[0][0] = absorbed
    transition = matrix_exponential([[-absorbed, 0, 0, 0], *body])
    return p.bioavailability * f.dose / p.v * transition[1][0]
