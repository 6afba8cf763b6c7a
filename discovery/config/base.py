"""What every group of settings has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Base of every group of settings."""

    # Unknown keys are errors, since a misspelt one would silently keep its default;
    # numbers become text where a name is asked for, because a column may be called
    # 2007; defaults are validated like anything a user writes.
    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, validate_default=True
    )


def named(value: Any) -> Any:
    """Complete a bare name of something that may have settings."""
    return {"name": value} if isinstance(value, str) else value
