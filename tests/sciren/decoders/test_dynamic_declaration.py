"""Declarations of models with memory, and what their mistakes are told."""

import textwrap
import types

import pytest
import torch

from sciren import Parameter, State, process_model
from sciren.decoders import DynamicModel
from sciren.decoders.dry_run import check_process_model
from sciren.errors import DecoderError, ParameterError

HEAD = """\
from sciren import Parameter, State, process_model
from sciren.functions import exp, log, maximum, minimum, where

@process_model(
    parameters=[Parameter("k", low=0.01, high=0.9, per="group"),
                Parameter("smax", low=20, high=500, kind="constant")],
    state=[State("soil", start=0.5, of="smax"), State("slow", start=15, learn_start=True)],
    forcings=["rain", "pet"], targets=["q"], warmup=3,
)
def mine(s, p, f):
"""
FIRST = len(HEAD.splitlines()) + 1
FORCINGS = {
    "rain": torch.linspace(0, 30, 40, dtype=torch.float64),
    "pet": torch.linspace(0.5, 4, 40, dtype=torch.float64),
}
GOOD = """\
q = p.k * s.slow
wet = minimum(s.soil / p.smax, 1)
drain = 0.1 * wet * s.soil
return {"soil": s.soil + f.rain - drain, "slow": s.slow + drain - q}, {"q": q}
"""


def written(tmp_path, body):
    file = tmp_path / "mine.py"
    file.write_text(HEAD + textwrap.indent(textwrap.dedent(body), "    "))
    module = types.ModuleType("mine")
    exec(compile(file.read_text(), str(file), "exec"), vars(module))
    return module.mine


def test_a_good_step_passes_and_its_learned_start_is_a_constant(tmp_path):
    model = written(tmp_path, GOOD)
    check_process_model(model, FORCINGS)
    assert isinstance(model, DynamicModel)
    assert model.constant_names == ("smax", "slow_start")
    assert [p.name for p in model.group_latents] == ["k"]


