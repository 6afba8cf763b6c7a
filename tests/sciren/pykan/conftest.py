"""pykan models of every kind that is exchanged, with rows inside and outside their knots."""

from typing import Any, NamedTuple

import pytest
import torch

from sciren.pykan import contained
from sciren.pykan.quiet import import_pykan

FEATURES = ("sw_pot", "dsw_pot", "ta")


class Case(NamedTuple):
    model: Any
    rows: torch.Tensor
    kept: tuple[str, ...] | None = None
    base: str | None = None
    even: bool = False

    def outputs(self):
        with torch.no_grad():
            return self.model(self.rows).double()


def uniform(rows, size, seed=0, columns=3):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(rows, columns, generator=generator) * 2 - 1) * size


def build(kan, width=(3, 2, 1), seed=0, **settings):
    """Return a model with curves of size one (pykan's own start is almost zero)."""
    generator = torch.Generator().manual_seed(seed)
    with contained():
        model = kan.KAN(width=list(width), auto_save=False, **settings)
        for layer in model.act_fun:
            layer.coef.data = torch.randn(layer.coef.shape, generator=generator)
        model(uniform(200, 1.0, columns=model.width_in[0]))
    return model


def adaptive(kan, rows=None, **settings):
    model = build(kan, **settings)
    with contained():
        model.update_grid_from_samples(uniform(200, 1.0) if rows is None else rows)
    return model


def coinciding(kan):
    rows = uniform(200, 1.0)
    rows[:120] = 0.5  # several quantiles are the same number
    return adaptive(kan, rows, grid=5)


def trained(kan):
    model, rows = build(kan, width=(3, 3, 1), grid=4), uniform(200, 1.0)
    data = {"train_input": rows, "train_label": rows[:, [0]] * rows[:, [2]]}
    with contained():
        model.fit(data | {"test_input": rows, "test_label": rows[:, [0]]}, steps=6)
    return model


def pruned(kan):
    model = build(kan, width=(3, 3, 1))
    model.act_fun[0].coef.data[1] *= 1e-4
    model.act_fun[0].scale_base.data[1] *= 1e-4
    model.act_fun[1].coef.data[2] *= 1e-4
    model.act_fun[1].scale_base.data[2] *= 1e-4
    with contained(), torch.no_grad():  # what pykan keeps can then be copied
        model(uniform(200, 1.0))
        smaller = model.prune()
    assert smaller.width_in == [3, 2, 1]
    assert bool((smaller.act_fun[0].mask == 0).any())
    smaller.auto_save = False
    return smaller


def input_pruned(kan):
    model = adaptive(kan)
    with contained():
        smaller = model.prune_input(active_inputs=[2, 0])
    smaller.auto_save = False
    return smaller


def affine(kan):
    model = build(kan, affine_trainable=True)
    generator = torch.Generator().manual_seed(1)
    for name, values in model.named_parameters():
        if "node" in name:
            values.data += 0.5 * torch.randn(values.shape, generator=generator)
    return model


def symbolic(kan):
    model = build(kan, width=(3, 2, 2))
    with contained():
        model.fix_symbolic(0, 0, 0, "sin")
        model.fix_symbolic(0, 2, 1, "exp", fit_params_bool=False)
        model.fix_symbolic(1, 1, 0, "x^2", fit_params_bool=False)
        model.fix_symbolic(1, 0, 1, "0", fit_params_bool=False)
    model.act_fun[0].mask.data[2, 1] = 0.5  # curve and closed form on one edge
    return model


def kinds(kan):
    near, far = uniform(100, 1.0, seed=2), uniform(100, 3.0, seed=2)
    makers = {
        "plain": lambda: Case(build(kan), far, even=True),
        "identity base": lambda: Case(build(kan, base_fun="identity"), far, even=True),
        "zero base": lambda: Case(build(kan, base_fun="zero"), far, even=True),
        "grids by layer": lambda: Case(build(kan, grid=[4, 9]), far, even=True),
        "one layer": lambda: Case(build(kan, width=(3, 2)), far, even=True),
        "quadratic": lambda: Case(build(kan, k=2), far),
        "orders by layer": lambda: Case(build(kan, k=[1, 4]), far),
        "adaptive": lambda: Case(adaptive(kan, grid=5), far),
        "coinciding knots": lambda: Case(coinciding(kan), near),
        "trained": lambda: Case(trained(kan), far),
        "pruned": lambda: Case(pruned(kan), far, even=True),
        "input-pruned": lambda: Case(input_pruned(kan), far, ("ta", "sw_pot"), "silu"),
        "affine": lambda: Case(affine(kan), far, even=True),
        "symbolic": lambda: Case(symbolic(kan), near),
    }
    return makers


KINDS = tuple(kinds(None))


@pytest.fixture(scope="session")
def kan():
    return import_pykan()


@pytest.fixture(scope="session")
def made(kan):
    """Return the case of a kind; each is made once."""
    makers, known = kinds(kan), {}

    def get(kind):
        if kind not in known:
            known[kind] = makers[kind]()
        return known[kind]

    return get


@pytest.fixture(params=KINDS)
def case(request, made):
    return made(request.param)


@pytest.fixture(scope="session")
def plain(made):
    return made("plain").model


@pytest.fixture(scope="session")
def make(kan):
    """Return a builder of pykan models."""
    return lambda **settings: build(kan, **settings)


@pytest.fixture
def checkpoint(tmp_path):
    """Return a function that stores a model and gives the path."""

    def save(model):
        with contained():
            model.saveckpt(str(tmp_path / "mark"))
        return tmp_path / "mark"

    return save
