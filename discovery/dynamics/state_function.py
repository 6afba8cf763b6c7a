"""An unknown function of a state, from a study to a verdict.

All groups share the function, so that it says something of groups and of periods that were
not seen. The curve is found through the simulation, its closed form as well
(`sciren.dynamics.fit_state_function`, `symbolic.dynamics.state_forms`); training series
alone decide, validation series give the width of intervals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.dynamics.discovering import columns_of
from discovery.dynamics.equations import SeriesEquations
from discovery.dynamics.noise import noise_record_of
from discovery.dynamics.problems import free_runs, scores_by_group
from discovery.dynamics.scores import CONSTANT, pooled_scores, ranges_of, spread_of
from discovery.dynamics.state_tables import (
    candidates_of,
    constants_table,
    curve_view,
    notes_on,
)
from discovery.dynamics.verdict.checks import FreeNumbers, free_run_checks
from discovery.dynamics.verdict.judging import judge_state_function
from discovery.results.scoring import CURVE, EQUATION
from discovery.tables.records import PARTS
from symbolic.dynamics.recurrence import Recurrence
from symbolic.dynamics.relations import no_relations
from symbolic.dynamics.state_closed_forms import (
    StateForms,
    constant_form,
    state_forms,
    with_relation,
)
from symbolic.dynamics.state_formula import StateFormula
from symbolic.dynamics.state_relation import STATE_FAMILIES

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from discovery.dynamics.problems import Numbers
    from discovery.results.result import Discovery
    from discovery.tables.study import SeriesStudy, Study
    from sciren.dynamics.groups.group_problem import GroupProblem
    from sciren.dynamics.prediction import SeriesPrediction
    from sciren.dynamics.residuals import NoiseOfSeries
    from sciren.dynamics.solving.simulation import StateFunction
    from sciren.training import TrainConfig


def finds_state_function(study: "Study | SeriesStudy") -> "TypeIs[SeriesStudy]":
    """Whether the only latent of a process is a function of its own state."""
    from discovery.tables.study import SeriesStudy

    if not isinstance(study, SeriesStudy):
        return False
    decoder = study.decoder
    others = (*decoder.group_latents, *decoder.row_latents)
    return len(decoder.state_latents) == 1 and not others


def state_function(
    study: "SeriesStudy",
    config: "TrainConfig",
    say: Callable[[str], None] = lambda sentence: None,
) -> "Discovery":
    """Find the function as a curve and as a closed form, run it freely, check and judge.

    Args:
        study: series split by group, by time, or both; its process has one such latent.
        config: ``residual`` and ``offset`` say how series are compared.
        say: hears what is going on.
    Raises:
        TrainingError: the process has further latents, or no numbers at its start.
        ExpressionError: the step cannot be written with symbols.
    """
    from sciren.dynamics import fit_state_function

    train, latent = study.split.train, study.decoder.state_latents[0]
    # The step is written with symbols first: a process that cannot be is refused before
    # an hour of fitting.
    law = Recurrence.of(study.decoder, train.forcing_columns)
    say(f"training: {latent.name} as a curve of {latent.state_input}")
    curve = fit_state_function(study.decoder, train, config)
    say("equations: closed forms of the curve, through the simulation")
    forms = state_forms(curve, families_of(study))
    law = replace(
        with_relation(law, latent.name, forms.best.expression),
        substeps=curve.problem.process.substeps,
    )
    result = _discovery(study, config, forms, law)
    say(f"verdict: {result.verdict.line()}")
    return result


def families_of(study: "SeriesStudy") -> tuple[str, ...]:
    """Return the families that the user asks for, else those of constitutive relations."""
    # a run writes every setting, so what it holds says nothing of what was asked for
    usual = type(study.config.discovery.options).model_fields["families"].default
    asked = tuple(study.config.discovery.families)
    return STATE_FAMILIES if asked == tuple(usual) else asked


@dataclass(frozen=True)
class Member:
    """One model of the same process: the function of the state, and the constants.

    Args:
        function: of the latent.
        constants: by name, learned starts among them.
    """

    function: "StateFunction"
    constants: Mapping[str, float]

    def numbers(self, names: tuple[str, ...], groups: int) -> np.ndarray:
        """Return the constants (G, Q), the same in every group."""
        return np.tile([self.constants[name] for name in names], (groups, 1))


def problems_of(
    study: "SeriesStudy",
    config: "TrainConfig",
    function: "StateFunction",
    substeps: int,
) -> "dict[str, GroupProblem]":
    """Return part -> loss of its series with a function that is known, noise equal.

    Args:
        study: its split and process.
        config: how series are compared.
        function: of the only latent of a state.
        substeps: of the solver of an ODE, as in the fit.
    """
    from sciren.dynamics.fitting import replace_series
    from sciren.dynamics.functions.state import known_function_problem

    functions = {study.decoder.state_latents[0].name: function}
    train = study.split.train
    problem = known_function_problem(study.decoder, train, functions, config, substeps)
    parts = dict(zip(PARTS, study.split, strict=True))
    return {name: replace_series(problem, part) for name, part in parts.items()}


def stored_problems(
    study: "SeriesStudy", config: "TrainConfig", equations: SeriesEquations
) -> "tuple[dict[str, GroupProblem], Numbers]":
    """Return the losses and the numbers of equations as they were stored."""
    latent = study.decoder.state_latents[0]
    formula = equations.law.functions[latent.name]
    function = StateFormula(formula, str(latent.state_input))
    problems = problems_of(study, config, function, equations.law.substeps)
    member = Member(function, equations.relations.constants)
    names = problems["train"].scale.names
    return problems, {
        part: member.numbers(names, len(problem.process.table))
        for part, problem in problems.items()
    }


def _members(forms: StateForms) -> dict[str, Member]:
    fit, best, flat = forms.fit, forms.best, constant_form(forms.fit)
    formula = StateFormula(best.expression, forms.state)
    return {
        EQUATION: Member(formula, best.process_constants),
        CURVE: Member(fit.function, fit.constants),
        CONSTANT: Member(flat.function, flat.process_constants),
    }


def _discovery(
    study: "SeriesStudy", config: "TrainConfig", forms: StateForms, law: Recurrence
) -> "Discovery":
    import pandas as pd

    from discovery.results.result import Discovery

    train, members = study.split.train, _members(forms)
    # One noise for all members, that of the equation, or their losses could not be
    # compared.
    substeps = law.substeps
    noise = _noise_of(study, config, members[EQUATION], substeps)
    parts, runs = _free_runs(study, config, members, noise, substeps)
    scores = scores_by_group(parts, runs)
    relations = no_relations(law, train.target_columns, members[EQUATION].constants)
    equations = SeriesEquations(relations, law, columns_of(train))
    equations.spread = spread_of(parts, runs)
    equations.ranges = ranges_of(parts["train"], runs["train"][EQUATION])
    numbers = members[EQUATION].numbers(parts["train"].scale.names, len(train))
    equations.verification = free_run_checks(
        parts["train"], equations, FreeNumbers(numbers, None), scores
    )
    constants = constants_table(study, forms)
    result = Discovery(
        None, relations, constants, (), pooled_scores(parts, runs, scores), {},
        pd.DataFrame(), candidates_of(forms), pd.DataFrame(), pd.DataFrame(),
        tuple(notes_on(forms)), (), series=equations, group_scores=scores,
        noise=noise_record_of(noise),
    )  # fmt: skip
    result.state_curves = (curve_view(study, forms),)
    result.verdict = judge_state_function(result, parts, runs, forms)
    return result


def _noise_of(
    study: "SeriesStudy", config: "TrainConfig", member: Member, substeps: int
) -> "NoiseOfSeries":
    """Return the noise that a free run of the training series leaves."""
    problem = problems_of(study, config, member.function, substeps)["train"]
    numbers = member.numbers(problem.scale.names, len(problem.process.table))
    run = problem.process.simulate(problem.scale.values(numbers))
    return problem.with_noise_of(run.outputs).comparison.noise


def _free_runs(
    study: "SeriesStudy",
    config: "TrainConfig",
    members: Mapping[str, Member],
    noise: "NoiseOfSeries",
    substeps: int,
) -> "tuple[dict[str, GroupProblem], dict[str, dict[str, SeriesPrediction]]]":
    """Return the losses of the equation, and part -> model -> free run."""
    problems_by_model: dict[str, dict[str, GroupProblem]] = {}
    runs: dict[str, dict[str, SeriesPrediction]] = {part: {} for part in PARTS}
    for model, member in members.items():
        # The function is part of the process, so every member has problems of its own.
        plain = problems_of(study, config, member.function, substeps)
        problems_by_model[model] = {
            part: replace(problem, comparison=replace(problem.comparison, noise=noise))
            for part, problem in plain.items()
        }
        names = problems_by_model[model]["train"].scale.names
        numbers = {
            part: member.numbers(names, len(problem.process.table))
            for part, problem in problems_by_model[model].items()
        }
        for part, predictions in free_runs(
            problems_by_model[model], {model: numbers}
        ).items():
            runs[part] |= predictions
    return problems_by_model[EQUATION], runs
