"""All numbers of a group in one vector, each with the member that owns it."""

from collections.abc import Sequence

import torch
from torch import Tensor


class FlatState:
    """Tensors as views into one vector, so that one operation moves them all.

    Args:
        tensors: start values, copied; one precision, one device.
        owners: for each a tensor that broadcasts to its shape, the member (int64) that
            every number belongs to.
        like: gives precision and device where there are no tensors.
    Attributes:
        vector: (p,) all numbers.
        owner: (p,) the member of each.
        views: the tensors, in the given shapes; changing the vector changes them.
    """

    def __init__(
        self, tensors: Sequence[Tensor], owners: Sequence[Tensor], like: Tensor
    ) -> None:
        empty = like.new_empty(0)
        flat = [tensor.detach().reshape(-1) for tensor in tensors]
        self.vector = torch.cat([empty, *flat])
        spread = [
            owner.to(like.device).expand(tensor.shape).reshape(-1)
            for owner, tensor in zip(owners, tensors, strict=True)
        ]
        none = torch.empty(0, dtype=torch.int64, device=like.device)
        self.owner = torch.cat([none, *spread])
        self.shapes = [tensor.shape for tensor in tensors]
        self.views = self.split(self.vector)

    def split(self, vector: Tensor) -> list[Tensor]:
        """Return another vector of the same layout as tensors, without copying."""
        sizes = [shape.numel() for shape in self.shapes]
        parts = vector.split(sizes)
        return [part.view(s) for part, s in zip(parts, self.shapes, strict=True)]

    def load(self, tensors: Sequence[Tensor]) -> None:
        """Overwrite all numbers."""
        if tensors:
            self.vector.copy_(torch.cat([tensor.reshape(-1) for tensor in tensors]))

    def copy_to(self, other: Tensor, members: Tensor) -> None:
        """Overwrite another vector's numbers of the members that are flagged, (M,) bool."""
        if len(members) == 1:
            other.copy_(self.vector)
            return
        torch.where(members[self.owner], self.vector, other, out=other)
