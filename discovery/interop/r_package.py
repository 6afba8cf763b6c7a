"""A run as an R package: one function that gives values and intervals, base R only."""

import re
from importlib import resources
from pathlib import Path

from discovery.config.file import versions
from discovery.interop.r_law import law_code
from discovery.results.record import DiscoveryRecord, equations_of
from discovery.runs.files import read_record
from discovery.runs.folder import Kind, check_free, open_run, run_folder
from discovery.runs.stored import load_discovery
from sciren.errors import ConfigError

NAME = r"[A-Za-z][A-Za-z0-9.]*[A-Za-z0-9]"
"""Names that R allows for packages; Writing R Extensions, section 1.1.1."""

MARK = "Values and intervals by equations that were found in data"
"""Beginning of the description of every package of ours."""


def r_package(run: Path, out: Path, overwrite: bool = False) -> Path:
    """Write the source of an R package with the equations of a run.

    ``predict_equations(data, level = 0.95)`` returns what `predict` returns, limits and
    the flag ``outside`` included; the functions of latents and targets are inside, too.
    Limits of means and latents are NA where the equations are more than a sum of curves.

    Args:
        run: folder of the run.
        out: folder of the package, whose name is that of the package.
        overwrite: whether a package at ``out`` may be replaced.
    Raises:
        ConfigError: no name for a package, something stands there, or no equations.
        DataError: no such run.
    """
    # R takes the name of the folder for that of the package.
    if not re.fullmatch(NAME, out.name):
        raise ConfigError(
            f"{out.name!r} is no name of an R package: letters, digits and dots, from a "
            "letter on, such as towerequations"
        )
    check_free(out, overwrite, PACKAGE)
    folder = open_run(run)
    discovery = load_discovery(folder)
    texts = package_files(discovery, out.name, folder)
    with run_folder(out, overwrite, PACKAGE) as hidden:
        for name, text in texts.items():
            path = hidden / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return out


def _is_package(folder: Path) -> bool:
    """Whether a folder is a package of ours, and not just any of R."""
    described = folder / "DESCRIPTION"
    return (folder / "R" / "law.R").is_file() and (
        described.is_file() and MARK in described.read_text("utf-8", "replace")
    )


PACKAGE = Kind("R package", _is_package)


def package_files(
    discovery: DiscoveryRecord, name: str, folder: Path
) -> dict[str, str]:
    """Return name -> text of the files of a package."""
    record = read_record(folder / "data.json", "targets")
    powers = dict(record.get("magnitudes", {}))
    equations = equations_of(discovery)
    template = resources.files("discovery") / "templates" / "predict.R"
    return {
        "DESCRIPTION": _description(name, discovery),
        "NAMESPACE": "export(predict_equations)\n",
        "R/equations.R": equations.to_code("r"),
        "R/law.R": law_code(discovery, powers, record["targets"]),
        "R/predict.R": template.read_text(encoding="utf-8"),
        "man/predict_equations.Rd": _manual(discovery),
    }


def _description(name: str, discovery: DiscoveryRecord) -> str:
    said = _plain(f"{discovery.verdict}; consistency {discovery.consistency}")
    return (
        f"Package: {name}\n"
        f"Title: Equations of {_title(discovery)}\n"
        f"Version: {versions()['sciren']}\n"
        'Authors@R: person("Add", "The Authors", role = c("aut", "cre"),\n'
        '    email = "authors@example.org")\n'
        f"Description: {MARK}: {said}.\n"
        "License: CC BY 4.0\n"
        "Encoding: UTF-8\n"
        "Imports: stats\n"
        "Collate: 'equations.R' 'law.R' 'predict.R'\n"
    )


def _title(discovery: DiscoveryRecord) -> str:
    return _plain(" and ".join(equations_of(discovery).latent_names))


def _plain(text: str) -> str:
    """Return text as fields of DESCRIPTION and Rd pages take it: ASCII, one line."""
    kept = text.encode("ascii", "replace").decode()
    # Backslash, braces and percent are commands and comments of Rd.
    return " ".join(re.sub(r"[\\{}%]", " ", kept).split())


def _manual(discovery: DiscoveryRecord) -> str:
    needed = _plain(", ".join(equations_of(discovery).used_features()))
    return f"""\\name{{predict_equations}}
\\alias{{predict_equations}}
\\title{{Targets and latents of new rows, with their limits}}
\\usage{{
predict_equations(data, level = 0.95)
}}
\\arguments{{
\\item{{data}}{{data frame with the columns of features and forcings; features of the
equations: {needed}.}}
\\item{{level}}{{probability of the intervals, NULL for none.}}
}}
\\value{{
A data frame with a row for each row of data: targets and latents under their own names.
Of a target, _low and _high hold a new observation, _mean_low and _mean_high its mean
(NA, as are limits of latents, where the equations are more than a sum of curves);
outside is 1 beyond the rows that the model was made from.
}}
\\description{{
Evaluates equations that ScIReN found in data.
}}
"""
