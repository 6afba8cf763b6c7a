"""Every setting of one discovery: frozen, bounded, complete; unknown keys are refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from discovery.config.base import Settings, named
from discovery.config.data import DataSettings
from symbolic.options import OptionFields, SymbolicOptions

# kept here as names, so that reading a configuration loads no torch
ConstraintName = Literal[
    "auto", "identity", "hard_sigmoid", "relu", "sigmoid", "softplus"
]


def _period(value: Any) -> Any:
    """One period as text, or the first and the last as a pair."""
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, list | tuple) and len(value) == 2:
        return tuple(map(str, value))
    raise ValueError('write a period, "2007" or "2007-03", or [first, last]')


def _hidden(value: Any) -> Any:
    """``"auto"``, or the nodes of each hidden layer."""
    if value is None or value == "auto":
        return "auto"
    if isinstance(value, list | tuple) and all(
        isinstance(nodes, int) and not isinstance(nodes, bool) and nodes > 0
        for nodes in value
    ):
        return tuple(value)
    raise ValueError("write auto, or the nodes of each hidden layer, such as [] or [2]")


Period = Annotated[str | tuple[str, str], BeforeValidator(_period)]
# beyond these a network has more numbers than any table of ours has rows, and fills the
# memory before its first step; studies use up to 64 nodes and 100 intervals
Nodes = Annotated[int, Field(ge=1, le=10_000)]
Intervals = Annotated[int, Field(ge=1, le=10_000)]
Hidden = Annotated[Literal["auto"] | tuple[Nodes, ...], BeforeValidator(_hidden)]


class DecoderSettings(Settings):
    """The process model: a built-in name, or FILE.py:NAME for one's own."""

    name: str = Field(description="built-in name, or my_process.py:function_name")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="arguments of a built-in process model"
    )


class KANSettings(Settings):
    """Spline network; ``hidden: []`` is the additive model, one curve an edge."""

    kind: Literal["kan"] = "kan"
    hidden: Hidden = Field(
        default="auto", description="auto, or nodes per hidden layer"
    )
    grid: Intervals | tuple[Intervals, ...] | None = Field(
        default=None, description="intervals of the splines, for all layers or each"
    )
    base: Literal["zero", "identity", "silu"] = "zero"
    outside: Literal["linear", "zero"] = "linear"
    margin: float = Field(
        default=0.0, ge=0, le=100, description="share added to the range of knots"
    )
    start: Literal["straight", "noise"] = "straight"
    shared: bool = Field(
        default=False, description="whether latents share hidden nodes"
    )

    @field_validator("grid")
    @classmethod
    def _of_every_layer(cls, grid: Any, info: ValidationInfo) -> Any:
        hidden = info.data.get("hidden", "auto")
        # n hidden layers lie between n + 1 layers of splines.
        layers = None if hidden == "auto" else len(hidden) + 1
        if isinstance(grid, tuple) and layers not in (None, len(grid)):
            raise ValueError(
                f"it names {len(grid)} layers, and hidden leads to {layers}; write one "
                "number for all, or one for each layer"
            )
        return grid


class AdditiveSettings(Settings):
    """Neural additive model: a small network for each edge."""

    kind: Literal["additive"] = "additive"
    width: Nodes = Field(default=16, description="hidden units of each edge")


class LinearSettings(Settings):
    """One linear layer."""

    kind: Literal["linear"] = "linear"


class MLPSettings(Settings):
    """Multilayer perceptron, the black box to compare with."""

    kind: Literal["mlp"] = "mlp"
    width: Nodes = Field(default=16, description="units of a hidden layer")
    depth: int = Field(default=1, ge=1, le=100, description="hidden layers")
    activation: Literal["relu", "tanh", "silu", "gelu"] = "relu"
    batch_norm: bool = False
    skip: bool = False


EncoderSettings = Annotated[
    KANSettings | AdditiveSettings | LinearSettings | MLPSettings,
    Field(discriminator="kind"),
]

Fractions = tuple[
    Annotated[float, Field(gt=0, lt=1)],
    Annotated[float, Field(gt=0, lt=1)],
    Annotated[float, Field(gt=0, lt=1)],
]


class _Drawn(Settings):
    # Not the seed of the run: which rows choose must not change with where a training
    # starts, else two seeds may claim different features.
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**31,
        description="of the draws of rows, those held back and those of data.sample; not "
        "that of the run",
    )


class _Shares(_Drawn):
    fractions: Fractions = Field(
        default=(0.7, 0.15, 0.15), description="shares of train, valid and test"
    )

    @field_validator("fractions")
    @classmethod
    def _sum_to_one(cls, shares: Fractions) -> Fractions:
        if abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"the three shares sum to {sum(shares):g}, not to 1")
        return shares


class AutoSplit(_Shares):
    """Whole blocks at random: groups, else calendar weeks, else single rows."""

    kind: Literal["auto"] = "auto"


class RandomSplit(_Shares):
    """Single rows at random; scores are too good where neighbours resemble."""

    kind: Literal["random"] = "random"


class GroupSplit(_Shares):
    """Whole groups (sites) at random."""

    kind: Literal["group"] = "group"
    column: str | None = Field(
        default=None, description="column of groups; default data.groups"
    )


class TimeSplit(_Drawn):
    """Whole periods, first and last included."""

    kind: Literal["time"] = "time"
    train: Period = Field(description='"2007", "2007-03", or [first, last]')
    valid: Period = Field(description='"2007", "2007-03", or [first, last]')
    test: Period = Field(description='"2007", "2007-03", or [first, last]')
    fractions: Fractions | None = Field(
        default=None,
        description="of a process with memory: also deal whole groups in these shares",
    )


