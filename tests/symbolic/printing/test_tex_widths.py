"""Tables fit into a line: text columns give way, numbers and formulas do not."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbolic.printing.document import constants_table, edges_table, preamble
from symbolic.printing.printable import PrintableModel, PrintedConstant
from symbolic.printing.tex_tables import Tex, latex_table
from symbolic.printing.tex_widths import GAP, LINE, breakable, fitted, points

LONG = (
    "mean_annual_temperature_era5_land", "SoilMoistureContent30cmDailyMean",
    "topographic_wetness_index", "sw_pot",
)  # fmt: skip
LATENT = "fraction_of_carbon_to_slow_pool"


def model():
    constants = [
        PrintedConstant(
            f"a_{name}", 1.5003, 0.0041, "kg m-2 s-1 degC-1", 1.492, 1.508,
            "identified, quadratic in 4 of 5 members", latent=LATENT, source=name,
        )
        for name in LONG
    ]  # fmt: skip
    edges = [
        {
            "source": name, "target": f"h2_{LATENT}", "importance": 0.31,
            "family": "quadratic", "r2": 0.99912, "gap": 231.2,
            "members": "quadratic 4, exp 1 of 5", "status": "closed",
            "formula": f"0.00750*({name} - 12.3)^2",
            "latex": rf"0.00750 \left(\mathrm{{{name.replace('_', ',')}}} - 12.3\right)^{{2}}",
        }
        for name in LONG
    ]  # fmt: skip
    return PrintableModel("Long names", constants=constants, edges=edges)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs pdflatex")
@pytest.mark.parametrize("siunitx", [False, True])
def test_no_table_is_wider_than_the_line(tmp_path, siunitx):
    source = (
        "\\documentclass[11pt,a4paper]{article}\n\\usepackage[T1]{fontenc}\n"
        "\\usepackage[margin=2.5cm]{geometry}\n" + preamble(siunitx=siunitx)
        + "\\begin{document}\n" + constants_table(model(), siunitx=siunitx)
        + edges_table(model()) + "\\end{document}\n"
    )  # fmt: skip
    (tmp_path / "table.tex").write_text(source)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "table.tex"], check=False,
        cwd=tmp_path, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


def test_short_tables_stay_as_they_are():
    found = latex_table([{"a": "rb", "b": 1.5, "c": Tex("$x$")}], "Few.", "tab:few")
    assert r"\begin{tabular}{@{}lrl@{}}" in found


@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=7),
    st.lists(st.booleans(), min_size=7, max_size=7),
)
def test_the_columns_fit_or_are_as_narrow_as_allowed(lengths, flags):
    heads = {str(k): "" for k in range(len(lengths))}
    cells = {str(k): [("x" * n, False)] for k, n in enumerate(lengths)}
    numeric = {str(k): flags[k] for k in range(len(lengths))}
    widths = fitted(heads, cells, numeric, {})
    assert all(not numeric[key] for key in widths)
    sizes = {
        key: points(widths[key]) if key in widths else 5.2 * lengths[int(key)]
        for key in heads
    }
    total = sum(sizes.values()) + GAP * (len(heads) - 1)
    narrow = all(
        numeric[key] or sizes[key] <= 64.5 for key in heads if sizes[key] > 64.0
    )
    assert total <= LINE + 0.5 * len(heads) or narrow


@given(st.text(alphabet="abcXYZ_019 *(-", max_size=60))
def test_places_to_break_change_no_letter(text):
    shown = breakable(text).replace(r"\allowbreak{}", "").replace(r"\_", "_")
    assert shown.split() == text.split()


def test_long_names_break_after_underscores_and_between_words():
    assert breakable("sw_pot") == r"sw\_pot"
    assert breakable("topographic_wetness") == r"topographic\_\allowbreak{}wetness"
    assert breakable("MeanTemperature") == r"Mean\allowbreak{}Temperature"


def test_widths_are_read_in_points():
    assert points("2cm") == pytest.approx(56.9)
    assert points("30pt") == 30.0
