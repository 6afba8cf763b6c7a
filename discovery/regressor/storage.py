"""Files of a fitted estimator: a folder of JSON and arrays, read without running code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.runs.checkpoints import exact
from discovery.runs.files import UNPACKING, plain, read_json, write_text
from discovery.runs.folder import Kind, check_free, run_folder
from sciren.bounded import damage_told
from sciren.errors import ConfigError, DataError

if TYPE_CHECKING:
    from sciren.data import Table
    from sciren.decoders import Decoder

ESTIMATOR, ROWS = "estimator.json", "rows.npz"
KIND = Kind(
    "saved estimator",
    lambda folder: (folder / ESTIMATOR).is_file(),
    replace="overwrite=True",
)
_HISTORY = (
    "engine", "reason", "rows", "selection", "edges", "ladder", "profiles",
    "concurvity", "messages",
)  # fmt: skip
_FITTED = (
    "n_features_in_", "_one_target", "_forcing_columns", "_feature_columns",
    "_target_columns", "_seed",
)  # fmt: skip


def save_estimator(estimator: Any, folder: str | Path, overwrite: bool = False) -> Path:
    """Write a fitted estimator into a folder, whole or not at all; return its path.

    Args:
        estimator: fitted.
        folder: it is made.
        overwrite: whether an estimator that is there may be replaced.
    Raises:
        ConfigError: something stands there, or a parameter has no plain form.
    """
    from sciren.checkpoint import save_model
    from sciren.data.kinds import kinds_to_json

    out = Path(folder)
    check_free(out, overwrite, KIND)
    history = estimator.history_
    record = {
        "parameters": {
            name: _written(name, value)
            for name, value in estimator.get_params(deep=False).items()
        },
        "fitted": {name: plain(getattr(estimator, name)) for name in _FITTED},
        "names": list(getattr(estimator, "feature_names_in_", ())),
        "kinds": kinds_to_json(estimator._kinds),
        "training": estimator._training.record(),
        "history": {name: getattr(history, name) for name in _HISTORY},
        "columns": _columns(estimator._train),
    }
    with run_folder(out, overwrite, KIND) as hidden:
        save_model(estimator.model_, hidden)
        text = json.dumps(exact(record), indent=1, ensure_ascii=False)
        write_text(hidden / ESTIMATOR, text + "\n")
        parts = {"train": estimator._train, "valid": estimator._valid}
        arrays = {
            f"{part}/{name}": values
            for part, table in parts.items()
            for name, values in _arrays(table).items()
        }
        # Without pickle an array file holds numbers only; reading it runs nothing.
        np.savez_compressed(hidden / ROWS, allow_pickle=False, **arrays)
    return out


def load_estimator(
    kind: Any, folder: str | Path, decoder: "Decoder | None" = None
) -> Any:
    """Read what `save_estimator` wrote; nothing in it is executed.

    Args:
        kind: class of the estimator.
        folder: of the estimator.
        decoder: process model, where it is a function of the user's own.
    Raises:
        DataError: it is no estimator, or cannot be read.
        FormatError: the process model is one's own and was not given.
    """
    from discovery.runs.training import Training
    from sciren.checkpoint import load_model
    from sciren.data.kinds import kinds_from_json
    from sciren.training.history import History

    place = Path(folder)
    record = read_json(place / ESTIMATOR)
    what = f"{place}: is not as ScIReNRegressor.save writes it"
    # Any other error of reading means a damaged or foreign file, and is told as that.
    with damage_told(DataError, what, "save it again", also=UNPACKING):
        parameters = {n: _read(value) for n, value in record["parameters"].items()}
        model = load_model(place, decoder)
        if parameters["decoder"] is not None and decoder is not None:
            parameters["decoder"] = decoder
        # Through the constructor, as scikit-learn's clone and get_params expect it.
        estimator = kind(**parameters)
        for name, value in record["fitted"].items():
            setattr(estimator, name, value)
        estimator._target_columns = tuple(estimator._target_columns)
        if record["names"]:
            names = np.array(record["names"], dtype=object)
            # Only there where names were given: scikit-learn tells both cases by it.
            vars(estimator)["feature_names_in_"] = names
        estimator._kinds = dict(kinds_from_json(record["kinds"]))
        with np.load(place / ROWS, allow_pickle=False) as arrays:
            estimator._train, estimator._valid = (
                _table(record["columns"], _part(arrays, part), estimator._kinds)
                for part in ("train", "valid")
            )
        # Equations are found when they are first asked for, from the network and its rows.
        estimator.model_, estimator._discovery = model, None
        estimator.history_ = History(**record["history"])
        estimator._training = Training.from_record(model, record["training"])
    return estimator


def _written(name: str, value: Any) -> Any:
    """Return a parameter of the estimator as plain data; mappings become pairs."""
    from sciren.decoders import Decoder
    from sciren.training import TrainConfig

    if isinstance(value, TrainConfig):
        value = value.model_dump(exclude_unset=True)
    if isinstance(value, Decoder):
        return value.name  # only a name to read; `load` is given the model itself
    # JSON turns keys into texts; pairs keep positions of columns as numbers.
    if isinstance(value, Mapping):
        return {"pairs": [[key, _written(name, entry)] for key, entry in value.items()]}
    if isinstance(value, list | tuple):
        return [_written(name, entry) for entry in value]
    if isinstance(value, np.random.RandomState | np.random.Generator):
        return None  # the seed that was drawn from it is kept
    try:
        return plain(value)
    except TypeError as error:
        raise ConfigError(
            f"{name}={value!r} has no plain form, so the estimator cannot be saved; use "
            "pickle or joblib where you trust the file"
        ) from error


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _read(entry) for key, entry in value["pairs"]}
    return [_read(entry) for entry in value] if isinstance(value, list) else value


def _columns(table: "Table") -> dict[str, Any]:
    return {
        "features": list(table.feature_names),
        "targets": list(table.target_names),
        "forcing columns": dict(table.forcing_columns),
        "target columns": dict(table.target_columns),
        "units": dict(table.units),
    }


def _arrays(table: "Table") -> dict[str, np.ndarray]:
    """Return the parts of a table with one entry a row."""
    parts = {
        "features": table.features.numpy(),
        "targets": table.targets.numpy(),
        "blocks": table.blocks.numpy(),
        "row_ids": table.row_ids,
    }
    if table.weights is not None:
        parts["weights"] = table.weights.numpy()
    return parts | {f"forcing {n}": part.numpy() for n, part in table.forcings.items()}


def _part(arrays: Any, part: str) -> dict[str, np.ndarray]:
    start = f"{part}/"
    return {
        n.removeprefix(start): arrays[n] for n in arrays.files if n.startswith(start)
    }


def _table(
    columns: dict[str, Any], arrays: dict[str, np.ndarray], kinds: dict[str, Any]
) -> "Table":
    import torch

    from sciren.data import Table

    names = tuple(columns["features"])
    weights = arrays.get("weights")
    return Table(
        features=torch.tensor(arrays["features"]),
        forcings={
            n.removeprefix("forcing "): torch.tensor(values)
            for n, values in arrays.items()
            if n.startswith("forcing ")
        },
        targets=torch.tensor(arrays["targets"]),
        feature_names=names,
        target_names=tuple(columns["targets"]),
        forcing_columns=columns["forcing columns"],
        target_columns=columns["target columns"],
        units=columns["units"],
        weights=None if weights is None else torch.tensor(weights),
        blocks=torch.tensor(arrays["blocks"]),
        row_ids=arrays["row_ids"],
        kinds={name: kind for name, kind in kinds.items() if name in names},
    )
