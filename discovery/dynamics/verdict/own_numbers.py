"""The verdict on groups that were fitted alone: a calibration, never a relation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from discovery.dynamics.verdict.judging import (
    blocks_of_years,
    change_text,
    held_out_name,
    median_nse,
    on_held_out,
    reasons_of_checks,
    squared_residuals,
)
from discovery.results.scoring import EQUATION
from discovery.verdict.record import Reason, Verdict
from sciren.inference.relationship import LEVEL

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.result import Discovery
    from sciren.dynamics.groups.group_fit import GroupProblem
    from sciren.dynamics.prediction import SeriesPrediction

    Runs = Mapping[str, Mapping[str, SeriesPrediction]]

NUMBERS = "numbers of groups"  # subject of the reason about groups fitted alone
STRETCHES = 4
"""Stretches of a later period in which errors are compared, where it has fewer years: the
fewest that a test at 5 % can tell from chance (one-sided, all four better: p below 0.05)."""


def judge_own(
    discovery: "Discovery",
    problems: "Mapping[str, GroupProblem]",
    runs: "Runs",
    numbers: "pd.DataFrame",
) -> Verdict:
    """Return the verdict on groups with numbers of their own: never "supported".

    Args:
        discovery: its series attached.
        problems: part -> loss of its groups.
        runs: part -> model -> free run.
        numbers: one row a group and number.
    """
    assert discovery.series is not None  # attached before this
    checks = discovery.series.verification
    alone = len(problems["train"].process.table) == 1
    has = "the group has" if alone else "every group has"
    relation = Reason(
        "skilful", "relations", False,
        f"No relation is claimed: {has} numbers of its own, which say nothing about "
        "other groups",
        next_step="Offer features of more groups", rank=4,
    )  # fmt: skip
    # Shared numbers of one group are its own: it is compared with what needs no process.
    later = (
        on_mean(problems, runs) if alone else on_held_out(problems, runs, "test", False)
    )
    reasons = [later, relation]
    listed = checks.checks if checks else ()
    # Numbers on bounds are told below, with those that the data do not hold.
    reasons += reasons_of_checks(tuple(c for c in listed if c.name != "inside bounds"))
    doubtful: pd.DataFrame = numbers.loc[~numbers["identified"].astype(bool)]
    share = len(doubtful) / max(len(numbers), 1)
    names = ", ".join(map(str, doubtful["constant"].tolist()[:6]))
    counted = f"all {len(numbers)} numbers of the groups"
    if len(numbers) == 1:
        counted = "the one number of the group"
    sentence = (
        f"{len(doubtful)} of {len(numbers)} numbers of groups are on a bound or no better "
        f"known than their bounds ({names}{', ...' if len(doubtful) > 6 else ''})"
        if len(doubtful)
        else f"The data hold {counted} inside the bounds"
    )
    step = (
        "" if not len(doubtful) else "Ask what the process model lacks in these groups"
    )
    reasons.append(
        Reason("identified", NUMBERS, not len(doubtful), sentence, share, 0.0,
               step, rank=3)
    )  # fmt: skip
    return Verdict.of(reasons)


def on_mean(problems: "Mapping[str, GroupProblem]", runs: "Runs") -> Reason:
    """Compare free runs of one group in a later period with the mean of the earlier one.

    Args:
        problems: part -> loss of its groups.
        runs: part -> model -> free run.
    """
    from sciren.dynamics.residuals import compared_targets
    from sciren.inference.skill.paired import paired_test

    problem, outputs = problems["test"], runs["test"][EQUATION].outputs
    # The mean of the earlier period is what would be said without a model; the later
    # one has chosen neither.
    before = compared_targets(problems["train"].process)
    flat = np.broadcast_to(np.nanmean(before, axis=(0, 1)), outputs.shape).copy()
    model, mean = (squared_residuals(problem, values) for values in (outputs, flat))
    blocks = blocks_of_years(problem)
    # Too few years for a spread among them: equal stretches take their place.
    if len(np.unique(blocks)) < STRETCHES:
        rows = np.nonzero(problem.comparison.compared)[1]
        blocks = (rows - rows.min()) * STRETCHES // (np.ptp(rows) + 1)
    test = paired_test(mean, model, blocks)
    nse = median_nse(compared_targets(problem.process), outputs)
    what = held_out_name(problems, "test")
    score = (
        f"the NSE of the free run is {nse:.3g}, and its" if np.isfinite(nse) else "the"
    )
    sentence = (
        f"On {what} {score} squared error is {change_text(test.share)} than that of the "
        f"mean (p = {test.p:.2g}, {test.blocks} blocks)"
    )
    better = test.better(LEVEL)
    step = (
        f"Compare in a longer later period: {test.blocks} blocks do not tell this from chance"
        if test.share > 0
        else "Ask what the process model lacks in this group"
    )
    step = "" if better else step
    return Reason("skilful", what, better, sentence, test.p, LEVEL, step, not better, 0)
