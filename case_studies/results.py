"""Results of finished models, kept in folders and used again while they hold."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def kept(folder: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the result in a folder, if it is there and was made with this key."""
    try:
        found = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = isinstance(found, dict) and found.get("key") == key
    return found if same else None
