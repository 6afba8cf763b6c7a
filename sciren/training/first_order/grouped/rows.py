"""The rows of a group of members, held once where members share them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from sciren.comparison import Observations
from sciren.data.table import Table
from sciren.kernels.row_share import RowShare
from sciren.training.member import Member

Part = Callable[[Member], Table]


class Batch(NamedTuple):
    """Some rows of every stream.

    Attributes:
        rows: (U, B) positions in the features, (1, B) where all streams share them.
        forcings: name -> (U, B, ...) or (1, B, ...).
        values: (U, m, B, t) targets; U and m are 1 where they are shared.
        weights: same shape, or None where every observation counts alike.
        share: where other processes hold the other rows of the batch.
    """

    rows: Tensor
    forcings: Mapping[str, Tensor]
    values: Tensor
    weights: Tensor | None
    share: RowShare | None = None

    def split(self, sizes: Sequence[int]) -> "list[Batch]":
        """Return batches of so many of the rows each, one after the other."""
        rows, values = self.rows.split(sizes, 1), self.values.split(sizes, 2)
        weights = (
            [None] * len(sizes)
            if self.weights is None
            else self.weights.split(sizes, 2)
        )
        forcings = {name: part.split(sizes, 1) for name, part in self.forcings.items()}
        return [
            Batch(
                rows[k], {name: part[k] for name, part in forcings.items()}, values[k],
                weights[k], self.share,
            )
            for k in range(len(sizes))
        ]  # fmt: skip


@dataclass(frozen=True)
class GroupRows:
    """Rows of U streams with m members each, in one precision and on one device.

    Attributes:
        features: (T, d) scaled rows of all different tables, one after the other.
        forcings: name -> (T, ...).
        values, weights: (S, t) targets of all different tables; weights may be None.
        starts: (U,) where the rows of a stream start in the features; (1,) if all share.
        target_starts: (U, m), (U, 1) where the members of a stream share targets, or
            (1, 1) where all do.
        count: rows of every stream.
    """

    features: Tensor
    forcings: Mapping[str, Tensor]
    values: Tensor
    weights: Tensor | None
    starts: Tensor
    target_starts: Tensor
    count: int

    @classmethod
    def of(
        cls,
        members: Sequence[Member],
        streams: int,
        part: Part,
        like: Tensor,
        factors: Sequence[Tensor | None],
    ) -> "GroupRows":
        """Collect the tables of the members, in the order of the streams.

        Args:
            members: M of them, M / streams on each stream.
            part: the table of a member that is meant.
            like: gives precision and device.
            factors: (n, t) on the weights of the observations of each member, or None.
        """
        each = len(members) // streams
        inputs, outputs = _Distinct(), _Distinct()
        for number, member in enumerate(members):
            table = part(member)
            # Features and forcings are the same within a stream; targets may differ by
            # member.
            if number % each == 0:
                scaled = member.model.encoder_inputs(table.features).to(like)
                forcings = [table.forcings[name].to(like) for name in _used(member)]
                inputs.add([scaled, *forcings])
            observations = Observations.of(table, member.scale)
            factor = factors[number]
            observations = (
                observations if factor is None else observations.reweighted(factor)
            )
            outputs.add([observations.values.to(like), observations.weights.to(like)])
        values, weights = outputs.joined()
        features, *forcings = inputs.joined()
        target_starts = torch.tensor(outputs.starts, device=like.device).view(
            streams, each
        )
        # Size one broadcasts: shared targets are read once, not once a member.
        if bool((target_starts == target_starts[:, :1]).all()):
            target_starts = target_starts[:, :1]
            if len(set(outputs.starts)) == 1:
                target_starts = target_starts[:1]
        return cls(
            features,
            dict(zip(_used(members[0]), forcings, strict=True)),
            values,
            None if bool((weights == 1).all()) else weights,
            torch.tensor(_shared(inputs.starts), device=like.device),
            target_starts,
            len(part(members[0])),
        )

    def take(self, order: Tensor) -> Batch:
        """Return rows of every stream.

        Args:
            order: (U, B) positions inside the stream's table, or (1, B) for all.
        """
        rows = self.starts.unsqueeze(1) + order
        # (U, m, 1) + (U, 1, B): the rows of each member in the joined targets.
        targets = self.target_starts.unsqueeze(2) + order.unsqueeze(1)
        shape = (*targets.shape, self.values.shape[-1])
        # One gather along the first axis serves all streams.
        flat, wanted = rows.view(-1), targets.reshape(-1)
        return Batch(
            rows,
            {
                name: part.index_select(0, flat).view(*rows.shape, *part.shape[1:])
                for name, part in self.forcings.items()
            },
            self.values.index_select(0, wanted).view(shape),
            None
            if self.weights is None
            else self.weights.index_select(0, wanted).view(shape),
        )


def _shared(starts: list[int]) -> list[int]:
    return starts[:1] if len(set(starts)) == 1 else starts


def _used(member: Member) -> tuple[str, ...]:
    return tuple(member.model.decoder.forcings)


class _Distinct:
    """Tables that are kept once, and where each of them starts."""

    def __init__(self) -> None:
        self.kept: list[list[Tensor]] = []
        self.offsets: list[int] = []
        self.starts: list[int] = []

    def add(self, parts: list[Tensor]) -> None:
        for old, start in zip(self.kept, self.offsets, strict=True):
            # By their numbers: members made one by one hold copies of the same table.
            if all(same(a, b) for a, b in zip(old, parts, strict=True)):
                self.starts.append(start)
                return
        rows = sum(len(old[0]) for old in self.kept)
        self.kept.append(parts)
        self.offsets.append(rows)
        self.starts.append(rows)

    def joined(self) -> list[Tensor]:
        if len(self.kept) == 1:
            return self.kept[0]
        return [torch.cat(column) for column in zip(*self.kept, strict=True)]


def same(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors hold the same numbers."""
    if left is right:
        return True
    return left.shape == right.shape and torch.equal(left, right)
