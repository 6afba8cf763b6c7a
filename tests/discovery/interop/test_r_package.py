"""The R package of a run gives the values and intervals of predict, and R accepts it."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from discovery import Discovery
from discovery.interop.r_law import pieces_of
from discovery.interop.r_literals import Code, literal
from discovery.interop.r_package import r_package
from discovery.uncertainty.record import Comparison
from sciren.errors import ConfigError
from sciren.inference.basis import natural_splines, penalised_splines
from sciren.inference.intervals.means import MeanLaw

pytestmark = pytest.mark.filterwarnings("ignore::sciren.errors.DataWarning")


def need(program):
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def in_r(package, script, folder):
    lines = [
        f'for (f in c("equations", "law", "predict")) source(file.path("{package}/R", '
        'paste0(f, ".R")), encoding = "UTF-8")',
        script,
    ]
    (folder / "main.R").write_text("\n".join(lines), encoding="utf-8")
    return subprocess.run(
        [need("Rscript"), "main.R"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def package(light, tmp_path):
    return r_package(light, tmp_path / "lightuse")


@pytest.mark.parametrize("left_out", [[], [0]], ids=["held", "left out"])
def test_values_and_limits_are_those_of_predict(light, left_out, tmp_path, monkeypatch):
    read = MeanLaw.from_json
    changed = {"left_out": left_out}
    monkeypatch.setattr(MeanLaw, "from_json", lambda stored: read(stored | changed))
    package = r_package(light, tmp_path / "lightuse")
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "ta": rng.uniform(-20, 45, 300),
            "vpd": rng.uniform(0, 30, 300),
            "par": rng.uniform(0.5, 15, 300),
        }
    )
    rows.loc[3, "vpd"] = np.nan
    rows.to_csv(tmp_path / "rows.csv", index=False, float_format="%.17g")
    done = in_r(
        package,
        'y <- predict_equations(read.csv("rows.csv"), level = 0.9)\n'
        'y[] <- lapply(y, function(v) sprintf("%.17g", v))\n'
        'write.csv(y, "y.csv", row.names = FALSE, quote = FALSE)',
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "y.csv")
    expected = Discovery.load(light).predict(rows, interval=0.9)
    assert list(found.columns) == list(expected.columns)
    for name in expected:
        size = np.nanmax(np.abs(expected[name].to_numpy()))
        np.testing.assert_allclose(
            found[name], expected[name], rtol=1e-7, atol=1e-9 * size, err_msg=name
        )


def with_classes(stored):
    """Give a stored law classes in place of the first curve."""
    size = len(stored["bases"][0]["penalty"])
    transform = np.random.default_rng(1).normal(size=(size + 1, size))
    classes = {
        "kind": "classes", "centre": 0.0, "unit": 1.0, "knots": [*range(1, size + 2)],
        "mean": [0.0] * (size + 1), "transform": transform.tolist(),
    }  # fmt: skip
    bases = [stored["bases"][0] | classes, *stored["bases"][1:]]
    return stored | {"bases": bases}


def test_limits_of_classes_that_no_row_had_are_those_of_predict(
    light, tmp_path, monkeypatch
):
    read = MeanLaw.from_json
    monkeypatch.setattr(MeanLaw, "from_json", lambda stored: read(with_classes(stored)))
    package = r_package(light, tmp_path / "lightuse")
    loaded = Discovery.load(light)
    assert loaded.uncertainty is not None  # the run has intervals
    law = loaded.uncertainty.means
    known = law.design.bases[0].knots
    rows = pd.DataFrame(
        {"ta": 10.0, "vpd": 8.0, "par": 5.0}, index=range(len(known) + 2)
    )
    rows[law.features[law.design.edges[0][0]]] = [*known, known[-1] + 1, known[-1] + 5]
    expected = loaded.predict(rows, interval=0.9)
    width = (expected["gpp_high"] - expected["gpp_low"]).to_numpy()
    assert width[-1] > 1.001 * width[:-2].max()
    rows.to_csv(tmp_path / "rows.csv", index=False, float_format="%.17g")
    done = in_r(
        package,
        'y <- predict_equations(read.csv("rows.csv"), level = 0.9)\n'
        'y[] <- lapply(y, function(v) sprintf("%.17g", v))\n'
        'write.csv(y, "y.csv", row.names = FALSE, quote = FALSE)',
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(pd.read_csv(tmp_path / "y.csv"), expected, rtol=1e-6)


def test_limits_that_are_no_law_of_the_equations_are_left_out(package, tmp_path):
    """A class with its own slope is no sum of curves, of which the law is made."""
    law = package / "R" / "law.R"
    text = law.read_text()
    assert text.count('"sums" = TRUE') == 1
    law.write_text(text.replace('"sums" = TRUE', '"sums" = FALSE'))
    done = in_r(
        package,
        "y <- predict_equations(data.frame(ta = 10, vpd = 8, par = 5))\n"
        "cat(names(y)[is.na(unlist(y))])",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "gpp_mean_low", "gpp_mean_high", "efficiency_low", "efficiency_high",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["identity", "log", "asinh"])
def test_the_scale_of_errors_is_that_of_the_run(kind, package, tmp_path):
    scale = Comparison(kind, 0.7, 0.4)
    x = np.array([0.1, 1.0, 30.0])
    there = scale.transform(x)
    done = in_r(
        package,
        f'scale <- list(kind = "{kind}", sd = 0.7, offset = 0.4)\n'
        f"x <- {literal(x)}\n"
        f"stopifnot(all.equal(transformed(scale, x), {literal(there)}))\n"
        f"stopifnot(all.equal(restored(scale, {literal(there)}), x))",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_what_is_wrong_with_the_data_is_said(package, tmp_path):
    for call, said in (
        ("predict_equations(data.frame(ta = 1))", "there is no column"),
        ("predict_equations(3)", "no data frame"),
        (
            'predict_equations(data.frame(ta = "a", vpd = 1, par = 1))',
            "holds no numbers",
        ),
        ("predict_equations(data.frame(ta = 1, vpd = 1, par = 1), 2)", "level is 2"),
    ):
        done = in_r(package, call, tmp_path)
        assert done.returncode != 0
        assert said in done.stderr, (call, done.stderr)


@pytest.mark.slow
def test_r_builds_and_checks_the_package_without_error(package, tmp_path):
    tool = need("R")
    for command in (
        ["CMD", "build", "lightuse"],
        ["CMD", "check", "--no-manual", "--no-vignettes", "lightuse_0.1.0.tar.gz"],
    ):
        done = subprocess.run(
            [tool, *command], cwd=tmp_path, capture_output=True, text=True, timeout=600,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "ERROR" not in done.stdout
    assert "WARNING" not in done.stdout, done.stdout


def test_a_name_that_r_refuses_and_a_folder_that_is_there(light, package, tmp_path):
    with pytest.raises(ConfigError, match="no name of an R package"):
        r_package(light, tmp_path / "light_use")
    with pytest.raises(ConfigError, match="is there already"):
        r_package(light, package)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "DESCRIPTION").write_text("Package: other\n")
    with pytest.raises(ConfigError, match="no R package of sciren"):
        r_package(light, tmp_path / "other", overwrite=True)


def test_a_package_that_is_replaced_keeps_what_the_user_put_into_it(light, tmp_path):
    package = r_package(light, tmp_path / "mine")
    (package / "notes.md").write_text("mine")
    law = (package / "R" / "law.R").read_bytes()
    (package / "R" / "law.R").write_text("stop()")
    r_package(light, package, overwrite=True)
    assert (package / "notes.md").read_text() == "mine"
    assert (package / "R" / "law.R").read_bytes() == law
    assert not list(tmp_path.glob(".mine*"))


def test_r_code_is_ascii(package):
    for path in package.rglob("*.R"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert all(line.isascii() or line.startswith("#") for line in lines), path


def test_data_are_written_as_r_reads_them():
    assert literal({"a": [1, 2.5], "θ": ["x", 'q"']}) == (
        'list("a" = c(1.0, 2.5), "\\u03b8" = c("x", "q\\""))'
    )
    assert literal(np.array([[1.0, 2], [3, 4]])) == (
        "array(c(1.0, 3.0, 2.0, 4.0), dim = c(2L, 2L))"
    )
    assert literal([None, True, Code("f")]) == "list(NULL, TRUE, f)"
    assert literal([]) == "numeric(0)"
    assert literal([float("nan"), float("-inf")]) == "c(NaN, -Inf)"


@pytest.mark.parametrize("make", [natural_splines, penalised_splines])
def test_a_basis_is_cubics_between_its_knots(make):
    x = np.random.default_rng(1).gamma(2.0, 3.0, 400)
    basis = make(x)
    knots = (basis.knots - basis.centre) / basis.unit
    pieces = pieces_of(basis, knots)
    z = np.random.default_rng(2).uniform(knots[0], knots[-1], 50)
    k = np.clip(np.searchsorted(knots, z, side="right") - 1, 0, len(knots) - 2)
    s = z - knots[k]
    powers = np.stack([s**3, s**2, s, np.ones_like(s)], axis=1)
    found = np.einsum("ckp,kp->kc", pieces[:, k], powers)
    expected = basis.at(z * basis.unit + basis.centre)
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())
