"""Code of recurrences in five languages runs ten years as the process does."""

import ctypes
import functools
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import sympy

from sciren import Parameter, State, process_model
from sciren.datasets.catchments import weather
from sciren.dynamics.buckets import two_stores
from sciren.errors import ConfigError
from sciren.processes import gr4j
from symbolic.dynamics import Recurrence, no_relations, recurrence_code
from symbolic.dynamics.state_closed_forms import with_relation

DAYS = 3650


@process_model(
    parameters=[
        Parameter("r", low=0, per="group"), Parameter("c", low=1, kind="constant")
    ],
    state=[State("n", start=2, learn_start=True), State("m", start=1, low=0, high=30)],
    time="ode", solver="rk4",
    targets={"count": "n", "other": "m"},
)  # fmt: skip
def growth(s, p, f):
    return {"n": p.r * s.n * (1 - s.n / p.c), "m": p.r * s.m * 2}


@process_model(
    parameters=[Parameter("k", low=0, per="group"), Parameter("v", low=0, per="group")],
    state=[State("gut", start=5), State("blood", of="v", start=0.1)],
    time="ode", solver="linear", forcings=["rain"], targets=["level"],
)  # fmt: skip
def doses(s, p, f):
    flow = p.k * s.gut
    return (
        {"gut": f.rain - flow, "blood": flow - 0.3 * s.blood / p.v},
        {"level": s.blood / p.v},
    )


@process_model(
    parameters=[
        Parameter("uptake", low=0, inputs=["state.c"], range=(0, 50)),
        Parameter("v", low=1, per="group"),
    ],
    state=[State("c", start=3, low=0)], time="ode", solver="rk4",
    forcings={"rain": "piecewise constant"}, targets={"level": "c"},
)  # fmt: skip
def eliminated(s, p, f):
    return {"c": f.rain / p.v - p.uptake}


C = sympy.Symbol("c", real=True)
FUNCTIONS = {"eliminated": {"uptake": sympy.Max(0, 9.0 * C / (C + 3.0) - 0.01)}}
"""Formulas of latents that are functions of a state, by model."""

MODELS: dict[str, tuple[Any, dict[str, float], dict[str, float]]] = {
    "two stores": (two_stores, {"smax": 90.0, "k": 0.1}, {"beta": 2.0}),
    "gr4j": (gr4j, {"x1": 300.0, "x2": -0.7, "x3": 80.0, "x4": 1.6}, {}),
    "growth": (growth, {"r": 0.03}, {"c": 50.0, "n_start": 2.5}),
    "doses": (doses, {"k": 0.9, "v": 2.0}, {}),
    "eliminated": (eliminated, {"v": 2.0}, {}),
}
CALLED = {"rain": "rain", "p": "rain", "pet": "pet"}


class Case:
    """A model with weather and numbers, and what the recurrence gives."""

    def __init__(self, name):
        model, self.given, constants = MODELS[name]
        self.law = Recurrence.of(model, substeps=2 if name == "growth" else 1)
        for latent, formula in FUNCTIONS.get(name, {}).items():
            self.law = with_relation(self.law, latent, formula)
        self.ode = self.law.time == "ode"
        self.relations = no_relations(self.law, constants=constants)
        rain, pet = weather(np.random.default_rng(0), DAYS, 1)
        sky = {"rain": rain[:, 0], "pet": pet[:, 0]}
        self.forcings = [
            np.ascontiguousarray(sky[CALLED[n]]) for n in self.law.forcings
        ]
        every = {n: np.array([v]) for n, v in (self.given | constants).items()}
        columns = (values[:, None] for values in self.forcings)
        named = dict(zip(self.law.forcings, columns, strict=True))
        intervals = np.full((DAYS, 1), 0.5) if self.ode else 1.0
        states, outputs = self.law.run(every, named, intervals)
        self.states = np.stack([v[:, 0] for v in states.values()], 1)
        self.outputs = np.stack([outputs[n][:, 0] for n in self.law.targets], 1)

    def code(self, language):
        return recurrence_code(self.law, self.relations, language, {"seed": "0"})


case_of = functools.cache(Case)


def need(tool):
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not installed")
    return path


def call(*command, folder):
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def run_python(case, folder):
    module: dict[str, Any] = {}
    exec(compile(case.code("python"), "model.py", "exec"), module)
    more = {"intervals": 0.5} if case.ode else {}
    return module["run"](*(case.forcings or [DAYS]), *case.given.values(), **more)


def run_c(case, folder):
    (folder / "model.c").write_text(case.code("c"), encoding="utf-8")
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-shared"]
    call(need("gcc"), *flags, "-fPIC", "-o", "m.so", "model.c", "-lm", folder=folder)
    library, pointer = ctypes.CDLL(str(folder / "m.so")), np.ctypeslib.ndpointer(float)
    states, outputs = np.zeros_like(case.states), np.zeros_like(case.outputs)
    arrays = [*case.forcings]
    numbers = [*case.given.values()]
    more = [np.full(DAYS, 0.5)] if case.ode else []
    library.run.argtypes = [
        ctypes.c_int, *[pointer] * len(arrays), *[ctypes.c_double] * len(numbers),
        *[pointer] * len(more), pointer, pointer,
    ]  # fmt: skip
    library.run(DAYS, *arrays, *numbers, *more, states, outputs)
    return states, outputs


