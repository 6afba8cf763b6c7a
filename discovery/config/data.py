"""Settings of the observations: where they are, how they are written, what columns mean."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from discovery.config.base import Settings, named
from discovery.config.reading import ReadingSettings


def _texts(value: Any) -> Any:
    """One text, or several."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Texts = Annotated[tuple[str, ...], BeforeValidator(_texts), Field(min_length=1)]


class DatasetSettings(Settings):
    """A data set that the package brings with it, in place of a file."""

    name: Literal["respiration", "soil-carbon"]
    settings: dict[str, Any] = Field(
        default_factory=dict, description="arguments of its generator"
    )


class DataSettings(ReadingSettings):
    """Where the observations are and what their columns mean."""

    path: Path | None = Field(
        default=None, description="csv, csv.gz, Excel, parquet, NetCDF or Zarr"
    )
    dataset: Annotated[DatasetSettings | None, BeforeValidator(named)] = Field(
        default=None, description="embedded data set, in place of path"
    )
    time: str | None = Field(
        default=None,
        description="column of time stamps; the time of day may stand in another, clock",
    )
    rows: str | None = Field(
        default=None,
        description='filter of the rows, such as "sw_in == 0 and nee == nee"',
    )
    only: dict[str, Texts] = Field(
        default_factory=dict,
        description="column: text, or texts, of the rows to keep, such as site: DE-Tha",
    )
    groups: str | None = Field(
        default=None, description="column of sites; blocks are then sites"
    )
    weights: str | None = Field(default=None, description="column of row weights")
    sample: int | None = Field(
        default=None,
        ge=1000,
        description="of a Parquet, NetCDF or Zarr table that is larger than memory: rows "
        "that are drawn to choose, explain and judge; the network is solved on all",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.dataset is None):
            raise ValueError(
                "name the file of the observations as path (or an embedded data set "
                "as dataset), not both"
            )
        return self

    @model_validator(mode="after")
    def _in_parts(self) -> Self:
        if self.sample is None:
            return self
        if self.path is None:
            raise ValueError("sample is for files; embedded data fit into memory")
        whole = [key for key in ("format", "clock", "daily") if getattr(self, key)]
        if whole:
            raise ValueError(
                f"sample and {whole[0]} do not go together: {whole[0]} needs neighbouring "
                "rows, of which a sample has only some; convert the table first"
            )
        return self

    @property
    def source(self) -> str:
        """The file, or the embedded data set, for messages."""
        if self.dataset is None:
            return str(self.path)
        given = ", ".join(f"{k}={v}" for k, v in self.dataset.settings.items())
        return f"embedded data set {self.dataset.name}({given})"
