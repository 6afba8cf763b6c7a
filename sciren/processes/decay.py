"""Radioactive decay."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import exp
from sciren.parameters import Forcing, Parameter
from sciren.processes.exponentials import exponential_difference, second_difference


def _rate(member: int, start: float) -> Parameter:
    return Parameter(
        f"l{member}", 1e-6, 10, "s-1", f"of member {member}", "constant", start
    )


@process_model(
    parameters=[
        Parameter("n0", 0, 1e12, "1", "atoms of member 1 at the start", start=1000),
        _rate(1, 0.5), _rate(2, 0.2), _rate(3, 0.05),
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