class BlockSplit(_Drawn):
    """Cells of longitude and latitude dealt to folds."""

    kind: Literal["block"] = "block"
    lon: str = Field(description="column of degrees east")
    lat: str = Field(description="column of degrees north")
    degrees: float = Field(default=2.0, gt=0, description="side of a cell")
    folds: int = Field(default=5, ge=3, description="number of folds")
    test: int = Field(default=0, ge=0, description="fold of the test")
    valid: int = Field(default=1, ge=0, description="fold of the validation")


class ColumnSplit(_Drawn):
    """A column says where each row belongs."""

    kind: Literal["column"] = "column"
    column: str = Field(
        description="holds train, valid or test; other rows are not used"
    )


SplitSettings = Annotated[
    AutoSplit | RandomSplit | GroupSplit | TimeSplit | BlockSplit | ColumnSplit,
    Field(discriminator="kind"),
]


class DiscoverySettings(OptionFields):
    """From the trained encoder to equations: the options, and what else is trained."""

    members: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="models to train: the first on all rows, the others from other starts "
        "on half of the blocks each, to see what they agree on",
    )
    baselines: bool = Field(
        default=True,
        description="also fit constant latents and a small multilayer perceptron, to "
        "compare with",
    )

    @property
    def options(self) -> SymbolicOptions:
        """What is decided about the equations, as `discover` takes it."""
        return SymbolicOptions(
            **{name: getattr(self, name) for name in SymbolicOptions.model_fields}
        )


def _names(value: Any) -> Any:
    """Decoder's name -> column; a list means that both have the same name."""
    if isinstance(value, list | tuple):
        return {str(name): str(name) for name in value}
    return value


def _with_kind(kind: str) -> BeforeValidator:
    """Complete ``{...}`` without a kind, ``null`` and a bare kind."""

    def complete(value: Any) -> Any:
        if value is None:
            return {"kind": kind}
        if isinstance(value, str):
            return {"kind": value}
        return {"kind": kind, **value} if isinstance(value, Mapping) else value

    return BeforeValidator(complete)


PositivePeriod = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Columns = Annotated[dict[str, str], BeforeValidator(_names)]


class RunConfig(Settings):
    """One discovery, from the file of observations to the report."""

    data: DataSettings
    features: tuple[str, ...] = Field(
        description="columns offered to the encoder; none gives every group of a process "
        "with memory its own numbers"
    )
    categorical: tuple[str, ...] = Field(
        default=(),
        description="features that are classes; text that is mostly no numbers always is",
    )
    periodic: dict[str, PositivePeriod] = Field(
        default_factory=dict, description="feature: period, such as doy: 365.25"
    )
    decoder: Annotated[DecoderSettings | None, BeforeValidator(named)] = Field(
        default=None, description="process model; null is plain regression"
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="parameter of the process model: what is declared anew, a number to "
        "fix it at, latent, constant or fixed, or {kind, value, low, high, start, unit}",
    )
    forcings: Columns = Field(
        default_factory=dict, description="process model's name: column"
    )
    targets: Columns = Field(description="process model's name: column", min_length=1)
    units: dict[str, str] = Field(default_factory=dict, description="column: unit")
    convert: dict[str, str] = Field(
        default_factory=dict,
        description="column: unit to convert it to, from that under units or in the file",
    )
    truth: dict[str, str] = Field(
        default_factory=dict,
        description="latent: column of its true values, where data are simulated",
    )
    encoder: Annotated[EncoderSettings, _with_kind("kan")] = Field(
        default_factory=KANSettings
    )
    constraint: ConstraintName | dict[str, ConstraintName] = Field(
        default="auto", description="auto follows the bounds of the parameters"
    )
    split: Annotated[SplitSettings, _with_kind("auto")] = Field(
        default_factory=AutoSplit
    )
    train: dict[str, Any] = Field(
        default_factory=dict, description="settings of the training"
    )
    discovery: DiscoverySettings = Field(default_factory=DiscoverySettings)
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**31,
        description="of initial weights and resamples; split.seed draws rows, train.seed "
        "starts of hidden layers and batches",
    )
    controls: bool = Field(
        default=False,
        description="also look for relations in placebos and behind wrong processes",
    )
    out: Path = Field(
        default=Path("runs/discovery"), description="folder of the results"
    )

    @model_validator(mode="after")
    def _kinds_of_features(self) -> Self:
        for key in ("categorical", "periodic"):
            for name in getattr(self, key):
                if name not in self.features:
                    raise ValueError(
                        f"{key} names {name!r}, which is none of the features"
                    )
        both = sorted(set(self.categorical) & set(self.periodic))
        if both:
            raise ValueError(f"{both[0]!r} is categorical or periodic, not both")
        return self

    @model_validator(mode="after")
    def _some_feature(self) -> Self:
        if not self.features and self.decoder is None:
            raise ValueError(
                "features is []: give at least one (only a process with memory may need "
                "none)"
            )
        return self

    @field_validator("targets")
    @classmethod
    def _apart(cls, targets: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        # Fields are validated in their order: features and forcings are known here,
        # unless they were wrong themselves.
        inputs = dict.fromkeys(info.data.get("features", ()), "features")
        for name, column in info.data.get("forcings", {}).items():
            inputs[column] = f"forcings.{name}"
        for column in targets.values():
            if column in inputs:
                raise ValueError(
                    f"column {column!r} stands under {inputs[column]} as well; what is to "
                    "be explained cannot be among what explains it"
                )
        return targets

    @field_validator("features")
    @classmethod
    def _no_repeat(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} stands twice; name each feature once")
        return names
