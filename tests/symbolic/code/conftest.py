"""A model with everything that code has to write, and runners of the languages."""

import csv
import ctypes
import shutil
import subprocess
import types

import numpy as np
import pandas as pd
import pytest
import sympy

from symbolic import SymbolicModel
from symbolic.code import LANGUAGES
from symbolic.code.program import program_of
from symbolic.curves.spline_curve import SplineCurve
from symbolic.terms.rebuild import Units, held

FEATURES = ("sw_pot", "lambda", "Ta", "ta", "θ", "soil temp (°C)", "温度", "rb")
FORCINGS = {"t": "ta", "light": "int"}


def symbol(name):
    return sympy.Symbol(name, real=True)


def curve():
    x = np.concatenate([[-1.0], np.sort(np.random.default_rng(3).uniform(-1, 2, 60))])
    return SplineCurve(x, np.sin(3 * x), (1.5, -0.25))


def raw_equations():
    sw, lam, big, ta, theta, soil, temperature, rb = map(symbol, FEATURES)
    number = sympy.Float
    f = sympy.Function("f_rb_θ")
    return {
        "rb": (
            number(0.0075) * sw - number(2.1) * sympy.exp(number(-0.1) * ta) + f(theta),
            ("relu", 0.0, np.inf, 1.0),
        ),
        "beta": (
            number(1e-7) * (sw - number(300.25)) ** 2 + number(0.3) * sympy.Abs(lam),
            ("hard_sigmoid", 0.1, 0.9, 1.0),
        ),
        "K": (
            sympy.log(theta + number(1.5)) - number(0.2) * sympy.sqrt(big + 1) / lam,
            ("sigmoid", -1.0, 4.0, 0.5),
        ),
        "k": (
            number(250.0) * soil + number(3.0) / (temperature + 5),
            ("softplus", 0.5, np.inf, 1.0),
        ),
        "for": (
            sympy.Pow(sympy.exp(number(0.01)), number(1e-3) * sw - number(2010.0))
            - sympy.Pow(sympy.Abs(rb) + 1, number(-1.37))
            + sympy.sign(lam) * sympy.tanh(rb)
            + sympy.Heaviside(ta, sympy.Rational(1, 2)),
            ("identity", -np.inf, np.inf, 1.0),
        ),
    }


def build():
    found = raw_equations()
    equations = {
        name: held(raw, *bounds, largest=500.0 if name == "k" else 1.0)
        for name, (raw, bounds) in found.items()
    }
    rb, beta, big, small, last = (symbol(name) for name in equations)
    ta, light, q10, pi = symbol("ta"), symbol("int"), symbol("q10"), symbol("pi")
    gated = sympy.Piecewise(
        (beta * light / (big + light), (light > 0) & ~(ta < -10)), (0, True)
    )
    process = {
        "reco": rb * q10 ** ((ta - 15) / 10) + sympy.Min(small, pi, light),
        "gpp": gated,
        "rest": sympy.Piecewise((last, ta > 0), (-last, sympy.Or(ta < -1, light < 3))),
    }
    n = len(FEATURES)
    return SymbolicModel(
        equations=equations,
        unconstrained={name: raw for name, (raw, _) in found.items()},
        process=process,
        process_latex=None,
        constants={"q10": 1.512345678901234, "pi": 2.75},
        errors={"q10": 0.01, "pi": 0.0},
        functions={"f_rb_θ": curve()},
        structures=(),
        units=Units(FEATURES, np.zeros(n), np.ones(n), -np.ones(n), np.ones(n)),
        edges=pd.DataFrame(
            {
                "status": ["refused"],
                "formula": ["f_rb_θ(θ)"],
                "reason": ["no */ family \\ fits"],
            }
        ),
        table=pd.DataFrame(),
        forcing_columns=FORCINGS,
        target_columns={"reco": "NEE", "gpp": "gpp", "rest": "rest"},
        unit_of={"ta": "°C", "rb": "µmol m-2 s-1", "sw_pot": 'W "m"-2'},
        constraints={name: bounds for name, (_, bounds) in found.items()},
    )


@pytest.fixture(scope="session")
def model():
    return build()


@pytest.fixture(scope="session")
def rows():
    """Return 1,000 rows, a third of them far beyond the bounds."""
    rng = np.random.default_rng(0)
    columns = {
        "sw_pot": rng.uniform(-4000, 4000, 1000),
        "lambda": rng.normal(0, 3, 1000),
        "Ta": rng.uniform(-0.9, 30, 1000),
        "ta": rng.uniform(-30, 40, 1000),
        "θ": rng.uniform(-1.4, 4, 1000),
        "soil temp (°C)": rng.normal(0, 1, 1000),
        "温度": rng.uniform(-4, 4, 1000),
        "rb": rng.normal(0, 1, 1000),
        "int": rng.uniform(-5, 50, 1000),
    }
    data = pd.DataFrame(columns)
    data.loc[3, "θ"] = -1.0  # a knot, and the borders of cases
    data.loc[4, ["ta", "rb", "lambda"]] = 0.0
    return data


