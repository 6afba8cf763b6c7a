"""The functions that pykan's symbolic edges are named after, as it computes them."""

from collections.abc import Callable

import torch
from torch import Tensor

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "x": lambda u: u,
    "x^2": lambda u: u**2,
    "x^3": lambda u: u**3,
    "x^4": lambda u: u**4,
    "x^5": lambda u: u**5,
    "1/x": lambda u: 1 / u,
    "1/x^2": lambda u: 1 / u**2,
    "1/x^3": lambda u: 1 / u**3,
    "1/x^4": lambda u: 1 / u**4,
    "1/x^5": lambda u: 1 / u**5,
    "sqrt": torch.sqrt,
    "x^0.5": torch.sqrt,
    "x^1.5": lambda u: torch.sqrt(u) ** 3,
    "1/sqrt(x)": lambda u: 1 / torch.sqrt(u),
    "1/x^0.5": lambda u: 1 / torch.sqrt(u),
    "exp": torch.exp,
    "log": torch.log,
    "abs": torch.abs,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "tanh": torch.tanh,
    "sgn": torch.sign,
    "arcsin": torch.arcsin,
    "arccos": torch.arccos,
    "arctan": torch.arctan,
    "arctanh": torch.arctanh,
    "0": lambda u: u * 0,
    "gaussian": lambda u: torch.exp(-(u**2)),
}
"""Name -> f of c f(a u + b) + d; log of a negative number is nan, as in pykan."""