WRONG = {
    "an if": ("if s.soil > 3:\n    q = 1\n" + GOOD, 1, "use where("),
    "a loop": ("for x in s.soil:\n    q = x\n" + GOOD, 1, "what is carried on is a State"),
    "a state of another name": (
        GOOD.replace("s.soil + f", "s.soli + f"), 4, "s.soli is not declared as state",
    ),
    "a parameter of another name": (GOOD.replace("p.k", "p.kk"), 1, "p.kk is not declared"),
    "a state left out": (
        GOOD.replace('"soil": s.soil + f.rain - drain, ', ""), 4,
        "does not return state 'soil'. Closest names: slow",
    ),
    "a state too many": (
        GOOD.replace('{"soil"', '{"sol": q, "soil"'), 4,
        "returns state 'sol', which is not declared. Closest names: soil",
    ),
    "no targets": ('return {"soil": s.soil, "slow": s.slow}', 1, "return {\"soil\": ...}, {\"q\""),
    "a target of another name": (GOOD.replace('"q": q', '"Q": q'), 4, "target 'q'"),
    "one number": (GOOD.replace('"q": q', '"q": q.mean()'), 4, "a single value for target 'q'"),
    "a state without a number": (
        GOOD.replace('s.slow + drain - q}', "s.slow + log(-1 - s.slow**2)}"), 4,
        "s.slow = 15",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_in_a_step_is_told_with_file_line_and_remedy(tmp_path, name):
    body, line, text = WRONG[name]
    model = written(tmp_path, body)
    with pytest.raises(DecoderError) as error:
        check_process_model(model, FORCINGS)
    assert f"mine.py, line {FIRST + line - 1}: " in str(error.value)
    assert text in str(error.value)


def declared(parameters=(), state=None, **more):
    parameters = parameters or [Parameter("k", low=0, high=1, per="group")]
    state = [State("soil", start=1)] if state is None else state

    @process_model(parameters=parameters, state=state, forcings=["rain"], **more)
    def bucket(s, p, f):
        return {"soil": s.soil + f.rain - p.k * s.soil}, {"y": p.k * s.soil}

    return bucket


K = Parameter("k", low=0, high=1, per="group")
BAD_DECLARATIONS = {
    "time": ({"time": "day"}, "time='day'; use one of 'step', 'ode'"),
    "solver": ({"time": "ode", "solver": "euler"}, "solver='euler'; use one of"),
    "solver of steps": (
        {"time": "step", "solver": "implicit"},
        "new states, which nothing has to solve",
    ),
    "warmup": ({"warmup": -1}, "warmup=-1"),
    "no state": ({"state": []}, "empty list of states"),
    "a name twice": ({"state": [State("k")]}, "uses the name 'k' twice"),
    "an unknown share": (
        {"state": [State("soil", 0.5, of="kk")]}, "'kk', which is no parameter. Closest",
    ),
    "a share that changes": (
        {"parameters": [Parameter("k", 0, 1)], "state": [State("soil", 0.5, of="k")]},
        "changes in time",
    ),
    "an unknown state of a latent": (
        {"parameters": [Parameter("k", inputs=["state.sol"], range=(0, 9))]},
        "function of state 'sol', which is not declared. Closest names: soil",
    ),
    "an unknown observed state": (
        {"targets": {"conc": "c1"}}, "observes state 'c1', which is not declared",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_DECLARATIONS)
def test_declarations_that_do_not_fit_are_refused(name):
    words, text = BAD_DECLARATIONS[name]
    with pytest.raises(DecoderError, match="bucket") as error:
        declared(**words)
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"per": "site"}, "use 'row' or 'group'"),
        ({"per": "group", "kind": "constant"}, "one number for all groups"),
        ({"deviation": "normal"}, "only groups have"),
        ({"deviation": "t", "per": "group"}, "use None, 'normal' or 'lognormal'"),
        ({"inputs": ["soil"], "range": (0, 1)}, "name one state"),
        ({"inputs": ["state.soil"]}, "needs inputs and range together"),
        ({"inputs": ["state.soil"], "range": (3, 1)}, "first number must be below"),
        (
            {"inputs": ["state.soil"], "range": (0, 1), "per": "group"},
            "changes in time",
        ),
    ],
)
def test_words_of_a_parameter_that_do_not_fit_are_refused(words, text):
    with pytest.raises(ParameterError) as error:
        Parameter("k", **words)
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"name": "a b"}, "not an identifier"),
        ({"start": float("nan")}, "give a number"),
        ({"low": 3, "high": 1}, "low must be below high"),
        ({"start": -1, "low": 0}, "outside [0, None]"),
        ({"start": 0, "low": 0, "learn_start": True}, "choose a start above zero"),
    ],
)
def test_a_state_that_makes_no_sense_is_refused(words, text):
    with pytest.raises(ParameterError) as error:
        State(**{"name": "soil", **words})
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"parameters": [K]}, "per='group'"),
        ({"time": "ode"}, "time='ode'"),
        ({"warmup": 4}, "warmup=4"),
        ({"solver": "rk4"}, "solver='rk4'"),
        ({"targets": {"y": "soil"}}, "targets name states"),
    ],
)
def test_words_of_memory_need_a_state(words, text):
    with pytest.raises(DecoderError, match="which needs a state") as error:
        process_model(**{"parameters": [Parameter("k")], **words})(lambda p, f: p.k)
    assert text in str(error.value)


def test_a_model_with_memory_does_not_run_on_single_rows():
    with pytest.raises(DecoderError, match="give a SeriesTable"):
        declared()(None, None)


def test_a_step_takes_states_parameters_and_forcings():
    with pytest.raises(DecoderError, match="must take three arguments, states s, "):
        process_model(parameters=[K], state=[State("soil")])(lambda p, f: p.k)
