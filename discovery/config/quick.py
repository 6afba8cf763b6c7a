"""A configuration from the words of a command line, for a table and nothing else."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from discovery.config.file import (
    PATHS,
    apply_override,
    config_from_mapping,
    resolve_paths,
)
from discovery.config.settings import RunConfig
from discovery.runs.files import make_folder, write_text
from sciren.errors import ConfigError


@dataclass(frozen=True)
class QuickWords:
    """What was said on the command line in place of a configuration.

    Args:
        targets: ``column``, or ``process model's name=column``.
        features: columns, each alone or several with commas between.
        forcings: ``process model's name=column``, or a column of the same name.
        decoder: process model.
        time, groups: columns of stamps and of sites.
    """

    targets: Sequence[str] = ()
    features: Sequence[str] = ()
    forcings: Sequence[str] = ()
    decoder: str | None = None
    time: str | None = None
    groups: str | None = None

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return self != QuickWords()


def quick_settings(
    data: Path, words: QuickWords, changes: Sequence[str] = (), name: str = ""
) -> dict[str, Any]:
    """Return the settings that the words of a command line stand for, as written.

    Args:
        data: file of the observations.
        words: roles of its columns.
        changes: ``"key=value"``, as with ``--set``.
        name: of the run; default that of the table.
    Raises:
        ConfigError: target or features are missing, or a pair is written wrongly.
    """
    missing = [
        f"--{name}"
        for name, given in (("target", words.targets), ("features", words.features))
        if not given
    ]
    if missing:
        raise ConfigError(
            f"{data}: is a table; say what its columns mean with {' and '.join(missing)}, "
            "such as --target reco --features sw_pot,vpd --decoder q10 --forcing ta=TA, "
            "or name a configuration (`sciren init` writes one)"
        )
    columns = {"time": words.time, "groups": words.groups}
    settings: dict[str, Any] = {
        "data": {"path": str(data)} | {n: c for n, c in columns.items() if c},
        "features": _split(words.features),
    }
    if words.decoder is not None:
        settings["decoder"] = words.decoder
    if words.forcings:
        settings["forcings"] = _pairs(words.forcings, "--forcing")
    settings["targets"] = _pairs(words.targets, "--target")
    settings["out"] = f"runs/{name or data.name.split('.')[0]}"
    for change in changes:
        apply_override(settings, change)
    return settings


def quick_config(settings: Mapping[str, Any], data: Path) -> RunConfig:
    """Return the checked configuration; its paths count from the current folder."""
    return config_from_mapping(_absolute(settings), f"{data} and the options")


def with_target_names(settings: dict[str, Any]) -> dict[str, Any]:
    """Give one bare target the name that the process model has for it.

    Loads the process model, so this comes after what can be checked without it.
    """
    from discovery.config.process import load_decoder

    name, targets = settings.get("decoder"), settings["targets"]
    # A target with a name of its own was written as NAME=COLUMN and stays.
    if not isinstance(name, str) or list(targets) != list(targets.values()):
        return settings
    decoder = load_decoder(_absolute(settings)["decoder"])
    if decoder is None or len(decoder.targets) != 1 or len(targets) != 1:
        return settings
    return settings | {"targets": {decoder.targets[0]: next(iter(targets.values()))}}


def check_place(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse to replace a file that holds another configuration.

    Raises:
        ConfigError: such a file is there, or what should hold it is no folder.
    """
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir():
        raise ConfigError(
            f"{path}: {above} is no folder; name another file with --write"
        )
    # The same words again find the same file and go on.
    if path.exists() and path.read_text(encoding="utf-8") != _text(settings, path):
        raise ConfigError(
            f"{path}: is there already and holds another configuration; run "
            f"`sciren discover {path}`, or name another file with --write"
        )


def write_quick(path: Path, settings: Mapping[str, Any]) -> None:
    """Write the configuration, whole or not at all."""
    make_folder(path.parent)
    write_text(path, _text(settings, path))


def _absolute(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy whose paths no longer depend on the current folder."""
    copied = copy.deepcopy(dict(settings))
    resolve_paths(copied, dict.fromkeys(PATHS, Path.cwd()))
    return copied


def _text(settings: Mapping[str, Any], path: Path) -> str:
    """Return the file; paths stay short where it lies in the current folder."""
    # Relative paths in a file count from its folder, which need not be the current one.
    here = path.resolve().parent == Path.cwd()
    shown = dict(settings) if here else _absolute(settings)
    head = "# written by `sciren discover`; `sciren init` explains every key\n"
    return head + yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)


def _split(words: Sequence[str]) -> list[str]:
    names = [name.strip() for word in words for name in word.split(",")]
    return [name for name in names if name]


def _pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """Return name -> column of ``name=column``; a bare column keeps its name."""
    pairs: dict[str, str] = {}
    for word in _split(words):
        name, equals, column = (part.strip() for part in word.partition("="))
        if not name or (equals and not column):
            raise ConfigError(f"{option} {word}: write name=column, such as ta=TA_F")
        pairs[name] = column or name
    return pairs
