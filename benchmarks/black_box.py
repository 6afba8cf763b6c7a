"""What a user does today: a black box in front of the process, trained end to end."""

import time

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.cases import Case

WIDTH = 32
VALID_SHARE = 0.2
STEPS = 4000


class Seen:
    """Observed target of a case behind its process, as tensors.

    Args:
        case: with or without a process.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.target = torch.as_tensor(case.target)
        self.weight = 1.0 / self.target.abs().clamp_min(
            0.02 * self.target.abs().median()
        )
        self.forcings = {name: torch.as_tensor(v) for name, v in case.forcings.items()}
        self.names = tuple(case.constants)
        process = case.process
        starts = [] if process is None else process.parameters.constants
        self.start = torch.tensor([p.start for p in starts], dtype=torch.float64)

    def loss(self, latent: Tensor, log_constants: Tensor) -> Tensor:
        """Squared errors (n,): relative through a process, else over the deviation."""
        if self.case.process is None:
            return ((latent - self.target) / self.target.std()) ** 2
        constants = log_constants.exp()
        raw = latent.unsqueeze(1)
        seen = self.case.process.evaluate(raw, constants, self.forcings)[:, 0]
        return ((seen - self.target) * self.weight) ** 2

    def scale(self) -> float:
        """Return the one latent for all rows that is the least wrong."""
        if self.case.process is None:
            return float(self.target.std())
        tried = np.geomspace(1e-3, 1e3, 241)
        losses = [
            float(self.loss(torch.full_like(self.target, v), self.start.log()).mean())
            for v in tried
        ]
        return float(tried[int(np.nanargmin(losses))])


def standardised(case: Case) -> Tensor:
    """Return the features (n, d) with mean zero and deviation one."""
    x = torch.as_tensor(case.features)
    return (x - x.mean(0)) / x.std(0)


def latents_through(case: Case, budget: float) -> tuple[np.ndarray, dict[str, float]]:
    """Train a small network through the process; return its latents and the constants.

    Adam with a cosine schedule on 80 % of the rows; the rest chooses the step.
    """
    generator = torch.Generator().manual_seed(0)
    seen, x = Seen(case), standardised(case)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Linear(x.shape[1], WIDTH), nn.SiLU(),
            nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, 1),
        ).double()  # fmt: skip
    scale = seen.scale()
    log_constants = seen.start.log().clone().requires_grad_()
    valid = torch.rand(len(x), generator=generator) < VALID_SHARE
    optimiser = torch.optim.Adam([*network.parameters(), log_constants], lr=1e-2)

    def latent() -> Tensor:
        return scale * nn.functional.softplus(network(x)[:, 0] + 0.5413)

    start, best, kept = time.process_time(), np.inf, (latent().detach(), seen.start)
    for _ in range(STEPS):
        used = (time.process_time() - start) / budget
        if used >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = 5e-3 * (1.0 + np.cos(np.pi * used)) + 1e-5
        optimiser.zero_grad()
        now = latent()
        errors = seen.loss(now, log_constants)
        errors[~valid].mean().backward()
        checked = float(errors[valid].detach().mean())
        if checked < best:
            best = checked
            kept = now.detach().clone(), log_constants.detach().exp()
        optimiser.step()
    constants = dict(zip(seen.names, kept[1].tolist(), strict=True))
    return kept[0].numpy(), constants
