"""Growth of populations and plants over time, alone or on each other."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, log
from sciren.parameters import Forcing, Parameter
from sciren.states import State

TIME = Forcing("t", 0, 500, "d", "time since the start")
# A size is counted, weighed or measured: no unit is said.
CAPACITY = Parameter("k", 1e-3, 1e6, "", "size in the end", start=100)
START = Parameter("n0", 1e-6, 1e4, "", "size at the start", "constant", 5)


def _rate(name: str) -> Parameter:
    return Parameter(name, 0.01, 2, "d-1", "growth rate", start=0.4)


@process_model(
    parameters=[_rate("r"), CAPACITY, START], forcings=[TIME], targets=["n"],
)  # fmt: skip
def logistic(p: Any, f: Any) -> Any:
    """Growth that slows down in proportion to the size.

        n = k/(1 + (k/n0 - 1) exp(-r t))

    Limits: n0 at t = 0, k in the end; inflection at k/2.
    Identifiability: k is unknown before the inflection.
    Reference: Verhulst 1838.
    """
    return p.k / (1 + (p.k / p.n0 - 1) * exp(-p.r * f.t))


@process_model(
    parameters=[_rate("c"), CAPACITY, START], forcings=[TIME], targets=["n"],
)  # fmt: skip
def gompertz(p: Any, f: Any) -> Any:
    """Growth whose relative rate falls exponentially.

        n = k exp(ln(n0/k) exp(-c t))

    Limits: n0 at t = 0, k in the end; inflection at k/e.
    Identifiability: k is unknown before the inflection.
    Reference: Gompertz 1825.
    """
    return p.k * exp(log(p.n0 / p.k) * exp(-p.c * f.t))


@process_model(
    parameters=[
        _rate("r"), CAPACITY, START,
        Parameter("theta", 0.1, 10, "1", "shape", "constant", 1),
    ],
    forcings=[TIME], targets=["n"],
)  # fmt: skip
def theta_logistic(p: Any, f: Any) -> Any:
    """Logistic growth with a shape of its own.

        n = k/(1 + ((k/n0)^theta - 1) exp(-r theta t))^(1/theta)

    Limits: logistic at theta = 1; gompertz with rate c for theta -> 0 with r theta = c.
    Identifiability: near k only the product r theta.
    Reference: Gilpin & Ayala 1973; Sibly et al. 2005, Science 309, 607-610.
    """
    distance = ((p.k / p.n0) ** p.theta - 1) * exp(-p.r * p.theta * f.t)
    return p.k / (1 + distance) ** (1 / p.theta)


@process_model(
    parameters=[
        Parameter("alpha", 0.01, 5, "yr-1", "growth of prey", start=0.55, per="group"),
        Parameter(
            "gamma", 0.01, 5, "yr-1", "death of predators", start=0.8, per="group"
        ),
        Parameter(
            "beta", 1e-5, 1, "yr-1", "prey caught per predator", "constant", 0.028
        ),
        Parameter(
            "delta", 1e-5, 1, "yr-1", "predators fed per prey", "constant", 0.024
        ),
    ],
    state=[
        State("prey", 30, unit="1", low=1e-9, meaning="prey"),
        State("predators", 4, unit="1", low=1e-9, meaning="predators"),
    ],
    time="ode",
    targets={"x": "prey", "y": "predators"},
    target_units={"x": "1", "y": "1"},
)
def lotka_volterra(s: Any, p: Any, f: Any) -> Any:
    """Prey and predators.

        prey' = alpha prey - beta prey predators
        predators' = delta prey predators - gamma predators

    Limits: rest at prey = gamma/delta, predators = alpha/beta; the invariant
    delta prey - gamma ln prey + beta predators - alpha ln predators is kept.
    Identifiability: beta and delta only relative to the units of the populations.
    Reference: Lotka 1925; Volterra 1926.
    """
    caught = s.prey * s.predators
    return {
        "prey": p.alpha * s.prey - p.beta * caught,
        "predators": p.delta * caught - p.gamma * s.predators,
    }
