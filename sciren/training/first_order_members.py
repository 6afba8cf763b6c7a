"""Several models trained by gradients."""

from collections.abc import Sequence

from sciren.training.first_order import train_first_order
from sciren.training.member import Member
from sciren.training.progress import Progress


def train_members(members: Sequence[Member], progress: Progress | None = None) -> None:
    """Train every member in place, as `train_first_order` would train it alone.

    Args:
        members: with scaling, knots and starting values set.
        progress: who wants to hear about it.
    """
    for one in members:
        train_first_order(
            one.model, one.train, one.valid, one.config, one.history, progress
        )
