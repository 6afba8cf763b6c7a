"""to_pykan: an encoder as a pykan model with the same outputs."""

from typing import Any

import torch
from torch import Tensor

from sciren.encoders.base import Encoder
from sciren.encoders.baselines import LinearEncoder
from sciren.encoders.kan import KANEncoder
from sciren.encoders.layer import SplineLayer
from sciren.errors import ConfigError
from sciren.pykan.encoder import KnotLayer, PykanEncoder
from sciren.pykan.quiet import contained, import_pykan
from sciren.splines import ORDER


def to_pykan(
    encoder: Encoder, inside_only: bool = False, dtype: torch.dtype | None = None
) -> Any:
    """Return a ``kan.MultKAN`` (pykan 0.2.8) with the outputs of an encoder.

    It takes scaled features and gives the encoder's outputs: the scaling of a ScIReN
    model and its constraint stay outside. It is made with ``auto_save=False``, so it
    writes no files, and no random state changes.

    Args:
        encoder: `KANEncoder`, `PykanEncoder` or `LinearEncoder`.
        inside_only: accept that the two agree only between the knots (at every layer):
            pykan's splines fall to zero outside, a `KANEncoder` with
            ``outside="linear"`` goes on straight.
        dtype: of the pykan model, default torch's default (single precision, as pykan
            itself has it; numbers are then rounded to it).
    Raises:
        ConfigError: the encoder is no spline network, continues its curves beyond the
            knots, or pykan is not installed.
    """
    layers, base = _layers(encoder, inside_only)
    kan = import_pykan()
    widths = [encoder.n_inputs, *(len(layer["bias"]) for layer in layers)]
    with contained():
        model = kan.MultKAN(
            width=widths,
            grid=[layer["coef"].shape[-1] - layer["order"] for layer in layers],
            k=[layer["order"] for layer in layers],
            base_fun=base,
            affine_trainable=True,
            auto_save=False,
        )
        # pykan's own `to` would take the number type for a device
        torch.nn.Module.to(model, torch.get_default_dtype() if dtype is None else dtype)
    _fill(model, layers)
    for k, layer in enumerate(layers):
        _set_functions(model.symbolic_fun[k], layer["functions"], kan)
    return model


def _layers(encoder: Encoder, inside_only: bool) -> tuple[list[dict[str, Any]], str]:
    match encoder:
        case PykanEncoder():
            return [_knots(layer) for layer in encoder.spline_layers], encoder.base
        case LinearEncoder():
            return [_straight(encoder)], "identity"
        case KANEncoder():
            if encoder.outside == "linear" and not inside_only:
                raise ConfigError(
                    "the encoder continues its curves straight beyond the knots "
                    "(outside='linear'), pykan's fall to zero there; with "
                    "inside_only=True the two agree between the knots only"
                )
            return [_even(layer) for layer in encoder.spline_layers], encoder.base
    raise ConfigError(
        f"a {type(encoder).__name__} is no spline network; give a KANEncoder, "
        "PykanEncoder or LinearEncoder"
    )


def _even(layer: SplineLayer) -> dict[str, Any]:
    steps = torch.arange(-ORDER, layer.intervals + ORDER + 1).to(layer.low)
    step = (layer.high - layer.low) / layer.intervals
    grid = layer.low.unsqueeze(1) + step.unsqueeze(1) * steps
    return _parts(layer, grid, ORDER, ())


def _knots(layer: KnotLayer) -> dict[str, Any]:
    present = [
        (i, j, name, layer.affine[place].detach())
        for place, (i, j, name) in enumerate(layer.functions)
        if layer.mask[i, j] != 0
    ]
    return _parts(layer, layer.knots, layer.order, present)


def _parts(
    layer: SplineLayer | KnotLayer, grid: Tensor, order: int, functions: Any
) -> dict[str, Any]:
    nothing = torch.zeros_like(layer.mask)
    return {
        "grid": grid,
        "order": order,
        "coef": layer.coefficients.detach(),
        "mask": layer.mask,
        "slope": nothing if layer.slope is None else layer.slope.detach(),
        "bias": layer.bias.detach(),
        "functions": functions,
    }


def _straight(encoder: LinearEncoder) -> dict[str, Any]:
    slope = encoder.linear.weight.detach().T
    # Any knots do: all coefficients are zero, and the base x carries the line.
    even = torch.arange(-ORDER - 1, ORDER + 2).to(slope) / 1.0
    return {
        "grid": even.repeat(len(slope), 1),
        "order": ORDER,
        "coef": slope.new_zeros(*slope.shape, ORDER + 2),
        "mask": torch.ones_like(slope),
        "slope": slope,
        "bias": encoder.linear.bias.detach(),
        "functions": (),
    }


def _fill(model: Any, layers: list[dict[str, Any]]) -> None:
    # Into a whole state: strict loading then finds any name that pykan has changed.
    state = model.state_dict()
    for k, layer in enumerate(layers):
        state[f"act_fun.{k}.grid"] = layer["grid"]
        state[f"act_fun.{k}.coef"] = layer["coef"]
        state[f"act_fun.{k}.mask"] = layer["mask"]
        state[f"act_fun.{k}.scale_base"] = layer["slope"]
        state[f"act_fun.{k}.scale_sp"] = torch.ones_like(layer["mask"])
        state[f"node_bias_{k}"] = layer["bias"]
    model.load_state_dict(state, strict=True)


@torch.no_grad()
def _set_functions(symbolic: Any, functions: Any, kan: Any) -> None:
    for i, j, name, constants in functions:
        torch_form, sympy_form, _, guarded = kan.SYMBOLIC_LIB[name]
        # Set by hand, since pykan's own fix_symbolic fits and prints.
        symbolic.mask[j, i] = 1.0
        symbolic.affine[j, i] = constants.to(symbolic.affine)
        symbolic.funs_name[j][i] = name
        symbolic.funs[j][i] = torch_form
        symbolic.funs_sympy[j][i] = sympy_form
        symbolic.funs_avoid_singularity[j][i] = guarded
