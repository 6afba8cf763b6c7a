"""The named functions are pykan's."""

import torch

from sciren.pykan.functions import FUNCTIONS


def test_the_library_is_pykans(kan):
    assert set(FUNCTIONS) == set(kan.SYMBOLIC_LIB)
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)
    for name, function in FUNCTIONS.items():
        expected = kan.SYMBOLIC_LIB[name][0](x)
        torch.testing.assert_close(
            function(x), expected, equal_nan=True, rtol=0, atol=0
        )
