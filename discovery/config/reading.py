"""How a table is written: separators, head lines, time stamps, gaps, ids, known formats."""

import codecs
import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from discovery.config.base import Settings
from sciren.data.zones import zone_named

Format = Literal["fluxnet", "reddyproc"]


def _listed(value: Any) -> Any:
    """One value is a list of one."""
    return [value] if isinstance(value, str | int | float) else value


def _daily(value: Any) -> Any:
    """``true`` asks for the usual share of a day."""
    return {True: 0.8, False: None}[value] if isinstance(value, bool) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Marks = Annotated[tuple[float | str, ...], BeforeValidator(_listed)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_listed)]


class ReadingSettings(Settings):
    """How the cells of a file become numbers, dates, ids and gaps.

    The same keys stand under ``data:`` of a configuration and in `read_table`.
    """

    format: Format | None = Field(
        default=None,
        description="fluxnet (FLUXNET2015, AmeriFlux, ICOS) or reddyproc: stamps, gaps, "
        "flags and units as these networks write them",
    )
    separator: str | None = Field(
        default=None, description='between cells, such as ";" or "\\t"; default ","'
    )
    decimal: Literal[".", ","] = Field(
        default=".", description="decimal point of the numbers"
    )
    thousands: Literal[",", ".", "'", " ", "_"] | None = Field(
        default=None, description="mark between thousands"
    )
    sheet: str | None = Field(
        default=None, description="of an Excel file, where several hold cells"
    )
    encoding: str | None = Field(
        default=None, description="of the text; default UTF-8, or what its mark says"
    )
    header: int | None = Field(
        default=None, ge=0, description="line that names the columns, the first is 0"
    )
    units_row: int | None = Field(
        default=None, ge=0, description="line that holds the units, the first is 0"
    )
    comment: str | None = Field(
        default="#", min_length=1, description="lines that begin so are skipped"
    )
    time_format: str | None = Field(
        default=None, description='of the time stamps, such as "%d.%m.%Y %H:%M"'
    )
    clock: str | None = Field(
        default=None,
        description="column of the time of day, where the time column holds days alone",
    )
    timezone: str | None = Field(
        default=None,
        description="clock of the time column for stamps with an offset, such as "
        '"+01:00" or Europe/Zurich',
    )
    missing: Marks | None = Field(
        default=None,
        description='numbers or words that mark gaps, such as [-9999, "--"]',
    )
    not_missing: Numbers = Field(
        default=(), description="numbers that look like gap markers and are data"
    )
    ids: Texts = Field(default=(), description="columns whose text is kept as written")
    quality: int | None = Field(
        default=None,
        ge=0,
        le=3,
        description="highest quality flag that is kept with a format; default 1: "
        "measured, or filled with confidence",
    )
    daily: Annotated[float | None, BeforeValidator(_daily)] = Field(
        default=None,
        gt=0,
        le=1,
        description="with a format: means of days that have at least this share of "
        "their values; true is 0.8",
    )

    @field_validator("separator")
    @classmethod
    def _one_character(cls, text: str | None) -> str | None:
        # Words, because a tab is hard to write and to see in YAML.
        named = {"tab": "\t", "space": " ", "comma": ",", "semicolon": ";"}
        text = named.get(text or "", text)
        if text is not None and len(text) != 1:
            raise ValueError("write one character; a blank stands for any white space")
        return text

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        try:
            return name if name is None else codecs.lookup(name).name
        except LookupError as error:
            raise ValueError("write utf-8, utf-16, cp1252 or latin-1") from error

    @field_validator("time_format")
    @classmethod
    def _readable_format(cls, layout: str | None) -> str | None:
        # Written and read back: the one test that a format can be parsed at all.
        day = dt.datetime(2013, 1, 31, 7, 15, tzinfo=dt.UTC)  # for %z
        try:
            if layout is not None:
                dt.datetime.strptime(day.strftime(layout), layout)
        except ValueError as error:
            raise ValueError(
                'write a format such as "%d.%m.%Y %H:%M" for 31.01.2013 07:15'
            ) from error
        if layout is not None and "%" not in layout:
            raise ValueError(
                'write a format such as "%d.%m.%Y %H:%M" for 31.01.2013 07:15'
            )
        return layout

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None:
            zone_named(name)
        return name

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        # With decimal comma the default separator is taken too.
        if self.decimal == (self.separator or ",") and self.format is None:
            raise ValueError(
                f"decimal and separator are both {self.decimal!r}; name the character "
                'between the cells, such as separator: ";"'
            )
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        if self.header is not None and self.header == self.units_row:
            raise ValueError("header and units_row are the same line")
        if self.format is None and (self.quality is not None or self.daily is not None):
            raise ValueError("quality and daily need a format: fluxnet or reddyproc")
        return self

    def completed(self) -> Self:
        """Return the settings with the keys that a known format fixes."""
        if self.format is None:
            return self
        changes: dict[str, Any] = {}
        if self.missing is None:
            # The code for a gap of all these networks; a user's own list stands in its
            # place.
            changes["missing"] = (-9999.0,)
        if self.format == "reddyproc":
            changes["separator"] = self.separator or "\t"
            if self.header is None:
                # Names in the first line, units in the second.
                changes |= {"header": 0, "units_row": 1}
        return self.model_copy(update=changes)

    def reading(self) -> dict[str, Any]:
        """Return the keys of reading alone, as `read_table` takes them."""
        return {name: getattr(self, name) for name in ReadingSettings.model_fields}