def listed(model, language):
    writer = LANGUAGES[language]
    return program_of(model, writer.RESERVED, writer.FOLDED, {}).routines


def need(tool):
    path = shutil.which(tool)
    if path is None:
        pytest.skip(f"{tool} is not installed")
    return path


def call(*command, folder):
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def write_rows(path, data):
    np.savetxt(path, data.to_numpy(), fmt="%.17g")


def read_results(path, names):
    with path.open(encoding="utf-8") as file:
        table = np.array([[float(x) for x in row] for row in csv.reader(file)])
    return dict(zip(names, table.T, strict=True))


def run_python(code, found, data, folder):
    module = types.ModuleType("equations")
    exec(compile(code, "equations.py", "exec"), module.__dict__)
    with np.errstate(all="ignore"):
        return {
            one.identifier: getattr(module, one.identifier)(
                *(data[a.column].to_numpy() for a in one.arguments)
            )
            for one in found
        }


def run_c(code, found, data, folder):
    compiler = need("gcc")
    (folder / "equations.c").write_text(code, encoding="utf-8")
    flags = [
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-O2",
        "-shared",
        "-fPIC",
    ]
    call(compiler, *flags, "-o", "e.so", "equations.c", "-lm", folder=folder)
    library = ctypes.CDLL(str(folder / "e.so"))
    results = {}
    for one in found:
        function = getattr(library, one.identifier)
        function.restype = ctypes.c_double
        function.argtypes = [ctypes.c_double] * len(one.arguments)
        columns = [data[a.column].tolist() for a in one.arguments]
        results[one.identifier] = np.array(
            [function(*row) for row in zip(*columns, strict=True)]
        )
    return results


def run_fortran(code, found, data, folder):
    compiler = need("gfortran")
    (folder / "equations.f90").write_text(code, encoding="utf-8")
    columns = list(data.columns)
    calls = "\n".join(
        f"    values({k + 1}) = {one.identifier}("
        + ", ".join(f"x({columns.index(a.column) + 1})" for a in one.arguments)
        + ")"
        for k, one in enumerate(found)
    )
    (folder / "main.f90").write_text(
        f"""program main
  use sciren_equations
  implicit none
  real(kind(1.0d0)) :: x({len(columns)}), values({len(found)})
  integer :: i
  open(1, file="rows.txt")
  open(2, file="results.txt")
  do i = 1, {len(data)}
    read(1, *) x
{calls}
    write(2, "(*(es25.17e3, :, ','))") values
  end do
end program
"""
    )
    write_rows(folder / "rows.txt", data)
    flags = ["-std=f2008", "-Wall", "-Wextra", "-Werror", "-O2"]
    call(compiler, *flags, "-o", "main", "equations.f90", "main.f90", folder=folder)
    call("./main", folder=folder)
    return read_results(folder / "results.txt", [one.identifier for one in found])


def scripted(program, suffix, lines, code, found, data, folder):
    tool = need(program)
    columns = list(data.columns)
    write_rows(folder / "rows.txt", data)
    calls = {
        one.identifier: [columns.index(a.column) + 1 for a in one.arguments]
        for one in found
    }
    script = f"equations{suffix}"
    (folder / script).write_text(code, encoding="utf-8")
    (folder / f"main{suffix}").write_text(lines(script, calls), encoding="utf-8")
    call(tool, f"main{suffix}", folder=folder)
    return read_results(folder / "results.txt", list(calls))


def r_lines(script, calls):
    parts = [
        f"{name}({', '.join(f'x[[{k}]]' for k in places)})"
        for name, places in calls.items()
    ]
    return (
        f'source("{script}", encoding = "UTF-8")\nx <- read.table("rows.txt")\n'
        f"y <- suppressWarnings(cbind({', '.join(parts)}))\n"
        'y <- apply(y, 2, function(v) sprintf("%.17g", v))\n'
        'write.table(y, "results.txt", sep = ",", row.names = FALSE, '
        "col.names = FALSE, quote = FALSE)\n"
    )


def julia_lines(script, calls):
    parts = [
        f"SciRenEquations.{name}.({', '.join(f'x[:, {k}]' for k in places)})"
        for name, places in calls.items()
    ]
    return (
        f'using DelimitedFiles\ninclude("{script}")\nx = readdlm("rows.txt")\n'
        f'writedlm("results.txt", hcat({", ".join(parts)}), ",")\n'
    )


def run_r(*given):
    return scripted("Rscript", ".R", r_lines, *given)


def run_julia(*given):
    return scripted("julia", ".jl", julia_lines, *given)


RUNNERS = {
    "python": run_python,
    "c": run_c,
    "fortran": run_fortran,
    "r": run_r,
    "julia": run_julia,
}


@pytest.fixture(params=list(RUNNERS))
def language(request):
    return request.param


@pytest.fixture
def routines(model, language):
    """Return the functions that the code of a language has."""
    return listed(model, language)


@pytest.fixture
def run_code(tmp_path):
    """Return a function (model, language, rows) -> column, identifier -> values."""

    def run(model, language, data):
        code = model.to_code(language)
        found = listed(model, language)
        return found, RUNNERS[language](code, found, data, tmp_path)

    return run
