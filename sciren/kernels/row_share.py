"""Rows of one batch that several processes hold together: means and sums over all."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class RowShare:
    """The part of a batch that this process holds.

    Attributes:
        rows: of the whole batch, those that several processes hold counted for each.
        processes: that hold it.
        add: (tensor) -> its sum over the processes; all of them call it in one order.
        repeats: how many of them hold each row.
    """

    rows: int
    processes: int
    add: Callable[[Tensor], Tensor]
    repeats: int = 1


def row_mean(values: Tensor, share: RowShare | None) -> Tensor:
    """Return the mean (..., 1) of values (..., B) over the rows of all processes."""
    if share is None:
        return values.mean(-1, keepdim=True)
    return share.add(values.sum(-1, keepdim=True)) / share.rows


def row_total(sums: Tensor, share: RowShare | None) -> Tensor:
    """Return sums over the rows of this process as those over the rows of all."""
    return sums if share is None else share.add(sums)


def row_variance(values: Tensor, share: RowShare | None) -> Tensor:
    """Return the variance (...) of values (..., B) over the rows of all processes."""
    if share is None:
        return values.var(-1, correction=0)
    # In two passes: the mean of squares less the square of the mean would cancel.
    centred = values - row_mean(values, share)
    return row_mean(centred.square_(), share).squeeze(-1)
