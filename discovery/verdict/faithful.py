"""Faithful: the equation is the network, printed and stored without loss."""

from typing import TYPE_CHECKING

import numpy as np

from discovery.verdict.record import Reason

if TYPE_CHECKING:
    from sciren.data import Table
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel
    from symbolic.verdict import Check, Verification

APART = 0.1
"""Root mean square difference of a latent over its size above which a negative R2 counts:
a latent that hardly varies has a meaningless R2 although both are the same number."""

_NEXT = {
    "same numbers": "Report this as a fault of the toolkit, with the run folder",
    "close to network": "Allow more families (discovery.families), or pin the family of "
    "the edge that is named",
    "rounding": "Print more digits",
    "stationary": "The refit has not settled: pin a plainer family for that edge "
    "(discovery.pins) and run `sciren explain RUN`",
    "round trip": "Report this as a fault of the toolkit, with the run folder",
}


def faithful_reasons(
    equations: "SymbolicModel", model: "ScIReN", table: "Table"
) -> list[Reason]:
    """Return what the checks of consistency say, and whether the latents agree.

    Args:
        equations: with their verification attached.
        model: the network;  table: rows on which both are compared.
    """
    verification = consistency_reasons(equations.verification)
    if equations.verification is None:
        return verification
    failed = [reason for reason in verification if not reason.holds]
    failed += _disagreeing(equations, model, table)
    return failed or verification


def consistency_reasons(verification: "Verification | None") -> list[Reason]:
    """Return the checks of consistency that fail, or that all of them hold.

    Args:
        verification: checks of the equations; None where nobody made them.
    """
    if verification is None:
        return [
            Reason(
                "faithful", "equations", False,
                "The equations were not compared with the network",
                next_step="Run `sciren verify RUN`", fatal=True, rank=0,
            )
        ]  # fmt: skip
    failed = [_failed(check) for check in verification.checks if not check.passed]
    if failed:
        return failed
    count = len(verification.checks)
    # Another curve than the network's passes where it is no worse on held-out rows.
    apart = any(check.number < check.tolerance for check in verification.checks
                if check.name == "close to network")  # fmt: skip
    are = (
        "predict held-out rows no worse than the network"
        if apart
        else "are the network"
    )
    sentence = f"The equations {are}: {count} of {count} checks of consistency hold"
    return [Reason("faithful", "equations", True, sentence, rank=8)]


def _failed(check: "Check") -> Reason:
    where = f" ({check.detail})" if check.detail else ""
    sentence = (
        f"The check of consistency '{check.name}' fails: {check.meaning} is "
        f"{check.number:.6g}, the limit is {check.tolerance:.6g}{where}"
    )
    return Reason(
        "faithful", check.name, False, sentence, check.number, check.tolerance,
        _NEXT.get(check.name, "Do not use the equations before you know why"),
        fatal=True, rank=0,
    )  # fmt: skip


def _disagreeing(
    equations: "SymbolicModel", model: "ScIReN", table: "Table"
) -> list[Reason]:
    """Latents of the equations that have nothing to do with those of the network."""
    agreement = equations.verification.agreement if equations.verification else {}
    columns = dict(zip(table.feature_names, table.features.numpy().T, strict=True))
    # Physical latents (n,) by name against those of the network (n, L).
    ours = equations.latents(columns)
    theirs = model.latents(table).cpu().numpy()
    reasons = []
    for k, name in enumerate(equations.latent_names):
        r2 = float(agreement.get(name, 1.0))
        difference = ours[name].to_numpy() - theirs[:, k]
        size = float(np.sqrt(np.mean(theirs[:, k] ** 2)))
        apart = float(np.sqrt(np.mean(difference**2))) / size if size > 0 else 0.0
        # Written as a negation so that a difference that is not a number counts as
        # apart.
        if r2 < 0 and not apart <= APART:
            sentence = (
                f"{name} of the equations and of the network differ by {apart:.0%} of its "
                f"size, more than it varies (R2 {r2:.2g})"
            )
            step = f"Look at the edges of {name}; pin their families or allow more"
            reasons.append(
                Reason("faithful", name, False, sentence, r2, 0.0, step, True, 1)
            )
    return reasons
