"""Settings of equations behind the Basic Model Interface, from a file of anybody."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sciren.bounded import check_nesting, read_bounded
from sciren.errors import ConfigError, closest_names

DEFAULTS: dict[str, Any] = {
    "rows": 1, "time_step": 1.0, "time_units": "d", "end_time": float("inf"),
}  # fmt: skip
"""Settings of `EquationsBmi.initialize`, beside ``equations``."""

MOST_ROWS = 10**9
"""Points: eight gigabytes a variable."""


def read_settings(config_file: str) -> dict[str, Any]:
    """Return the keys of a YAML file; none for the empty path.

    Raises:
        ConfigError: it cannot be read, or holds no keys.
    """
    if not config_file:
        return {}
    try:
        text = read_bounded(Path(config_file)).decode()
        check_nesting(text)
        # safe: a file of settings makes no objects
        settings = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())[:200]
        raise ConfigError(f"{config_file}: cannot be read: {problem}") from error
    if not isinstance(settings, Mapping | None):
        raise ConfigError(f"{config_file}: is no list of keys; write rows: 100")
    return {str(key): value for key, value in (settings or {}).items()}


def checked(source: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings, all of them, checked.

    Raises:
        ConfigError: an unknown key, or a value that is none.
    """
    for name in given:
        if name not in DEFAULTS:
            known = ("equations", *DEFAULTS)
            raise ConfigError(
                f"{source}: unknown key {name!r}. {closest_names(name, known)}"
            )
    settings = DEFAULTS | dict(given)
    rows, step, end, units = (
        settings[name] for name in ("rows", "time_step", "end_time", "time_units")
    )
    wrong = {
        # True is an int in Python
        "rows": (type(rows) is int and 1 <= rows <= MOST_ROWS,
                 f"a whole number from 1 to {MOST_ROWS:,}"),
        "time_step": (_is_number(step) and 0 < step < math.inf, "a number above 0"),
        "end_time": (_is_number(end) and end >= 0, "a number from 0 on"),
        "time_units": (isinstance(units, str) and units, "a unit of time, such as d"),
    }  # fmt: skip
    for name, (right, advice) in wrong.items():
        if not right:
            raise ConfigError(f"{source}: {name} is {settings[name]!r}; write {advice}")
    return settings


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
