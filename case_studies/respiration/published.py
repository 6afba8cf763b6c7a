"""The published rows of Tables 1, 2 and 9, with the settings behind them."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

Setting = Literal["linear", "abs"]
TABLES = (1, 2, 9)
SOURCE = Path(__file__).with_name("published.csv")


@dataclass(frozen=True)
class Row:
    """One row of a published table.

    Attributes:
        table: 1, 2 or 9.
        setting: form of the true base respiration.
        method: name of the row.
        encoder: "mlp", "linear" or "kan".
        layers: of the encoder.
        constraint: "none" (the network predicts Reco itself), "softplus" or "relu".
        values: r2_obs, r2_latent, kl and each with ``_sd``; nan where not published.
        minutes_v100: published time of one run; nan where not published.
        lr_nominal: learning rate of the settings table, which had no effect.
        weight_decay, entropy, l1, smooth, violation: weights in the loss.
        grid: intervals of the splines, 0 without splines.
    """

    table: int
    setting: Setting
    method: str
    encoder: str
    layers: int
    constraint: str
    values: dict[str, float]
    minutes_v100: float
    lr_nominal: float
    weight_decay: float
    entropy: float
    l1: float
    smooth: float
    violation: float
    grid: int

    @property
    def slug(self) -> str:
        """Name of the row in file names."""
        return f"table{self.table}-" + self.method.lower().replace(" ", "-")

    @property
    def title(self) -> str:
        """Name of the row in messages."""
        return f"table {self.table}, {self.method}"

    @property
    def plain(self) -> bool:
        """Whether the row has no process model, and so no latent."""
        return self.constraint == "none"


@lru_cache
def rows(table: int) -> tuple[Row, ...]:
    """Return the rows of a published table, in its order."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        found = [_row(line) for line in csv.DictReader(file)]
    return tuple(row for row in found if row.table == table)


def _row(line: dict[str, str]) -> Row:
    names = [name for name in line if name.startswith(("r2_", "kl"))]
    weights = ("weight_decay", "entropy", "l1", "smooth", "violation")
    return Row(
        table=int(line["table"]),
        setting="linear" if line["setting"] == "linear" else "abs",
        method=line["method"],
        encoder=line["encoder"],
        layers=int(line["layers"]),
        constraint=line["constraint"],
        values={name: float(line[name] or "nan") for name in names},
        minutes_v100=float(line["minutes_v100"] or "nan"),
        lr_nominal=float(line["lr_nominal"]),
        grid=int(line["grid"] or 0),
        **{name: float(line[name] or 0) for name in weights},
    )
