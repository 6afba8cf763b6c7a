"""pykan's models and checkpoint files as plain tensors; pykan is not imported."""

import reprlib
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from sciren.bounded import MEBIBYTE, check_nesting, read_bounded
from sciren.errors import FormatError
from sciren.pykan.network import Network, network_from
from sciren.pykan.tensor_file import BROKEN, read_tensors

TAG = "tag:yaml.org,2002:python/"
BASE_CURVES = {
    "silu": nn.functional.silu,
    "identity": nn.Identity(),
    "zero": lambda x: 0 * x,
}


class _Tagged:
    """A Python object that a configuration mentions; it is not rebuilt."""

    def __init__(self, tag: str) -> None:
        self.tag = tag


class _Loader(yaml.SafeLoader):
    """Safe loader that keeps mentions of Python objects as text instead of failing."""


def _mention(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> _Tagged:
    return _Tagged(suffix)


_Loader.add_multi_constructor(TAG, _mention)


def read_pykan(path: str | Path, base: str | None = None) -> Network:
    """Read the files that pykan's ``saveckpt(path)`` wrote, without running their code.

    Args:
        path: as given to pykan, without ``_config.yml`` and ``_state``.
        base: base function ("silu", "identity", "zero") where the file does not say it:
            after ``prune_input`` pykan writes a Python object, which is not loaded.
    Raises:
        FormatError: a file is missing or broken, or holds a network that cannot be
            expressed (see `network_from`).
    """
    config = _configuration(Path(f"{path}_config.yml"))
    state = read_tensors(f"{path}_state")
    stored = config.get("base_fun_name")
    if base is None and not isinstance(stored, str):
        what = stored.tag if isinstance(stored, _Tagged) else reprlib.repr(stored)
        raise FormatError(
            f"{path}_config.yml names its base function as {what}, an object that is not "
            "loaded; say which it is, base='silu' (pykan's default), 'identity' or 'zero'"
        )
    depth = sum(name.endswith(".coef") for name in state)
    try:
        names = [config[f"symbolic.funs_name.{k}"] for k in range(depth)]
        return network_from(
            state,
            names,
            base or str(stored),
            bool(config.get("symbolic_enabled", True)),
        )
    # A FormatError is a ValueError too, and says what is wrong better than the next.
    except FormatError:
        raise
    except BROKEN as error:
        raise FormatError(
            f"{path}_config.yml has no rows of function names: {error!r:.200}"
        ) from error


def _configuration(path: Path) -> dict[str, Any]:
    try:
        text = read_bounded(path, MEBIBYTE).decode("utf-8-sig")
        check_nesting(text)
        loader = _Loader(text)
        config = loader.get_single_data()
    except (OSError, yaml.YAMLError, RecursionError, *BROKEN) as error:
        raise FormatError(f"{path} cannot be read: {error!s:.200}") from error
    if not isinstance(config, dict):
        raise FormatError(f"{path} is no configuration of pykan")
    return config


def read_live(model: Any) -> Network:
    """Take the tensors of a pykan model in memory.

    Raises:
        FormatError: the object is no pykan 0.2 model or cannot be expressed.
    """
    _check_model(model)
    state = model.state_dict()
    names: Any = [layer.funs_name for layer in model.symbolic_fun]
    kept = [int(column) for column in model.input_id]
    # Later pykan steps (prune, refine, copy) reset the kept columns to 0, 1, ...
    kept_features = kept if kept != list(range(len(kept))) else None
    base = _base_of(model.base_fun)
    return network_from(state, names, base, bool(model.symbolic_enabled), kept_features)


def _check_model(model: Any) -> None:
    needed = ("act_fun", "symbolic_fun", "base_fun", "input_id", "symbolic_enabled")
    missing = [name for name in needed if not hasattr(model, name)]
    if missing or not isinstance(model, nn.Module):
        raise FormatError(
            f"a {type(model).__name__} is no pykan 0.2 model"
            + (f" (it has no {', '.join(missing)})" if missing else "")
            + "; give a kan.KAN or the path of its checkpoint"
        )


def _base_of(function: Any) -> str:
    """Name the base function after its values: pykan keeps no name after pruning."""
    x = torch.linspace(-9, 9, 37, dtype=torch.float64)
    with torch.no_grad():
        # Compared on points of both signs: silu and x agree where x is large.
        values: Tensor = torch.as_tensor(function(x))
    for name, curve in BASE_CURVES.items():
        expected = curve(x)
        if values.shape == x.shape and torch.allclose(values.double(), expected):
            return name
    raise FormatError(
        f"base function {function!r} is none of {', '.join(BASE_CURVES)}; only these can "
        "be expressed"
    )
