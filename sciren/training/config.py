"""Settings of training: frozen, bounded, complete; a misspelt key is an error."""

from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

Engine = Literal["auto", "gauss-newton", "first-order"]

# What the published respiration code did: its nominal
# learning rates had no effect, every parameter trained at 1e-3.
PAPER: dict[str, Any] = {
    "engine": "first-order",
    "epochs": 100,
    "batch_size": 240,
    "patience": 10,
    "min_delta": 1e-5,
    "learning_rate": 1e-3,
    "constant_rate_factor": 1.0,
    "schedule": "constant",
    "weight_decay": 1e-4,
    "entropy": 0.01,
    "l1": 0.01,
    "smooth": 1.0,
    "smooth_kind": "differences",
    "violation": 1.0,
    "violation_reduction": "sum",
    "grid_updates": 20,
    "latent_scale": "unit",
    "constants_in_logs": False,
    "select": False,
    "ladder": False,
}


class TrainConfig(BaseModel, extra="forbid", frozen=True, allow_inf_nan=False):
    """How `fit` trains. Defaults follow measured recipes, not the published settings.

    ``preset="paper"`` fills in the published code's settings; keys that are given
    explicitly win over the preset.
    """

    engine: Engine = Field(
        default="auto", description="auto says in the history which it took"
    )
    preset: Literal["default", "paper"] = "default"
    seed: int = Field(default=0, ge=0, description="starts, batch order, bootstrap")
    device: str = Field(default="cpu", description="cpu, cuda, cuda:0, ...")
    scaling: Literal["standard", "minmax", "none"] = Field(
        default="standard", description="of the features, learned on the training rows"
    )
    latent_scale: Literal["data", "unit"] = Field(
        default="data",
        description="unit of the raw latents: moves the targets by one deviation, or 1",
    )

    # What is compared with the observations
    residual: Literal["identity", "log"] = Field(
        default="identity",
        description="identity: (prediction - target) / sd; log: of target + offset",
    )
    offset: float | None = Field(
        default=None,
        gt=0,
        description="added inside the log; default 1 % of the median target",
    )
    loss: Literal["squares", "smooth-l1"] = Field(
        default="squares",
        description="first-order only: smooth-l1 is half a square within loss_width, then "
        "straight with slope 1 (published soil carbon code)",
    )
    loss_width: float = Field(
        default=1.0, gt=0, description="of smooth-l1, in deviations of the target"
    )
    noise: Literal["auto", "constant", "proportional", "robust"] = Field(
        default="auto",
        description="how the noise grows with the mean: auto estimates it where features "
        "are selected and weighs the last pass by it (of outcomes 0 and 1 it is "
        "p (1 - p)); constant: not at all; proportional: "
        "weights 1 / prediction^2, two passes; robust: weights of Huber, then Tukey, "
        "where some observations are grossly wrong",
    )

    # Penalties
    smooth_choices: tuple[float, ...] = Field(
        default=(1e-3, 1e-2, 1e-1, 1.0),
        description="Gauss-Newton, one layer: weights tried instead of smooth, in rising "
        "order; the largest within one standard error on validation is taken",
    )
    smooth: float = Field(
        default=1e-3, ge=0, description="times integral f''^2 of each edge"
    )
    smooth_inner: float = Field(
        default=1e-2, ge=0, description="same, edges into hidden nodes"
    )
    smooth_outer: float = Field(
        default=1e-7, ge=0, description="same, edges out of hidden nodes"
    )
    smooth_hidden_choices: tuple[float, ...] = Field(
        default=(1.0, 1e2, 1e3, 1e4, 1e5),
        description="Gauss-Newton, one hidden layer: factors of smooth_outer tried in "
        "rising order, smooth_inner takes their root; the best on validation is taken",
    )
    smooth_kind: Literal["roughness", "differences"] = Field(
        default="roughness",
        description="integral of f''^2, or summed squared differences (paper)",
    )
    violation: float = Field(
        default=1.0, ge=0, description="weight of leaving the bounds"
    )
    violation_reduction: Literal["mean", "sum"] = "mean"
    entropy: float = Field(
        default=1e-3, ge=0, description="first-order only; scale free; 0 for lbfgs"
    )
    l1: float = Field(
        default=0.0, ge=0, description="first-order only; biases constants"
    )
    penalty_form: Literal["code", "paper"] = Field(
        default="code",
        description="bits and layer means (code) or nats and node shares (paper)",
    )

    # Gauss-Newton
    max_iterations: int = Field(default=60, ge=1)
    # each is a fit of its own; all studies take 32
    starts: int = Field(
        default=32, ge=1, le=10_000, description="random starts of a hidden layer"
    )
    start_rows: int = Field(default=5000, ge=50, description="rows that the starts see")
    start_iterations: int = Field(default=12, ge=1)
    polish: int = Field(
        default=2, ge=1, description="best starts continued on all rows"
    )
    max_coefficients: int = Field(
        default=3000, ge=1, description="auto hands over to first-order above this many"
    )

    # First order
    optimizer: Literal["adamw", "lbfgs"] = Field(
        default="adamw",
        description="adamw on batches; lbfgs on all rows at once with whitened bases: "
        "better where latents make up for one another and the rows are few thousands",
    )
    epochs: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,  # of a few steps each, days; studies take hundreds
        description="upper limit; default: as many as give 1500 steps, at least 5; "
        "lbfgs 500",
    )
    batch_size: int = Field(default=240, ge=1)
    patience: int | None = Field(
        default=None,
        ge=1,
        description="epochs without a better validation loss, counted from the peak of "
        "the one-cycle schedule; default: a fifth of all epochs, at least 10",
    )
    min_delta: float = Field(default=1e-5, ge=0)
    # Adam moves every number by about the rate, and all of them are of size one
    learning_rate: float = Field(
        default=0.05, gt=0, le=100, description="peak of the one-cycle schedule"
    )
    constant_rate_factor: float = Field(
        default=1.0, gt=0, description="rate of the constants"
    )
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    weight_decay: float = Field(default=0.0, ge=0)
    grid_updates: int = Field(
        default=0, ge=0, description="epochs with a grid update (paper: 20)"
    )
    constants_in_logs: bool = True
    share_rows: bool = Field(
        default=False,
        description="the processes that torchrun started share the rows of every batch: "
        "the steps of one process, sooner where the process model is dear",
    )
    precision: Literal["float32", "float64"] = "float64"
    compile: bool = Field(
        default=False,
        description="compile the whole step: seconds once, then several times faster for "
        "small models; without a compiler training says so and goes on",
    )
    checkpoint: str | None = Field(
        default=None,
        description="folder of the checkpoints; a training found there goes on, bit for bit",
    )
    checkpoint_seconds: float = Field(
        default=30.0, ge=0, description="least time between two checkpoints"
    )

    # After training
    select: bool = Field(
        default=True, description="drop edges that the data do not ask for, then refit"
    )
    selection: Literal["auto", "tests", "one-by-one", "path"] = Field(
        default="auto",
        description="Gauss-Newton, one layer: tests ask training and validation rows "
        "together under the estimated law of the noise, so that the split decides "
        "nothing; one-by-one drops edges on validation; path refits those that a path of "
        "falling group penalties proposes; auto takes the path from 20 edges, else tests",
    )
    ladder: bool = Field(
        default=False, description="try one and two hidden nodes a latent"
    )
    ladder_gain: float = Field(
        default=0.15, ge=0, lt=1, description="least drop of the loss"
    )
    bootstrap: int = Field(
        default=0,
        ge=0,
        description="block bootstrap replicates for the constants' intervals",
    )
    profiles: bool = Field(
        default=True, description="profile every constant, with the bootstrap"
    )
    profile_points: int = Field(default=25, ge=5)
    profile_range: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="constant -> range; default 0.2 to 6.7 times start",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_preset(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("preset") == "paper":
            # The right side wins: what is given outranks the preset.
            values = PAPER | values
        if isinstance(values, dict) and "smooth" in values:
            # Who names a weight means it: no search then.
            values = {"smooth_choices": ()} | values
        if isinstance(values, dict) and {"smooth_inner", "smooth_outer"} & set(values):
            values = {"smooth_hidden_choices": ()} | values
        if isinstance(values, dict) and values.get("optimizer") == "lbfgs":
            # At a minimum this penalty holds wrong edges fast; refits choose better.
            values = {"entropy": 0.0} | values
        return values

    @model_validator(mode="after")
    def _knots_stay(self) -> Self:
        if self.optimizer == "lbfgs" and self.grid_updates:
            raise ValueError(
                f"optimizer 'lbfgs' remembers its last steps, which knots that move "
                f"(grid_updates {self.grid_updates}) make useless; set one of them back"
            )
        return self

    @model_validator(mode="after")
    def _ordered_ranges(self) -> Self:
        for name in ("smooth_choices", "smooth_hidden_choices"):
            choices = getattr(self, name)
            if any(weight < 0 for weight in choices):
                raise ValueError(f"{name} {choices} hold a negative weight")
        for name, (low, high) in self.profile_range.items():
            if low >= high:
                raise ValueError(
                    f"profile_range of {name!r}: {low} is not below {high}"
                )
        return self

    @property
    def reweights(self) -> bool:
        """Whether training refits with weights that follow from its own fit."""
        return self.noise in ("proportional", "robust")

    def replace(self, **changes: Any) -> "TrainConfig":
        """Return a checked copy with some settings changed."""
        # Through the constructor: `model_copy` would skip bounds and validators.
        return TrainConfig(**(self.model_dump() | changes))
