"""Pools that decay, receive and pass on: soil carbon, and the atoms of a decay chain."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp, matrix_exponential
from sciren.parameters import Forcing, Parameter
from sciren.processes.exponentials import (
    decaying_mean,
    exponential_difference,
    second_difference,
)

STOCK, INPUT, RATE = "kg m-2", "kg m-2 yr-1", "yr-1"
YEARS = Forcing("t", 0, 1000, "yr", "time since the start")


def _share(name: str, high: float, start: float) -> Parameter:
    donor, receiver = name[2], name[1]
    meaning = f"share of what pool {donor} loses that enters pool {receiver}"
    return Parameter(name, 0, high, "1", meaning, "constant", start)


@process_model(
    parameters=[
        Parameter("k", 1e-4, 10, RATE, "rate of decay", start=0.05),
        Parameter("c0", 0, 100, STOCK, "carbon at the start", start=4),
    ],
    forcings=[Forcing("i", 0, 5, INPUT, "input"), YEARS],
    targets=["c"],
    target_units={"c": STOCK},
)
def first_order_pool(p: Any, f: Any) -> Any:
    """One pool with a constant input.

        c = c0 exp(-k t) + i/k (1 - exp(-k t))

    Limits: c0 at t = 0, i/k after a long time, c0 + i t for k -> 0.
    Identifiability: k and i as i/k only, once the pool is steady.
    Reference: Olson 1963, Ecology 44, 322-331.
    """
    # t mean(exp(-k x)) over 0 to t is (1 - exp(-k t))/k, without its 0/0 at k = 0.
    return p.c0 * exp(-p.k * f.t) + f.i * f.t * decaying_mean(p.k * f.t)


@process_model(
    parameters=[
        Parameter(
            "h", 0.01, 0.6, "1", "share of young carbon that becomes old", start=0.13
        ),
        Parameter("r", 0.3, 4, "1", "climate and cultivation", start=1),
        Parameter("k1", 0.1, 5, RATE, "rate of young carbon", "constant", 0.8),
        Parameter("k2", 1e-4, 0.05, RATE, "rate of old carbon", "constant", 0.00605),
    ],
    forcings=[
        Forcing("i", 0, 5, INPUT, "input"),
        Forcing("y0", 0, 50, STOCK, "young carbon at the start"),
        Forcing("o0", 0, 100, STOCK, "old carbon at the start"),
        YEARS,
    ],
    targets=["soc", "y", "o"],
    target_units={"soc": STOCK, "y": STOCK, "o": STOCK},
)
def icbm(p: Any, f: Any) -> dict[str, Any]:
    """Young and old soil carbon.

        y' = i - k1 r y,  o' = h k1 r y - k2 r o,  soc = y + o

    solved exactly for a constant input.
    Limits: y -> i/(k1 r), o -> h i/(k2 r) after a long time.
    Identifiability: r and the rates as products only; h and k2 trade off in old carbon.
    Reference: Andren & Katterer 1997, Ecological Applications 7, 1226-1236.
    """
    young, old = p.k1 * p.r, p.k2 * p.r
    y = f.y0 * exp(-young * f.t) + f.i * f.t * decaying_mean(young * f.t)
    # What young carbon differs from its steady state, handed on and decaying as old.
    moved = (young * f.y0 - f.i) * exponential_difference(young, old, f.t)
    steady = f.i * f.t * decaying_mean(old * f.t)
    o = f.o0 * exp(-old * f.t) + p.h * (steady + moved)
    return {"soc": y + o, "y": y, "o": o}


@process_model(
    parameters=[
        Parameter("k1", 0.1, 20, RATE, "rate of pool 1", start=2),
        Parameter("k2", 1e-3, 1, RATE, "rate of pool 2", start=0.1),
        _share("a21", 0.95, 0.4),
        _share("a12", 0.95, 0.2),
    ],
    forcings=[
        Forcing("u1", 0, 5, INPUT, "input of pool 1"),
        Forcing("u2", 0, 5, INPUT, "input of pool 2"),
        Forcing("s1", 0, 50, STOCK, "pool 1 at the start"),
        Forcing("s2", 0, 50, STOCK, "pool 2 at the start"),
        YEARS,
    ],
    targets=["x1", "x2", "respiration"],
    target_units={"x1": STOCK, "x2": STOCK, "respiration": INPUT},
)
def two_pool(p: Any, f: Any) -> dict[str, Any]:
    """Two pools that decay and pass carbon to each other.

        x1' = u1 - k1 x1 + a12 k2 x2,  x2' = u2 + a21 k1 x1 - k2 x2
        respiration = (1 - a21) k1 x1 + (1 - a12) k2 x2

    solved exactly for constant inputs, with the slower rate -(k1 + k2)/2 + q and the
    faster -(k1 + k2)/2 - q, q^2 = ((k1 - k2)/2)^2 + a12 a21 k1 k2.
    Limits: x1 = s1 and x2 = s2 at t = 0; respiration -> u1 + u2 after a long time.
    Identifiability: stocks alone give transfers and the ratio of the rates; rates need a
    flux or radiocarbon. Pools are told apart by their bounds.
    Reference: Bolker et al. 1998; Sierra et al. 2012, Geoscientific Model Development 5,
    1045-1060.
    """
    back, forth = p.a12 * p.k2, p.a21 * p.k1
    # Steady state of the 2x2 system by Cramer's rule; not zero while shares are below
    # one.
    determinant = p.k1 * p.k2 * (1 - p.a12 * p.a21)
    steady1 = (p.k2 * f.u1 + back * f.u2) / determinant
    steady2 = (p.k1 * f.u2 + forth * f.u1) / determinant
    far1, far2 = f.s1 - steady1, f.s2 - steady2
    half = (p.k1 - p.k2) / 2
    q = (half**2 + back * forth) ** 0.5
    slow, fast = (p.k1 + p.k2) / 2 - q, (p.k1 + p.k2) / 2 + q
    # exp(M t) = even + odd (M + (k1 + k2) / 2), where odd has the limit t exp(-k t) of
    # equal rates.
    even = (exp(-slow * f.t) + exp(-fast * f.t)) / 2
    odd = exponential_difference(slow, fast, f.t)
    x1 = steady1 + even * far1 + odd * (back * far2 - half * far1)
    x2 = steady2 + even * far2 + odd * (forth * far1 + half * far2)
    lost = (1 - p.a21) * p.k1 * x1 + (1 - p.a12) * p.k2 * x2
    return {"x1": x1, "x2": x2, "respiration": lost}


@process_model(
    parameters=[
        Parameter("k1", 0.1, 20, RATE, "rate of pool 1", start=2),
        Parameter("k2", 1e-2, 1, RATE, "rate of pool 2", start=0.1),
        Parameter("k3", 1e-4, 0.1, RATE, "rate of pool 3", start=0.005),
        _share("a21", 0.5, 0.4),
        _share("a31", 0.5, 0.02),
        _share("a12", 0.5, 0.2),
        _share("a32", 0.5, 0.1),
        _share("a23", 0.95, 0.3),
    ],
    forcings=[
        *(Forcing(f"u{k}", 0, 5, INPUT, f"input of pool {k}") for k in (1, 2, 3)),
        *(Forcing(f"s{k}", 0, 50, STOCK, f"pool {k} at the start") for k in (1, 2, 3)),
        YEARS,
    ],
    targets=["x1", "x2", "x3", "respiration"],
    target_units={"x1": STOCK, "x2": STOCK, "x3": STOCK, "respiration": INPUT},
    latex=r"x(t) = e^{M t} s + \int_0^t e^{M z} u \,dz, \quad M = A\,\mathrm{diag}(k)",
)
def three_pool(p: Any, f: Any) -> dict[str, Any]:
    """Three pools that decay and pass carbon to each other.

        x' = A diag(k) x + u,  x = s at t = 0
        respiration = sum over j of (1 - sum over i of a_ij) k_j x_j

    A has -1 on its diagonal; a13 = 0. Solved exactly for constant inputs by the
    exponential of a matrix.
    Limits: respiration -> u1 + u2 + u3 after a long time; two_pool where pool 3 is apart.
    Identifiability: as `two_pool`.
    Reference: Sierra et al. 2012, Geoscientific Model Development 5, 1045-1060.
    """
    k1, k2, k3, t = p.k1 * f.t, p.k2 * f.t, p.k3 * f.t, f.t
    # the constant input is one more state, which is always 1
    e = matrix_exponential(
        [
            [-k1, p.a12 * k2, 0 * k3, f.u1 * t],
            [p.a21 * k1, -k2, p.a23 * k3, f.u2 * t],
            [p.a31 * k1, p.a32 * k2, -k3, f.u3 * t],
            [0, 0, 0, 0],
        ]
    )
    x1, x2, x3 = (
        e[k][0] * f.s1 + e[k][1] * f.s2 + e[k][2] * f.s3 + e[k][3] for k in range(3)
    )
    lost = (
        (1 - p.a21 - p.a31) * p.k1 * x1
        + (1 - p.a12 - p.a32) * p.k2 * x2
        + (1 - p.a23) * p.k3 * x3
    )
    return {"x1": x1, "x2": x2, "x3": x3, "respiration": lost}


def _decay(member: int, start: float) -> Parameter:
    return Parameter(
        f"l{member}", 1e-6, 10, "s-1", f"of member {member}", "constant", start
    )


@process_model(
    parameters=[
        Parameter("n0", 0, 1e12, "1", "atoms of member 1 at the start", start=1000),
        _decay(1, 0.5), _decay(2, 0.2), _decay(3, 0.05),
    ],
    forcings=[Forcing("t", 0, 1000, "s", "time since the start")],
    targets=["n1", "n2", "n3", "activity"],
    target_units={"n1": "1", "n2": "1", "n3": "1", "activity": "s-1"},
)  # fmt: skip
def decay_chain(p: Any, f: Any) -> dict[str, Any]:
    """Three members of a decay chain; for shorter ones leave the later targets out.

        n1' = -l1 n1,  n2' = l1 n1 - l2 n2,  n3' = l2 n2 - l3 n3
        activity = l1 n1 + l2 n2 + l3 n3,  half-life = ln 2/l

    Solved by divided differences of exponentials, because the sums of Bateman are 0/0 for equal
    rates and cancel soon after the start.
    Limits: n1 = n0 exp(-l1 t); all decay in the end.
    Identifiability: rates can be exchanged in the last member's curve alone.
    Reference: Bateman 1910, Proceedings of the Cambridge Philosophical Society 15, 423.
    """
    n1 = p.n0 * exp(-p.l1 * f.t)
    n2 = p.n0 * p.l1 * exponential_difference(p.l1, p.l2, f.t)
    n3 = p.n0 * p.l1 * p.l2 * second_difference(p.l1, p.l2, p.l3, f.t)
    activity = p.l1 * n1 + p.l2 * n2 + p.l3 * n3
    return {"n1": n1, "n2": n2, "n3": n3, "activity": activity}
