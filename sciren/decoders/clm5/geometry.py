"""Soil layers of CLM5: 20 used, one more that only closes the transport scheme.

Reference: CLM5 technical note, table of soil layers.
"""

import torch
from torch import Tensor

# Layers with carbon; days of CLM5's year, which knows no leap days.
LAYERS, DAYS = 20, 365.0

# node depth, lower interface and thickness in metres; the 21st closes the scheme
NODES = (
    0.01, 0.04, 0.09, 0.16, 0.26, 0.40, 0.58, 0.80, 1.06, 1.36, 1.70,
    2.08, 2.50, 2.99, 3.58, 4.27, 5.06, 5.95, 6.94, 8.03, 9.795,
)  # fmt: skip
INTERFACES = (
    0.02, 0.06, 0.12, 0.20, 0.32, 0.48, 0.68, 0.92, 1.20, 1.52, 1.88,
    2.28, 2.72, 3.26, 3.90, 4.64, 5.48, 6.42, 7.46, 8.60, 10.99,
)  # fmt: skip
THICKNESS = (
    0.02, 0.04, 0.06, 0.08, 0.12, 0.16, 0.20, 0.24, 0.28, 0.32, 0.36,
    0.40, 0.44, 0.54, 0.64, 0.74, 0.84, 0.94, 1.04, 1.14, 2.39,
)  # fmt: skip


def column(values: tuple[float, ...], like: Tensor, length: int = LAYERS) -> Tensor:
    """Return the first values as (length, 1), on the device of another tensor."""
    listed = torch.tensor(values[:length], dtype=torch.float64, device=like.device)
    return listed.unsqueeze(1)
