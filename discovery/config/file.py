"""Read a configuration with overrides, and write the resolved one into a run."""

import json
import platform
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from discovery.config.settings import RunConfig
from discovery.config.yaml_file import parse_yaml, read_yaml_mapping
from sciren.config_errors import config_error
from sciren.errors import ConfigError

if TYPE_CHECKING:
    from sciren.training.config import TrainConfig

_VERSIONS = ("sciren", "torch", "numpy", "scipy", "sympy", "pandas", "scikit-learn")


def load_config(
    path: Path | str, overrides: Sequence[str] = (), here: Path | None = None
) -> RunConfig:
    """Read a configuration file; loads no torch.

    Args:
        path: YAML file. Relative paths inside it count from its folder; ``out``
            defaults to ``runs/<name of the file>`` beside it.
        overrides: ``"key=value"`` or ``"group.key=value"``, values in YAML. Relative
            paths given here count from ``here``.
        here: default the current folder.
    Raises:
        ConfigError: with file, key, value and what to do.
    """
    file = Path(path)
    data = read_yaml_mapping(file)
    base = file.resolve().parent
    data = _with_default_out(data, file)
    # Overrides first, and which keys they touched: their paths count from where the
    # user stands, all others from the folder of the file.
    changed = {apply_override(data, override) for override in overrides}
    here = (here or Path.cwd()).resolve()
    try:
        resolve_paths(data, {key: here if key in changed else base for key in PATHS})
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
    return config_from_mapping(data, str(file))


def config_from_mapping(data: Mapping[str, Any], source: str = "settings") -> RunConfig:
    """Check settings given as a mapping; paths stay as they are.

    Raises:
        ConfigError: with source, key, value and what to do.
    """
    try:
        config = RunConfig.model_validate(dict(data))
    except ValidationError as error:
        raise config_error(error, RunConfig, data, source) from error
    _refuse_switches(data, config, source)
    return config


def train_config(config: RunConfig, source: str = "settings") -> "TrainConfig":
    """Return the checked training settings (loads them on first use).

    The ladder of an encoder with ``hidden: auto`` comes from the rest of the
    configuration; keys of ``train`` win. The seed of the run is not that of the training,
    where it would decide which hidden layer is found (``train.seed`` does).
    ``discovery.bootstrap`` resamples the equations;
    ``train.bootstrap`` also the curves, which takes long where rows are many.

    Raises:
        ConfigError: with source, key, value and what to do.
    """
    from sciren.training.config import TrainConfig

    # Keys of `train` come last in the union below, so that what the user writes there
    # wins.
    given = {"ladder": getattr(config.encoder, "hidden", None) == "auto"}
    try:
        read = TrainConfig.model_validate(given | config.train)
    except ValidationError as error:
        raise config_error(error, TrainConfig, config.train, source, "train") from error
    _refuse_switches(config.train, read, source, "train")
    return read


def _refuse_switches(given: Any, read: Any, source: str, key: str = "") -> None:
    """Refuse true and false that were read as numbers: a grid of one, the seed 0."""
    # YAML's true is Python's True, which every later check takes for the number 1.
    if isinstance(given, bool) and type(read) in (int, float) and read == given:
        said = str(given).lower()
        raise ConfigError(f"{source}: key {key!r} is {said}: it should be a number")
    if isinstance(given, Mapping):
        inside = read if isinstance(read, Mapping) else getattr(read, "__dict__", {})
        for name, value in given.items():
            _refuse_switches(
                value, inside.get(name), source, f"{key}.{name}".lstrip(".")
            )
    if isinstance(given, list) and isinstance(read, list | tuple):
        for number, (value, entry) in enumerate(zip(given, read, strict=False)):
            _refuse_switches(value, entry, source, f"{key}.{number}")


def _with_default_out(data: dict[str, Any], file: Path) -> dict[str, Any]:
    return data if data.get("out") is not None else data | {"out": f"runs/{file.stem}"}


def apply_override(data: dict[str, Any], override: str) -> str:
    """Set one dotted key in place and return it."""
    key, equals, text = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise ConfigError(
            f"--set {override}: write key=value, such as --set data.path=tower.csv"
        )
    # Walk down the groups, make those that are missing, set the last key.
    here = data
    for depth, part in enumerate(parts[:-1]):
        inside = here.get(part)
        if inside is None:
            inside = here[part] = {}
        if not isinstance(inside, dict):
            raise ConfigError(
                f"--set {override}: {'.'.join(parts[: depth + 1])!r} is {inside!r} and "
                "holds no keys; set it as a whole"
            )
        here = inside
    # A comma or a quote alone is what separates cells or numbers; YAML wants it in quotes.
    alone = len(text) == 1 and not text.isalnum()
    here[parts[-1]] = text if alone else parse_yaml(text, f"--set {override}")
    return ".".join(parts)


# keys whose values are paths; of the process model only what stands before the colon
PATHS = ("data.path", "out", "decoder", "decoder.name")


def resolve_paths(data: dict[str, Any], bases: Mapping[str, Path]) -> None:
    """Make the paths absolute in place, each from its own base folder."""
    for key, base in bases.items():
        group, _, last = key.rpartition(".")
        holder = data.get(group) if group else data
        value = holder.get(last) if isinstance(holder, dict) else None
        if not isinstance(holder, dict) or not isinstance(value, str) or not value:
            continue
        # A built-in name is no path; only "file.py:function" has a colon.
        if key.startswith("decoder"):
            file, colon, name = value.rpartition(":")
            if colon:
                holder[last] = f"{_absolute(file, base)}:{name}"
        else:
            holder[last] = str(_absolute(value, base))


def _absolute(path: str, base: Path) -> Path:
    if "\0" in path:
        raise ConfigError(f"path {path!r} holds a NUL character, which no file has")
    if re.match("[a-z][a-z0-9+.]+://", path, re.IGNORECASE):
        raise ConfigError(
            f"path {path!r} is an address; download the file first, and name it here"
        )
    try:
        return base / Path(path).expanduser()
    except RuntimeError as error:
        user = path.partition("/")[0]
        raise ConfigError(
            f"path {path!r}: {user} is no home folder here; write the whole path"
        ) from error


def versions() -> dict[str, str]:
    """Return the versions that a result depends on, without importing the packages."""
    installed = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed[name] = "not installed"
    return installed


def resolved_yaml(config: RunConfig) -> str:
    """Return the complete settings as YAML that can be run again, versions on top."""
    lines = [f"# {name} {version}" for name, version in versions().items()]
    body = yaml.safe_dump(
        # Through JSON, which has no tuples, paths and own types: safe YAML can hold the
        # rest.
        json.loads(config.model_dump_json()),
        sort_keys=False,
        allow_unicode=True,
    )
    return "\n".join(lines) + "\n" + body


def stored_settings(config: RunConfig) -> dict[str, Any]:
    """Return the complete settings as plain data, but for the folder of the results."""
    settings = json.loads(config.model_dump_json())
    # Results do not depend on where they are written.
    del settings["out"]
    return settings


def write_resolved_config(config: RunConfig, path: Path) -> None:
    """Write ``resolved_yaml`` to a file."""
    path.write_text(resolved_yaml(config), encoding="utf-8")
