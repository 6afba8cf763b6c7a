"""Forcing is checked once; what cannot be used is named with its site and variable."""

import numpy as np
import pytest
import torch

from sciren.decoders.clm5 import CLM5Forcing, draw_forcing, usable_sites
from sciren.decoders.clm5.forcing import NEEDED
from sciren.errors import DataError, ShapeError


def arrays(n_sites=6):
    """Forcing as plain arrays that may be spoilt."""
    return {name: v.clone().numpy() for name, v in draw_forcing(n_sites, 1).items()}


def test_arrays_and_tensors_are_kept_as_float64_along_the_sites():
    forcing = CLM5Forcing.from_mapping(arrays() | {"sand": np.zeros((6, 20, 12))})
    assert len(forcing) == 6
    assert forcing.w_scalar.dtype == torch.float64
    assert forcing.w_scalar.shape == (6, 20, 12)
    assert forcing.w_scalar.stride(0) == 1
    np.testing.assert_array_equal(forcing.w_scalar, arrays()["w_scalar"])


def test_sites_can_be_taken_in_any_order():
    forcing = draw_forcing(8, 2)
    part = forcing.take(torch.tensor([5, 0, 5]))
    for name, value in forcing.items():
        assert torch.equal(getattr(part, name), value[[5, 0, 5]])
    assert torch.equal(part.to("cpu").o_scalar, part.o_scalar)


SPOILT = [
    (
        "o_scalar",
        np.nan,
        r"'o_scalar' of site 4 is missing \(nan\) at layer 2, month 3",
    ),
    (
        "input_litter2",
        -1.0,
        r"'input_litter2' of site 4 is -1 gC m-2 month-1 at month 2",
    ),
    ("input_cwd", np.inf, "'input_cwd' of site 4 is inf"),
    ("soil_temperature", 12.5, r"'soil_temperature' of site 4 is 12.5 K.*add 273.15"),
    ("w_scalar", 1.2, "'w_scalar' of site 4 is 1.2 at layer 2.*between 0 and 1"),
    ("n_scalar", -0.1, "'n_scalar' of site 4 is -0.1"),
    ("altmax_current", -2.0, "'altmax_current' of site 4 is -2 m"),
    ("nbedrock", 7.5, "'nbedrock' of site 4 is 7.5 layers.*whole number"),
    ("nbedrock", 40, "'nbedrock' of site 4 is 40 layers"),
]


@pytest.mark.parametrize(("name", "value", "message"), SPOILT)
def test_impossible_values_are_named(name, value, message):
    spoilt = arrays()
    place = (4, 2, 3) if spoilt[name].ndim == 3 else (4, 2)
    spoilt[name][place] = value
    with pytest.raises(DataError, match=message):
        CLM5Forcing(**spoilt)


def test_celsius_by_mistake_is_explained():
    spoilt = arrays()
    spoilt["soil_temperature"] -= 273.15
    with pytest.raises(DataError, match=r"site 0.*kelvin.*6 of 6 sites"):
        CLM5Forcing(**spoilt)


def test_sites_that_cannot_be_used_are_counted_once():
    spoilt = arrays()
    spoilt["w_scalar"][1, 3, 3] = np.nan
    spoilt["input_cwd"][[1, 4], 0] = np.nan
    spoilt["soil_temperature"][2] -= 273.15
    kept, counts = usable_sites(spoilt)
    assert kept.tolist() == [True, False, False, True, False, True]
    assert counts == {"input_cwd": 2, "soil_temperature": 1}
    CLM5Forcing(**{name: value[kept.numpy()] for name, value in spoilt.items()})


@pytest.mark.parametrize(
    ("name", "shape"),
    [("o_scalar", (6, 12, 20)), ("nbedrock", (6,)), ("nbedrock", (5, 12))],
)
def test_shapes_are_checked(name, shape):
    with pytest.raises(ShapeError, match=f"forcing '{name}' has shape .*6 sites need"):
        CLM5Forcing(**(arrays() | {name: np.ones(shape)}))


def test_missing_variables_are_named():
    part = {name: value for name, value in arrays().items() if name != "o_scalar"}
    with pytest.raises(DataError, match="lacks o_scalar; it needs input_cwd"):
        CLM5Forcing.from_mapping(part)


def test_drawn_forcing_is_plausible_and_reproducible():
    forcing, again = draw_forcing(600, 3), draw_forcing(600, 3)
    for name in NEEDED:
        assert torch.equal(getattr(forcing, name), getattr(again, name))
    warm = forcing.soil_temperature.mean((1, 2)) > 273.15
    assert bool((forcing.altmax_lastyear[~warm] < 20).all())
    assert 0.3 < float((forcing.nbedrock[:, 0] == 20).double().mean()) < 0.5
    assert float(forcing.altmax_lastyear.min()) == 0
