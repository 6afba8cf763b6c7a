"""The observed loss of rows: gradients, weights, what is not observed."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.comparison import ResidualScale
from sciren.constraints import HardSigmoid, Identity, ReLU, Sigmoid, Softplus
from sciren.data.table import Table
from sciren.decoders import Q10Respiration, process_model
from sciren.decoders.process import IdentityDecoder
from sciren.encoders import KANEncoder
from sciren.model import ScIReN
from sciren.parameters import Parameter
from sciren.solvers.process_term import ProcessTerm

BOTH = torch.arange(2)


def term_of(make, table, constraint="auto", kind="identity", violation=1.0, **more):
    model = ScIReN(KANEncoder(2, 2, grid=3), constraint, make.exchange)
    model.output_scale.copy_(torch.tensor([0.7, 1.3]))
    scale = ResidualScale.fit(table.targets, kind)
    return ProcessTerm(model, table, scale, violation, **more)


def point(make, rows, seed=0, spread=1.0):
    """Raw latents and constants of two members, away from kinks."""
    raw = spread * make.normals(2, rows, 2, seed=seed)
    raw[..., 0] += 2
    return raw, 0.3 * make.normals(2, 2, seed=seed + 1)


def differences(function, x, step=1e-6):
    """Central differences of function (S,) by every entry of x (S, ...)."""
    found = torch.zeros_like(x)
    flat = found.view(len(x), -1)
    for k in range(flat.shape[1]):
        shift = torch.zeros_like(flat)
        shift[:, k] = step
        shift = shift.view_as(x)
        flat[:, k] = (function(x + shift) - function(x - shift)) / (2 * step)
    return found


CONSTRAINTS = {
    "auto": "auto",
    "identity": Identity(),
    "smooth": {"gain": Softplus(), "share": Sigmoid(0.5)},
    "clipped": {"gain": ReLU(), "share": HardSigmoid()},
}


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("kind", ["identity", "log"])
@pytest.mark.parametrize("violation", [0.0, 2.5])
def test_gradients_are_those_of_the_loss(make, constraint, kind, violation):
    rows = 12
    table = replace(
        make.exchanged(rows), weights=torch.linspace(0, 2, rows, dtype=torch.float64)
    )
    table.targets[:] = table.targets.abs() + 0.1
    term = term_of(
        make,
        table,
        CONSTRAINTS[constraint],
        kind,
        violation,
        row_weights=make.normals(2, rows, seed=5).abs(),
        noise_weights=make.normals(rows, 2, seed=6).abs(),
    )
    raw, constants = point(make, rows, spread=3.0)
    local = term.local(raw, constants, BOTH)
    torch.testing.assert_close(local.loss, term.loss(raw, constants, BOTH))
    by_raw = differences(lambda x: term.loss(x, constants, BOTH), raw)
    by_constants = differences(lambda x: term.loss(raw, x, BOTH), constants)
    close = {"rtol": 1e-5, "atol": 1e-8 * max(1.0, float(local.loss.max()))}
    torch.testing.assert_close(2 * local.gradient[..., :2], by_raw, **close)
    torch.testing.assert_close(
        2 * local.gradient[..., 2:].sum(1), by_constants, **close
    )


def test_the_curvature_is_that_of_the_residuals(make):
    rows = 9
    table = make.exchanged(rows)
    term = term_of(make, table, violation=0.0)
    raw, constants = point(make, rows)
    local = term.local(raw, constants, BOTH)
    weights = term.observations.weights / term.observations.weights.sum()
    columns = []
    for knob in range(4):
        step = torch.zeros(4, dtype=torch.float64)
        step[knob] = 1e-6
        up = term.residual(raw + step[:2], constants + step[2:])
        down = term.residual(raw - step[:2], constants - step[2:])
        columns.append((up - down) / 2e-6)
    jacobian = torch.stack(columns, -1)
    expected = torch.einsum("nt,sntp,sntq->snpq", weights, jacobian, jacobian)
    torch.testing.assert_close(local.curvature, expected, rtol=1e-5, atol=1e-9)


def test_the_violation_is_counted_in_units_of_the_latent(make):
    rows = 4
    term = term_of(make, make.exchanged(rows), violation=3.0)
    raw = torch.zeros(1, rows, 2, dtype=torch.float64)
    raw[0, 1] = torch.tensor([-1.4, 5.6])  # beyond low = 0 by 1.4, beyond 3 by 2.6
    inside = term_of(make, make.exchanged(rows), violation=0.0)
    constants, member = torch.zeros(1, 2, dtype=torch.float64), BOTH[:1]
    gap = term.loss(raw, constants, member) - inside.loss(raw, constants, member)
    assert float(gap) == pytest.approx(3 * ((1.4 / 0.7) ** 2 + (2.6 / 1.3) ** 2) / rows)


# -- weights ------------------------------------------------------------------------
@settings(max_examples=20)
@given(st.lists(st.integers(0, 3), min_size=10, max_size=10), st.integers(0, 99))
def test_whole_weights_are_repeated_rows(make, times, seed):
    table = make.exchanged(10, seed)
    raw, constants = point(make, 10, seed)
    if not bool((~table.targets.isnan()).any(1)[torch.tensor(times) > 0].any()):
        return
    weights = torch.tensor(times, dtype=torch.float64).expand(2, -1)
    weighted = term_of(make, table, violation=0.0, row_weights=weights)
    rows = torch.arange(10).repeat_interleave(torch.tensor(times))
    repeated = ProcessTerm(
        weighted.model, table.take(rows), weighted.observations.scale, 0.0
    )
    torch.testing.assert_close(
        weighted.loss(raw, constants, BOTH),
        repeated.loss(raw[:, rows], constants, BOTH),
    )
    one, other = (
        weighted.local(raw, constants, BOTH),
        repeated.local(raw[:, rows], constants, BOTH),
    )
    torch.testing.assert_close(one.gradient.sum(1), other.gradient.sum(1))
    torch.testing.assert_close(one.curvature.sum(1), other.curvature.sum(1))


def test_row_weights_follow_their_members(make):
    table = make.exchanged(10)
    weights = make.normals(2, 10, seed=3).abs()
    both = term_of(make, table, row_weights=weights)
    raw, constants = point(make, 10)
    expected = both.loss(raw, constants, BOTH)
    for k in range(2):
        one = term_of(make, table, row_weights=weights[k : k + 1])
        part = slice(k, k + 1)
        alone = one.loss(raw[part], constants[part], BOTH[:1])
        torch.testing.assert_close(alone, expected[part])
        picked = both.loss(raw[part], constants[part], torch.tensor([k]))
        torch.testing.assert_close(picked, expected[part])
    torch.testing.assert_close(
        both.with_row_weights(None).loss(raw, constants, BOTH),
        term_of(make, table).loss(raw, constants, BOTH),
    )


def test_some_of_the_rows_are_the_table_of_these_rows(make):
    table = make.exchanged(30)
    weights = make.normals(2, 30, seed=3).abs()
    noise = make.normals(30, 2, seed=4).abs()
    whole = term_of(make, table, row_weights=weights, noise_weights=noise)
    rows = torch.tensor([3, 29, 4, 11])
    part = ProcessTerm(
        whole.model,
        table.take(rows),
        whole.observations.scale,
        row_weights=weights[:, rows],
        noise_weights=noise[rows],
    )
    raw, constants = point(make, 4)
    taken = whole.take(rows)
    assert taken.n_rows == 4
    torch.testing.assert_close(
        taken.loss(raw, constants, BOTH), part.loss(raw, constants, BOTH)
    )
    assert whole.n_rows == 30
    plain = term_of(make, table).take(rows)
    assert plain.row_weights is None


def test_squares_by_row_add_up_to_the_loss(make):
    term = term_of(make, make.exchanged(20), violation=0.0)
    raw, constants = point(make, 20)
    squares, weights = term.data_by_row(raw, constants)
    assert squares.shape == (2, 20)
    torch.testing.assert_close(
        squares.sum(1) / weights.sum(), term.loss(raw, constants, BOTH)
    )


# -- what is not observed -----------------------------------------------------------
@process_model(
    [Parameter("a", low=0.0), Parameter("k", kind="constant", start=1.0)], ["t"], ["y"]
)
def ratio(p, f):
    return p.a * p.k / f.t


def ratio_term(make, observed):
    """Where t = 0 the process has no finite value."""
    table, _ = make.respiration(20)
    t = make.normals(20, seed=9)
    targets = 2 / t.unsqueeze(1)
    t[5] = 0.0
    targets[5] = 1.0 if observed else torch.nan
    table = replace(table, forcings={"t": t}, targets=targets, target_names=("y",))
    model = ScIReN(KANEncoder(3, 1, grid=3), "auto", ratio)
    return ProcessTerm(model, table, ResidualScale.fit(targets))


def test_rows_that_were_not_observed_do_not_count_even_without_a_value(make):
    term = ratio_term(make, observed=False)
    raw = 1 + make.normals(2, 20, 1).abs()
    constants = torch.ones(2, 1, dtype=torch.float64)
    kept = torch.tensor([k for k in range(20) if k != 5])
    one, other = (
        term.local(raw, constants, BOTH),
        term.take(kept).local(raw[:, kept], constants, BOTH),
    )
    torch.testing.assert_close(one.loss, other.loss)
    torch.testing.assert_close(one.gradient.sum(1), other.gradient.sum(1))
    torch.testing.assert_close(one.curvature.sum(1), other.curvature.sum(1))
    assert bool((one.gradient[:, 5] == 0).all())


def test_a_prediction_without_a_value_has_infinite_loss(make):
    term = ratio_term(make, observed=True)
    raw, constants = 1 + make.normals(1, 20, 1).abs(), torch.ones(1, 1).double()
    assert float(term.loss(raw, constants, BOTH[:1])) == torch.inf


def test_a_constant_that_nothing_depends_on_has_no_gradient(make):
    @process_model(
        [Parameter("a"), Parameter("k", kind="constant")], forcings=[], targets=["y"]
    )
    def alone(p, f):
        return p.a

    table, _ = make.respiration(20)
    table = replace(table, target_names=("y",))
    model = ScIReN(KANEncoder(3, 1, grid=3), "auto", alone)
    term = ProcessTerm(model, table, ResidualScale.fit(table.targets))
    raw, constants = make.normals(2, 20, 1), torch.ones(2, 1).double()
    local = term.local(raw, constants, BOTH)
    assert bool((local.gradient[..., 1] == 0).all())
    assert bool((local.gradient[..., 0] != 0).any())


@pytest.mark.parametrize("kind", ["identity", "log", "asinh"])
@pytest.mark.parametrize("decoder", [Q10Respiration(), IdentityDecoder(["reco"])])
def test_slopes_that_a_process_model_gives_are_its_derivatives(make, decoder, kind):
    """As torch finds them, for several members, also where a target was not observed."""
    draws = make.normals(20, 5, seed=3)
    targets = draws[:, :1].exp()
    targets[4] = torch.nan
    table = Table(
        draws[:, 1:3], {"ta": 10 + 8 * draws[:, 3]}, targets, ("a", "b"), ("reco",)
    )
    model = ScIReN(KANEncoder(2, 1, grid=3), "auto", decoder)
    term = ProcessTerm(model, table, ResidualScale.fit(targets, kind))
    raw = make.normals(2, 20, 1, seed=4) + 1
    constants = 0.3 * make.normals(2, term.n_constants, seed=5)
    given, residual = term._known_jacobian(raw, constants)
    derived, same = term._derived_jacobian(raw, constants)
    observed = term.observations.weights > 0
    torch.testing.assert_close(given[:, observed[:, 0]], derived[:, observed[:, 0]])
    torch.testing.assert_close(residual, same)
    assert bool((term.jacobian(raw, constants)[0][:, 4] == 0).all())


def test_several_targets_leave_their_slopes_to_torch():
    assert IdentityDecoder(["a", "b"]).slopes(None, None) is None
