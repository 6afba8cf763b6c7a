"""A document says everything, compiles as it is and is the same every time."""

import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest
import sympy
from tex_check import check_latex

from symbolic.expression.complexity import complexity
from symbolic.printing.document import (
    candidates_table,
    constants_table,
    edges_table,
    equation_block,
    preamble,
    to_document,
    verification_table,
)
from symbolic.printing.markdown import to_markdown
from symbolic.printing.printable import (
    PrintableModel,
    PrintedCheck,
    PrintedConstant,
    PrintedFeature,
    PrintedQuantity,
)
from symbolic.printing.tex_tables import Tex, latex_table

NAMES = "sw_pot dsw_pot ta BIO1_mean swc_15cm x_1 q10 rb"
sw, dsw, ta, bio, swc, x1, q10, rb = sympy.symbols(NAMES, real=True)
spline = sympy.Function("f_rb_ta")

RB = sympy.Max(
    0, 0.0075 * sw - 0.00375 * dsw + spline(ta) - 2.5 * sympy.exp(-0.12 * swc) + 1.0
)
DECAY = 0.02 + 0.98 * sympy.Max(0, sympy.Min(1, (0.5 * bio - 0.2 * x1 + 3) / 6))
ALPHA = 3.2 + 1.1 * sympy.log(
    0.01 * sw + 0.5 * sympy.exp(0.1 * ta) + 1e-7 * (bio - 3.3) ** 2
    + 2.2 * sympy.Abs(x1 - 0.3) + 1.5 * swc + 0.3 * dsw
)  # fmt: skip
UNIT = "umol m-2 s-1"

MODEL = PrintableModel(
    title="Respiration, 50 % & more_or_less",
    latents=[
        PrintedQuantity("rb", RB, UNIT, "base respiration", 0.0, r2=0.99995),
        PrintedQuantity("k_decay", DECAY, "yr-1", low=0.02, high=1.0),
        PrintedQuantity("alpha", ALPHA),
    ],
    targets=[
        PrintedQuantity("reco", rb * q10 ** ((ta - 15) / 10), UNIT, arguments=["rb", "ta"]),
        PrintedQuantity("soc", unit="gC m-3", latex=r"\mathbf{A}^{-1} \mathbf{b}"),
    ],
    constants=[
        PrintedConstant("q10", 1.5003, 0.0041, "", 1.492, 1.508, "profiled"),
        PrintedConstant("k_ref", 1e-7, 2.3e-9, "s-1", 0.95e-7, 1.05e-7),
        PrintedConstant("tau", 12.3),
    ],
    features=[
        PrintedFeature("sw_pot", "W m-2", "radiation", low=0, high=412.3),
        PrintedFeature("swc_15cm", "%"),
        PrintedFeature("x_1"),
    ],
    edges=[
        {
            "source": "sw_pot", "target": "rb", "importance": 0.61, "family": "linear",
            "r2": 0.99999, "gap": 31.2, "status": "closed", "formula": "0.00750*sw_pot",
            "latex": r"0.00750\, \mathrm{sw}_{\mathrm{pot}}",
        },
        {
            "source": "ta", "target": "rb", "importance": 0.2, "family": "none",
            "r2": 0.93, "gap": float("inf"), "status": "refused",
            "reason": "exp misses 7 % of the variance",
        },
    ],
    checks=[
        PrintedCheck("formula against network, largest difference", 3e-13, 1e-9, True),
        PrintedCheck("R2 of rb", 0.99997, 0.9999, True, above=True),
    ],
    functions={"f_rb_ta": "the spline of ta, for which exp misses 7 % of the variance"},
    provenance={"sciren": "0.1.0", "data": "sha256\n0123", "seed": "0"},
    error_source="joint refit through the process model",
    notes=["Rounded for print."],
)  # fmt: skip
FAILED = replace(MODEL, checks=[PrintedCheck("step & error", 0.8, 0.1, False)])


