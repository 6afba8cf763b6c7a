"""Limited-memory BFGS for many members at once, each with steps of its own."""

from collections.abc import Callable

import torch
from torch import Tensor

MEMORY = 30  # pairs of steps and slopes; the simulated soil study was solved with 30
TRIALS = 25  # points of one line search, as in torch.optim.LBFGS
DECREASE, FLATTER = 1e-4, 0.9  # Armijo's and Wolfe's constants, Nocedal and Wright 3.1
# Least cosine of a step and its change of slope: keeps the metric positive
CURVED = 1e-10

Evaluate = Callable[[], tuple[Tensor, Tensor]]
Metric = Callable[[Tensor], Tensor]


class LBFGS:
    """A vector of parameters moved along quasi-Newton directions of every member.

        d = -H g,   H from the last 30 pairs (step, change of slope) around gamma P

    The step length satisfies the weak conditions of Wolfe, found by doubling and halving,
    which also works where the loss has kinks.

    Args:
        vector: (p,) parameters, changed in place.
        owner: (p,) the member of each.
        members: number M.
        metric: multiplies a vector (p,) by P, a symmetric positive approximation of the
            inverse Hessian that mixes no members; default the identity.
    Attributes:
        losses: (M,) and slopes (p,) at the present point, once known.
        lengths: (M,) of the last step, 1 for the quasi-Newton step; 0 where none was found.
    Reference: Nocedal and Wright 2006, chapter 7; Lewis and Overton 2013 (line search).
    """

    def __init__(
        self, vector: Tensor, owner: Tensor, members: int, metric: Metric | None = None
    ) -> None:
        self.vector, self.owner, self.members = vector, owner, members
        self.metric = metric or torch.clone
        self.losses: Tensor | None = None
        self.slopes = torch.zeros_like(vector)
        self.lengths = vector.new_zeros(members)
        self.steps: list[Tensor] = []
        self.changes: list[Tensor] = []

    def dot(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the inner products of every member's numbers, (M,)."""
        if self.members == 1:
            return (a @ b).unsqueeze(0)
        # Sums of a b by the owner of each number: members do not mix in any product.
        return a.new_zeros(self.members).index_add(0, self.owner, a * b)

    def _each(self, values: Tensor) -> Tensor:
        """Spread numbers (M,) over the vector; one member needs no spreading."""
        return values if self.members == 1 else values[self.owner]

    @torch.no_grad()
    def step(self, evaluate: Evaluate, moving: Tensor) -> None:
        """Move every moving member down along its direction.

        Args:
            evaluate: brings the vector back into its bounds, and returns losses (M,) and
                slopes (p,) there.
            moving: (M,) bool, members that may move.
        """
        if self.losses is None:
            self.losses, slopes = evaluate()
            self.slopes = slopes.clone()
        # Values and slopes of the last accepted point are known from its line search.
        before, slopes = self.losses, self.slopes
        start, direction = self.vector.clone(), self._direction()
        self._search(evaluate, moving, start, direction)
        assert self.losses is not None
        self._remember(self.vector - start, self.slopes - slopes)
        # A step that gained nothing was built on curvature of another place.
        lost = moving & ~(self.losses < before)
        if bool(lost.any()):
            self._forget(lost)

    def _direction(self) -> Tensor:
        """Return -H g by the two-loop recursion; -P g where that does not descend."""
        slopes, shares, pairs = self.slopes.clone(), [], self._pairs()
        for step, change, inverse in reversed(pairs):
            share = inverse * self.dot(step, slopes)
            slopes -= self._each(share) * change
            shares.append(share)
        direction = self._each(self._size()) * self.metric(slopes)
        for (step, change, inverse), share in zip(pairs, reversed(shares), strict=True):
            direction += (
                self._each(share - inverse * self.dot(change, direction)) * step
            )
        down = self.dot(direction, self.slopes) > 0
        if bool(down.all()):
            return -direction
        return -torch.where(self._each(down), direction, self.metric(self.slopes))

    def _pairs(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Steps, changes of slope and 1 / their product (M,), 0 where it is of no use."""
        pairs = []
        for step, change in zip(self.steps, self.changes, strict=True):
            product = self.dot(step, change)
            # A pair of a member that has forgotten it is zero, and leaves H as it is.
            useful = product > 0
            inverse = torch.where(useful, 1 / torch.where(useful, product, 1.0), 0.0)
            pairs.append((step, change, inverse))
        return pairs

    def _size(self) -> Tensor:
        """Return gamma (M,): curvature along the last useful step, in units of P."""
        size = self.vector.new_ones(self.members)
        for step, change in zip(self.steps[-3:], self.changes[-3:], strict=True):
            product = self.dot(step, change)
            metric_length = self.dot(change, self.metric(change))
            useful = (product > 0) & (metric_length > 0)
            ratio = product / torch.where(useful, metric_length, 1.0)
            # The last useful of the last three wins: in a kink the newest pair may be
            # dropped.
            size = torch.where(useful, ratio, size)
        return size

    def _remember(self, step: Tensor, change: Tensor) -> None:
        product = self.dot(step, change)
        size = (self.dot(step, step) * self.dot(change, change)).sqrt()
        useful = self._each(product > CURVED * size)
        self.steps.append(torch.where(useful, step, 0.0))
        self.changes.append(torch.where(useful, change, 0.0))
        del self.steps[:-MEMORY], self.changes[:-MEMORY]

    def _forget(self, members: Tensor) -> None:
        """Start the memory of some members anew."""
        kept = self._each(~members)
        for listed in (self.steps, self.changes):
            listed[:] = [torch.where(kept, tensor, 0.0) for tensor in listed]

    def _search(
        self, evaluate: Evaluate, moving: Tensor, start: Tensor, direction: Tensor
    ) -> None:
        """Move to a point of lower loss on each member's line, or stay."""
        first, along = self.losses, self.dot(direction, self.slopes)
        assert first is not None
        length = torch.where(moving & (along < 0), 1.0, 0.0)
        # Bracket of each member: low satisfies the decrease, high does not; infinite
        # until met.
        low, high = torch.zeros_like(length), torch.full_like(length, torch.inf)
        reached, searching = torch.zeros_like(length), length > 0
        for _ in range(TRIALS):
            self.vector.copy_(start + self._each(length) * direction)
            losses, slopes = evaluate()
            # By the step that bounds have left, not by the step that was asked for.
            expected = self.dot(self.vector - start, self.slopes)
            lower = losses <= first + DECREASE * expected
            steep = self.dot(direction, slopes) < FLATTER * along
            reached = torch.where(searching & lower, length, reached)
            searching = searching & (~lower | steep)
            if not bool(searching.any()):
                break
            low, high = (
                torch.where(searching & lower, length, low),
                torch.where(searching & ~lower, length, high),
            )
            # Doubling until a point is too far, then halving: no slope is trusted that was
            # taken beyond a kink of the process model.
            wider = torch.where(torch.isinf(high), 2 * low, (low + high) / 2)
            length = torch.where(searching, wider, reached)
        else:
            self.vector.copy_(start + self._each(reached) * direction)
            losses, slopes = evaluate()
        self.losses, self.slopes, self.lengths = losses, slopes.clone(), reached

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next step depends on, beside the vector."""
        if self.losses is None:
            return {}
        return {
            "losses": self.losses,
            "slopes": self.slopes,
            "steps": torch.stack(self.steps),
            "changes": torch.stack(self.changes),
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Continue from what `state` returned."""
        if not state:
            return
        self.losses = state["losses"].to(self.vector)
        self.slopes = state["slopes"].to(self.vector)
        self.steps = list(state["steps"].to(self.vector).unbind(0))
        self.changes = list(state["changes"].to(self.vector).unbind(0))
