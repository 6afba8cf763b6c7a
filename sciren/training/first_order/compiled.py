"""A whole training step as one compiled function: value, gradients and update."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sciren.training.first_order.adamw import BETAS, EPS
from sciren.training.first_order.grouped.networks import ModuleStack
from sciren.training.first_order.grouped.steps import GroupSteps

COMPILERS = ("c++", "g++", "clang++", "cl")
BACKEND = "inductor"
# Recompilations that torch allows. Its default of 8 is soon used up, because all trainings
# share one code object; beyond it `fullgraph` raises and other code runs uncompiled.
LIMIT = 256


class CompiledStep:
    """The step of a run on batches of its full size.

    The step is traced once with real numbers, so that process models of any Python run,
    as long as they do not decide by the values; then it is compiled. The first call takes
    seconds. What cannot be compiled says why once, and training goes on without.

    Args:
        run: its optimiser keeps rates and decays as (p,) or one number.
    Attributes:
        obstacle: why there is no compiled step, or "".
    """

    def __init__(self, run: GroupSteps) -> None:
        self.run = run
        self.obstacle = self._obstacle()
        self.names: list[str] = []
        self._call: Callable[..., Tensor] | None = None

    def _obstacle(self) -> str:
        if isinstance(self.run.stack, ModuleStack):
            kind = type(self.run.stack.encoders[0]).__name__
            return f"encoder {kind} is not known to it"
        on_cpu = self.run.gradient.device.type == "cpu"
        named = os.environ.get("CXX")
        if on_cpu and BACKEND == "inductor":
            compilers = (named,) if named else COMPILERS
            if not any(shutil.which(name) for name in compilers):
                return "no C++ compiler was found (set CXX)"
        return ""

    def step(self, order: Tensor) -> dict[str, Tensor] | None:
        """Take one step on rows (U, B); return the terms (M,), or None if it cannot.

        A step that fails has not moved anything.
        """
        if self.obstacle:
            return None
        if self._call is None and not self._build(order):
            return None
        assert self._call is not None
        table = self._call(*self._arguments(order))
        return dict(zip(self.names, table.unbind(0), strict=True))

    def _arguments(self, order: Tensor) -> list[Tensor]:
        run = self.run
        (optimiser,) = run.optimisers
        optimiser.steps += 1
        rate = run.rate()
        # A tensor, not a number: a number would be traced as a constant of the first
        # step.
        share = (
            rate
            if isinstance(rate, Tensor)
            else torch.tensor(rate, dtype=torch.float64)
        )
        return [
            run.numbers.vector, optimiser.first, optimiser.second, optimiser.count,
            run.stack.buffers.vector, share.to(order.device), order,
        ]  # fmt: skip

    def _build(self, order: Tensor) -> bool:
        """Trace and compile on copies; return whether that worked."""
        from torch.fx.experimental.proxy_tensor import make_fx

        steps = self.run.optimisers[0].steps
        try:
            _raise_limit()
            if self.run.sees_all:
                self.run.gradients(self.run.batch_of(self.run.whole))  # keeps the basis
            copies = [part.clone() for part in self._arguments(order)]
            # Tracing runs the step once and compiling once more, each on copies that
            # may be spoilt.
            traced = make_fx(self._whole)(*(part.clone() for part in copies))
            call = torch.compile(
                traced, backend=BACKEND, dynamic=False, fullgraph=True,
                options=_options(),
            )  # fmt: skip
            with torch.no_grad():
                call(*copies)
            self._call = torch.no_grad()(call)
        except Exception as error:  # compilers fail in many ways, and training goes on
            self.obstacle = f"{type(error).__name__}: {_first_line(error)}"
        finally:
            # The trial runs have counted steps and moved the views of the run.
            self.run.optimisers[0].steps = steps
            self._restore()
        return not self.obstacle

    # -- what is traced ---------------------------------------------------------------
    def _whole(self, *parts: Tensor) -> Tensor:
        """One step on given numbers; returns the terms, (terms, M)."""
        vector, first, second, count, buffers, share, order = parts
        run = self.run
        self._point_at(vector, buffers)
        batch = run.batch_of(run.whole) if run.sees_all else run.train.take(order)
        slopes, terms = run.gradients(batch)
        gradient = torch.cat([slope.detach().reshape(-1) for slope in slopes])
        self.names = list(terms)
        with torch.no_grad():
            self._move(vector, gradient, (first, second, count), share)
        return torch.stack([term.detach() for term in terms.values()])

    def _move(
        self, vector: Tensor, g: Tensor, state: tuple[Tensor, ...], share: Tensor
    ) -> None:
        first, second, count = state
        (optimiser,) = self.run.optimisers
        # The count is a tensor, so that the bias corrections grow with it in the
        # compiled code; in doubles, because 1 - b2^t is a small difference.
        (b1, b2), steps = BETAS, count.add_(1).double()
        rate = (share * optimiser.factor).to(g.dtype)
        first.lerp_(g, 1 - b1)
        second.mul_(b2).addcmul_(g, g, value=1 - b2)
        spread = (1 - b2**steps).sqrt().to(g.dtype)
        grown = (1 - b1**steps).to(g.dtype)
        if isinstance(optimiser.decay, Tensor) or optimiser.decay:
            vector.mul_(1 - rate * optimiser.decay)
        vector.sub_(rate * first / (second.sqrt() / spread + EPS) / grown)

    def _point_at(self, vector: Tensor, buffers: Tensor) -> None:
        """Make the modules of the run views of other vectors of weights and buffers."""
        run, stack = self.run, self.run.stack
        cut = len(vector) - run.constants.numel()
        stack.weights.views = stack.weights.split(vector[:cut])
        stack.buffers.views = stack.buffers.split(buffers)
        stack.adopt()
        # Constants follow the weights in the vector.
        leaf = vector[cut:].view_as(run.constants)
        run.leaf = leaf.detach().requires_grad_()

    def _restore(self) -> None:
        """Make the modules views of the vectors of the run again."""
        self._point_at(self.run.numbers.vector, self.run.stack.buffers.vector)
        self.run.stack.forget()


def _options() -> dict[str, Any] | None:
    """Leave out the checks before every call: a step only gets what it was traced with."""
    skip = getattr(torch.compiler, "skip_all_guards_unsafe", None)
    return {"guard_filter_fn": skip} if skip and BACKEND == "inductor" else None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no message"


def _raise_limit() -> None:
    import torch._dynamo

    settings: Any = torch._dynamo.config
    for name in ("recompile_limit", "cache_size_limit"):
        if hasattr(settings, name):
            setattr(settings, name, max(LIMIT, getattr(settings, name)))
