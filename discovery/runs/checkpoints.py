"""Finished stages of a run on disk, so that an interrupted run goes on where it stopped.

What a stage finds is written and then read back before it is used: an interrupted run and
an uninterrupted one therefore go on with the same numbers.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.runs.files import file_hash, plain, read_json, write_json, write_text
from sciren.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from sciren.decoders import Decoder
    from sciren.model import ScIReN
    from sciren.training import TrainConfig
    from symbolic.model.symbolic_model import SymbolicModel

EQUATIONS = "equations.json"
HASHES = ".hashes.json"
MODEL, TRAINING, STATE = "model", "training", "training_state"


class Checkpoints:
    """The results of finished stages in a folder.

    Args:
        folder: it is made; None keeps nothing, and every stage is computed.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def data(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return the plain result of a stage: mappings, lists, texts, numbers (also nan).

        Args:
            name: of the stage, and of its file.
            compute: called where the stage is not finished.
        """
        if self.folder is None:
            return compute()
        file = self.folder / f"{name}.json"
        # Written, then hashed, then read back: a file without its hash was cut off and
        # counts as not done; reading back makes both ways of getting here equal to the
        # last digit.
        if not self.finished(file):
            text = json.dumps(exact(compute()), indent=1, ensure_ascii=False)
            write_text(file, text + "\n")
            self.record(file)
        return read_json(file)

    def finished(self, place: Path) -> bool:
        """Whether a file or folder is whole: it was written, and its hash after it.

        Raises:
            DataError: it was altered since.
        """
        if not place.exists() or place.name not in self._hashes():
            return False
        if file_hash(place) != self._hashes()[place.name]:
            raise DataError(
                f"{place}: was changed since the interrupted run wrote it; start again "
                "without --resume"
            )
        return True

    def record(self, place: Path) -> None:
        """Keep the hash of a file or folder that is whole."""
        write_json(
            place.with_name(HASHES), self._hashes() | {place.name: file_hash(place)}
        )

    def _hashes(self) -> dict[str, str]:
        assert self.folder is not None
        file = self.folder / HASHES
        return read_json(file) if file.is_file() else {}

    def model(
        self, decoder: "Decoder", compute: Callable[[], "tuple[ScIReN, Any]"]
    ) -> "tuple[ScIReN, Any]":
        """Return the trained model and the plain record of its training.

        Args:
            decoder: process model that the stored model gets.
            compute: trains; called where the training is not finished.
        """
        from sciren.checkpoint import load_model, save_model

        if self.folder is None:
            return compute()
        place = self.folder / MODEL

        def trained() -> Any:
            model, record = compute()
            save_model(model, place)
            self.record(place)
            return record

        # The record is written after the model, so a finished record implies a whole
        # model.
        record = self.data(TRAINING, trained)
        # Called for its error: a network that was altered since is refused.
        self.finished(place)
        return load_model(place, decoder), record

    def equations(self, compute: Callable[[], "SymbolicModel"]) -> "SymbolicModel":
        """Return the verified equations."""
        from symbolic import SymbolicModel

        if self.folder is None:
            return compute()
        file = self.folder / EQUATIONS
        if not self.finished(file):
            compute().save(file)
            self.record(file)
        return SymbolicModel.load(file)

    def during_training(self, config: "TrainConfig", part: str = "") -> "TrainConfig":
        """Return the settings of a training that keeps its own state while it lasts.

        Gradient steps go on in the middle; the Gauss-Newton engine starts again.

        Args:
            config: its settings; a folder that they name already stays.
            part: of the trainings of a run.
        """
        if self.folder is None or config.checkpoint is not None:
            return config
        return config.replace(checkpoint=str(self.folder / STATE / part))

    def forget_training(self) -> None:
        """Remove the states of trainings that are finished."""
        if self.folder is not None:
            shutil.rmtree(self.folder / STATE, ignore_errors=True)


def exact(value: Any) -> Any:
    """Return plain data for JSON in which numbers that are not finite stay."""
    if isinstance(value, dict):
        return {str(key): exact(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [exact(entry) for entry in value]
    # Python's JSON writes nan and infinity as words that it also reads; `plain` would
    # turn them into null.
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind == "f":
        return value.tolist()
    return value if isinstance(value, float) else plain(value)


def frame_record(frame: "pd.DataFrame") -> dict[str, Any]:
    """Return a table as plain data."""
    rows = frame.astype(object).to_numpy().tolist()
    return {"columns": list(map(str, frame.columns)), "rows": rows}


def frame_of(record: dict[str, Any]) -> "pd.DataFrame":
    """Return the table of a record."""
    import pandas as pd

    return pd.DataFrame(record["rows"], columns=record["columns"])
