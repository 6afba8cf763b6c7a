"""The verdict on series: free runs of groups, or of periods, that chose nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.dynamics.equations import CONSISTENT
from discovery.dynamics.scores import CONSTANT
from discovery.results.scoring import CURVE, EQUATION
from discovery.verdict.faithful import consistency_reasons
from discovery.verdict.identified import OPEN, open_curves
from discovery.verdict.record import Reason, Verdict
from sciren.inference.relationship import LEVEL
from symbolic.dynamics.state_closed_forms import FREE_RUN

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from sciren.dynamics.groups.group_fit import GroupProblem
    from sciren.dynamics.prediction import SeriesPrediction
    from symbolic.dynamics.state_closed_forms import StateForms
    from symbolic.verdict import Check

    Runs = Mapping[str, Mapping[str, SeriesPrediction]]

SECOND_LEVEL = "response"  # subject of reasons about rows of the linearised loss
DAYS = 365.25
"""Days of a block of a group: seasons err alike, years of one group hardly."""

_NEXT = {
    "same free run": "Report this as a fault of the toolkit, with the run folder",
    "as good as the curves": "Allow more families (discovery.families), or pin the family "
    "of the edge that fits worst",
    "derivatives": "Look for a condition in the step whose value jumps, and write it "
    "without one (sciren.functions)",
    "mass balance": "Look for a state that is held at a bound, or correct the balance",
    "inside bounds": "Widen the bounds where that makes sense, or ask what the process "
    "model lacks in these groups",
    "white residuals": "Trust intervals less: the noise remembers more than three rows",
}


def judge_series(
    level: "Discovery",
    problems: "Mapping[str, GroupProblem]",
    runs: "Runs",
) -> Verdict:
    """Return the verdict on relations inside a process with memory.

    Faithful and identified are judged on the second level, where relations are rows;
    skilful by free runs of the test series, and by folds of the training groups.

    Args:
        level: discovery on the second level, its series attached.
        problems: part -> loss of its groups.
        runs: part -> model -> free run.
    """
    # The judgement of rows is taken over only where it means groups: what is missing,
    # what is identified, and the test by folds.
    before = level.verdict.reasons
    assert level.equations is not None  # relations, refitted through the simulation
    checked = level.equations.verification
    # the refit has moved the constants: checks of consistency are those after it
    asked = {"equations"} | {
        check.name for check in (checked.checks if checked else ())
    }
    kept = [
        reason
        for reason in before
        if (reason.part != "skilful" or reason.subject == "residual")
        and not (reason.part == "faithful" and reason.subject in asked)
        # The refit may have closed a curve that the rows had left open.
        and not reason.sentence.endswith(OPEN)
    ]
    kept += open_curves(level.equations)
    # other reasons about these rows ask for units and codes of data, which they are not
    folds = [
        reason
        for reason in before
        if reason.subject == SECOND_LEVEL and reason.limit in (None, LEVEL)
    ]
    reasons = [_of_folds(reason) for reason in folds]
    part = next((name for name in ("test", "valid") if name in runs), None)
    if part is not None:
        # Few held-out groups cannot reach significance; with folds that agree their
        # gain is enough.
        confirmed = any(reason.holds for reason in folds)
        reasons.append(on_held_out(problems, runs, part, confirmed))
    assert level.series is not None  # attached before this
    checks = level.series.verification
    reasons += [*consistency_reasons(checked), *kept]
    reasons += reasons_of_checks(checks.checks if checks else ())
    return replace(Verdict.of(reasons), lack_of_fit=level.verdict.lack_of_fit)


def _of_folds(reason: Reason) -> Reason:
    """Say of the second level what its test says, without its name of the rows."""
    if reason.number is None:
        return replace(reason, subject="relations")
    word = "better" if reason.holds else "no better"
    sentence = (
        "When training groups are left out in turn, relations predict their numbers "
        f"{word} than constant latents (p = {reason.number:.2g}, limit {reason.limit:g})"
    )
    return replace(reason, subject="relations", sentence=sentence, fatal=False)


def on_held_out(
    problems: "Mapping[str, GroupProblem]",
    runs: "Runs",
    part: str,
    confirmed: bool,
) -> Reason:
    """Compare free runs of the equations and of constant latents on held-out series.

    Args:
        problems: part -> loss of its groups.
        runs: part -> model -> free run.
        part: of the series.
        confirmed: whether folds of the training groups agree, so that a gain on few
            held-out groups is enough.
    """
    from sciren.dynamics.residuals import compared_targets
    from sciren.inference.skill.paired import paired_test

    problem = problems[part]
    squares = {
        model: squared_residuals(problem, runs[part][model].outputs)
        for model in (EQUATION, CONSTANT)
    }
    test = paired_test(squares[CONSTANT], squares[EQUATION], blocks_of_years(problem))
    observed = compared_targets(problem.process)
    nse = {m: median_nse(observed, runs[part][m].outputs) for m in squares}
    what = held_out_name(problems, part)
    tested = f"p = {test.p:.2g}, {test.blocks} blocks"
    change = f"squared error {change_text(test.share)}"
    sentence = (
        f"On {what} the median NSE of free runs is {nse[EQUATION]:.3g}, with constant "
        f"latents {nse[CONSTANT]:.3g} ({change}, {tested})"
        if np.isfinite(nse[EQUATION])
        else f"On {what} free runs have a {change} than with constant latents ({tested})"
    )
    better = test.better(LEVEL) or (test.share > 0 and confirmed)
    step = "" if better else "Claim no relation; it takes more groups or other features"
    fatal = not better
    return Reason("skilful", what, better, sentence, test.p, LEVEL, step, fatal, 0)


def judge_state_function(
    discovery: "Discovery",
    problems: "Mapping[str, GroupProblem]",
    runs: "Runs",
    forms: "StateForms",
) -> Verdict:
    """Return the verdict on a closed form of a function of a state.

    Args:
        discovery: its series and constants attached.
        problems: part -> loss of its groups.
        runs: part -> model -> free run.
        forms: of the function, and its curve.
    """
    assert discovery.series is not None  # attached before this
    checks = discovery.series.verification
    part = next(
        split
        for split in ("test", "valid", "train")
        if len(problems[split].process.table)
    )
    reasons = [on_held_out(problems, runs, part, False), _of_curve(forms)]
    reasons.append(_of_free_run(problems["train"], runs["train"]))
    reasons += reasons_of_checks(checks.checks if checks else ())
    # Several shapes of one family are no doubt about the family.
    families = dict.fromkeys(
        form.family for form in forms.forms if form.relation.label in forms.equals
    )
    shown, alone = ", ".join(families), len(families) == 1 and not forms.refused
    sentence = f"The data say that {forms.latent} is of the family {shown}"
    if forms.refused:
        sentence = f"No family is claimed for {forms.latent}: the curve is nearer"
    elif not alone:
        sentence = f"The data cannot tell the families of {forms.latent} apart: {shown}"
    step = "" if alone else f"Observe the series where {forms.state} goes further"
    reasons.append(
        Reason("identified", forms.latent, alone, sentence, next_step=step, rank=2)
    )
    doubtful = discovery.constants.loc[~discovery.constants["identified"].astype(bool)]
    for row in doubtful.to_dict("records"):
        name = " of ".join(filter(None, (row["constant"], row["latent"])))
        reasons.append(
            Reason("identified", name, False, f"{name} is not held: {row['reason']}",
                   next_step="Fix it, or observe what depends on it", rank=3)
        )  # fmt: skip
    return Verdict.of(reasons)


def _of_free_run(
    problem: "GroupProblem", runs: "Mapping[str, SeriesPrediction]"
) -> Reason:
    """Ask whether a free run with the closed form is as near as one with the curve.

    Both were fitted to whitened residuals, which see changes from row to row: where the
    process lacks what lasts, a form may follow those and be far off for years.
    """
    squares = [
        float(
            (
                problem.comparison.residual(runs[model].outputs.transpose(2, 0, 1)) ** 2
            ).sum()
        )
        for model in (EQUATION, CURVE)
    ]
    excess = squares[0] / squares[1] - 1
    sentence = (
        f"The squares of free runs are {1 + excess:.2f} times those with the curve"
    )
    held = excess <= FREE_RUN
    step = "" if held else "Read the curve, and ask what the process lacks that lasts"
    return Reason(
        "faithful", "free run", held, sentence, excess, FREE_RUN, step, not held, 1
    )


def _of_curve(forms: "StateForms") -> Reason:
    """Say whether the closed form is the curve that was found before it."""
    if forms.refused:
        step = "Allow more families (discovery.families), or read the curve"
        return Reason("faithful", forms.latent, False, forms.reason, next_step=step,
                      fatal=True, rank=0)  # fmt: skip
    sentence = (
        f"{forms.best.relation.label} fits as well as a free curve of {forms.state}"
    )
    return Reason("faithful", forms.latent, True, sentence, rank=1)


def change_text(share: float) -> str:
    """Say by what share a squared error is smaller or larger."""
    # Rounded to 100 % it would say that no error is left.
    size = "over 99%" if 0.995 <= share < 1 else f"{abs(share):.0%}"
    return f"{size} {'smaller' if share > 0 else 'larger'}"


def held_out_name(problems: "Mapping[str, GroupProblem]", part: str) -> str:
    """Name held-out series: other groups, the same groups later, or both."""
    train, other = (problems[name].process.table for name in ("train", part))
    same = set(train.groups) & set(other.groups)
    return "a later period" if same else "left-out groups"


def squared_residuals(problem: "GroupProblem", outputs: np.ndarray) -> np.ndarray:
    """Return squares (n,) on the scale of the comparison, one a compared observation.

    Args:
        outputs: (T, G, m) of a run.
    """
    residual = problem.comparison.residual(outputs.transpose(2, 0, 1))
    return residual[problem.comparison.compared] ** 2


def blocks_of_years(problem: "GroupProblem") -> np.ndarray:
    """Return the block (n,) of every compared observation: a year of a group.

    Days of a year err alike, so tests count years of groups and not rows. Numbers have no
    calendar: there a whole group is one block.
    """
    table, compared = problem.process.table, problem.comparison.compared
    blocks = np.arange(len(table))
    if table.time.dtype.kind == "M":
        day = np.timedelta64(1, "D").astype("timedelta64[ns]")
        year = ((table.time - table.time.min()) / day // DAYS).astype(int)
        # Group and year in one id, unique because years of a group are fewer than the
        # factor.
        blocks = blocks * (year.max() + 1) + year
    return np.broadcast_to(blocks, compared.shape)[compared]


def median_nse(observed: np.ndarray, outputs: np.ndarray) -> float:
    """Median over groups and targets of 1 - squares of the error over those of the mean."""
    error = np.nansum((observed - outputs) ** 2, axis=0)
    with np.errstate(all="ignore"):
        # (G, m) squares about the mean of the group; a group without variation has no
        # NSE.
        spread = np.nansum((observed - np.nanmean(observed, axis=0)) ** 2, axis=0)
    varying = spread > 0
    return (
        float(np.median(1 - error[varying] / spread[varying]))
        if varying.any()
        else np.nan
    )


def reasons_of_checks(checks: "tuple[Check, ...]") -> list[Reason]:
    """Return what the checks of free runs say, one sentence for those that hold."""
    asked = [
        check for check in checks if check.applies and check.name != "left-out groups"
    ]
    reasons = [_failed(check) for check in asked if not check.passed]
    held = [check for check in asked if check.passed and check.name in CONSISTENT]
    if held:
        names = ", ".join(f"{check.name} {check.number:.2g}" for check in held)
        sentence = f"Free runs are those of the process ({names})"
        reasons.append(Reason("faithful", "free runs", True, sentence, rank=8))
    return reasons


def _failed(check: "Check") -> Reason:
    fatal = check.name in CONSISTENT
    where = f" ({check.detail})" if check.detail else ""
    sentence = (
        f"The check '{check.name}' fails: {check.meaning} is {check.number:.3g}, the "
        f"limit is {check.tolerance:.3g}{where}"
    )
    return Reason(
        "faithful" if fatal else "identified", check.name, False, sentence,
        check.number, check.tolerance, _NEXT[check.name], fatal, 0 if fatal else 3,
    )  # fmt: skip
