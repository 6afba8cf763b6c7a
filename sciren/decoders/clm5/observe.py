"""From layers to observations: values at depths and stocks down to a depth."""

import torch
from torch import Tensor

from sciren.decoders.clm5.geometry import INTERFACES, LAYERS, NODES, THICKNESS, column
from sciren.errors import DataError, ShapeError

DEEPEST = 20.0  # m; deeper than any profile, so a value beyond is in centimetres


def check_depths(depth: Tensor) -> None:
    """Raise DataError unless depths (n, ...) are usable; nan is not observed.

    Raises:
        DataError: negative, above 20 m, or no depth at all.
    """
    wrong = (depth < 0) | (depth > DEEPEST)
    if bool(wrong.any()):
        place = wrong.nonzero()[0].tolist()
        value = float(depth[tuple(place)])
        raise DataError(
            f"depth of row {place[0]} is {value:g}; depths are metres below the surface, "
            f"0 to {DEEPEST:g} (divide centimetres by 100)"
        )
    if depth.numel() and bool(torch.isnan(depth).all()):
        raise DataError(
            f"none of the {depth.numel()} depths is usable (all are nan); give at least "
            "one observation depth in metres"
        )


def depth_weights(depth: Tensor) -> tuple[Tensor, Tensor]:
    """Return the layer above and the weight of the layer below, same shape as depth.

    Linear between node depths, constant above the first and below the last node; the
    weight is nan where the depth is. Constants of a data set: compute them once.
    """
    nodes = torch.tensor(NODES[:LAYERS], dtype=torch.float64, device=depth.device)
    filled = torch.nan_to_num(depth.double(), nan=0.0).contiguous()
    # Clamped so that a layer below exists; beyond the nodes the weight is held at 0 or
    # 1.
    index = (torch.searchsorted(nodes, filled, right=True) - 1).clamp(0, LAYERS - 2)
    weight = (filled - nodes[index]) / (nodes[index + 1] - nodes[index])
    weight = weight.clamp(0.0, 1.0)
    return index, torch.where(torch.isnan(depth), torch.nan, weight)


def interpolate(soc: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Values (n, k) at depths, from layers (n, 20) and the weights of those depths."""
    above, below = soc.gather(1, index), soc.gather(1, index + 1)
    share = torch.nan_to_num(weight)  # so that no nan enters the gradients
    # not a + w (b - a), which loses b where it is far below a
    values = (1 - share) * above + share * below
    return torch.where(torch.isnan(weight), torch.nan, values)


def at_depth(soc: Tensor, depth: Tensor) -> Tensor:
    """Soil organic carbon at observation depths.

    Args:
        soc: (n, 20) by layer, gC m-3.
        depth: (n,) or (n, k), m; nan gives nan.
    Returns:
        Same shape as depth, gC m-3.
    Raises:
        ShapeError: not one row of depths a site.
        DataError: depths are negative, above 20 m or all missing.
    """
    depth = torch.as_tensor(depth, dtype=torch.float64, device=soc.device)
    if depth.dim() not in (1, 2) or len(depth) != len(soc):
        raise ShapeError(
            f"depths have shape {tuple(depth.shape)} for {len(soc)} sites; give (sites,) "
            "or (sites, depths), padded with nan"
        )
    check_depths(depth)
    index, weight = depth_weights(depth.reshape(len(soc), -1))
    return interpolate(soc, index, weight).reshape(depth.shape)


def stock(soc: Tensor, depth: float = INTERFACES[LAYERS - 1]) -> Tensor:
    """Carbon stock (n,) from the surface down to a depth in m, gC m-2.

    Layers count with the part of their thickness that lies above the depth.

    Args:
        soc: (n, 20), gC m-3.
    Raises:
        DataError: depth is not between 0 and 20 m.
    """
    check_depths(torch.tensor([depth], dtype=torch.float64))
    bottom = column(INTERFACES, soc)[:, 0]
    thick = column(THICKNESS, soc)[:, 0]
    inside = (depth - (bottom - thick)).clamp(min=0.0)
    return soc @ torch.minimum(inside, thick)
