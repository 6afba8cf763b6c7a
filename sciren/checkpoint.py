"""Trained models as two files, safetensors and JSON; loading runs no code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sciren.comparison import ResidualScale
from sciren.constraints import Constraint, Sigmoid, constraint_named
from sciren.decoders.base import Decoder
from sciren.decoders.process import IdentityDecoder
from sciren.decoders.registry import BUILT_IN, decoder_named
from sciren.encoders.registry import build_encoder
from sciren.errors import FormatError, SciRenError
from sciren.model import ScIReN

FORMAT = "sciren model 1"
TENSORS, SETTINGS = "model.safetensors", "model.json"


def save_model(model: ScIReN, folder: str | Path) -> None:
    """Write ``model.safetensors`` and ``model.json`` into a folder.

    A process model of the user's own is stored by name only; `load_model` then needs it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    compared = model.residual_scale
    if compared is not None:
        tensors |= {
            "comparison.sd": compared.sd.cpu(),
            "comparison.offset": compared.offset.cpu(),
        }
    hidden = folder / f".{TENSORS}.part"
    save_file(tensors, hidden)
    hidden.replace(folder / TENSORS)
    text = json.dumps(_settings(model), indent=1)
    hidden = folder / f".{SETTINGS}.part"
    hidden.write_text(text + "\n", encoding="utf-8")
    hidden.replace(folder / SETTINGS)


def _settings(model: ScIReN) -> dict[str, Any]:
    decoder, compared = model.decoder, model.residual_scale
    kind = "plain" if model.plain else "own"
    if type(decoder) in BUILT_IN.values():
        kind = "built in"
    return {
        "format": FORMAT,
        "encoder": {"kind": model.encoder.kind, "settings": model.encoder.settings()},
        "constraints": [_constraint(one) for one in model.constraints],
        "decoder": {"kind": kind, "name": decoder.name, "settings": decoder.settings()},
        "latents": list(model.latent_names),
        "targets": list(model.target_names),
        "features": list(model.feature_names),
        "scaling": model.scaling_kind,
        "residual": None if compared is None else compared.kind,
        "violation": model.violation_weight,
        "noise": model.noise,
    }


def _constraint(one: Constraint) -> dict[str, Any]:
    extra = {"temperature": one.temperature} if isinstance(one, Sigmoid) else {}
    return {"name": one.name} | extra


def load_model(folder: str | Path, decoder: Decoder | None = None) -> ScIReN:
    """Read a stored model.

    Args:
        folder: where `save_model` wrote it.
        decoder: the process model, needed when it is the user's own.
    Raises:
        FormatError: a file is missing or cannot be read, or the decoder is needed or
            does not have the stored latents.
    """
    folder = Path(folder)
    try:
        stored = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        tensors = load_file(folder / TENSORS)
    except (OSError, ValueError, SafetensorError) as error:
        raise FormatError(f"model in {folder} cannot be read: {error}") from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise FormatError(f"{folder / SETTINGS} is no model file of format {FORMAT!r}")
    try:
        return _rebuilt(stored, tensors, decoder)
    except (KeyError, TypeError, RuntimeError, SciRenError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"model in {folder} cannot be rebuilt: {error}") from error


def _rebuilt(
    stored: Mapping[str, Any], tensors: dict[str, torch.Tensor], decoder: Decoder | None
) -> ScIReN:
    encoder = build_encoder(stored["encoder"]["kind"], stored["encoder"]["settings"])
    found = _decoder(stored, decoder)
    given = {name: stored["constraints"][k] for k, name in enumerate(stored["latents"])}
    if list(found.latent_names) != stored["latents"]:
        raise FormatError(
            f"decoder {found.name!r} has latents {list(found.latent_names)}, the stored "
            f"model has {stored['latents']}; give the decoder it was trained with"
        )
    model = ScIReN(encoder, {n: _read_constraint(c) for n, c in given.items()}, found)
    model.plain = stored["decoder"]["kind"] == "plain"
    sd, offset = (tensors.pop(f"comparison.{key}", None) for key in ("sd", "offset"))
    if stored["residual"] is not None and sd is not None and offset is not None:
        model.residual_scale = ResidualScale(stored["residual"], sd, offset)
    model.load_state_dict(tensors)
    model.feature_names = tuple(stored["features"])
    model.scaling_kind = stored["scaling"]
    model.violation_weight = float(stored["violation"])
    model.noise = str(stored["noise"])
    return model


def _decoder(stored: Mapping[str, Any], given: Decoder | None) -> Decoder:
    known = stored["decoder"]
    if given is not None:
        return given
    if known["kind"] == "plain":
        return IdentityDecoder(stored["targets"])
    if known["kind"] == "built in":
        return decoder_named(known["name"], **known["settings"])
    raise FormatError(
        f"the model uses the process model {known['name']!r} of your own, and loading "
        "runs no code of a stored file; pass decoder=..."
    )


def _read_constraint(stored: Mapping[str, Any]) -> Constraint:
    if stored["name"] == "sigmoid":
        return Sigmoid(float(stored["temperature"]))
    return constraint_named(stored["name"])