def engine():
    return next(
        (name for name in ("pdflatex", "lualatex", "tectonic") if shutil.which(name)),
        None,
    )


@pytest.mark.parametrize("siunitx", [False, True])
@pytest.mark.parametrize(
    "model", [MODEL, FAILED, PrintableModel()], ids=["whole", "failed", "empty"]
)
def test_a_document_passes_the_check_and_is_the_same_every_time(model, siunitx):
    text = to_document(model, siunitx=siunitx)
    assert check_latex(text) == []
    assert text == to_document(model, siunitx=siunitx)
    assert text.startswith("% ")
    assert text.endswith("\\end{document}\n")


@pytest.mark.parametrize("siunitx", [False, True])
def test_a_document_compiles(tmp_path, siunitx):
    if engine() is None:
        pytest.skip("no TeX engine (pdflatex, lualatex, tectonic) on this machine")
    long = [dict(MODEL.edges[0], source=f"x_{k}") for k in range(60)]
    text = to_document(replace(FAILED, edges=long), siunitx=siunitx)
    source = tmp_path / "equations.tex"
    source.write_text(text, encoding="utf-8")
    command = [engine(), "-interaction=nonstopmode", "-halt-on-error", source.name]
    command = [engine(), source.name] if engine() == "tectonic" else command
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, timeout=120, check=False
    )
    log = done.stdout.decode("utf-8", "replace")
    missing = [line for line in log.splitlines() if ".sty' not found" in line]
    if missing:
        pytest.skip(f"this TeX lacks a package: {missing[0]}")
    assert done.returncode == 0, log[-2000:]
    assert (tmp_path / "equations.pdf").stat().st_size > 10_000


def test_the_equations_have_labels_cases_and_one_alignment():
    block = equation_block(MODEL)
    assert block.startswith("% packages: amsmath\n\\begin{align}")
    for name in ("rb", "k_decay", "alpha", "reco", "soc"):
        assert rf"\label{{eq:{name}}}" in block
    assert r"\begin{cases}" in block
    assert r"\mathrm{q10}^{\left(\mathrm{ta} - 15\right)/10}" in block
    assert r"where $\mathrm{sw}_{\mathrm{pot}}$ is radiation, $0$ to $412$" in block
    assert "..." not in block


def test_a_refused_edge_stands_as_a_named_function_with_its_reason():
    block, table = equation_block(MODEL), edges_table(MODEL)
    assert r"f_{\mathrm{rb},\mathrm{ta}}\left(\mathrm{ta}\right)" in block
    assert r"is the spline of ta, for which exp misses 7 \% of the variance" in block
    assert r"ta & rb & $0.200$ & none & $0.93000$ &  & exp misses 7 \%" in table


def test_the_constants_carry_error_unit_and_interval():
    table = constants_table(MODEL, siunitx=False)
    row = r"$\mathrm{q10}$ & $1.500 \pm 0.004$ &  & $1.492$ to $1.508$ & profiled"
    assert row in table
    assert r"$(1.00 \pm 0.02) \times 10^{-7}$ & $\mathrm{s}^{-1}$" in table
    assert "Errors: joint refit" in table


def test_siunitx_aligns_estimates_and_sets_units():
    table = constants_table(MODEL)
    assert "lSll" in table or "lSl" in table
    assert r"$\mathrm{q10}$ & 1.500 +- 0.004 &" in table
    assert r"1.00 +- 0.02 e-7 & \unit{\second\tothe{-1}} &" in table


def test_a_failed_check_marks_every_output():
    assert r"\textbf{Verification FAILED: step \& error.}" in to_document(FAILED)
    assert "**Verification FAILED: step & error.**" in to_markdown(FAILED)
    assert r"\textbf{FAIL}" in verification_table(FAILED)
    assert "FAILED" not in to_document(MODEL)


def test_provenance_stays_inside_its_comments():
    head = to_document(MODEL).split(r"\documentclass")[0].splitlines()
    assert "% data: sha256 0123" in head
    assert all(line.startswith("% ") for line in head)
    full = to_document(replace(MODEL, digits=None))
    assert "% numbers: full precision" in full
    assert "0.00375" in full


