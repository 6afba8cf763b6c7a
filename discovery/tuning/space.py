"""What a search varies: keys of the configuration and their possible values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from discovery.config.settings import RunConfig
from discovery.config.yaml_file import parse_yaml, read_yaml_mapping
from sciren.errors import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# The grids of the published study: KAN, and networks (spec of the respiration study,
# tables 5 and 6); entropy and L1 had one weight in common.
PAPER_KAN: dict[str, Any] = {
    "train.learning_rate": [1e-3, 1e-2, 1e-1],
    "train.weight_decay": [0.0, 1e-4],
    "train.entropy, train.l1": [1e-3, 1e-2, 1e-1],
    "train.smooth": [1e-3, 1e-2, 1e-1, 1.0],
}
PAPER_NETWORK: dict[str, Any] = {
    "train.learning_rate": [1e-4, 1e-3, 1e-2, 1e-1],
    "train.weight_decay": [0.0, 1e-4, 1e-3],
}
SOLVED: dict[str, Any] = {
    "encoder.hidden": [[], [1], [2]],
    "train.smooth": {"low": 1e-4, "high": 1.0, "log": True},
}
"""For Gauss-Newton, which has no rates: hidden nodes for each latent, and stiffness."""


@dataclass(frozen=True)
class Choices:
    """One of several values, each as YAML text so that any value can be stored."""

    texts: tuple[str, ...]

    def distribution(self) -> "BaseDistribution":
        """Return it as Optuna knows it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.texts)

    def value(self, drawn: Any) -> Any:
        """Return the value that was drawn."""
        return parse_yaml(drawn, "search space")


@dataclass(frozen=True)
class Range:
    """A number between two ends."""

    low: float
    high: float
    log: bool
    whole: bool

    def distribution(self) -> "BaseDistribution":
        """Return it as Optuna knows it."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def value(self, drawn: Any) -> Any:
        """Return the value that was drawn."""
        return drawn


@dataclass(frozen=True)
class Space:
    """Keys and their possible values; keys with a comma between them vary together."""

    parts: Mapping[str, Choices | Range]

    def distributions(self) -> dict[str, "BaseDistribution"]:
        """Return name -> distribution, for Optuna."""
        return {name: part.distribution() for name, part in self.parts.items()}

    def changes(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return key -> value of what was drawn."""
        values = {name: part.value(drawn[name]) for name, part in self.parts.items()}
        return {
            key.strip(): value
            for name, value in values.items()
            # Keys with a comma between share one drawn value.
            for key in name.split(",")
        }


def changed_settings(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """Return a configuration with some of its keys (``group.key``) changed.

    Raises:
        ConfigError: a key does not exist, or a value does not fit.
    """
    import json

    from discovery.config.file import config_from_mapping, train_config

    settings = json.loads(config.model_dump_json())
    for key, value in changes.items():
        here = settings
        *groups, last = key.split(".")
        for group in groups:
            here = here.setdefault(group, {})
        here[last] = value
    changed = config_from_mapping(settings, "search space")
    # The training's settings are checked by their own model, which the configuration
    # leaves for later.
    train_config(changed, "search space")
    return changed


def read_space(path: Path) -> Space:
    """Read a search space: YAML, key -> list of values, or {low, high, log}.

    Raises:
        ConfigError: with file, key and what to write.
    """
    return space_of(read_yaml_mapping(path), str(path))


def default_space(config: RunConfig, engine: str) -> Space:
    """Return the space of the published study for the encoder, or that of the solver.

    Args:
        config: of one run.
        engine: "gauss-newton" or "first-order", which trains it.
    """
    kind = config.encoder.kind
    if engine == "gauss-newton":
        return space_of(SOLVED, "default space")
    space = PAPER_KAN if kind in ("kan", "additive") else PAPER_NETWORK
    return space_of(space, "default space")


def space_of(given: Mapping[str, Any], source: str) -> Space:
    """Check a space given as a mapping.

    Raises:
        ConfigError: with source, key and what to write.
    """
    if not given:
        raise ConfigError(
            f"{source}: is empty; write for example train.smooth: [0.1, 1]"
        )
    return Space(
        {str(key): _part(value, source, str(key)) for key, value in given.items()}
    )


def _part(value: Any, source: str, key: str) -> Choices | Range:
    if isinstance(value, Mapping):
        return _range(value, source, key)
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return Choices(tuple(map(_text, value)))
    raise ConfigError(
        f"{source}: key {key!r} is {value!r}; write a list of values, or "
        "{low: 0.001, high: 1, log: true}"
    )


def _text(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def _range(value: Mapping[str, Any], source: str, key: str) -> Range:
    unknown = sorted(set(value) - {"low", "high", "log"})
    ends: list[Any] = [value.get("low"), value.get("high")]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in ends)
    log = bool(value.get("log", False))
    if unknown or not numbers or not ends[0] < ends[1] or (log and ends[0] <= 0):
        raise ConfigError(
            f"{source}: key {key!r} is {dict(value)!r}; write low and high, low below "
            "high, and above 0 where log is true"
        )
    # Whole ends mean whole numbers: {low: 1, high: 4} are nodes, not 2.7 of them.
    whole = all(isinstance(end, int) for end in ends)
    return Range(float(ends[0]), float(ends[1]), log, whole)