def written(case, folder):
    table = np.stack([*case.forcings, np.full(DAYS, 0.5)], 1)
    np.savetxt(folder / "rows.txt", table, fmt="%.17g")


def read(case, folder):
    found = np.loadtxt(folder / "results.txt", delimiter=",", ndmin=2)
    count = case.states.shape[1]
    return found[:, :count], found[1:, count:]


def run_fortran(case, folder):
    (folder / "model.f90").write_text(case.code("fortran"), encoding="utf-8")
    written(case, folder)
    columns = len(case.forcings) + 1
    given = [f"x({k},:)" for k in range(1, columns)]
    given += [f"{v!r}_dp" for v in case.given.values()]
    given += [f"x({columns},:)"] if case.ode else []
    n, m = case.states.shape[1], case.outputs.shape[1]
    (folder / "main.f90").write_text(
        f"""program main
  use sciren_equations
  implicit none
  integer, parameter :: dp = kind(1.0d0)
  real(dp) :: x({columns}, {DAYS}), states({n}, {DAYS + 1}), outputs({m}, {DAYS})
  integer :: i
  open(1, file="rows.txt")
  read(1, *) x
  call run({DAYS}, {", ".join([*given, "states", "outputs"])})
  open(2, file="results.txt")
  write(2, "(*(es25.17e3, :, ','))") states(:, 1), outputs(:, 1)*0
  do i = 1, {DAYS}
    write(2, "(*(es25.17e3, :, ','))") states(:, i + 1), outputs(:, i)
  end do
end program
"""
    )
    flags = ["-std=f2008", "-Wall", "-Wextra", "-O2", "-Wno-maybe-uninitialized"]
    command = [need("gfortran"), *flags, "-o", "main", "model.f90", "main.f90"]
    call(*command, folder=folder)
    call("./main", folder=folder)
    return read(case, folder)


def run_r(case, folder):
    (folder / "model.R").write_text(case.code("r"), encoding="utf-8")
    written(case, folder)
    given = [f"x[[{k}]]" for k in range(1, len(case.forcings) + 1)] or [str(DAYS)]
    given += [repr(v) for v in case.given.values()] + ["intervals = 0.5"] * case.ode
    (folder / "main.R").write_text(
        'source("model.R", encoding = "UTF-8")\nx <- read.table("rows.txt")\n'
        f"found <- run({', '.join(given)})\n"
        "y <- cbind(found$states, rbind(0, found$outputs))\n"
        'y <- apply(y, 2, function(v) sprintf("%.17g", v))\n'
        'write.table(y, "results.txt", sep = ",", row.names = FALSE, '
        "col.names = FALSE, quote = FALSE)\n"
    )
    call(need("Rscript"), "main.R", folder=folder)
    return read(case, folder)


def run_julia(case, folder):
    (folder / "model.jl").write_text(case.code("julia"), encoding="utf-8")
    written(case, folder)
    given = [f"x[:, {k}]" for k in range(1, len(case.forcings) + 1)] or [str(DAYS)]
    given += [repr(v) for v in case.given.values()]
    keyword = "; intervals=0.5" if case.ode else ""
    (folder / "main.jl").write_text(
        f'using DelimitedFiles\ninclude("model.jl")\nx = readdlm("rows.txt")\n'
        f"states, outputs = SciRenEquations.run({', '.join(given)}{keyword})\n"
        f"first = zeros(1, size(outputs, 2))\n"
        'writedlm("results.txt", hcat(states, vcat(first, outputs)), ",")\n'
    )
    call(need("julia"), "main.jl", folder=folder)
    return read(case, folder)


RUNNERS = {
    "python": (run_python, None), "c": (run_c, "gcc"), "fortran": (run_fortran, "gfortran"),
    "r": (run_r, "Rscript"), "julia": (run_julia, "julia"),
}  # fmt: skip
SLOW = {"gr4j": pytest.mark.slow}


@pytest.mark.parametrize("language", RUNNERS)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW.get(name, ())) for name in MODELS]
)
def test_code_runs_ten_years_as_the_recurrence(name, language, tmp_path):
    runner, tool = RUNNERS[language]
    if tool is not None:
        need(tool)
    case = case_of(name)
    states, outputs = runner(case, tmp_path)
    np.testing.assert_allclose(states, case.states, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(outputs, case.outputs, rtol=1e-10, atol=1e-12)


def test_other_languages_are_refused_with_those_that_there_are():
    law = Recurrence.of(two_stores)
    with pytest.raises(ConfigError, match="no code for language 'cobol'"):
        recurrence_code(law, no_relations(law), "cobol")
