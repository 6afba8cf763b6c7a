"""pykan as its authors use it: train, prune, train, auto_symbolic, train, formula."""

import time
import warnings
from importlib import import_module
from typing import Any

import sympy
import torch

from benchmarks.black_box import Seen, standardised
from benchmarks.cases import Case
from sciren.pykan import contained

LIBRARY = ["x", "x^2", "exp", "log", "abs"]
HIDDEN = 3
ROWS_FOR_SYMBOLS = 400  # auto_symbolic compares families on the rows it saw last
SPARSITY = 1e-3  # weight of the L1 and entropy penalty, lamb of pykan


def kan_formula(case: Case, budget: float) -> tuple[sympy.Expr, dict[str, float]]:
    """Return the formula that pykan 0.2.8 writes, and the process constants.

    A third of the budget each for sparse training, training after pruning, and the
    refit after auto_symbolic; what auto_symbolic takes comes on top.
    """
    with contained(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pykan takes any for a formula that failed
        kan = import_module("kan")
        seen, x = Seen(case), standardised(case).float()
        log_constants = seen.start.log().clone().requires_grad_()
        trainer = _Trainer(seen, x, log_constants)
        with torch.random.fork_rng(devices=[]):
            model = kan.KAN([x.shape[1], HIDDEN, 1], grid=5, seed=0, auto_save=False)
            trainer.train(model, SPARSITY, budget / 3)
            model(x)
            model = model.prune()
            trainer.train(model, 0.0, budget / 3)
            model(x[:ROWS_FOR_SYMBOLS])
            model.auto_symbolic(lib=LIBRARY, verbose=0)
            trainer.train(model, 0.0, budget / 3)
        written = model.symbolic_formula()
        if written is None:
            raise ValueError("pykan could not write its formula")
        raw = written[0][0]
    values = torch.as_tensor(case.features)
    shift, spread = values.mean(0).tolist(), values.std(0).tolist()
    symbols = {
        sympy.Symbol(f"x_{i + 1}"): (symbol - shift[i]) / spread[i]
        for i, symbol in enumerate(case.symbols)
    }
    formula = trainer.offset + trainer.scale * raw.xreplace(symbols)
    constants = log_constants.detach().exp().tolist()
    return formula, dict(zip(seen.names, constants, strict=True))


class _Trainer:
    """L-BFGS of pykan on the loss of a case, stopped by CPU time."""

    def __init__(self, seen: Seen, x: Any, log_constants: Any) -> None:
        self.seen, self.x, self.log_constants = seen, x, log_constants
        self.scale = seen.scale()
        through = seen.case.process is not None
        self.offset = self.scale if through else float(seen.target.mean())

    def train(self, model: Any, sparsity: float, budget: float) -> None:
        from kan.LBFGS import LBFGS

        free = [p for p in model.parameters() if p.requires_grad]
        if len(self.log_constants):
            free.append(self.log_constants)
        optimiser = LBFGS(
            free, lr=1, max_iter=5, history_size=10, line_search_fn="strong_wolfe",
            tolerance_grad=1e-32, tolerance_change=1e-32,
        )  # fmt: skip
        start = time.process_time()

        def objective() -> Any:
            optimiser.zero_grad()
            latent = self.offset + self.scale * model(self.x)[:, 0].double()
            if self.seen.case.process is not None:
                latent = latent.clamp_min(1e-3 * self.scale)
            loss = self.seen.loss(latent, self.log_constants).mean()
            if sparsity:
                penalty = model.reg("edge_forward_spline_n", 1.0, 2.0, 0.0, 0.0)
                loss = loss + sparsity * penalty
            loss.backward()
            return loss

        step = 0
        while time.process_time() - start < budget and step < 800:
            if sparsity and step < 100 and step % 10 == 0:
                model(self.x)
                model.update_grid(self.x)
            optimiser.step(objective)
            step += 1
