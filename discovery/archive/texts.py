"""The texts that an archive adds to a run: how to cite, to license, to use it."""

from discovery.report.summary import equation_texts
from discovery.results.record import DiscoveryRecord

_LICENCES = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/legalcode.txt",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/legalcode.txt",
    "MIT": "https://opensource.org/license/mit",
}


def citation(discovery: DiscoveryRecord, licence_name: str) -> str:
    """Return a CITATION.cff of the run; names and title are its owner's to fill in."""
    latents = ", ".join(name for name, _, _ in equation_texts(discovery)) or "a process"
    return (
        "cff-version: 1.2.0\n"
        'message: "Please cite the data, and this discovery, if you use its equations."\n'
        f'title: "Equations of {latents}"\n'
        "type: dataset\n"
        "authors:\n"
        '  - name: "add the names of the authors"\n'
        f"license: {licence_name}\n"
        "references:\n"
        "  - type: software\n"
        '    title: "ScIReN: equations for the hidden parameters of a process model"\n'
        "    authors:\n"
        '      - name: "The ScIReN developers"\n'
    )


def licence(name: str) -> str:
    """Return which licence the results have, and that it does not cover the data."""
    where = f" ({_LICENCES[name]})" if name in _LICENCES else ""
    return (
        f"Equations, tables, pictures and report in run/: {name}{where}.\n"
        "The observations in data/, where they are included, keep the licence of their "
        "source.\n"
    )


def readme(discovery: DiscoveryRecord, name: str, data: bool) -> str:
    """Return what the archive holds, what was found, and how to make it again."""
    equations = "".join(
        f"    {latent} = {text}{f'  [{unit}]' if unit else ''}\n"
        for latent, text, unit in equation_texts(discovery)
    )
    more = "" if data else " --data THE_TABLE"
    return (
        f"# {name.removesuffix('.zip')}\n\n"
        f"Verdict: {discovery.verdict}. Consistency of the equations: "
        f"{discovery.consistency}.\n\n"
        f"{equations}\n"
        "`run/report.html` shows everything, `run/equations.json` and `run/equations.tex` "
        "hold the equations, `archive.json` the hashes of all files, `environment.txt` the "
        "versions. To make the run again and compare it with this one:\n\n"
        "    pip install sciren\n"
        f"    sciren reproduce {name}{more}\n"
    )
