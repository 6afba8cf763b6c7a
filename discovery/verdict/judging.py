"""Judge what was found: gather the evidence, ask the three questions, draw the headline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.verdict.record import Reason, Verdict, not_judged
from sciren.errors import SciRenError

if TYPE_CHECKING:
    from discovery.results.identification import Identification
    from discovery.uncertainty.record import Uncertainty
    from sciren.data import Table
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel


def judge(
    equations: "SymbolicModel | None",
    model: "ScIReN",
    parts: "Mapping[str, Table]",
    constants: Sequence[dict[str, Any]],
    profiles: "Sequence[Identification]",
    uncertainty: "Uncertainty | None" = None,
) -> Verdict:
    """Return the verdict on equations.

    Args:
        equations: verified; None where the encoder is a black box.
        model: the network.
        parts: "train", "valid", "test" -> table, those that there are.
        constants: rows of the process constants, with "identified" and "reason".
        profiles: what their profiles say.
        uncertainty: their recommended intervals, where there are any.
    """
    from discovery.verdict.evidence import Evidence
    from discovery.verdict.faithful import faithful_reasons
    from discovery.verdict.identified import identified_reasons
    from discovery.verdict.skilful import skilful_reasons

    if equations is None:
        return not_judged(
            "There are no equations, because the encoder is a black box",
            "Use an encoder of curves (encoder.kind: kan)",
        )
    # Faithful needs no statistics and is asked of every process; the other two need
    # rows that can be told apart, which a process with memory does not have.
    reasons = faithful_reasons(equations, model, parts["train"])
    if not model.decoder.rowwise:
        return Verdict.of([*reasons, _not_row_by_row(model.decoder.name)])
    lack: dict[str, float] = {}
    try:
        # Trial fits leave the domain of logarithms and powers; what is not finite is
        # dealt with where it is compared.
        with np.errstate(all="ignore"):
            evidence = Evidence.gather(equations, model, parts)
            reasons += skilful_reasons(equations, evidence)
            reasons += identified_reasons(
                equations, evidence, constants, profiles, uncertainty
            )
            lack = evidence.lack_of_fit()
    # A run that took hours keeps its results; the verdict says that it could not judge,
    # and being fatal this is never taken for support.
    except (SciRenError, np.linalg.LinAlgError) as error:
        reasons.append(_failed(error))
    return replace(Verdict.of(reasons), lack_of_fit=lack)


def _not_row_by_row(name: str) -> Reason:
    sentence = f"Skill was not judged: the process model {name} does not act row by row"
    step = "Compare the scores of the test rows with constant latents yourself"
    return Reason("skilful", "all", False, sentence, next_step=step, fatal=True, rank=0)


def _failed(error: Exception) -> Reason:
    sentence = f"Skill and identification could not be judged: {error}"
    step = "Mend what the message names and run `sciren verify RUN`"
    return Reason("skilful", "all", False, sentence, next_step=step, fatal=True, rank=0)
