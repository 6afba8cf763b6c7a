"""`sciren init`: a commented configuration and a process model to start from."""

import textwrap
from importlib.resources import files
from pathlib import Path
from string import Template

import yaml

from discovery.config.settings import DiscoverySettings
from discovery.runs.files import make_folder, write_text
from sciren.errors import ConfigError

_RESPIRATION = {
    "name": "tower",
    "target": "nee",
    "latent": "rb",
    "path": "tower.csv.gz",
    "time": "time",
    "rows": '"sw_pot == 0 and nee == nee"',
    "features": "[sw_pot_sm, dsw_pot_sm, swc, vpd]",
    "decoder": "q10",
    "forcings": "{ta: ta}",
    "targets": "{reco: nee}",
    "units": "{ta: degC, nee: umol m-2 s-1}",
}
_LIGHT_USE = {
    "name": "light_use",
    "target": "gpp",
    "latent": "efficiency",
    "path": "data.csv",
    "time": "null",
    "rows": "null",
    "features": "[ta, vpd]",
    "decoder": "my_process.py:light_use",
    "forcings": "{par: par}",
    "targets": "{gpp: gpp}",
    "units": "{par: MJ m-2 d-1, gpp: g m-2 d-1, ta: degC, vpd: kPa}",
}


def write_starter(folder: Path, process_model: bool = False) -> list[Path]:
    """Write CONFIG.yaml, and with ``process_model`` also my_process.py, into a folder.

    Returns:
        The files, in the order in which a user opens them.
    Raises:
        ConfigError: one of them is there already; then nothing is written.
    """
    texts = {"CONFIG.yaml": _config(_LIGHT_USE if process_model else _RESPIRATION)}
    if process_model:
        texts["my_process.py"] = _template("my_process.py")
    # All are looked at before the first is written. A killed call has left some as they
    # should be.
    done = [name for name, text in texts.items() if _is_written(folder / name, text)]
    for name in texts:
        if (folder / name).exists() and (name not in done or len(done) == len(texts)):
            raise ConfigError(
                f"{folder / name}: is there already and stays as it is; "
                "move it away, or name another folder: sciren init FOLDER"
            )
    make_folder(folder)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def _is_written(path: Path, text: str) -> bool:
    content = text.encode()
    same_size = path.is_file() and path.stat().st_size == len(content)
    return same_size and path.read_bytes() == content


def write_series_starter(folder: Path, table: Path) -> list[Path]:
    """Write CONFIG.yaml for a table of series into a folder, as its columns suggest.

    Returns:
        The file.
    Raises:
        ConfigError: it is there already, or the table is no series that the shelf takes.
        DataError: the table cannot be read.
    """
    from discovery.tables.suggesting import suggest_series

    path = folder / "CONFIG.yaml"
    if path.exists():
        raise ConfigError(
            f"{path}: is there already and stays as it is; move it away, or name another "
            "folder: sciren init FOLDER --table TABLE"
        )
    suggestion = suggest_series(table.resolve())
    head = "".join(f"# {line}\n" for line in suggestion.comments)
    body = yaml.safe_dump(suggestion.settings, sort_keys=False, allow_unicode=True)
    make_folder(folder)
    write_text(
        path, f"{head}# Correct what is wrong, then: sciren check {path.name}\n{body}"
    )
    return [path]


def _config(values: dict[str, str]) -> str:
    text = Template(_template("CONFIG.yaml"))
    return text.substitute(values, discovery=_discovery_block())


def _discovery_block() -> str:
    """Every option with its description and default, as the lines of a configuration."""
    defaults = DiscoverySettings().model_dump(mode="json")
    lines = []
    for name, field in DiscoverySettings.model_fields.items():
        lines += textwrap.wrap(
            field.description or "", 88, initial_indent="  # ", subsequent_indent="  # "
        )
        # PyYAML ends a bare value with "...", the mark of the end of a document.
        value = yaml.safe_dump(defaults[name], default_flow_style=True, width=1000)
        lines.append(f"  {name}: {value.removesuffix('...' + chr(10)).strip()}")
    return "\n".join(lines)


def _template(name: str) -> str:
    return (files("discovery") / "templates" / name).read_text(encoding="utf-8")