def test_every_fragment_names_its_packages():
    tables = (constants_table, edges_table, verification_table)
    assert all(table(MODEL).startswith("% packages: ") for table in tables)
    assert r"\usepackage{booktabs}" in preamble()
    assert "siunitx" not in preamble()
    assert r"\usepackage{siunitx}" in preamble(siunitx=True)


def test_text_in_tables_is_escaped_and_latex_cells_are_not():
    rows = [{"name": "a_b & 5 %", "formula": Tex("$a_b$"), "flag": True, "n": 3}]
    table = latex_table(rows, "cap_tion", "tab:x")
    assert r"a\_b \& 5 \% & $a_b$ & yes & $3$ \\" in table
    assert r"\caption{cap\_tion}" in table
    assert check_latex(table) == []


def test_numbers_may_stand_in_siunitx_columns():
    rows = [
        {"what": "a", "value": 1.5e-5, "n": 3},
        {"what": "b", "value": None, "n": 4},
    ]
    table = latex_table(rows, "c", "tab:x", siunitx=True)
    assert r"{@{}lSS@{}}" in table
    assert "a & 1.50e-5 & 3" in table
    assert check_latex(table) == []


def test_a_table_of_many_rows_runs_over_pages():
    rows = [{"k": k} for k in range(40)]
    table = latex_table(rows, "many", "tab:x", notes=["a note"])
    assert r"\begin{longtable}" in table
    assert "a note" in table
    assert check_latex(table) == []


def test_markdown_holds_formulas_tables_and_provenance():
    page = to_markdown(MODEL)
    assert "    reco = rb*q10^((ta - 15)/10)" in page
    assert r"$$\mathrm{rb}\, \mathrm{q10}^{" in page
    assert "| k_ref" in page
    assert "(1.00 ± 0.02)e-7" in page
    assert "- `f_rb_ta`: the spline of ta" in page
    assert "exp misses 7 % of the variance |" in page
    assert "at least 0.9999" in page
    assert "- seed: 0" in page


def test_complexity_counts_nodes():
    assert complexity(2.0 * ta + 1.0) == 5
    assert complexity(sympy.exp(ta)) == 2


CANDIDATES = [
    {"complexity": 1, "loss": 0.5, "score": 0.0, "r2": 0.1, "label": "constant",
     "equation": "rb = 2", "selected": False},
    {"complexity": 7, "loss": 1e-7, "score": 2.5, "r2": 0.99, "label": "ta_1 exp",
     "equation": "rb = exp(ta_1)", "selected": True},
]  # fmt: skip


def test_candidates_are_a_table_with_the_selected_one_marked():
    model = replace(MODEL, candidates=CANDIDATES)
    table = candidates_table(model)
    assert r"$\star$ & $7$ & $1.00 \times 10^{-7}$ & $2.50$" in table
    assert r"ta\_1 exp" in table
    assert check_latex(table) == []
    assert table in to_document(model)
    assert "ta_1 exp" in to_markdown(model)


def test_columns_of_candidates_are_chosen_and_added():
    model = replace(MODEL, candidates=CANDIDATES)
    extra = pd.DataFrame({"bias": [0.25, 0.125]})
    chosen = candidates_table(model, {"label": "what", "bias": "bias"}, extra)
    assert r"ta\_1 exp & $0.125$ \\" in chosen
    assert "score &" not in chosen
    assert "& bias" in candidates_table(model, extra=extra)


def test_constants_say_how_many_members_kept_their_term():
    assert "members" not in constants_table(MODEL)
    shared = replace(MODEL.constants[0], share="4 of 5: linear 3, exp 1")
    table = constants_table(replace(MODEL, constants=[shared, *MODEL.constants[1:]]))
    assert "members" in table
    assert "4 of 5: linear 3, exp 1" in table
