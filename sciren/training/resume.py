"""Trainings that were interrupted go on where they stopped, bit for bit.

A checkpoint is a JSON file that names a safetensors file; the JSON file is written last
and replaced as a whole, so there is always one complete checkpoint. Loading runs no code.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from sciren.bounded import MOST_TENSORS, damage_told, parse_json, read_bounded
from sciren.data.table import Table
from sciren.errors import FormatError, TrainingError
from sciren.training.config import TrainConfig

FORMAT = "sciren training 1"

# Settings that do not change what is computed.
PASSIVE = {"checkpoint", "checkpoint_seconds", "share_rows"}


@dataclass
class Checkpoint:
    """One training's place on disk.

    Args:
        folder: made when the first checkpoint is written.
        name: of the training inside the folder.
        identity: what the training depends on, see `identity`.
        seconds: least time between two checkpoints.
    """

    folder: Path
    name: str
    identity: Mapping[str, Any]
    seconds: float = 0.0
    _saved: float = field(default_factory=time.monotonic)
    _serial: int = 0

    @property
    def path(self) -> Path:
        """The file that says whether there is a checkpoint."""
        return self.folder / f"{self.name}.json"

    def due(self) -> bool:
        """Whether the last checkpoint is old enough for another one."""
        return time.monotonic() - self._saved >= self.seconds

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write a checkpoint in place of the last one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        old = sorted(self.folder.glob(f"{self.name}-*.safetensors"))
        self._serial += 1
        names = {file.name for file in old}
        # Never a name that exists: an interruption while writing must not hit the tensors
        # of the checkpoint that is still valid.
        while self._tensor_name() in names:
            self._serial += 1
        content = save(
            {key: value.cpu().contiguous() for key, value in tensors.items()}
        )
        record = {
            "format": FORMAT,
            "tensors": self._tensor_name(),
            "checksum": hashlib.sha256(content).hexdigest(),
            "identity": dict(self.identity),
            "state": dict(state),
        }
        # Tensors first: the JSON file is what makes a checkpoint, and it names them.
        _write(self.folder / self._tensor_name(), content)
        _write(self.path, (json.dumps(record, indent=1) + "\n").encode())
        # The old tensors go last: until the JSON file was replaced they were the
        # checkpoint.
        for file in old:
            file.unlink(missing_ok=True)
        self._saved = time.monotonic()

    def _tensor_name(self) -> str:
        return f"{self.name}-{self._serial}.safetensors"

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return tensors and state of the last checkpoint, or None if there is none.

        Raises:
            FormatError: the files cannot be read or do not belong together.
            TrainingError: they belong to a training with other settings, data or start.
        """
        if not self.path.exists():
            return None
        what = f"checkpoint {self.path} cannot be read"
        remedy = f"Remove {self.folder} to train from the start"
        with damage_told(FormatError, what, remedy, also=(OSError, SafetensorError)):
            record = parse_json(read_bounded(self.path))
            if record["format"] != FORMAT:
                raise FormatError(f"{self.path} is no checkpoint of format {FORMAT!r}")
            # Only the name: a path in an altered file must not lead out of the folder.
            content = read_bounded(
                self.folder / Path(record["tensors"]).name, MOST_TENSORS
            )
            if hashlib.sha256(content).hexdigest() != record["checksum"]:
                raise FormatError(
                    f"checkpoint {self.path} does not match its tensors; a file was "
                    f"altered. Remove {self.folder} to train from the start"
                )
            tensors, state = load(content), dict(record["state"])
            stored = dict(record["identity"])
        self._check(stored)
        return tensors, state

    def _check(self, stored: Mapping[str, Any]) -> None:
        # Through JSON and back, so that tuples compare equal to the lists that were stored.
        wanted = json.loads(json.dumps(dict(self.identity)))
        for part, meaning in MEANINGS.items():
            if stored.get(part) != wanted[part]:
                detail = ""
                if part == "settings":
                    detail = _difference(stored.get(part), wanted[part])
                raise TrainingError(
                    f"checkpoint {self.path} belongs to a training with other {meaning}"
                    f"{detail}. Train as it was begun, or remove {self.folder} to start "
                    "again"
                )


MEANINGS = {"settings": "settings", "data": "data", "start": "shapes or start values"}


def _difference(stored: Any, wanted: list[dict[str, Any]]) -> str:
    """Name the first setting that differs."""
    if not isinstance(stored, list):
        return ""
    if len(stored) != len(wanted):
        return f" ({len(stored)} members there, {len(wanted)} here)"
    for there, here in zip(stored, wanted, strict=True):
        keys = [key for key in here if there.get(key) != here[key]]
        if keys:
            return f" ({keys[0]} {there.get(keys[0])!r} there, {here[keys[0]]!r} here)"
    return ""


def _write(path: Path, content: bytes) -> None:
    # A rename within a folder replaces a file as a whole, or not at all.
    hidden = path.with_name(f".{path.name}.part")
    hidden.write_bytes(content)
    hidden.replace(path)


def hash_tensors(*tensors: Tensor | None) -> str:
    """Return a hash over shapes, types and numbers."""
    digest = hashlib.sha256()
    for tensor in tensors:
        if tensor is None:
            digest.update(b"none")
            continue
        digest.update(f"{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def hash_table(table: Table) -> str:
    """Return a hash over the numbers of a table that training reads."""
    named = [table.forcings[name] for name in sorted(table.forcings)]
    return hash_tensors(table.features, table.targets, table.weights, *named)


def read_settings(config: TrainConfig, unread: set[str]) -> dict[str, Any]:
    """Return the settings that change what is computed."""
    return config.model_dump(mode="json", exclude=unread | PASSIVE)
