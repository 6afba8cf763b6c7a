"""What every group of settings has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Base of every group of settings."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, validate_default=True
    )


def named(value: Any) -> Any:
    """Complete a bare name of something that may have settings."""
    return {"name": value} if isinstance(value, str) else value
