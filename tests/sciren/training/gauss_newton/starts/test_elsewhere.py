"""Constant latents are found from starts where the process is flat; equals leave them alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from sciren import functions as fn
from sciren.data.table import Table
from sciren.decoders import process_model
from sciren.parameters import Parameter
from sciren.processes import SHELF
from sciren.training.gauss_newton.starts import elsewhere
from sciren.training.gauss_newton.starts.level import fit_constant_latents

ONE = torch.zeros(1, dtype=torch.long)
RANGES = [(0.0, 10.0), (0.01, 1e4), (0.0, float("inf")), (-5.0, float("inf"))]
RANGES += [(-float("inf"), 3.0), (-float("inf"), float("inf")), (0.0, 1e6)]


def grown_trees(make, unit=1.0):
    """Sizes of trees over 1,600 days, which grow by 0.3 % a day."""
    days = torch.linspace(0, 1600, 120, dtype=torch.float64)
    size = 190 / (1 + 6 * torch.exp(-0.003 * days)) + make.normals(120, seed=3)
    x = make.normals(120, 2)
    return Table(x, {"t": days * unit}, size.unsqueeze(1), ("a", "b"), ("n",))


def growth(rate):
    """Return logistic growth whose rate starts at a value."""

    @process_model(
        [
            Parameter("r", low=1e-5, high=2, start=rate),
            Parameter("k", low=1e-3, high=1e6, start=100),
            Parameter("n0", low=1e-6, high=1e4, start=5, kind="constant"),
        ],
        ["t"],
        ["n"],
    )
    def logistic(p, f):
        return p.k / (1 + (p.k / p.n0 - 1) * fn.exp(-p.r * f.t))

    return logistic


def test_a_rate_without_a_slope_at_its_start_is_found(make):
    table = grown_trees(make)
    near = make.additive(table, decoder=growth(0.004))
    far = make.additive(table, decoder=growth(0.4))
    best = near.loss(fit_constant_latents(near), ONE)
    torch.testing.assert_close(
        far.loss(fit_constant_latents(far), ONE), best, rtol=1e-4, atol=0
    )


def test_a_start_that_the_data_do_not_mind_stays(make, monkeypatch):
    table = grown_trees(make)
    problem = make.additive(table, decoder=growth(0.004))
    with_others = fit_constant_latents(problem)
    monkeypatch.setattr(
        "sciren.training.gauss_newton.starts.level.better_start",
        lambda null, theta: theta,
    )
    # To the last bit: where several valleys are equal the user's start decides.
    assert torch.equal(with_others, fit_constant_latents(problem))


@given(
    ends=some.sampled_from(RANGES),
    share=some.floats(0.02, 0.98),
    draws=some.lists(some.floats(0, 1), min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_points_lie_inside_their_range(ends, share, draws):
    low, high = ends
    least, most = max(low, -4.0), min(high, 2.0 if low < 0 else 9.0)
    parameter = Parameter("a", low=low, high=high)
    start = least + share * (most - least)
    points = elsewhere._placed(torch.tensor(draws).double(), parameter, start)
    assert bool(torch.isfinite(points).all())
    assert bool(((points >= low) & (points <= high)).all())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["monod", "pk_two_oral", "decay_chain", "mod17"])
def test_processes_of_the_shelf_are_found_all_over_their_ranges(name, make):
    decoder, made = SHELF[name], torch.Generator().manual_seed(11)
    parameters = decoder.parameters

    def drawn(group):
        shares = torch.rand(20, len(group), generator=made, dtype=torch.float64)
        columns = [
            elsewhere._placed(shares[:, k], p, p.initial) for k, p in enumerate(group)
        ]
        return torch.stack(columns, 1) if columns else shares

    for latents, constants in zip(
        drawn(parameters.latents), drawn(parameters.constants), strict=True
    ):
        forcings = {
            forcing.name: forcing.low
            + (forcing.high - forcing.low)
            * torch.rand(200, generator=made, dtype=torch.float64)
            for forcing in decoder.forcing_table
        }
        targets = decoder.evaluate(latents.expand(200, -1), constants, forcings)
        if not bool(torch.isfinite(targets).all()) or float(targets.std(0).min()) == 0:
            continue
        noise = torch.randn(targets.shape, generator=made, dtype=torch.float64)
        targets = targets + 0.05 * targets.std(0) * noise
        table = Table(make.normals(200, 1), forcings, targets, ("a",), decoder.targets)
        problem = make.additive(table, decoder=decoder)
        # 5 % noise leaves a loss of 0.0025 on the scale of one deviation.
        assert float(problem.loss(fit_constant_latents(problem), ONE)) < 0.004
