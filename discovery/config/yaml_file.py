"""Plain YAML in, Python data out: no code, no surprises, every error with its line."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from sciren.bounded import MEBIBYTE, check_nesting, read_bounded
from sciren.errors import ConfigError

MOST = MEBIBYTE  # of a configuration; longer ones are something else

_SCALARS = (  # tag, pattern, first characters
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN)",
        list("-+.0123456789"),
    ),
)


class _PlainLoader(yaml.SafeLoader):
    """YAML 1.2 core schema: ``no`` stays a name, ``1e-3`` is a number, dates are text.

    The older rules of PyYAML turn a column called ``no`` into False, read ``1e-3`` as
    text and ``12:30`` as a number; and the last of two equal keys wins unseen.
    """

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, Any]:
        """Build a mapping; a key that stands twice, or is no text, is an error."""
        seen = set()
        # PyYAML lets the last of two equal keys win without a word.
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            plain = isinstance(key, str)
            if not plain or key in seen:
                what = "stands twice" if plain else "is not a text; put it in quotes"
                raise yaml.MarkedYAMLError(
                    problem=f"key {key!r} {what}", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_PlainLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in _SCALARS:
    _PlainLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first
    )


def parse_yaml(text: str, source: str) -> Any:
    """Return the data that a YAML text holds.

    Args:
        text: one YAML document.
        source: where it comes from, for messages.
    Raises:
        ConfigError: not YAML, an object of a language, or a repeated key; the message
            names source and line.
    """
    try:
        # Deep nesting would overflow the stack of the parser.
        check_nesting(text)
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join((error.problem or "cannot be read").split())
        raise ConfigError(f"{source}{line}: not readable as YAML: {problem}") from error
    except RecursionError as error:
        raise ConfigError(
            f"{source}: not readable as YAML: brackets inside brackets without end"
        ) from error
    except (yaml.YAMLError, ValueError, LookupError, TypeError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{source}: not readable as YAML: {problem}") from error


def read_yaml_mapping(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds.

    Raises:
        ConfigError: the file is missing, empty, no text, no YAML or no mapping.
    """
    try:
        # Some editors put a mark before the text, which YAML would read into the first
        # key.
        text = read_bounded(path, MOST).decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file; `sciren init` writes a commented one"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"{path}: cannot be read as a configuration: {reason}") from (
            error
        )
    data = parse_yaml(text, str(path))
    if data is None:
        raise ConfigError(f"{path}: is empty; `sciren init` writes a commented one")
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path}: holds a {type(data).__name__}, not lines of `key: value`; "
            "`sciren init` writes a commented example"
        )
    return data
