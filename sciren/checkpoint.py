"""Trained models as two files, safetensors and JSON; loading runs no code."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from sciren.bounded import (
    MOST_TENSORS,
    check_encoder_size,
    damage_told,
    parse_json,
    read_bounded,
)
from sciren.comparison import Residual, ResidualScale
from sciren.constraints import Constraint, Sigmoid, constraint_named
from sciren.data.kinds import kinds_from_json, kinds_to_json
from sciren.data.scaling import ScalingKind
from sciren.decoders.base import Decoder
from sciren.decoders.process import IdentityDecoder
from sciren.decoders.registry import decoder_named, is_built_in
from sciren.encoders.registry import build_encoder
from sciren.errors import FormatError
from sciren.inference.noise import NoiseLaw
from sciren.model import ScIReN

FORMAT = "sciren model 1"
TENSORS, SETTINGS = "model.safetensors", "model.json"
CHOICES = {
    "residual": (*get_args(Residual), None),
    "scaling": get_args(ScalingKind),
    "noise": ("constant", "proportional"),
}


def save_model(model: ScIReN, folder: str | Path) -> None:
    """Write ``model.safetensors`` and ``model.json`` into a folder.

    A process model of the user's own is stored by name only; `load_model` then needs it.
    The settings hold a checksum over both files.
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
    stored, settings = save(tensors), _settings(model)
    settings["checksum"] = _checksum(settings, stored)
    text = json.dumps(settings, indent=1) + "\n"
    # Written beside and renamed: a file is there as a whole or not at all.
    for name, content in ((TENSORS, stored), (SETTINGS, text.encode())):
        hidden = folder / f".{name}.part"
        hidden.write_bytes(content)
        hidden.replace(folder / name)


def _checksum(settings: Mapping[str, Any], tensors: bytes) -> str:
    plain = {key: value for key, value in settings.items() if key != "checksum"}
    # Sorted keys: the order of a mapping is no content.
    text = json.dumps(plain, sort_keys=True)
    digest = hashlib.sha256(text.encode())
    digest.update(tensors)
    return digest.hexdigest()


def _settings(model: ScIReN) -> dict[str, Any]:
    decoder, compared = model.decoder, model.residual_scale
    kind = "plain" if model.plain else "own"
    if is_built_in(decoder):
        kind = "built in"
    elif isinstance(decoder, IdentityDecoder) and not model.plain:
        kind = "identity"  # plain regression whose targets were named beforehand
    return {
        "format": FORMAT,
        "encoder": {"kind": model.encoder.kind, "settings": model.encoder.settings()},
        "constraints": [_constraint(constraint) for constraint in model.constraints],
        "decoder": {"kind": kind, "name": decoder.name, "settings": decoder.settings()},
        "latents": list(model.latent_names),
        "constants": list(decoder.constant_names),
        "targets": list(model.target_names),
        "features": list(model.feature_names),
        "scaling": model.scaling_kind,
        "kinds": kinds_to_json(model.kinds),
        "residual": None if compared is None else compared.kind,
        "violation": model.violation_weight,
        "noise": model.noise,
        "noise law": model.noise_law,
    }


def _constraint(constraint: Constraint) -> dict[str, Any]:
    extra = (
        {"temperature": constraint.temperature}
        if isinstance(constraint, Sigmoid)
        else {}
    )
    return {"name": constraint.name} | extra


def load_model(folder: str | Path, decoder: Decoder | None = None) -> ScIReN:
    """Read a stored model.

    Args:
        folder: where `save_model` wrote it.
        decoder: the process model, needed when it is the user's own.
    Raises:
        FormatError: a file is missing, cannot be read or was altered, or the decoder is
            needed or does not have the stored latents, constants and targets.
    """
    folder = Path(folder)
    try:
        stored = parse_json(read_bounded(folder / SETTINGS))
        content = read_bounded(folder / TENSORS, MOST_TENSORS)
        tensors = load(content)
    except (OSError, ValueError, SafetensorError) as error:
        raise FormatError(f"model in {folder} cannot be read: {error}") from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise FormatError(f"{folder / SETTINGS} is no model file of format {FORMAT!r}")
    if stored.get("checksum") != _checksum(stored, content):
        raise FormatError(
            f"model in {folder} does not match its checksum: a file was altered, or the "
            f"two files belong to different models. Store it again with save_model"
        )
    what = f"model in {folder} cannot be rebuilt"
    with damage_told(FormatError, what, passed=FormatError):
        return _rebuilt(stored, tensors, decoder)


def _rebuilt(
    stored: Mapping[str, Any], tensors: dict[str, torch.Tensor], decoder: Decoder | None
) -> ScIReN:
    kind, settings = stored["encoder"]["kind"], stored["encoder"]["settings"]
    # Before anything is built: settings of a few bytes could ask for any memory.
    if kind != "pykan":  # its layers come with their sizes
        numbers = sum(tensor.numel() for tensor in tensors.values())
        check_encoder_size(str(kind), settings, numbers)
    encoder = build_encoder(kind, settings)
    rebuilt = _decoder(stored, decoder)
    given = {name: stored["constraints"][k] for k, name in enumerate(stored["latents"])}
    _check_names(stored, rebuilt)
    model = ScIReN(encoder, {n: _read_constraint(c) for n, c in given.items()}, rebuilt)
    model.plain = stored["decoder"]["kind"] == "plain"
    sd, offset = (tensors.pop(f"comparison.{key}", None) for key in ("sd", "offset"))
    if stored["residual"] is not None and sd is not None and offset is not None:
        model.residual_scale = ResidualScale(stored["residual"], sd, offset)
    # Kinds change the shape of the encoder, so they come before its numbers.
    kinds = kinds_from_json(stored.get("kinds"))
    if kinds:
        model.set_kinds(kinds, stored["features"])
    model.load_state_dict(tensors)
    model.feature_names = tuple(stored["features"])
    model.scaling_kind = stored["scaling"]
    model.violation_weight = float(stored["violation"])
    model.noise = str(stored["noise"])
    law = stored.get("noise law")  # files of older versions have none
    model.noise_law = None if law is None else NoiseLaw.from_json(law).to_json()
    return model


def _check_names(stored: Mapping[str, Any], decoder: Decoder) -> None:
    for part, names in {
        "latents": decoder.latent_names,
        "constants": decoder.constant_names,
        "targets": decoder.targets,
    }.items():
        if list(names) != stored[part]:
            raise FormatError(
                f"decoder {decoder.name!r} has {part} {list(names)}, the stored model "
                f"has {stored[part]}; give the decoder it was trained with"
            )
    for key, known in CHOICES.items():
        if stored[key] not in known:
            raise FormatError(f"stored {key} {stored[key]!r} is none of {list(known)}")


def _decoder(stored: Mapping[str, Any], given: Decoder | None) -> Decoder:
    description = stored["decoder"]
    if given is not None:
        return given
    if description["kind"] in ("plain", "identity"):
        return IdentityDecoder(stored["targets"])
    if description["kind"] == "built in":
        return decoder_named(description["name"], **description["settings"])
    raise FormatError(
        f"the model uses the process model {description['name']!r} of your own, and loading "
        "runs no code of a stored file; pass decoder=..."
    )


def _read_constraint(stored: Mapping[str, Any]) -> Constraint:
    if stored["name"] == "sigmoid":
        return Sigmoid(float(stored["temperature"]))
    return constraint_named(stored["name"])
